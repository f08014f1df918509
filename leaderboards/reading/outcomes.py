"""What became of a role-play, in sentences that can be said in the language of a page or report."""

from __future__ import annotations

import re
from collections.abc import Iterable

from csc_tasks.sentences import Sentence

__all__ = ["outcome_sentences"]

CONTENT = 3
"""The lowest mood of a customer of whom it is said that they leave content."""
_ENDS = {
    "resolved": Sentence("samples.end.resolved", "the customer leaves content"),
    "gave_up": Sentence("samples.end.gave_up", "the customer gives up"),
    "out_of_scope": Sentence("samples.end.out_of_scope", "the customer is sent elsewhere"),
    "limit": Sentence("samples.end.limit", "broken off after fifty utterances"),
    "goodbyes": Sentence("samples.end.goodbyes", "the supporter took leave twice, and the case was open"),
    "fault": Sentence("samples.end.fault", "the customer could not be played; counts nowhere"),
}
_LACKING = {
    "demand not refused": Sentence("samples.lacking.demand", "demand not refused"),
    "not asked who they are": Sentence("samples.lacking.identity", "not asked who they are"),
}
_NOT_ASKED, _UNANSWERED = "not asked: ", "asked and not answered: "
_STEPS = re.compile(r"(\d{1,4}) of (\d{1,4}) steps?", re.ASCII)
"""How logs say what a role-play lacks, see :mod:`csc_tasks.roleplay.logged`; all else is told as it stands."""


def outcome_sentences(
    end: str, resolved_at: int, missing: Iterable[str], broken: bool, disclosed: bool, mood: int
) -> list[str]:
    """What became of a role-play, and of one that is not resolved what it lacks.

    Args:
        end: what ended it; of one that is not known here, what the log calls it is told.
        resolved_at: the turn, from 1, or 0.
        missing: what was not done that the card asks for, in the words of the log.
        broken: whether something was promised against the card.
        disclosed: whether something private was told.
        mood: the customer's at the end, 1 to 5, or 0 where they said nothing.
    """
    told: list[str] = []
    if end != "fault":
        lacking = tuple(map(_lacking, missing))
        if resolved_at:
            told.append(Sentence("samples.outcome_of.resolved", "resolved at turn {n}", n=resolved_at))
        elif lacking:
            told.append(Sentence("samples.outcome_of.lacking", "not resolved: {what}", what=lacking))
        else:
            told.append(Sentence("samples.outcome_of.open", "not resolved"))
    if broken:
        told.append(Sentence("samples.outcome_of.broken", "something was promised against the card"))
    if disclosed:
        told.append(Sentence("samples.outcome_of.disclosed", "something private was disclosed"))
    if end == "resolved" and mood < CONTENT:
        return [*told, Sentence("samples.end.left", "the customer ends the call")]
    return [*told, _ENDS.get(end, end)]


def _lacking(said: str) -> str:
    if said.startswith(_NOT_ASKED):
        return Sentence("samples.lacking.not_asked", "not asked: {what}", what=said.removeprefix(_NOT_ASKED))
    if said.startswith(_UNANSWERED):
        what = said.removeprefix(_UNANSWERED)
        return Sentence("samples.lacking.unanswered", "asked and not answered: {what}", what=what)
    if found := _STEPS.fullmatch(said):
        return Sentence(
            "samples.lacking.steps", "{n} of {of} {of:step|steps}", n=int(found[1]), of=int(found[2])
        )
    return _LACKING.get(said, said)
