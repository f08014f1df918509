"""A file of a data set on ModelScope, over plain HTTP: fetched once, checked, and kept in csconv's cache."""

from __future__ import annotations

import http.client
import json
import logging
import os
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import IO

from csc_tasks.errors import SourceError
from csc_tasks.storage import cache_folder, write_file

__all__ = ["MODELSCOPE_REPO", "cached_file", "fetch", "proxied"]

logger = logging.getLogger(__name__)

MODELSCOPE_REPO = "tongyi_dianjin/DianJin-CSC-Data"
REVISION = "master"
LARGEST = 512 * 2**20
"""Bytes; the larger of the two files has 66 MB."""
TIMEOUT = 60
"""Seconds without a byte."""


def endpoint() -> str:
    """``MODELSCOPE_ENDPOINT``, or ``MODELSCOPE_DOMAIN`` as the modelscope package reads it, or the public site."""
    given = (
        os.environ.get("MODELSCOPE_ENDPOINT") or os.environ.get("MODELSCOPE_DOMAIN") or "www.modelscope.cn"
    )
    return (given if "://" in given else f"https://{given}").rstrip("/")


def cached_file(name: str) -> Path:
    """Where the file is kept."""
    return cache_folder() / "modelscope" / MODELSCOPE_REPO / REVISION / name


def fetch(name: str, ways_out: str) -> Path:
    """The local copy of a file; ModelScope is asked only where there is none.

    Args:
        name: the JSON file's path in the data set.
        ways_out: what the user can do where it cannot be had, a sentence for the end of the message.

    Raises:
        SourceError: the site cannot be reached, refuses, lacks the file, or sends something else.
    """
    path = cached_file(name)
    if path.is_file():
        logger.info("%s: from %s; remove it to fetch it again", name, path)
        return path
    what = f"{name} of {MODELSCOPE_REPO}"
    query = urllib.parse.urlencode({"Revision": REVISION, "FilePath": name})
    url = f"{endpoint()}/api/v1/datasets/{MODELSCOPE_REPO}/repo?{query}"
    try:
        data = _get(url)
    except urllib.error.HTTPError as error:
        with error:
            status = error.code
        if status == 404:
            raise SourceError(f"ModelScope has no {what} (404 from {endpoint()}). {ways_out}") from None
        if status in (401, 403):
            raise SourceError(f"ModelScope refuses {what} ({status} from {endpoint()}). {ways_out}") from None
        raise SourceError(f"ModelScope answered {status} for {what}. {ways_out}") from None
    except _Unusable as error:
        raise SourceError(f"ModelScope sent no usable {what}: {error}. {ways_out}") from None
    except http.client.IncompleteRead as error:
        read = len(error.partial)
        raise SourceError(
            f"{what} was cut off on its way from ModelScope after {read:,} bytes. {ways_out}"
        ) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise SourceError(
            f"cannot reach {endpoint()} for {what} ({reason}){proxied(url)}. {ways_out}"
        ) from None
    try:
        write_file(path, data)
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be written ({error.strerror}); CSCONV_CACHE names another folder"
        ) from None
    return path


class _Unusable(Exception):
    """What came is not the file; the message says what it is."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to https, and within the same host; a data set may lie on another machine, but not in the clear."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        to, of = urllib.parse.urlsplit(newurl), urllib.parse.urlsplit(req.full_url)
        if to.scheme != "https" and (to.scheme, to.netloc) != (of.scheme, of.netloc):
            raise _Unusable(
                f"a redirect to {to.scheme}://{to.netloc}, which is neither https nor the same host"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _get(url: str) -> bytes:
    """The whole body, which is a JSON array."""
    request = urllib.request.Request(url, headers={"User-Agent": "csconv", "Accept-Encoding": "identity"})
    with urllib.request.build_opener(_Redirects).open(request, timeout=TIMEOUT) as response:
        length = response.headers.get("Content-Length")
        if length and length.isdigit() and int(length) > LARGEST:
            raise _Unusable(f"{int(length):,} bytes, more than any file of this data set")
        data: bytes = response.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise _Unusable(f"more than {LARGEST:,} bytes")
    # read(n) does not complain of a body that ends early, as read() does.
    if length and length.isdigit() and len(data) < int(length):
        raise http.client.IncompleteRead(data, int(length) - len(data))
    _check(data)
    return data


def _check(data: bytes) -> None:
    start = data[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] == b"<":
        raise _Unusable("a web page, perhaps of a login or of a network that wants one")
    if start.startswith(b"version https://git-lfs"):
        raise _Unusable("a Git LFS pointer in the place of the file")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _Unusable(f"not JSON ({error})") from None
    if isinstance(content, dict):
        said = content.get("Message") or content.get("message") or ", ".join(map(str, content))
        raise _Unusable(f"an answer in its place: {str(said)[:200]}")
    if not isinstance(content, list) or not content:
        raise _Unusable("JSON, but no conversations")


def proxied(url: str) -> str:
    """The proxy between here and there, which may be what does not answer."""
    parts = urllib.parse.urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return ""
    host = urllib.parse.urlsplit(proxy if "://" in proxy else f"//{proxy}").netloc.rpartition("@")[2]
    return f", through the proxy {host} of your environment"
