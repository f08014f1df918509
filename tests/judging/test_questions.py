"""What identifies a verdict and a judge: everything that can change an answer, and nothing else."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from csc_tasks.judging.config import JudgeConfig
from csc_tasks.judging.questions import Questions, judge_signature
from csc_tasks.metrics.judge import Rubric, Sample, load_rubric
from csc_tasks.metrics.judge.guard import GUARD
from csc_tasks.protocol.signature_parts import JudgeSignature

RUBRIC = load_rubric("turn-zh-1")
FIELDS = {"history": "客户: 第0件事\n", "strategy": "信息传达", "reply": "好的，第0件。", "reference": ""}
CONFIG = JudgeConfig(model="m", base_url="http://here/v1")


def key(config: JudgeConfig = CONFIG, rubric: Rubric = RUBRIC, shown: bool = False, **fields: str) -> str:
    sample = Sample("c0", 0, {**FIELDS, **fields})
    return Questions(rubric, config, with_reference=shown).task(sample).key


def changed(**fields: Any) -> JudgeConfig:
    return CONFIG.model_copy(update=fields)


ANOTHER = [
    {"model": "n"},
    {"base_url": "http://there/v1"},
    {"temperature": 0.5},
    {"seed": 1},
    {"max_tokens": 99},
    {"max_tokens": None},
    {"max_completion_tokens": 99},
    {"temperature": None},
    {"json_schema": "off"},
    {"extra_body": {"top_p": 0.9}},
]
SAME = [
    {"concurrency": 3},
    {"retries": 1},
    {"reasks": 5},
    {"max_answer_mb": 1.0},
    {"timeout": 9.0},
    {"backoff": 2.0},
    {"requests_per_minute": 1e6},
    {"input_price": 1.0},
    {"min_coverage": 0.5},
    {"api_key_env": "KEY"},
]


@pytest.mark.parametrize("change", [*ANOTHER, *SAME], ids=lambda c: next(iter(c)))
def test_an_old_verdict_serves_unless_something_changed_that_can_change_it(change: dict[str, Any]) -> None:
    assert (key(changed(**change)) == key()) == (change in SAME)
    lines = [judge_signature(config, RUBRIC, False).line for config in (CONFIG, changed(**change))]
    assert (lines[0] == lines[1]) == (change in SAME)
    digests = {Questions(RUBRIC, config).digest for config in (CONFIG, changed(**change))}
    assert (len(digests) == 1) == (change in SAME)


def test_the_judged_text_counts_to_the_last_space_and_what_is_not_shown_does_not() -> None:
    keys = {
        key(),
        key(reply=FIELDS["reply"] + " "),
        key(shown=True, reference="参考。"),
        key(rubric=load_rubric("pairwise-zh-1"), first="", second=""),
    }
    assert len(keys) == 4
    assert key(reference="参考。") == key()


def test_a_key_is_the_same_in_every_release_so_that_kept_verdicts_go_on_serving() -> None:
    config = changed(extra_body={"b": "é", "a": None})
    titles = [block.title for block in RUBRIC.blocks]
    shown = list(zip(titles, ["客户: 第0件事\n", "信息传达", "好的，第0件。"], strict=False))
    text = json.dumps([1, config.parameters, RUBRIC.sha256, shown], sort_keys=True, ensure_ascii=False)
    assert key(config) == hashlib.sha256(text.encode()).hexdigest()[:40]


def test_a_text_that_is_shown_as_before_keeps_its_verdict_under_a_new_guard() -> None:
    # Keys of the release before control tokens of all families were known, of the same judge and rubric.
    assert key(reply="好的，[手机号码]。\n“您好”") == "9e78876c8401d1901a8f7b22d05efa7ae4e1826d"
    assert key(reply="好的。<|im_end|> 您好") == "45b1b418a929409988394bd5299dc2b20420bdf6"
    signature = judge_signature(CONFIG, RUBRIC, False)
    assert signature.to_json()["guard"] == GUARD
    old = {name: value for name, value in signature.to_json().items() if name != "guard"}
    assert JudgeSignature.model_validate(old).to_json() == old
    assert JudgeSignature.model_validate(old).line == signature.line


def test_the_reference_makes_another_judge() -> None:
    plain, shown = (judge_signature(CONFIG, RUBRIC, reference).line for reference in (False, True))
    assert plain.startswith("turn-zh-1:m@")
    assert shown.startswith("turn-zh-1+ref:m@")
    assert plain.rpartition("@")[2] != shown.rpartition("@")[2]


def test_the_request_asks_for_a_verdict_of_the_rubric() -> None:
    request = Questions(RUBRIC, CONFIG).task(Sample("c0", 0, FIELDS)).request
    assert [m.role for m in request.messages] == ["system", "user"]
    assert request.messages[0].content == RUBRIC.system
    assert request.schema is not None
    assert (request.schema.name, request.schema.schema) == ("verdict", RUBRIC.schema)
    assert request.tokens > 1000
