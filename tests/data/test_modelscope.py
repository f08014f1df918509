"""ModelScope behind a local server: what it may send, what may happen on the way, and what the user is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from csc_tasks.data.sources import load
from csc_tasks.data.splits import Split
from csc_tasks.errors import SourceError

ROUTE = "/api/v1/datasets/tongyi_dianjin/DianJin-CSC-Data/repo"
MINI = load("mini").path.read_bytes()
BY_HAND = (
    r"by hand from https://huggingface\.co/datasets/DianJin/DianJin-CSC-Data or "
    r"https://modelscope\.cn/datasets/tongyi_dianjin/DianJin-CSC-Data and pass --metadata "
    r"csconv_data=/path/to/CSConv\.json \(or CSCONV_DATA\)"
)


@pytest.fixture
def site(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> HTTPServer:
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", httpserver.url_for("").rstrip("/"))
    monkeypatch.setenv("CSCONV_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "CSCONV_DATA", "CSCONV_TRAIN"):
        monkeypatch.delenv(name, raising=False)
    return httpserver


def serve(site: HTTPServer, answer: Response | Callable[[Request], Response]) -> None:
    handler = site.expect_request(re.compile(".*"))
    if isinstance(answer, Response):
        handler.respond_with_response(answer)
    else:
        handler.respond_with_handler(answer)


def cut(_: Request) -> Response:
    # From a list: werkzeug writes the length of bytes into the headers itself.
    return Response([MINI[:-500]], 200, headers={"Content-Length": str(len(MINI))})


def test_a_file_is_fetched_once_and_then_used_without_the_site(
    site: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"data/CSConv.json": MINI, "data/RoleCS.json": load("mini", Split.TRAINING).path.read_bytes()}
    serve(site, lambda r: Response(files[r.args["FilePath"]]))
    corpus = load("modelscope")
    assert corpus.name == "modelscope"
    assert corpus.conversations == load("mini").conversations
    assert load("modelscope", Split.TRAINING).conversations == load("mini", Split.TRAINING).conversations
    asked = [(r.path, dict(r.args)) for r, _ in site.log]
    assert asked[0] == (ROUTE, {"Revision": "master", "FilePath": "data/CSConv.json"})
    assert len(asked) == 2
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "http://127.0.0.1:9")
    assert load("modelscope") == corpus


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Response("no", 404), r"ModelScope has no data/CSConv\.json .*\(404 from http"),
        (Response("no", 403), r"ModelScope refuses data/CSConv\.json .*\(403 from http"),
        (Response("no", 500), r"ModelScope answered 500"),
        (cut, r"was cut off on its way from ModelScope after [\d,]+ bytes"),
        (Response("<!doctype html><title>Login</title>"), r"a web page, perhaps of a login"),
        (Response('{"Code": 10, "Message": "不存在", "Success": false}'), r"an answer in its place: 不存在"),
        (Response("version https://git-lfs.github.com/spec/v1\noid sha256:0"), r"a Git LFS pointer"),
        (Response(b"\x50\x4b\x03\x04\xff"), r"not JSON"),
        (Response("[]"), r"no conversations"),
        (
            Response("", 302, headers={"Location": "http://example.invalid/x"}),
            r"a redirect to http://example",
        ),
        (Response("", 302, headers={"Location": "file:///etc/passwd"}), r"ModelScope answered 302"),
    ],
)
def test_whatever_is_not_the_file_is_named_with_the_ways_out_and_not_kept(
    site: HTTPServer, tmp_path: Path, answer: Response | Callable[[Request], Response], message: str
) -> None:
    serve(site, answer)
    with pytest.raises(SourceError, match=f"{message}.*Three ways out.*{BY_HAND}"):
        load("modelscope")
    assert [p for p in (tmp_path / "cache").rglob("*") if p.is_file()] == []


def test_a_redirect_within_the_host_is_followed(site: HTTPServer) -> None:
    site.expect_request(ROUTE).respond_with_response(Response("", 302, headers={"Location": "/there"}))
    site.expect_request("/there").respond_with_data(MINI)
    assert load("modelscope").conversations == load("mini").conversations


def test_an_endless_body_is_refused(site: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("csc_tasks.data.modelscope.LARGEST", 1000)
    serve(site, Response(MINI))
    with pytest.raises(SourceError, match=r"bytes, more than any file of this data set"):
        load("modelscope")
    site.clear()
    serve(site, lambda _: Response(iter([MINI[:600], MINI[600:]])))
    with pytest.raises(SourceError, match=r"more than 1,000 bytes"):
        load("modelscope")


def test_a_dead_server_and_a_dead_proxy_are_named(site: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "http://127.0.0.1:9")  # the discard port: nobody listens
    with pytest.raises(
        SourceError, match=r"cannot reach http://127\.0\.0\.1:9 for .*refused.*Three ways out"
    ):
        load("modelscope")
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "http://modelscope.invalid")
    monkeypatch.setenv("http_proxy", "http://user:secret@127.0.0.1:9")
    with pytest.raises(SourceError, match=r"through the proxy 127\.0\.0\.1:9 of your environment") as told:
        load("modelscope")
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "https://www.modelscope.cn"),
        ({"MODELSCOPE_DOMAIN": "www.modelscope.ai"}, "https://www.modelscope.ai"),
        ({"MODELSCOPE_DOMAIN": "a", "MODELSCOPE_ENDPOINT": "http://b:1/"}, "http://b:1"),
    ],
)
def test_the_site_is_named_as_the_modelscope_package_has_it_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str
) -> None:
    from csc_tasks.data.modelscope import endpoint

    for name in ("MODELSCOPE_DOMAIN", "MODELSCOPE_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert endpoint() == url
