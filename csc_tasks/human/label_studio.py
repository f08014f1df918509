"""Label Studio's side of a study: the configuration of a project, its tasks, and what it exports as JSON.

A control of the configuration has its dimension's name: ``<Rating>`` for grades, ``<Choices>`` for yes and no,
``<Pairwise>`` for which of two is better with a ``<Choices>`` called ``tie`` beside it, for ``<Pairwise>`` has no word
for neither; ``<TextArea>`` for the comment.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from csc_tasks.human.answers_file import Id

__all__ = [
    "EXPORTED_NO",
    "EXPORTED_TIE",
    "EXPORTED_YES",
    "TIE_CONTROL",
    "AnnotatedTask",
    "TaskAnnotation",
    "TaskData",
]

TIE_CONTROL = "tie"
EXPORTED_TIE, EXPORTED_YES, EXPORTED_NO = "tie", "yes", "no"
"""Values of choices, whatever is shown for them."""


class _Outside(BaseModel):
    """Label Studio adds what it likes."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class TaskData(_Outside):
    """The fields of a task that say what it is; what is shown stands beside them (StudyRubric.shown)."""

    study: Id
    rater: Annotated[str, Field(max_length=100)]
    item: Id


class LabelResult(_Outside):
    """What one control says.

    ``value`` is ``{"rating": 4}``, ``{"choices": ["yes"]}``, ``{"selected": "left"}`` (the first) or ``"right"`` (the
    second), or ``{"text": ["…"]}``.
    """

    from_name: Annotated[str, Field(max_length=200)]
    type: Annotated[str, Field(max_length=100)]
    value: dict[str, Any]


class TaskAnnotation(_Outside):
    """One person's answer to a task; ``lead_time`` in seconds, ``was_cancelled`` where it was skipped."""

    result: list[LabelResult] = Field(default_factory=list, max_length=1000)
    lead_time: float | None = None
    was_cancelled: bool = False
    updated_at: Annotated[str, Field(max_length=100)] = ""


class AnnotatedTask(_Outside):
    """One task of Label Studio's JSON export (a list of these); of several annotations the last one counts."""

    data: TaskData
    annotations: list[TaskAnnotation] = Field(default_factory=list, max_length=1000)
