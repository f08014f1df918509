"""What a rubric asks, in the words of a language, for people: its own, or the English that may stand beside it.

A judge is shown the rubric alone. ``en.toml`` in a rubric's folder says the same in English; its digest has no part
in that.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from csc_tasks.metrics.judge.errors import JudgeError
from csc_tasks.metrics.judge.rubric import Rubric, shipped_rubrics

__all__ = ["QuestionWording", "RubricWording", "english_wording", "own_wording"]

FILE = "en.toml"
_MARKS = "【】"


@dataclass(frozen=True, slots=True)
class QuestionWording:
    """One dimension: its title, the question, and what each grade or option means, by the name that answers have."""

    title: str
    question: str
    anchors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RubricWording:
    """The heading of each text that is shown by its field, and the questions by dimension."""

    blocks: Mapping[str, str]
    questions: Mapping[str, QuestionWording]


def own_wording(rubric: Rubric) -> RubricWording:
    """The wording that the judge is shown."""
    return RubricWording(
        {block.field: block.title.strip(_MARKS) for block in rubric.blocks},
        {d.name: QuestionWording(d.title, d.question, dict(d.anchors)) for d in rubric.dimensions},
    )


def english_wording(rubric: Rubric, name: str) -> RubricWording | None:
    """The English wording beside a rubric; ``None`` where there is none.

    Args:
        rubric: the rubric.
        name: by which it was loaded: of a shipped one, or the path of its folder.

    Raises:
        JudgeError: the file is damaged, or does not word every question, grade and text; the message names which.
    """
    if "/" not in name and "\\" not in name and rubric.name in shipped_rubrics():
        file: Any = resources.files(__package__).joinpath("rubrics", rubric.name, FILE)
    else:
        file = Path(name) / FILE
    if not file.is_file():
        return None
    where = f"{rubric.name}/{FILE}"
    try:
        fields = tomllib.loads(file.read_bytes().decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise JudgeError(f"{where}: cannot be read ({type(error).__name__}: {error})") from None
    own = own_wording(rubric)
    try:
        return RubricWording(
            {field: _text(fields["blocks"][field]) for field in own.blocks},
            {
                name: QuestionWording(
                    _text(fields["dimension"][name]["title"]),
                    _text(fields["dimension"][name]["question"]),
                    {a: _text(fields["dimension"][name]["anchors"][a]) for a in question.anchors},
                )
                for name, question in own.questions.items()
            },
        )
    except KeyError as error:
        raise JudgeError(f"{where}: nothing is said for {error}, which the rubric has") from None
    except TypeError:
        raise JudgeError(
            f"{where}: not the wording of a rubric; {FILE} of turn-zh-2 shows its form"
        ) from None


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError
    return value
