"""A rater's page: their items as JSON values, the questions in its languages, and the rules of rating."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csc_tasks.human.page import Form, HumanPage, render_page
from csc_tasks.human.shares import Share
from csc_tasks.human.sheet.items import ShownItem
from csc_tasks.human.sheet.making import MadeStudy
from csc_tasks.human.sheet.talk import SpokenLine, number_of, talk_of
from csc_tasks.human.strategies import strategies_on_page
from csc_tasks.human.study import ANSWERS_FORMAT, MAX_COMMENT, ItemRole
from csc_tasks.metrics.judge.rubric import Unit
from csc_tasks.metrics.judge.wording import RubricWording

__all__ = ["rating_page"]

_RULES: Mapping[Unit, tuple[str, ...]] = {
    Unit.TURN: ("separate", "lower", "systems", "length", "placeholders", "guess"),
    Unit.DIALOGUE: ("supporter", "separate", "lower", "systems", "length", "placeholders", "guess"),
    Unit.PAIR: ("order", "systems", "length", "placeholders", "guess"),
}
"""What raters are told of the judge's rules; the words are in ``page/texts.json``."""
_REPLIES = ("reply", "first", "second")


def rating_page(study: MadeStudy, number: int) -> bytes:
    """The page of a rater.

    Args:
        study: all of it; of the key nothing goes onto the page but how many raters and items there are.
        number: of the rater, from 0.
    """
    key = study.key
    talks = _Talks(study)
    items = [_item(shown, talks, study) for shown in study.shown[number]]
    share = Share(key.sample, 0, number + 1, len(key.raters), key.overlap)
    material = {
        "questions": _questions(study),
        "headings": {language: dict(wording.blocks) for language, wording in study.wordings.items()},
        "strategies": strategies_on_page(),
        "rules": [f"rule_{name}" for name in _rules(study)],
        "talks": talks.all,
        "comment": MAX_COMMENT,
    }
    file = f"answers-{key.fingerprint[:8]}"
    return render_page(
        HumanPage(
            Form("rate", ANSWERS_FORMAT), file, key.fingerprint, share, items, material, list(study.wordings)
        )
    )


class _Talks:
    """The conversations of a page, each once, however many items it has."""

    def __init__(self, study: MadeStudy) -> None:
        self._prompt = study.prompt
        self._known: dict[str, int] = {}
        self.all: list[list[SpokenLine]] = []

    def number(self, text: str) -> int:
        """The place of a conversation in :attr:`all`."""
        if text not in self._known:
            self._known[text] = len(self.all)
            self.all.append(talk_of(text, self._prompt))
        return self._known[text]


def _item(shown: ShownItem, talks: _Talks, study: MadeStudy) -> dict[str, Any]:
    fields, seen = shown.fields, study.key.rubric.shown
    talk = next((fields[field] for field in ("dialogue", "history") if field in seen), "")
    return {
        "id": shown.item.id,
        "talk": talks.number(talk),
        "strategy": number_of(fields["strategy"]) if "strategy" in seen else None,
        "replies": [[field, fields[field]] for field in _REPLIES if field in seen],
    }


def _questions(study: MadeStudy) -> list[dict[str, Any]]:
    return [
        {
            "name": dimension.name,
            "kind": dimension.kind.value,
            "options": dimension.options,
            **{language: _worded(wording, dimension.name) for language, wording in study.wordings.items()},
        }
        for dimension in study.key.rubric.dimensions
    ]


def _worded(wording: RubricWording, name: str) -> dict[str, Any]:
    question = wording.questions[name]
    return {"title": question.title, "question": question.question, "anchors": dict(question.anchors)}


def _rules(study: MadeStudy) -> list[str]:
    rules = list(_RULES[study.key.rubric.unit])
    if study.scripted:
        rules.insert(1, "fixed")
    if any(item.role is not ItemRole.ITEM for item in study.key.items):
        rules.append("check")
    return rules
