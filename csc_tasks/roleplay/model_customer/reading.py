"""Reading what the two roles answered; what cannot be used says which fault of the customer's it is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from csc_tasks.roleplay.asking.answers import (
    AS_MODEL,
    FOR_THE_OTHER,
    Unusable,
    object_of,
    spoken,
    text_of,
    truth_of,
)
from csc_tasks.roleplay.cards import CardFact
from csc_tasks.roleplay.customer_words import speaks_as_model, speaks_as_supporter
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.leaks import gives_away
from csc_tasks.roleplay.model_customer.scene import Scene
from csc_tasks.roleplay.rules import figures_in, follows_from, plain
from csc_tasks.roleplay.transcript import CustomerFault, End

__all__ = ["ENDS", "Direction", "NotPlayed", "read_direction", "read_utterance"]

ENDS = (End.NONE, End.RESOLVED, End.GAVE_UP, End.OUT_OF_SCOPE)
"""What a director can find."""
_LONGEST = 200
"""Characters of a direction, which is told to be thirty."""
_HAN = re.compile(r"[\u4e00-\u9fff]")
_SHORTEST_CLAUSE = 5
_CLAUSE = re.compile(r"[^，,、。！!？?；;…. ]{1,600}")
_OVER_AND_OVER = 4
"""Times that a clause of an utterance comes where a small model cannot end."""
_READ_OUT = 12
"""Characters of a direction from which on nobody says the very same by chance."""
_FAULTS = {
    FOR_THE_OTHER: CustomerFault.SWAPPED_ROLE,
    AS_MODEL: CustomerFault.REFUSED,
    "empty": CustomerFault.EMPTY,
    "text is empty": CustomerFault.EMPTY,
}


class NotPlayed(Exception):
    """An answer that no customer could have given, or that is none."""

    def __init__(self, fault: CustomerFault, reason: str) -> None:
        super().__init__(reason)
        self.fault = fault
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Direction:
    """What a director answers.

    Attributes:
        asked: names of the card's facts that the supporter's last utterance asks for.
        step: what the customer is to do.
        mood: from 1 to 5.
        demand: the demand is to be made now.
        end: one of :data:`ENDS`.
    """

    asked: tuple[str, ...]
    step: str
    mood: int
    demand: bool
    end: End


def read_direction(text: str, case: CaseInPlay) -> Direction:
    """A director's answer.

    Raises:
        NotPlayed: it is none, or its step says the goal, which the customer must not see.
    """
    try:
        found = object_of(text, ("asked", "direction", "mood", "demand", "end"))
        step = text_of(found["direction"], "direction", _LONGEST)
        if not _HAN.search(step):
            raise Unusable("the direction has no Chinese word")
        if gives_away(step, case.goal):
            raise Unusable("the direction gives the goal away")
        return Direction(
            _names(found["asked"], case),
            " ".join(step.split()),
            _mood(found["mood"]),
            truth_of(found["demand"], "demand"),
            _end(found["end"]),
        )
    except Unusable as error:
        raise NotPlayed(_FAULTS.get(error.reason, CustomerFault.UNREADABLE), error.reason) from None


def _names(value: Any, case: CaseInPlay) -> tuple[str, ...]:
    """The facts among some names; a name that the card has not is passed over, for it can show nothing."""
    named = [value] if isinstance(value, str) else value
    if not isinstance(named, list):
        raise Unusable("asked is no list")
    wanted = {plain(name) for name in named if isinstance(name, str)}
    return tuple(fact.name for fact in case.card.facts if plain(fact.name) in wanted)


def _mood(value: Any) -> int:
    if not isinstance(value, bool):
        with suppress(ValueError, TypeError, OverflowError):
            mood = round(float(value))
            if 1 <= mood <= 5:
                return mood
    raise Unusable("mood is not from 1 to 5")


def _end(value: Any) -> End:
    name = value.strip().casefold() if isinstance(value, str) else ""
    if name not in ENDS:
        raise Unusable("end is none of those asked for")
    return End(name)


def _about_you(case: CaseInPlay) -> Iterable[str]:
    """What the card says of the customer in the second person (你三十出头), which no customer says."""
    clauses = re.split("[，。；！]", plain(case.fill(case.card.who)))
    return [clause for clause in clauses if clause.startswith("你") and len(clause) >= _SHORTEST_CLAUSE]


def read_utterance(
    text: str,
    scene: Scene,
    heard: str,
    step: str,
    may_tell: Iterable[str],
    untold: Iterable[CardFact],
) -> str:
    """A customer's answer: what is said, in one line.

    Args:
        text: what the model wrote.
        scene: the case as it has come.
        heard: the supporter's last utterance.
        step: what the director says, which is nothing to be read out.
        may_tell: figures of what the customer may tell.
        untold: needed facts that were not asked for.

    Raises:
        NotPlayed: it is none, or no customer of this case could have said it.
    """
    try:
        value = object_of(text, ("text",))["text"]
        said = spoken(value, "customer")
        # A small model copies a field's name; a number alone may be an answer.
        if not _HAN.search(said) and not any(c.isdigit() for c in said):
            raise Unusable("text has no Chinese word")
    except Unusable as error:
        raise NotPlayed(_FAULTS.get(error.reason, CustomerFault.UNREADABLE), error.reason) from None
    if speaks_as_model(said):
        raise NotPlayed(CustomerFault.REFUSED, AS_MODEL)
    if speaks_as_supporter(said):
        raise NotPlayed(CustomerFault.SWAPPED_ROLE, "it speaks as the supporter")
    if len(plain(said)) > 8 and plain(said) == plain(heard):
        raise NotPlayed(CustomerFault.SWAPPED_ROLE, "it repeats what the supporter said")
    if scene.prompts.copied_in(said) or any(clause in plain(said) for clause in _about_you(scene.case)):
        raise NotPlayed(CustomerFault.UNREADABLE, "it reads its prompt out")
    if len(plain(step)) > _READ_OUT and plain(step) in plain(said):
        raise NotPlayed(CustomerFault.UNREADABLE, "it reads its direction out")
    clauses = Counter(clause for clause in _CLAUSE.findall(said) if len(clause) >= _SHORTEST_CLAUSE)
    if clauses and max(clauses.values()) >= _OVER_AND_OVER:
        raise NotPlayed(CustomerFault.UNREADABLE, "it says the same over and over")
    case, known = scene.case, scene.figures | frozenset(may_tell)
    named = figures_in(said)
    if scene.free:
        return said
    whole = case.figures | known
    if any(not follows_from(figure, whole) for figure in named - whole):  # sums are no inventions
        raise NotPlayed(CustomerFault.INVENTED_FACT, "it names a figure that its card has not")
    for fact in untold:
        own = figures_in(case.tells(fact))
        if gives_away(said, case.tells(fact)) or (own - known and own <= named):
            raise NotPlayed(CustomerFault.INVENTED_FACT, "it tells what it was not asked")
    return said
