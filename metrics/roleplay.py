"""Scores of role-plays: conversations with a simulated customer, read by the rules of a case card.

An item is of one role-play. Role-plays of one card are one cluster. An item is ``[]`` where the role-play says nothing
of a score, or could not be played (:class:`CustomerCoverage`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from csc_tasks.metrics.base import SHARES, AdditiveMetric, Floats, MeanMetric, MetricInfo, Needs, Scale
from csc_tasks.metrics.published_shares import PUBLISHED_SHARES
from csc_tasks.metrics.role_play_bounds import MOST_TURNS
from csc_tasks.metrics.stages import NO_STAGE, STAGE_OF, STRATEGIES
from csc_tasks.metrics.strategy import jensen_shannon, shares
from csc_tasks.metrics.turns import UNREADABLE

__all__ = ["MIN_COVERAGE", "RolePlayFigures", "RolePlayMetric", "role_play_metrics"]

MIN_COVERAGE = 0.95
"""Share of the role-plays that must have been played, below which scores are withheld."""
NOTHING: list[float] = []
"""The item of a role-play that says nothing of a score."""
_STAGES = 5
_IMPLEMENTATION = "card rules zh-1"
"""The implementation of what is told by the rules of a card."""


@dataclass(frozen=True, slots=True)
class RolePlayFigures:
    """One role-play in figures.

    Attributes:
        played: whether the customer could be played to the end.
        ended: a name: ``resolved``, ``gave_up``, ``out_of_scope``, ``limit`` or ``goodbyes``.
        resolved_at: the supporter's turn (from 1) at which the case was resolved by its card; 0 where it was not.
        all_resolved: whether every trial of the card was; ``None`` in all but the first, and where one was not played.
        strategies: of each turn of the supporter the index 0-11, or -1 where it could not be read.
        needed: facts that had to be asked for. ``asked``: how many of them were.
        invented: turns with a figure that nobody could know.
        broken: the demand was granted, or something promised that the card forbids.
        verified_first: nothing private was said before the customer said who they are; ``None`` where there is nothing.
        repeated: turns that said again what had been said.
        mood: of the customer at the end, 1 to 5.
    """

    played: bool
    ended: str
    resolved_at: int
    all_resolved: bool | None
    strategies: tuple[int, ...]
    needed: int
    asked: int
    invented: int
    broken: bool
    verified_first: bool | None
    repeated: int
    mood: int

    @property
    def turns(self) -> int:
        """The supporter's."""
        return len(self.strategies)


class RolePlayMetric(AdditiveMetric):
    """A mean over role-plays, or a ratio of sums over them.

    Args:
        info: its entry among the metrics.
        of: the item of a role-play that was played: a number, ``[part, whole]``, or ``[]``.
        scale: what the score is between.
        yes_no: whether an item is 0 or 1.
        most: the largest whole of a ratio's item; 0 for a mean.
    """

    counts = False

    def __init__(
        self,
        info: MetricInfo,
        of: Callable[[RolePlayFigures], Any],
        scale: Scale = SHARES,
        yes_no: bool = False,
        most: int = 0,
    ) -> None:
        self.info = info
        self.scale = scale
        self.yes_no = yes_no
        self._of = of
        self._most = most

    def item(self, figures: RolePlayFigures) -> Any:
        """The item of a role-play; ``[]`` of one that was not played."""
        return self._of(figures) if figures.played else NOTHING

    def accepts(self, item: Any) -> bool:
        """``[]``, or what :meth:`item` can be."""
        if item == NOTHING:
            return True
        if not self._most:
            return self.scale.holds(item)
        return (
            isinstance(item, list)
            and len(item) == 2
            and all(isinstance(n, int) and not isinstance(n, bool) for n in item)
            and 0 <= item[0] <= item[1] <= self._most
        )

    def statistics(self, items: Sequence[Any]) -> Floats:
        """What is added up, and over how much, (n, 2)."""
        rows = [
            (0.0, 0.0) if item == NOTHING else tuple(item) if isinstance(item, list) else (float(item), 1.0)
            for item in items
        ]
        return np.asarray(rows, dtype=np.float64).reshape(len(items), 2)

    def from_sums(self, sums: Floats) -> Floats:
        """The one over the other."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums[..., 0] / sums[..., 1])

    def observations(self, sums: Floats) -> float:
        """How many role-plays, or of a ratio how many facts or turns, it is told from."""
        return float(sums[..., 1].sum())


class StrategyDistance(AdditiveMetric):
    """Jensen-Shannon divergence (bits, 0-1) of the strategies' shares from those published of CSConv.

    Over six groups: the five whose shares were published, and the rest. The item is the counts (12,) of a role-play.
    """

    info = MetricInfo(
        "strategy_jsd_csconv",
        "Strategies against CSConv's",
        Needs.ROLE_PLAY,
        -1,
        "Jensen-Shannon divergence of the strategies' shares from those published of CSConv",
        implementation="csconv, six groups of arXiv 2508.04423",
    )

    def item(self, figures: RolePlayFigures) -> Any:
        """How often each strategy was used."""
        if not figures.played:
            return NOTHING
        return [figures.strategies.count(n) for n in range(STRATEGIES)]

    def accepts(self, item: Any) -> bool:
        """``[]``, or twelve counts."""
        if item == NOTHING:
            return True
        whole = isinstance(item, list) and len(item) == STRATEGIES
        return whole and all(
            isinstance(n, int) and not isinstance(n, bool) and 0 <= n <= MOST_TURNS for n in item
        )

    def statistics(self, items: Sequence[Any]) -> Floats:
        """The counts, (n, 12)."""
        rows = [item or [0] * STRATEGIES for item in items]
        return np.asarray(rows, dtype=np.float64).reshape(len(items), STRATEGIES)

    def from_sums(self, sums: Floats) -> Floats:
        """The divergence; NaN where no label could be read."""
        groups = [list(group) for group, _ in PUBLISHED_SHARES]
        rest = sorted(set(range(STRATEGIES)) - {n for group in groups for n in group})
        found = np.stack([sums[..., group].sum(axis=-1) for group in [*groups, rest]], axis=-1)
        known = [share for _, share in PUBLISHED_SHARES]
        published = np.array([*known, 1 - sum(known)])
        used = shares(found)
        return np.asarray(
            np.where(
                np.isnan(used[..., 0]), np.nan, jensen_shannon(used, np.broadcast_to(published, used.shape))
            )
        )


class CustomerCoverage(MeanMetric):
    """The share of role-plays whose customer could be played: the simulator's faults are not the model's."""

    yes_no = True
    info = MetricInfo(
        "customer_coverage",
        "Customers played",
        Needs.ROLE_PLAY,
        0,
        "share of the role-plays whose customer could be played to the end",
        headline=True,
    )

    def item(self, figures: RolePlayFigures) -> float:
        """1.0 or 0.0."""
        return float(figures.played)


def _stages(figures: RolePlayFigures) -> list[int]:
    """The stages (0-4) of the turns that have one, in order."""
    stages = (STAGE_OF[n] for n in figures.strategies if n != UNREADABLE)
    return [stage for stage in stages if stage != NO_STAGE]


def _in_order(figures: RolePlayFigures) -> Any:
    stages = _stages(figures)
    steps = list(pairwise(stages))
    return [sum(after >= before for before, after in steps), len(steps)]


def _ended(*names: str) -> Callable[[RolePlayFigures], float]:
    return lambda figures: float(figures.ended in names)


def _info(
    name: str, title: str, better: int, summary: str, *, percent: bool = True, headline: bool = False
) -> MetricInfo:
    return MetricInfo(
        name,
        title,
        Needs.ROLE_PLAY,
        better,
        summary,
        percent=percent,
        headline=headline,
        implementation=_IMPLEMENTATION,
    )


_TURNS = Scale(0.0, MOST_TURNS)
_FACTS = 100
"""Facts of a card that have to be asked for, at most."""


@cache
def _all() -> tuple[RolePlayMetric | StrategyDistance | CustomerCoverage, ...]:
    return (
        RolePlayMetric(
            _info("resolved", "Resolved", 1, "share of the role-plays that are resolved by their card", headline=True),
            lambda f: float(f.resolved_at > 0),
            yes_no=True,
        ),
        RolePlayMetric(
            _info("pass_k", "pass^k", 1, "share of the cards of which every trial is resolved", headline=True),
            lambda f: NOTHING if f.all_resolved is None else float(f.all_resolved),
            yes_no=True,
        ),
        RolePlayMetric(
            _info("facts_asked", "Facts asked", 1, "needed facts that were asked for", headline=True),
            lambda f: [f.asked, f.needed],
            most=_FACTS,
        ),
        RolePlayMetric(
            _info("promises_broken", "Against the card", -1,
                  "share of the role-plays in which something was promised that the card forbids", headline=True),
            lambda f: float(f.broken),
            yes_no=True,
        ),
        RolePlayMetric(
            _info("facts_invented", "Invented", -1,
                  "share of the supporter's turns with a figure that nobody could know", headline=True),
            lambda f: [f.invented, f.turns],
            most=MOST_TURNS,
        ),
        RolePlayMetric(
            _info("verified_first", "Verified first", 1,
                  "share of the role-plays with something private in which nothing of it was said before identity was "
                  "verified"),
            lambda f: NOTHING if f.verified_first is None else float(f.verified_first),
            yes_no=True,
        ),
        RolePlayMetric(
            _info("turns_to_resolution", "Turns to resolution", -1,
                  "mean number of the supporter's turns until a resolved case is resolved", percent=False),
            lambda f: float(f.resolved_at) if f.resolved_at else NOTHING,
            scale=_TURNS,
        ),
        RolePlayMetric(
            _info("role_play_turns", "Turns", 0, "mean number of the supporter's turns", percent=False),
            lambda f: float(f.turns),
            scale=_TURNS,
        ),
        RolePlayMetric(
            _info("customer_mood", "Mood at the end", 1, "mean mood of the customer at the end, 1 to 5", percent=False,
                  headline=True),
            lambda f: float(f.mood),
            scale=Scale(1.0, 5.0),
        ),
        RolePlayMetric(
            _info("ended_content", "Ended content", 1, "share of the role-plays that the customer ends content"),
            _ended("resolved"),
            yes_no=True,
        ),
        RolePlayMetric(
            _info("ended_gave_up", "Gave up", -1, "share of the role-plays in which the customer gives up"),
            _ended("gave_up"),
            yes_no=True,
        ),
        RolePlayMetric(
            _info("ended_out_of_scope", "Sent away", 0, "share of the role-plays whose customer is sent elsewhere"),
            _ended("out_of_scope"),
            yes_no=True,
        ),
        RolePlayMetric(
            _info("ended_open", "Ended open", -1, "share of the role-plays that fifty utterances or two goodbyes end"),
            _ended("limit", "goodbyes"),
            yes_no=True,
        ),
        RolePlayMetric(
            _info("stage_coverage", "Stages covered", 1, "how many of the five stages a role-play has, as a share"),
            lambda f: len(set(_stages(f))) / _STAGES,
        ),
        RolePlayMetric(
            _info("stage_order", "Stages in order", 1, "steps from stage to stage that do not lead back"),
            _in_order,
            most=MOST_TURNS,
        ),
        StrategyDistance(),
        RolePlayMetric(
            _info("labels_unread", "Unreadable labels", -1, "share of the turns that name none of the twelve"),
            lambda f: [f.strategies.count(UNREADABLE), f.turns],
            most=MOST_TURNS,
        ),
        RolePlayMetric(
            _info("repetition", "Repeated", -1, "share of the supporter's turns that say again what had been said"),
            lambda f: [f.repeated, f.turns],
            most=MOST_TURNS,
        ),
        CustomerCoverage(),
    )  # fmt: skip


def role_play_metrics(
    trials: int | None = None,
) -> Mapping[str, RolePlayMetric | StrategyDistance | CustomerCoverage]:
    """The scores of role-plays by name, in table order.

    Args:
        trials: of each card; of one trial pass^k says what ``resolved`` says, and is left out; all scores by default.
    """
    return {m.info.name: m for m in _all() if trials != 1 or m.info.name != "pass_k"}
