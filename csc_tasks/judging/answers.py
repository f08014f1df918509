"""From what came back to a verdict, and whether the judge is asked once more."""

from __future__ import annotations

from csc_tasks.chat.messages import AnswerStatus, ChatAnswer
from csc_tasks.metrics.judge.parser import read_verdict
from csc_tasks.metrics.judge.rubric import Rubric
from csc_tasks.metrics.judge.verdict import Status, Usage, Verdict

__all__ = ["PAID", "asks_again", "verdict_of"]

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
        raw=answer.text,
        usage=Usage(answer.prompt_tokens, answer.completion_tokens, answer.estimated),
        latency=answer.latency,
        attempts=answer.attempts,
        flags=flags,
    )


def asks_again(answer: ChatAnswer, verdict: Verdict) -> bool:
    """Whether another try may give a verdict.

    What ends at ``max_tokens`` would most likely end there again, and a filter decides by the text: asking at once
    is money for nothing.
    """
    return verdict.status is Status.UNPARSABLE and not answer.cut_off
