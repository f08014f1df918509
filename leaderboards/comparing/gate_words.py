"""Sentences of a gate's checks that are made of more than one part."""

from __future__ import annotations

from csc_tasks.protocol.task_kind import Units
from csc_tasks.sentences import Sentence

__all__ = ["absent_metric", "few_words", "not_there", "unit_words"]


def absent_metric(rule: str, metric: str, section: str) -> str:
    """That what a rule asks for is not in the baseline (``max_drop``) or the results; in any section for ''."""
    where = Sentence("gate.where", " in {section}", section=section) if section else ""
    if rule == "max_drop":
        return Sentence(
            "gate.baseline-lacks", "the baseline has no {metric}{where}", metric=metric, where=where
        )
    return Sentence("gate.results-lack", "the results has no {metric}{where}", metric=metric, where=where)


def few_words(conversations: int) -> str:
    """That so many conversations show nothing."""
    return Sentence(
        "gate.few", "{n} {n:conversation|conversations} cannot tell that from chance", n=conversations
    )


def not_there(section: str, results: bool) -> str:
    """That a section is not in the results, or not in the baseline."""
    if results:
        return Sentence("gate.not-in-results", "{section} is not in the results", section=section)
    return Sentence("gate.not-in-baseline", "{section} is not in the baseline", section=section)


def unit_words(units: Units) -> dict[str, str]:
    """What is counted, and by what it is drawn, as values of a sentence."""
    if units.turns == "turns":
        return {
            "units": Sentence("gate.turns", "turns"),
            "clusters": Sentence("gate.conversations", "conversations"),
        }
    return {"units": Sentence("gate.role-plays", "role-plays"), "clusters": Sentence("gate.cards", "cards")}
