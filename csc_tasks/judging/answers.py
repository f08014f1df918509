"""From what came back to a verdict, and whether the judge is asked once more."""

from __future__ import annotations

from csc_tasks.chat.messages import AnswerStatus, ChatAnswer
from csc_tasks.metrics.judge.parser import read_verdict
from csc_tasks.metrics.judge.rubric import Rubric
from csc_tasks.metrics.judge.verdict import Status, Usage, Verdict

__all__ = ["PAID", "asks_again", "remedy", "verdict_of"]

MAX_RAW = 2**16
"""Characters of an answer that are kept."""

PAID = (Status.UNPARSABLE, Status.REFUSED)
"""What an answer that is no verdict comes to: it was paid for, and counts among the attempts at its question."""


def verdict_of(answer: ChatAnswer, rubric: Rubric, flags: tuple[str, ...] = ()) -> Verdict:
    """What an answer says under a rubric; never raises, whatever the answer is.

    Args:
        answer: anything but an unasked one.
        rubric: what was asked.
        flags: of the judged text.
    """
    scores, reason = None, answer.reason
    if answer.status is AnswerStatus.ANSWERED:
        scores, reason = read_verdict(answer.text, rubric, answer.cut_off)
        if answer.reason and not answer.text.strip():  # what came in place of a text
            reason = f"{answer.reason}; it was cut off at max_tokens" if answer.cut_off else answer.reason
        status = Status.UNPARSABLE if scores is None else Status.SCORED
    else:
        status = Status.REFUSED if answer.status is AnswerStatus.REFUSED else Status.FAILED
    return Verdict(
        status,
        scores or {},
        reason,
        raw=_bounded(answer.text),
        usage=Usage(answer.prompt_tokens, answer.completion_tokens, answer.estimated),
        latency=answer.latency,
        attempts=answer.attempts,
        flags=flags,
        model=answer.model,
    )


def _bounded(text: str) -> str:
    cut = f"… [{len(text) - MAX_RAW:,} more characters]"
    return text if len(text) <= MAX_RAW else text[:MAX_RAW] + cut


def asks_again(answer: ChatAnswer, verdict: Verdict) -> bool:
    """Whether another try may give a verdict.

    What ends at ``max_tokens`` would most likely end there again, and a filter decides by the text: asking at once
    is money for nothing.
    """
    return verdict.status is Status.UNPARSABLE and not answer.cut_off


def remedy(verdict: Verdict) -> str:
    """What to do about a judge whose answers are like this one that is no verdict."""
    if verdict.status is Status.FAILED:
        return "see to what the server says, and run the same command again"
    if verdict.status is Status.REFUSED:
        return "its filter declines such texts; take another judge"
    if "cut off at max_tokens" in verdict.reason:
        return (
            "raise max_tokens, or let the judge think less (extra_body: {enable_thinking: false}, or what its server "
            "calls it)"
        )
    if "thinking" in verdict.reason:
        return "switch the judge's thinking off (extra_body: {enable_thinking: false}, or what its server calls it)"
    if "tool call" in verdict.reason:
        return "extra_body: {tool_choice: none}, or another judge"
    return (
        "take a judge, or a server, that keeps to a JSON schema (vLLM, SGLang and llama.cpp make every model do so). "
        "After a change at the server raise reasks, for a question is put no more often than that"
    )
