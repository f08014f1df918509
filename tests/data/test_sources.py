"""Where conversations come from: the shipped files, paths, and the hub behind a local server."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from csc_tasks.data import sources
from csc_tasks.data.conversations import Conversation
from csc_tasks.data.files import write_conversations
from csc_tasks.data.sources import HUB_REPO, evaluation_corpus, load, select, training_corpus
from csc_tasks.data.splits import Split, Subset
from csc_tasks.errors import ConfigError, DataError, SourceError
from csc_tasks.metrics import BertScoreOptions, Models
from csc_tasks.protocol.options import Options

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """A hub on localhost with the two files of the data set, which can be made to misbehave."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.files = {"data/CSConv.json": b"", "data/RoleCS.json": b""}
        self.status = 200
        self.headers: dict[str, str] = {}
        self.cut = 0
        self.requests: list[str] = []
        server.expect_request(re.compile(".*")).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        self.requests.append(f"{request.method} {request.path}")
        prefix = f"/datasets/{HUB_REPO}/resolve/main/"
        if self.status != 200:
            return Response("refused", self.status, headers=self.headers)
        body = self.files.get(request.path.removeprefix(prefix))
        if body is None:
            return Response("no", 404, headers={"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        headers = {
            "ETag": f'"{hashlib.sha256(body).hexdigest()}"',
            "X-Repo-Commit": COMMIT,
            "Content-Length": str(len(body)),
            "X-Linked-Size": str(len(body)),  # as the real hub does for files of this size
        }
        # What was cut off is asked for from where it ended, and the real hub answers so.
        start = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        headers["Content-Length"] = str(len(body) - start)
        sent = b"" if request.method == "HEAD" else body[start : len(body) - self.cut]
        response = Response(sent, 206 if start else 200, headers=headers)
        response.automatically_set_content_length = False
        return response


@pytest.fixture
def hub(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Hub:
    monkeypatch.setenv("HF_ENDPOINT", httpserver.url_for("").rstrip("/"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("CSCONV_DATA", raising=False)
    monkeypatch.delenv("CSCONV_TRAIN", raising=False)
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    # huggingface_hub reads this variable once, when it is imported, and another test may have done that.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    hub = Hub(httpserver)
    hub.files["data/CSConv.json"] = load("mini").path.read_bytes()
    hub.files["data/RoleCS.json"] = load("mini", Split.TRAINING).path.read_bytes()
    return hub


def publish(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make what the local hub serves the published file."""
    digest = hashlib.sha256(hub.files["data/CSConv.json"]).hexdigest()
    monkeypatch.setattr(sources, "_KNOWN_SHA256", {Split.EVALUATION: ("0" * 64, digest)})


def test_the_hubs_file_is_downloaded_and_checked(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    publish(hub, monkeypatch)
    corpus = load("hub")
    assert corpus.name == "hub"
    assert corpus.conversations == load("mini").conversations
    assert [r for r in caplog.records if r.name.startswith("csc_tasks")] == []
    assert f"GET /datasets/{HUB_REPO}/resolve/main/data/CSConv.json" in hub.requests


def test_a_second_run_does_not_download_again(hub: Hub) -> None:
    load("hub")
    hub.requests.clear()
    load("hub")
    assert [r for r in hub.requests if r.startswith("GET")] == []


def test_a_cached_file_is_used_when_the_hub_is_gone(hub: Hub) -> None:
    before = load("hub")
    hub.status = 503
    assert load("hub") == before


def test_a_file_that_is_not_the_published_one_is_a_loud_warning_and_another_signature(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    publish(hub, monkeypatch)
    published = load("mini").fingerprint
    hub.files["data/CSConv.json"] = json.dumps([load("mini").conversations[0].record()]).encode()
    with caplog.at_level(logging.WARNING):
        corpus = load("hub")
    assert corpus.fingerprint != published
    assert "OF HUB IS NOT THE PUBLISHED FILE: 1 conversations" in caplog.text
    assert corpus.sha256 in caplog.text


def test_another_copy_of_the_published_size_is_a_note(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    publish(hub, monkeypatch)
    mini = load("mini").conversations
    utterances, turns = sum(len(c.utterances) for c in mini), sum(len(c.supporter_turns) for c in mini)
    monkeypatch.setattr(sources, "FULL_CONVERSATIONS", len(mini))
    monkeypatch.setattr(sources, "FULL_UTTERANCES", utterances)
    monkeypatch.setattr(sources, "FULL_TURNS", turns)
    hub.files["data/CSConv.json"] = json.dumps([c.record() for c in mini]).encode()
    with caplog.at_level(logging.INFO, "csc_tasks"):
        corpus = load("hub")
    (note,) = [r for r in caplog.records if r.name.startswith("csc_tasks")]
    assert note.levelno == logging.INFO
    assert corpus.sha256 in note.getMessage()
    assert corpus.fingerprint in note.getMessage()
    monkeypatch.setattr(sources, "FULL_UTTERANCES", utterances + 1)
    caplog.clear()
    load("hub")
    assert "IS NOT THE PUBLISHED FILE" in caplog.text


@pytest.mark.parametrize(
    ("status", "headers", "message"),
    [
        (404, {"X-Error-Code": "RepoNotFound"}, r"no DianJin/DianJin-CSC-Data, or refuses it.*HF_TOKEN"),
        (404, {"X-Error-Code": "EntryNotFound"}, r"the hub has no data/CSConv\.json .*\(404\)"),
        (401, {}, r"refuses data/CSConv\.json .*\(401\): check HF_TOKEN"),
        (403, {"X-Error-Code": "GatedRepo"}, r"access must be granted"),
        (400, {}, r"CSConv\.json"),
    ],
)
def test_a_refusal_says_what_was_refused_and_what_to_do(
    hub: Hub, status: int, headers: dict[str, str], message: str
) -> None:
    hub.status, hub.headers = status, headers
    with pytest.raises(SourceError, match=message):
        load("hub")


@pytest.mark.slow  # huggingface_hub tries for 20 s
def test_connection_refused_gives_the_three_ways_out(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # the discard port: nobody listens
    with pytest.raises(
        SourceError, match=r"(?s)Three ways out: \(1\).*HF_ENDPOINT.*\(2\).*CSCONV_DATA.*\(3\).*csconv_mini"
    ):
        load("hub")


def test_a_body_cut_off_on_the_way_is_an_error_and_leaves_no_file(hub: Hub, tmp_path: Path) -> None:
    hub.cut = 1000
    with pytest.raises(SourceError, match=r"data/CSConv\.json"):
        load("hub")
    assert not list((tmp_path / "hub").rglob("CSConv.json"))
    hub.cut = 0
    assert load("hub").conversations == load("mini").conversations


def test_offline_mode_without_a_copy_is_an_error_and_never_mini(hub: Hub) -> None:
    program = "from csc_tasks.data.sources import load; load('hub')"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 1
    assert "SourceError" in done.stderr
    assert "Three ways out" in done.stderr
    assert hub.requests == []


def test_the_option_comes_before_the_variable_and_that_before_the_default(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    conversations = load("mini").conversations
    write_conversations(tmp_path / "option.json", conversations[:2])
    write_conversations(tmp_path / "variable.jsonl", conversations[:3])
    assert evaluation_corpus(Subset.FULL).name == "hub"
    monkeypatch.setenv("CSCONV_DATA", str(tmp_path / "variable.jsonl"))
    assert evaluation_corpus(Subset.FULL).name == "variable.jsonl"
    assert evaluation_corpus(Subset.LITE, str(tmp_path / "option.json")).name == "option.json"


def test_csconv_mini_is_always_the_shipped_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSCONV_DATA", "/nowhere/else.json")
    assert evaluation_corpus(Subset.MINI).name == "mini"
    assert evaluation_corpus(Subset.MINI, "/nowhere/else.json").name == "mini"


@pytest.mark.parametrize("source", ["huh", "CSConv", "Mini"])
def test_an_unknown_source_is_an_error_that_names_the_known_ones(source: str) -> None:
    with pytest.raises(
        SourceError, match=f"csconv_data='{source}' is neither 'hub', 'modelscope', 'mini' nor a file"
    ):
        load(source)


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.json: no such file"):
        load(str(tmp_path / "gone.json"))


def test_a_json_file_and_its_parquet_copy_have_one_fingerprint(tmp_path: Path) -> None:
    mini = load("mini")
    write_conversations(tmp_path / "copy.parquet", mini.conversations)
    copy = load(str(tmp_path / "copy.parquet"))
    assert copy.fingerprint == mini.fingerprint
    assert copy.sha256 != mini.sha256


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_conversations(path, load("mini").conversations[:2])
    first = load(str(path))
    write_conversations(path, load("mini").conversations[:5])
    assert (len(first.conversations), len(load(str(path)).conversations)) == (2, 5)


def many(count: int) -> tuple[Conversation, ...]:
    """Distinct conversations over eight unevenly filled topics."""
    base = load("mini").conversations
    return tuple(
        Conversation.of(
            f"t{min(i % 36 // 4, 7)}",
            (*base[i % len(base)].utterances[:4], *base[i // 32 % 32].utterances[:2]),
        )
        for i in range(count)
    )


def test_lite_is_128_conversations_in_the_topics_proportions() -> None:
    everything = many(900)
    chosen = select(everything, Subset.LITE)
    assert len(chosen) == 128
    for topic in {c.topic for c in everything}:
        share = sum(c.topic == topic for c in everything) / len(everything)
        assert abs(sum(c.topic == topic for c in chosen) - 128 * share) < 1


@pytest.mark.parametrize(
    ("topics", "lite"),
    [
        # of 200 conversations 128: 64, 32.64 and 31.36; one more for the largest remainder
        ({"a": 100, "b": 51, "c": 49}, {"a": 64, "b": 33, "c": 31}),
        ({"a": 51, "b": 49, "c": 100}, {"a": 33, "b": 31, "c": 64}),
        # 42.67 each, and two to give: the first by name
        ({"c": 50, "b": 50, "a": 50}, {"a": 43, "b": 43, "c": 42}),
        # 125.44, 1.71 and 0.85: a topic of one conversation keeps it
        ({"a": 147, "b": 2, "c": 1}, {"a": 125, "b": 2, "c": 1}),
    ],
)
def test_lite_gives_what_is_left_over_to_the_largest_remainders(
    topics: dict[str, int], lite: dict[str, int]
) -> None:
    opening = load("mini").conversations[0].utterances[:3]
    everything = tuple(
        Conversation.of(topic, (replace(opening[0], text=f"{topic}{i}"), *opening[1:]))
        for topic, count in topics.items()
        for i in range(count)
    )
    assert Counter(c.topic for c in select(everything, Subset.LITE)) == lite


def test_lite_does_not_depend_on_the_order_of_the_file() -> None:
    everything = many(400)
    assert {c.id for c in select(everything, Subset.LITE)} == {
        c.id for c in select(everything[::-1], Subset.LITE)
    }


def test_lite_of_a_small_file_is_the_whole_file_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    mini = load("mini").conversations
    assert select(mini, Subset.LITE) == mini
    assert "csconv_lite wants 128" in caplog.text


def test_few_shot_examples_of_a_file_come_from_the_rolecs_beside_it(hub: Hub, tmp_path: Path) -> None:
    write_conversations(tmp_path / "CSConv.json", load("mini").conversations)
    evaluation = load(str(tmp_path / "CSConv.json"))
    with pytest.raises(
        SourceError, match=r"no RoleCS\.json lies beside .*csconv_train=PATH .*CSCONV_TRAIN.*--train"
    ):
        training_corpus(Subset.FULL, None, evaluation)
    write_conversations(tmp_path / "RoleCS.json", load("mini", Split.TRAINING).conversations[:3])
    assert len(training_corpus(Subset.FULL, None, evaluation).conversations) == 3
    assert training_corpus(Subset.FULL, "mini", evaluation).name == "mini"
    assert training_corpus(Subset.FULL, None, load("hub")).name == "hub"
    assert training_corpus(Subset.MINI, None, load("mini")).name == "mini"


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"csconv_dta": "hub"}, r"--metadata csconv_dta: no such option; csconv knows csconv_b"),
        ({"csconv_data": 5}, r"csconv_data=5: must be 'hub', 'modelscope', 'mini' or a path"),
        ({"csconv_tokenizer": "mecab"}, r"csconv_tokenizer='mecab' is none of zh, char, jieba"),
        ({"csconv_subset": "huge"}, r"csconv_subset='huge': is none of full, lite, mini"),
        ({"csconv_scale": "huge"}, r"csconv_subset='huge': is none of full, lite, mini"),
    ],
)
def test_an_option_that_csconv_does_not_know_is_an_error(metadata: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Options.from_metadata(metadata)


def test_the_models_own_arguments_are_none_of_our_business() -> None:
    options = Options.from_metadata({"pretrained": "x", "model": "y", "config_source": "z", "version": 1})
    assert options == Options(models=Models(bertscore=BertScoreOptions()))
