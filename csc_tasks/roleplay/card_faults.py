"""What can be wrong with a case card: which field, what, and the words that it is about."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from pydantic import ValidationError

__all__ = ["CardContradiction", "CardFault", "FaultKind", "faults_in"]

_LONGEST = 60
"""Characters of a card that a fault shows."""


class FaultKind(Enum):
    """The kinds, each by what a person is told; ``{}`` stands for words of the card."""

    SCHEMA = "{}"
    """A field is missing, of another form, or none of a card's; what pydantic says."""
    VALUE_MISSING = "values has no {}, which a sentence shows"
    VALUE_IDLE = "no sentence shows the value {}"
    VALUE_BRACKETS = "a value cannot have ( ) { } or |: {}"
    MANY_WORDINGS = "a question has more than {} wordings"
    QUESTION = "no word of asked_by, or one of another fact, is in the question {}"
    THREE_IN_A_ROW = "three in a row have one strategy"
    FACT_TWICE = "there are two of the name {}; rename one of them"
    NO_FACT = "none is needed (optional = false); what the supporter has to find out makes the case"
    NO_STEP = "none that is not optional has done_by, the words by which it is known to be done"
    NO_GIVING_UP = "missing; what the customer says who loses patience"
    NO_LOOKUP = "missing; what the supporter can look up, so that inventing can be told from knowing"
    NO_ABOUT = "missing; the words that name the demand"
    STEP_NOT_FOUND = "done_by does not find the step in its own words: {}"
    STEP_FORBIDDEN = "says what never forbids: {}"
    STEP_GRANTS = "grants the demand: {}"
    NO_REFUSAL = "is not read as a refusal: {}"
    LOOKUP_ASKS = "reading one aloud would ask for {}"
    LOOKUP_GOAL = "gives the goal away: {}"
    LOOKUP_SHOWN = "shown_by {} is not in what it finds"
    OPENING_TELLS = "tells {}, which the supporter has to find out"
    OPENING_FIGURES = "names the figures of {}, which the supporter has to find out"
    SCENARIO_GOAL = "gives the goal away, which the supporter must not know"
    UNRESOLVED = "a supporter who does all that the card asks for does not resolve it ({})"
    TOO_EASY = "a supporter who is only {} resolves it"


class CardFault(NamedTuple):
    """One fault.

    Attributes:
        field: where, as a person finds it; '' for the card as a whole.
        kind: what.
        shown: the words of the card that it is about.
        type: of a fault of the schema pydantic's name for it.
    """

    field: str
    kind: FaultKind
    shown: str = ""
    type: str = ""

    def __str__(self) -> str:
        longest = 300 if self.kind in (FaultKind.SCHEMA, FaultKind.UNRESOLVED) else _LONGEST
        # The words stand where {} does and are not looked at again.
        told = self.kind.value.replace("{}", f"{self.shown:.{longest}}")
        return f"{self.field}: {told}" if self.field else told


class CardContradiction(ValueError):
    """Fields of a card that are sound each and do not go together."""

    def __init__(self, faults: list[CardFault]) -> None:
        super().__init__(str(faults[0]))
        self.faults = faults


def faults_in(error: ValidationError) -> list[CardFault]:
    """All that pydantic found wrong, in the order of the fields."""
    found: list[CardFault] = []
    for each in error.errors(include_url=False, include_input=False):
        cause = each.get("ctx", {}).get("error")
        if isinstance(cause, CardContradiction):
            found += cause.faults
            continue
        place = ".".join(map(str, each["loc"]))
        if each["type"] in ("dict_type", "model_type"):
            told = "must be an object"
        else:
            told = each["msg"].removeprefix("Value error, ")
            told = told[:1].lower() + told[1:]
        found.append(CardFault(place, FaultKind.SCHEMA, told, each["type"]))
    return found
