"""What a metric is: statistics of one turn, and a score from statistics.

Two kinds. An :class:`AdditiveMetric` has *sufficient statistics* that can be summed over any set of
turns; its score, and the score of every bootstrap sample, come from the sums alone. A
:class:`SetMetric` needs the items of all turns together (distinct n-grams, runs in a conversation).

An *item* is a JSON value. A :class:`TurnMetric` makes one of each turn; they go to the sample log as they are,
so that a saved run can be scored again without tokenising, and resampled without scoring. What has no
turns (verdicts, pairs, ratings) makes its items in its own way and is scored in the same.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from csc_tasks.metrics.tokenizers import NORM
from csc_tasks.metrics.turns import Turns

__all__ = [
    "MOST",
    "NETWORKS",
    "SHARES",
    "AdditiveMetric",
    "Floats",
    "Fold",
    "MeanMetric",
    "Metric",
    "MetricInfo",
    "ModelError",
    "Needs",
    "Scale",
    "SetMetric",
    "TurnMetric",
    "are_counts",
]

Floats = npt.NDArray[np.float64]


MOST = 10**12
"""More characters, n-grams or turns than anybody has."""
_ROUNDING = 1e-3
"""How far beyond its ends a value may be: a cosine that was computed in float32 is 1.0000002."""


class Scale(NamedTuple):
    """The ends that a score is between."""

    low: float
    high: float

    def holds(self, value: object) -> bool:
        """Whether a value that was read somewhere is a number between the ends, or beyond them by rounding alone."""
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return False
        return self.low - _ROUNDING <= value <= self.high + _ROUNDING


SHARES = Scale(0.0, 1.0)
NETWORKS = Scale(-100.0, 100.0)
"""What a network says has no ends of its own; these are far beyond what any has said."""


def are_counts(item: object, width: int) -> bool:
    """Whether this is a list of so many counts."""
    return (
        isinstance(item, list)
        and len(item) == width
        and all(isinstance(n, (int, float)) and not isinstance(n, bool) and 0 <= n < MOST for n in item)
    )


class ModelError(Exception):
    """The model that a metric needs cannot be had or used; the message says which and why."""


class Needs(Enum):
    """Which columns of :class:`Turns` a metric reads."""

    STRATEGY = "strategy"
    TEXT = "text"
    RANKS = "ranks"
    ANSWERS = "answers"
    BACKEND = "backend"
    DIALOGUE = "dialogue"
    JUDGE = "judge"
    ROLE_PLAY = "role_play"


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """A metric's entry in the registry; tables, docs and signatures read it from here.

    ``better`` is +1 if higher is better, -1 if lower is, 0 if neither (a description, not a score);
    ``percent`` says that tables show the value times 100; ``headline`` that short tables show it;
    ``model`` that scores are a neural network's, so that those of two networks are different
    quantities; ``variant`` is added to the name of a column whose scale differs from the ordinary;
    ``until`` is the last benchmark version whose runs report it, 0 where that is not over: a later one has
    another column in its place, for a name never changes its meaning.
    ``tokens`` is the tokenizer of a metric that always uses the same, whatever the run's is; ``instead_of`` the
    metric whose place in short tables it takes where both are known.
    """

    name: str
    title: str
    needs: Needs
    better: int
    summary: str
    percent: bool = True
    headline: bool = False
    tokenized: bool = False
    implementation: str = "csconv"
    model: bool = False
    variant: str = ""
    until: int = 0
    tokens: str = ""
    instead_of: str = ""

    def normal(self) -> MetricInfo:
        """Of the same metric under ``zh-norm``, which takes its place in short tables."""
        return replace(
            self,
            name=f"{self.name}_norm",
            title=f"{self.title} (norm)",
            summary=f"{self.summary}; of texts in one spelling (zh-norm)",
            tokens=NORM,
            instead_of=self.name,
        )


class Metric(ABC):
    """A score that is told from items."""

    info: MetricInfo
    scale: Scale = SHARES
    """What its score is between."""

    def accepts(self, item: Any) -> bool:
        """Whether what was read somewhere can be one of its items: of the right form, and within its ends."""
        return item is not None

    @property
    def implementation(self) -> str:
        """What must agree for two scores to be comparable; of a model, only once it is prepared."""
        return self.info.implementation

    @property
    def details(self) -> dict[str, Any]:
        """What else is worth recording about how the scores are made."""
        return {}

    def prepare(self) -> None:  # noqa: B027  # most metrics need nothing
        """Load what scoring needs.

        Raises:
            ModelError: it cannot be had; better known before ten hours of generation than after.
        """

    @abstractmethod
    def score(self, items: Sequence[Any]) -> float:
        """The score of what these items came from; NaN where it is undefined."""


class TurnMetric(Metric):
    """A metric whose items are made of turns."""

    @abstractmethod
    def items(self, turns: Turns) -> list[Any]:
        """One JSON value for each turn."""


class AdditiveMetric(Metric):
    """A metric whose statistics can be summed.

    ``counts`` says that they are whole numbers, whose sums are exact in any order. Others are added up
    with a correctly rounded sum, so that no score depends on how the turns were dealt to processes.
    ``linked`` says that those of an item depend on the item before it in its conversation. ``yes_no`` says
    that it is the share of turns of which something holds, whose interval is that of a share.
    """

    counts = True
    linked = False
    yes_no = False

    @abstractmethod
    def statistics(self, items: Sequence[Any]) -> Floats:
        """Items as an array (n, d) whose rows can be summed."""

    @abstractmethod
    def from_sums(self, sums: Floats) -> Floats:
        """Scores (...) from summed statistics (..., d)."""

    def score(self, items: Sequence[Any]) -> float:
        """The score of the summed statistics; NaN for no items or if any turn could not be scored."""
        if not len(items):
            return float("nan")
        return float(self.from_sums(self.total(self.statistics(items))))

    def total(self, statistics: Floats) -> Floats:
        """The sum (d,) of statistics (n, d), the same in any order of the rows."""
        if self.counts:
            return np.asarray(statistics.sum(axis=0))
        return np.array([math.fsum(column) for column in statistics.T])

    def value(self, sums: Floats) -> float:
        """The score of c conversations from the sums (c, d) of each."""
        total = sums.sum(axis=0)
        # Where a metric is undefined without turns, of a third for instance, so is the sum of nothing.
        return float(self.from_sums(total)) if total.any() else self.score([])

    def replicates(self, sums: Floats, resampled: Floats) -> Floats:
        """The scores (resamples,) that an interval and an error are told from.

        Args:
            sums: (c, d) of each conversation.
            resampled: (resamples,) what :meth:`from_sums` makes of resamples of them.
        """
        return resampled

    @property
    def replicate_scale(self) -> Scale:
        """What :meth:`replicates` are between."""
        return self.scale

    def observations(self, sums: Floats) -> float:
        """How many turns the score of these sums (..., d) is a mean of; NaN where it is no mean."""
        return math.nan


class MeanMetric(AdditiveMetric):
    """A metric that is the mean of one number an item."""

    counts = False

    def accepts(self, item: Any) -> bool:
        """A number between the ends of the score."""
        return self.scale.holds(item)

    def statistics(self, items: Sequence[Any]) -> Floats:
        """The value and a one, (n, 2)."""
        values = np.asarray(items, dtype=np.float64)
        return np.stack([values, np.ones_like(values)], axis=1)

    def from_sums(self, sums: Floats) -> Floats:
        """Sum over count."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums[..., 0] / sums[..., 1])

    def observations(self, sums: Floats) -> float:
        """The count."""
        return float(sums[..., 1].sum())


class Fold(ABC):
    """What a set metric keeps of the items it was shown, in as little memory as its score can be told from."""

    @abstractmethod
    def add(self, items: Sequence[Any]) -> None:
        """Take in more items."""

    @abstractmethod
    def score(self) -> float:
        """The score of all items so far; NaN where it is undefined."""


class SetMetric(Metric):
    """A metric over all items together."""

    @abstractmethod
    def fold(self) -> Fold:
        """An empty fold."""

    def score(self, items: Sequence[Any]) -> float:
        """The score of these items; NaN where it is undefined."""
        fold = self.fold()
        fold.add(items)
        return fold.score()
