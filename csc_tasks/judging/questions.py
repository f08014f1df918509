"""From a sample to the request that is sent, and what identifies the judge and its verdict."""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

from csc_tasks.chat.messages import AnswerSchema, ChatRequest
from csc_tasks.judging.config import JudgeConfig
from csc_tasks.metrics.judge.guard import GUARD
from csc_tasks.metrics.judge.prompt import Question, ask
from csc_tasks.metrics.judge.rubric import Rubric
from csc_tasks.metrics.judge.sample import Sample
from csc_tasks.protocol.signature_parts import JudgeSignature

__all__ = ["JudgeTask", "Questions", "judge_signature"]

_FORMAT = 1


class JudgeTask(NamedTuple):
    """A sample with the request that is sent for it, and the key (40 hex digits) of its verdict.

    ``flags`` say what is suspicious in the judged text.
    """

    key: str
    sample: Sample
    request: ChatRequest
    flags: tuple[str, ...]


class Questions:
    """The questions that one judge is asked under one rubric.

    Args:
        rubric: what is asked.
        config: who is asked.
        with_reference: show the reference to the judge.
    """

    def __init__(self, rubric: Rubric, config: JudgeConfig, with_reference: bool = False) -> None:
        self.rubric = rubric
        self.config = config
        self.with_reference = with_reference
        self._schema = AnswerSchema("verdict", rubric.schema)

    @property
    def digest(self) -> str:
        """8 hex digits: two of another digest never ask for the same verdict."""
        return _digest([_FORMAT, self.config.parameters, self.rubric.sha256])[:8]

    def key(self, question: Question) -> str:
        """What identifies a verdict: judge, everything that can change its answer, rubric, the exact judged text."""
        return _digest([_FORMAT, self.config.parameters, self.rubric.sha256, question.shown])[:40]

    def task(self, sample: Sample) -> JudgeTask:
        """What is asked about a sample.

        Raises:
            JudgeError: the rubric shows a field that the sample does not have.
        """
        question = self._question(sample, 0)
        return JudgeTask(self.key(question), sample, self._request(question, 0), question.flags)

    def again(self, task: JudgeTask, attempt: int) -> ChatRequest:
        """The request for another attempt at a task, which the first one does not repeat: it has another seed.

        From the second on, and where no seed is sent, the delimiters differ as well, for a judge at temperature 0
        heeds no seed. The question, and so its key, is the same.
        """
        shift = attempt if attempt > 1 or self.config.seed is None else 0
        return self._request(self._question(task.sample, shift), attempt)

    def _question(self, sample: Sample, shift: int) -> Question:
        return ask(self.rubric, sample, self.with_reference, (self.config.seed or 0) + shift)

    def _request(self, question: Question, attempt: int) -> ChatRequest:
        return ChatRequest.of(question.system, question.user, self._schema, attempt)


def judge_signature(config: JudgeConfig, rubric: Rubric, with_reference: bool) -> JudgeSignature:
    """What must agree for two judge scores to be comparable."""
    return JudgeSignature.of(rubric.name, rubric.sha256, with_reference, config.parameters, GUARD)


def _digest(content: list[Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
