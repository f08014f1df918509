from __future__ import annotations

import json
from typing import Any

import pytest

from csc_tasks.metrics.judge import load_rubric, read_verdict

RUBRIC = load_rubric("turn-zh-2")
GOOD: dict[str, Any] = {
    "reason": "切题。",
    **{d.name: 4 for d in RUBRIC.scales},
    "resolved_step": True,
}
TEXT = json.dumps(GOOD, ensure_ascii=False)
SCORES = {k: v for k, v in GOOD.items() if k != "reason"}


def changed(**values: Any) -> str:
    return json.dumps({**GOOD, **values}, ensure_ascii=False)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"\n  {TEXT}\n",
        f"```json\n{TEXT}\n```",
        f"好的，我的评定如下：\n{TEXT}\n以上。",
        f"<think>先想想 {changed(empathy=1)}</think>{TEXT}",
        f"{changed(empathy=1)}\n再看一遍，应为：\n{TEXT}",  # the last word counts
        f"材料里写着 {{不是 JSON}} 和 {{}}。{TEXT}",
        changed(empathy=4.0),  # a whole number in JSON, however it is written
        changed(extra="多出来的"),
    ],
)
def test_a_verdict_is_read_however_it_is_wrapped(text: str) -> None:
    reading = read_verdict(text, RUBRIC)
    assert reading.scores == SCORES
    assert reading.reason == "切题。"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "an empty answer"),
        ("这句回复很好，五分。", "no verdict"),
        (TEXT[:-20], "no verdict"),  # half a JSON
        (changed(empathy="4"), 'empathy: "4" is not among'),  # a wrong type is not guessed at
        (changed(empathy=True), "empathy: true is not among"),
        (changed(empathy=6), "empathy: 6 is not among"),
        (changed(empathy=0), "empathy: 0 is not among"),
        (changed(empathy=3.5), "empathy: 3.5 is not among"),
        (changed(empathy=None), "empathy: null is not among"),
        (changed(empathy=[4]), r"empathy: [4] is not among"),
        (changed(empathy=float("nan")), "empathy: NaN is not among"),
        (changed(resolved_step=1), "resolved_step: 1 is not among"),
        (changed(resolved_step="yes"), 'resolved_step: "yes" is not among'),
        (json.dumps({k: v for k, v in GOOD.items() if k != "empathy"}), "empathy is missing"),
        (
            f"{TEXT}\n更正：{changed(empathy=9)}",
            "empathy: 9 is not among",
        ),  # nor does an earlier one count then
        (f"<think>{TEXT}", "ends inside its thinking"),
        ("[" * 100_000 + "{" * 5_000, "no verdict"),
        (json.dumps([GOOD["empathy"]]), "no verdict"),
    ],
)
def test_what_is_not_a_verdict_has_no_scores_and_a_reason(text: str, reason: str) -> None:
    reading = read_verdict(text, RUBRIC)
    assert reading.scores is None
    assert reason in reading.reason


def test_an_answer_cut_off_at_the_token_limit_says_so_unless_the_verdict_was_complete() -> None:
    assert "cut off at max_tokens" in read_verdict(TEXT[:30], RUBRIC, cut_off=True).reason
    assert read_verdict(TEXT, RUBRIC, cut_off=True).scores == SCORES
