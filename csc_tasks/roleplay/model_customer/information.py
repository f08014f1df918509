"""Who may see what of a case. A prompt is filled from what its role may see and from nothing else.

The pattern is RoleCS's (arXiv 2508.04423): who speaks as the customer is told one step at a time by a director who
knows the goal. Beyond it, the director knows of facts only the names, and the customer only what was asked for: what a
model does not know it cannot let out.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

__all__ = ["CUSTOMER_SEES", "CaseItem", "CustomerRole", "shown_to"]


class CustomerRole(StrEnum):
    """Who is asked for a customer's turn, one after the other."""

    DIRECTOR = "director"
    CUSTOMER = "customer"


class CaseItem(StrEnum):
    """What a prompt can show; the value is the placeholder's name."""

    WHO = "who"
    SCENARIO = "scenario"
    HISTORY = "history"
    GOAL = "goal"
    SATISFIED = "satisfied"
    TEMPER = "temper"
    """Mood at first, what eases and worsens it, and when the customer gives up."""
    DEMAND = "demand"
    """The card's unreasonable demand, and why it must be refused."""
    FACT_NAMES = "fact_names"
    """Of all facts, without what they are."""
    SO_FAR = "so_far"
    """Names of what was told, mood, turns in vain, whether the demand was made."""
    MAY_TELL = "may_tell"
    """What the facts are that were told or are asked now, the identity if it is asked, the demand if it is made now."""
    MOOD = "mood"
    DIRECTION = "direction"
    ENDING = "ending"
    """Whether these are the customer's last words."""


CUSTOMER_SEES: Mapping[CustomerRole, frozenset[CaseItem]] = {
    CustomerRole.DIRECTOR: frozenset(
        {
            CaseItem.WHO,
            CaseItem.SCENARIO,
            CaseItem.HISTORY,
            CaseItem.GOAL,
            CaseItem.SATISFIED,
            CaseItem.TEMPER,
            CaseItem.DEMAND,
            CaseItem.FACT_NAMES,
            CaseItem.SO_FAR,
        }
    ),
    CustomerRole.CUSTOMER: frozenset(
        {
            CaseItem.WHO,
            CaseItem.SCENARIO,
            CaseItem.HISTORY,
            CaseItem.MAY_TELL,
            CaseItem.MOOD,
            CaseItem.DIRECTION,
            CaseItem.ENDING,
        }
    ),
}

Item = TypeVar("Item")


def shown_to(role: CustomerRole, everything: Mapping[CaseItem, Item]) -> dict[str, Item]:
    """Of everything that is known what a role may see, by placeholder."""
    return {str(item): text for item, text in everything.items() if item in CUSTOMER_SEES[role]}
