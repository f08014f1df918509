"""What a run says of thinking and of labels that it could not read."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import pytest

from csc_tasks.errors import ConfigError
from csc_tasks.protocol.options import Options
from csc_tasks.protocol.thinking import ThinkingFormat
from tests.running import FunctionLM, evaluate, scores

TASK = "csconv_mini_response"


def report_of(results: dict[str, Any], task: str = TASK) -> dict[str, Any]:
    report: dict[str, Any] = results["configs"][task]["metadata"]["csconv_report"]
    return report


def test_a_format_of_ones_own_is_taken_out_and_counted() -> None:
    lm = FunctionLM(lambda _: "<plan>客户急了。[安抚]</plan>[提供建议] 先重启一下。")
    known = evaluate(lm, [TASK], {"csconv_think": "<plan>...</plan>"}, limit=4)
    assert scores(known, TASK)["strategy_invalid"] == 0
    assert report_of(known)["replies"] == {
        "read": 4,
        "unreadable_labels": {},
        "thinking": {"csconv_think": 4},
        "further_turns": 0,
    }


def test_in_a_dialogue_ones_own_thinking_is_not_in_the_history() -> None:
    lm = FunctionLM(lambda _: "<plan>秘密</plan>[提供建议] 先重启一下。")
    results = evaluate(lm, ["csconv_mini_dialogue"], {"csconv_think": "<plan>,</plan>"}, limit=1)
    assert not any("秘密" in str(request.args[0]) for request in lm.requests)
    assert scores(results, "csconv_mini_dialogue")["no_answer"] == 0


def test_what_was_written_in_place_of_a_strategy_is_counted() -> None:
    said = cycle(["[安抚情绪] 您别急。", "[安抚情绪] 我理解。", "[打太极] 再说吧。", "[提供建议] 先重启。"])
    results = evaluate(FunctionLM(lambda _: next(said)), [TASK], limit=8)
    assert scores(results, TASK)["strategy_invalid"] == pytest.approx(6 / 8)
    assert report_of(results)["replies"]["unreadable_labels"] == {"安抚情绪": 4, "打太极": 2}
    first = str(results["samples"][TASK][0]["filtered_resps"][0])
    assert '"label": "安抚情绪"' in first


@pytest.mark.parametrize("value", ["<plan>", "a,", 7, ["a"], ["a", 3], "..."])
def test_half_a_format_is_refused_before_the_run(value: object) -> None:
    with pytest.raises(
        ConfigError, match=r"csconv_think=.* must be what opens the thinking and what closes it"
    ):
        Options.from_metadata({"csconv_think": value})


@pytest.mark.parametrize("value", ["<plan>...</plan>", "<plan>,</plan>", ["<plan>", "</plan>"]])
def test_a_format_is_two_marks(value: object) -> None:
    assert Options.from_metadata({"csconv_think": value}).think == (
        ThinkingFormat("csconv_think", "<plan>", "</plan>"),
    )
