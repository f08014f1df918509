"""Thinking: known formats and one's own are taken out, in every task, and nothing within them is read."""

from __future__ import annotations

import pytest

from csc_tasks.framework import Strategy
from csc_tasks.protocol.replies import Problem, Reply, read_reply
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.thinking import FORMATS, ThinkingFormat, leaves_in_thought

PS, GT, OT = Strategy.PROVIDING_SUGGESTIONS, Strategy.GREETING, Strategy.OTHERS
SAY = "您可以先重启一下路由器。"


@pytest.mark.parametrize(
    ("kind", "reply", "strategy", "text", "problem"),
    [
        # the template opened the thinking, and the reply closes it
        (
            TaskKind.RESPONSE,
            "客户急了。</think>\n[情感管理] 您别急。",
            Strategy.EMOTIONAL_MANAGEMENT,
            "您别急。",
            None,
        ),
        # it never ends: what is said there is no answer, although it names a strategy
        (TaskKind.RESPONSE, "客户急了，应当用情感管理。", None, "", Problem.UNCLOSED_THINKING),
        (TaskKind.STRATEGY, "客户急了，应当用情感管理。", None, "", Problem.UNCLOSED_THINKING),
        # the backend was given think_end_token and took the thinking away
        (TaskKind.RESPONSE, "[情感管理] 您别急。", Strategy.EMOTIONAL_MANAGEMENT, "您别急。", None),
        (TaskKind.STRATEGY, "情感管理", Strategy.EMOTIONAL_MANAGEMENT, "", None),
        (TaskKind.RESPONSE_ORACLE, "您别急。", None, "您别急。", None),
        (TaskKind.RESPONSE, "", None, "", Problem.NO_ANSWER),
    ],
)
def test_a_reply_that_begins_within_the_thinking_is_read_as_such(
    kind: TaskKind, reply: str, strategy: Strategy | None, text: str, problem: Problem | None
) -> None:
    assert read_reply(reply, kind, in_thought=True) == Reply(strategy, text, problem)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("客服:<|assistant|><think>\n", True),
        ("<think>", True),
        ("<think></think>\n\n", False),
        ("客服:", False),
        (None, False),
    ],
)
def test_a_prompt_that_opens_the_thinking_is_recognised(prompt: object, expected: bool) -> None:
    assert leaves_in_thought(prompt) is expected


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: f"{each.name}-{each.opening}")
def test_no_known_format_of_thinking_is_scored(each: ThinkingFormat) -> None:
    thought = f"{each.opening}客户着急，先情感管理？"
    for kind in (TaskKind.RESPONSE, TaskKind.STRATEGY, TaskKind.RESPONSE_ORACLE):
        cut = read_reply(thought, kind)
        assert (cut.strategy, cut.text, cut.problem) == (None, "", Problem.UNCLOSED_THINKING)
        assert cut.thinking == each.name
    whole = read_reply(f"{thought}{each.closing}\n[提供建议] {SAY}", TaskKind.RESPONSE)
    assert (whole.strategy, whole.text, whole.problem) == (PS, SAY, None)
    # The chat template may open the thinking, which the reply then only closes.
    assert leaves_in_thought(f"客服:{each.opening}\n")
    closed = read_reply(f"客户着急。{each.closing}[提供建议] {SAY}", TaskKind.RESPONSE, in_thought=True)
    assert (closed.strategy, closed.text) == (PS, SAY)


def test_a_format_that_nobody_has_heard_of_can_be_named() -> None:
    own = [ThinkingFormat("own", "<<思考>>", "<<完毕>>")]
    raw = f"<<思考>>先情感管理？<<完毕>>[提供建议] {SAY}"
    assert read_reply(raw, TaskKind.RESPONSE).strategy is None
    assert read_reply(raw, TaskKind.RESPONSE, formats=own).text == SAY
    assert leaves_in_thought("客服:<<思考>>", own)
