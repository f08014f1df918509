"""Who may see what. A prompt is filled from what its role may see and from nothing else, so that a goal cannot leak.

The table is the information pattern of RoleCS (arXiv 2508.04423): the supporter knows neither who the customer is nor
what they want, and the customer is told one step at a time by an assistant who knows the goal.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from csc_tasks.synthesis.steps import Role

__all__ = ["SEES", "Item", "seen_by"]


class Item(StrEnum):
    """What a prompt can show; the value is the placeholder's name."""

    PROFILE = "profile"
    TOPIC = "topic"
    SCENARIO = "scenario"
    GOAL = "goal"
    HISTORY = "history"
    """Speakers and texts alone."""
    LABELLED_HISTORY = "labelled_history"
    """With the strategy of each of the supporter's utterances."""
    STRATEGIES = "strategies"
    """The twelve definitions with their stages."""
    ALLOWED = "allowed"
    """The strategies that can come now."""
    STRATEGY = "strategy"
    """The chosen one with its definition."""
    DIRECTION = "direction"
    CALL = "call"
    """A real call, without personal data."""
    ATTRIBUTES = "attributes"
    """A profile as a table."""
    DRAFT = "draft"
    """A case card as it was written before."""
    FAULTS = "faults"
    """What is wrong with it."""


SEES: Mapping[Role, frozenset[Item]] = {
    Role.PROFILER: frozenset({Item.ATTRIBUTES}),
    Role.PLANNER: frozenset({Item.PROFILE, Item.TOPIC}),
    Role.SUPPORTER_ASSISTANT: frozenset(
        {Item.SCENARIO, Item.LABELLED_HISTORY, Item.STRATEGIES, Item.ALLOWED}
    ),
    Role.SUPPORTER: frozenset({Item.SCENARIO, Item.STRATEGY, Item.HISTORY}),
    Role.CUSTOMER_ASSISTANT: frozenset({Item.SCENARIO, Item.GOAL, Item.PROFILE, Item.HISTORY}),
    Role.CUSTOMER: frozenset({Item.PROFILE, Item.SCENARIO, Item.HISTORY, Item.DIRECTION}),
    Role.CRITIC: frozenset({Item.SCENARIO, Item.LABELLED_HISTORY, Item.STRATEGIES}),
    Role.SCREENER: frozenset({Item.CALL}),
    Role.REWRITER: frozenset({Item.CALL, Item.STRATEGIES}),
    Role.CARD_WRITER: frozenset({Item.TOPIC, Item.CALL, Item.STRATEGIES, Item.DRAFT, Item.FAULTS}),
}


Shown = TypeVar("Shown")


def seen_by(role: Role, everything: Mapping[Item, Shown]) -> dict[Item, Shown]:
    """Of everything that is known what a role may see."""
    return {item: text for item, text in everything.items() if item in SEES[role]}
