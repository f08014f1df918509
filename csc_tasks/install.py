"""How this csconv was installed, hence how more of it is: the one place that says ``pip install``."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["install_hint"]

DISTRIBUTION = "csconv-eval"


def install_hint(*extras: str) -> str:
    """The command that adds these extras to the installed csconv.

    By name only where csconv came from a package index: no release has been published yet, and who installed
    from a checkout, a wheel or a repository installs the extra from there, too.
    """
    return _command().replace("[]", f"[{','.join(extras)}]")


@cache
def _command() -> str:
    """``pip install '…[]'`` with the source in the place of the dots."""
    # Every error can ask for a hint, few do.
    from importlib import metadata
    from urllib.request import url2pathname

    try:
        distribution = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        # Imported from a folder that was never installed.
        return _from_checkout(Path(__file__).resolve().parents[1])
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        url, folder = str(origin["url"]), origin.get("dir_info")
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"pip install '{DISTRIBUTION}[]'"
    if system := (origin.get("vcs_info") or {}).get("vcs"):
        return f"pip install '{DISTRIBUTION}[] @ {system}+{url}'"
    path = Path(url2pathname(urlsplit(url).path)) if url.startswith("file:") else None
    if path is None:
        return f"pip install '{DISTRIBUTION}[] @ {url}'"
    if folder is None:  # a wheel or an archive
        return f"pip install '{path}[]'" if path.is_file() else _from_checkout(None)
    return _from_checkout(path, editable=bool(folder.get("editable")))


def _from_checkout(path: Path | None, editable: bool = False) -> str:
    if path is None or not (path / "pyproject.toml").is_file():
        return "pip install '.[]' in a checkout of csconv's repository"
    return f"pip install {'-e ' if editable else ''}'{path}[]'"
