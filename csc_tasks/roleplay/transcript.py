"""A role-play as it is spoken: what the simulated customer says, how it ends, and what goes wrong with the customer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from csc_tasks.framework import Strategy
from csc_tasks.metrics.role_play_bounds import MOST_TURNS

__all__ = [
    "MOST_TURNS",
    "CustomerFault",
    "CustomerTurn",
    "End",
    "SupporterTurn",
]


class End(StrEnum):
    """Whether, and how, a role-play is over."""

    NONE = "none"
    """It goes on."""
    RESOLVED = "resolved"
    """The customer is content; whether the case is resolved is the card's to say."""
    GAVE_UP = "gave_up"
    OUT_OF_SCOPE = "out_of_scope"
    """The customer was sent elsewhere, and goes."""
    LIMIT = "limit"
    """Fifty utterances."""
    GOODBYES = "goodbyes"
    """The supporter has taken leave twice, and the case is open."""
    FAULT = "fault"
    """The customer could not be played; the role-play counts nowhere."""


class CustomerFault(StrEnum):
    """What can be wrong with a simulated customer, which is not the supporter's doing."""

    EMPTY = "empty"
    SWAPPED_ROLE = "swapped_role"
    """It spoke as the supporter, or for both."""
    INVENTED_FACT = "invented_fact"
    """It named a figure that neither its card nor the conversation has, or told what it was not asked."""
    REFUSED = "refused"
    """It spoke of itself as a model, or would not play."""
    UNREADABLE = "unreadable"
    """Its answer had not the form that was asked for."""
    OWN_ERROR = "own_error"
    """Its server failed. The one fault that asking again may cure."""


@dataclass(frozen=True, slots=True)
class CustomerTurn:
    """What a simulated customer says.

    Attributes:
        text: one line; '' where there is a fault.
        end: whether the role-play is over with it.
        told: names of the card's facts that it was asked for, and tells. What it volunteers is not among them.
        mood: from 1 (furious) to 5 (content).
        direction: what it was to do, in a few words.
        demanded: whether it makes the card's demand.
        identified: whether it says who the customer is.
        fault: why there is none.
        again: faults of answers that were asked for again.
    """

    text: str
    end: End = End.NONE
    told: tuple[str, ...] = ()
    mood: int = 3
    direction: str = ""
    demanded: bool = False
    identified: bool = False
    fault: CustomerFault | None = None
    again: tuple[CustomerFault, ...] = ()


@dataclass(frozen=True, slots=True)
class SupporterTurn:
    """What the model under test says, as it was read; ``strategy`` is ``None`` where its label could not be read."""

    text: str
    strategy: Strategy | None
