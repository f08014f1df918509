"""``csconv synthesize rewrite`` as a call centre's engineer uses it: from a table of calls to a file that is valid."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.door import Done, csconv
from tests.synthesis.plays import configured
from tests.synthesis.rewriting import RewriteServer, written
from tests.synthesis.transcripts import CALLS, as_table, secrets_of

HOW = ("--map", "conversation=通话,speaker=说话方,text=内容", "--speaker", "来电人=客户")


@pytest.fixture
def server() -> Iterator[RewriteServer]:
    with RewriteServer() as server:
        yield server


def rewrite(folder: Path, server: RewriteServer, path: Path, *options: str) -> Done:
    config = configured(folder, server)
    return csconv("synthesize", "rewrite", path, "--out", folder / "out", "--config", config, *options)


def table(folder: Path) -> Path:
    path = folder / "calls.csv"
    path.write_bytes(as_table(encoding="gbk"))
    return path


@pytest.mark.parametrize("options", [(), ("--annotate-only",)])
def test_nothing_personal_is_in_any_request_output_or_message(
    tmp_path: Path, server: RewriteServer, options: tuple[str, ...]
) -> None:
    done = rewrite(tmp_path, server, table(tmp_path), *HOW, *options)
    assert done.code == 0, done.err
    assert "30 calls with" in done.err
    assert "personal data replaced: 姓名" in done.err
    files = [
        p.read_text("utf-8") for p in (tmp_path / "out").rglob("*") if p.suffix in (".json", ".jsonl", ".md")
    ]
    assert files
    seen = "\n".join([done.output, json.dumps(server.requests, ensure_ascii=False), *files])
    assert not [secret for secret in secrets_of() if secret in seen]
    assert "1390000" not in seen
    assert len(server.requests) >= 25


def test_what_is_left_out_is_said_before_anything_is_asked(tmp_path: Path, server: RewriteServer) -> None:
    path = written(tmp_path / "a.jsonl", CALLS[0].texts, CALLS[1].texts[:3])
    with path.open("a", encoding="utf-8") as file:
        file.write('{"dialogue": [{"speaker": "张伟", "text": "13800138000"}]}\n{"半行"\n')
    done = rewrite(tmp_path, server, path)
    assert done.code == 0, done.err
    assert "left out: 1 × filter: fewer than 3 turns: line 2" in done.err
    assert "left out: 1 × an unknown speaker" in done.err
    assert "张… (2 characters)? --speaker NAME=客服" in done.err
    assert "left out: 1 × invalid-json" in done.err
    assert "张伟" not in done.output
    assert "2 calls have the topic 其他" in done.err


def test_what_was_made_is_valid_and_the_same_command_asks_nothing_more(
    tmp_path: Path, server: RewriteServer
) -> None:
    path = written(tmp_path / "a.jsonl", CALLS[0].texts, source="产品咨询")
    assert rewrite(tmp_path, server, path).code == 0
    (made,) = (p for p in (tmp_path / "out").glob("*.json") if p.name.startswith("conv"))
    assert csconv("data", "validate", made, "--strict").code == 0
    asked = len(server.requests)
    assert asked == 3
    assert rewrite(tmp_path, server, path).code == 0
    assert len(server.requests) == asked
    other = rewrite(tmp_path, server, path, "--no-redact")
    assert other.code == 1
    assert "begun with another" in other.err


def test_a_dry_run_prices_it_and_asks_nothing(tmp_path: Path, server: RewriteServer) -> None:
    done = rewrite(tmp_path, server, written(tmp_path / "a.jsonl", CALLS[0].texts), "--dry-run")
    assert done.code == 0, done.err
    assert all(role in done.output for role in ("screener", "rewriter", "critic"))
    assert not server.requests
    assert not (tmp_path / "out").exists()


def test_personal_data_is_sent_only_where_that_is_asked_for_loudly(
    tmp_path: Path, server: RewriteServer
) -> None:
    done = rewrite(tmp_path, server, written(tmp_path / "a.jsonl", CALLS[0].texts), "--no-redact")
    assert "WARNING: --no-redact" in done.err
    assert "13800138000" in json.dumps(server.requests)
    assert "13800138000" not in done.output


@pytest.mark.parametrize(
    ("content", "options", "cure"),
    [
        ("张伟,13800138000\n1,2\n", (), "--map conversation=NAME"),
        ("id,speaker,text\n1,张伟,喂\n", (), "--speaker NAME=客服"),
        ("id,speaker,text\n1,客服,喂\n", ("--map", "who=x"), "no such field"),
        ("id,speaker,text\n1,客服,喂\n", ("--speaker", "张伟"), "must be NAME=VALUE"),
        ("id,speaker,text\n1,客服,张伟\n", (), "one-sided"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_with_the_cure(
    tmp_path: Path, server: RewriteServer, content: str, options: tuple[str, ...], cure: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content, encoding="utf-8")
    done = rewrite(tmp_path, server, path, *options)
    assert done.code == 1
    assert cure in done.err
    assert "张伟" not in done.output
    assert not server.requests
