"""Judges of the GPT-5 and o kind: they refuse max_tokens, and every temperature but 1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")

from csc_tasks.doctor import diagnose
from tests.door import csconv
from tests.judge_server import JudgeServer, as_newer_models_do
from tests.judging.runs import configured, log_of, verdicts_of

STEPS: list[tuple[dict[str, Any], str]] = [
    ({}, "set max_completion_tokens: 1024 instead of max_tokens"),
    ({"max_completion_tokens": 1024}, "set temperature: null"),
    ({"max_completion_tokens": 1024, "temperature": None}, ""),
]


def test_each_refused_field_is_named_once_before_anything_is_paid(saved: Path, server: JudgeServer) -> None:
    server.behave = as_newer_models_do
    for fields, cure in STEPS:
        assert not server.paid
        done = csconv("judge", log_of(saved), "--config", configured(server, saved.parent, **fields))
        assert done.code == (1 if cure else 0), done.err
        assert done.err.count("Unsupported") == bool(cure)
        assert cure in done.err
    assert {v["status"] for v in verdicts_of(log_of(saved)) if v["status"] != "failed"} == {"scored"}
    good = [request for request in server.requests if "max_completion_tokens" in request][-1]
    assert good["max_completion_tokens"] == 1024
    assert not {"temperature", "max_tokens"} & good.keys()


@pytest.mark.parametrize(("fields", "cure"), STEPS)
def test_the_doctor_finds_it(saved: Path, server: JudgeServer, fields: dict[str, Any], cure: str) -> None:
    server.behave = as_newer_models_do
    config = configured(server, saved.parent, **fields)
    (found,) = (check for check in diagnose(judge=config) if check.name == "judge")
    assert found.ok is (not cure)
    assert cure in found.detail


def test_without_a_limit_there_is_no_budget_and_the_estimate_says_what_it_takes(
    saved: Path, server: JudgeServer
) -> None:
    prices = {"input_price": 1.0, "output_price": 2.0, "max_tokens": None}
    config = configured(server, saved.parent, **prices)
    done = csconv("judge", log_of(saved), "--config", config, "--budget", "1")
    assert done.code == 1
    assert "--budget needs max_tokens or max_completion_tokens" in done.err
    dry = csconv("judge", log_of(saved), "--config", config, "--dry-run")
    assert "with answers of 4,096 tokens, for there is no max_tokens; they may be longer" in dry.out
    assert csconv("judge", log_of(saved), "--config", config, "--sample", "3").code == 0
    assert "max_tokens" not in server.requests[-1]
