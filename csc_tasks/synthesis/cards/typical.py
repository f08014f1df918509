"""An answer as a writer of cards gives it: what a run will cost is estimated with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from csc_tasks.roleplay.card_sets import shipped_card_set
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.wordings import wordings_of
from csc_tasks.synthesis.cards.drafts import CARD_SCHEMA
from csc_tasks.synthesis.steps import Case, Step

__all__ = ["typical_card"]


def typical_card(case: Case, step: Step, attempt: int) -> str:
    """The parts of a shipped card, each in one wording; sound, so that one draft is counted."""
    return _answer()


@cache
def _answer() -> str:
    card = shipped_card_set().cards[0]
    case = CaseInPlay(card, "typical")
    record = json.loads(card.model_dump_json())
    parts = {name: _in_one_wording(record[name], case.values) for name in CARD_SCHEMA}
    for lookup in parts["lookups"]:
        lookup["private"] = lookup.pop("shown_by")
    return json.dumps(parts, ensure_ascii=False)


def _in_one_wording(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return wordings_of(value).one(lambda _: 0, values) if value else value
    if isinstance(value, dict):
        return {name: _in_one_wording(each, values) for name, each in value.items()}
    return [_in_one_wording(each, values) for each in value] if isinstance(value, list) else value
