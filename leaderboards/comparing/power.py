"""How small a drop a gate can see: what to know before a threshold is chosen or a scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from csc_tasks.data.sources import FULL_CONVERSATIONS, FULL_TURNS, LITE_SIZE, MINI_CONVERSATIONS
from csc_tasks.errors import ConfigError, DataError
from csc_tasks.leaderboards.comparing.loading import load_model_results
from csc_tasks.leaderboards.comparing.model_results import ModelResults
from csc_tasks.leaderboards.comparing.paired import delta, incomparable
from csc_tasks.leaderboards.comparing.rules import default_rules
from csc_tasks.metrics.comparison import ALPHA
from csc_tasks.metrics.uncertainty import resample_counts

__all__ = [
    "PowerOptions",
    "PowerReport",
    "Spread",
    "assumed_spread",
    "paired_spreads",
    "power_report",
    "single_spreads",
    "smallest_drop",
]


@dataclass(frozen=True, slots=True)
class Spread:
    """How much a paired difference of one metric varies.

    ``per_conversation`` is the standard error of the difference times the root of the number of
    conversations, in the metric's unit; ``basis`` says in words where it comes from.
    """

    section: str
    metric: str
    per_conversation: float
    basis: str


@dataclass(frozen=True, slots=True)
class PowerOptions:
    """What the smallest drop is asked for.

    ``conversations`` are numbers of conversations; without any those of mini, lite and full. ``baseline`` is a
    file or folder that the spread is taken from, ``against`` results whose paired difference with it counts.
    Without ``baseline`` the spread is that of :func:`assumed_spread`. ``metrics`` are the baseline's headline
    scores where none is named, and ``tests`` as many as there are spreads.
    """

    conversations: tuple[int, ...] = ()
    baseline: Path | None = None
    against: Path | None = None
    metrics: tuple[str, ...] = ()
    tests: int | None = None
    power: float = 0.8
    alpha: float = ALPHA
    correlation: float = 0.5
    disagreement: float = 0.15
    icc: float = 0.05


@dataclass(frozen=True, slots=True)
class PowerReport:
    """The smallest drop, in the metric's own unit, of each spread (row) at each number of conversations."""

    conversations: tuple[int, ...]
    spreads: tuple[Spread, ...]
    drops: tuple[tuple[float, ...], ...]
    tests: int
    power: float
    alpha: float


def power_report(options: PowerOptions) -> PowerReport:
    """The smallest true drop that the gate calls a regression, by number of conversations.

    Raises:
        ConfigError: an option needs another, or a folder has several models.
        DataError: results are not there, may not be compared, or have none of the metrics with samples.
    """
    sizes = options.conversations or (MINI_CONVERSATIONS, LITE_SIZE, FULL_CONVERSATIONS)
    spreads = _spreads(options)
    tests = options.tests or len(spreads)
    return PowerReport(
        sizes,
        tuple(spreads),
        tuple(
            tuple(smallest_drop(spread, size, tests, options.alpha, options.power) for size in sizes)
            for spread in spreads
        ),
        tests,
        options.power,
        options.alpha,
    )


def _spreads(options: PowerOptions) -> list[Spread]:
    if options.baseline is None:
        if options.against or options.metrics:
            raise ConfigError("--against and --metric need --baseline")
        return [assumed_spread(options.disagreement, FULL_TURNS / FULL_CONVERSATIONS, options.icc)]
    base = load_model_results([options.baseline])
    names = options.metrics or tuple(default_rules(base).max_drop)
    if options.against is None:
        spreads = single_spreads(base, names, options.correlation)
    else:
        other = load_model_results([options.against])
        if reason := incomparable(other, base):
            raise DataError(f"{options.against} against {options.baseline}: {reason}")
        spreads = paired_spreads(other, base, names)
    if not spreads:
        raise DataError(f"{options.baseline}: none of {', '.join(names)} is there with its samples")
    return spreads


def smallest_drop(
    spread: Spread, conversations: int, tests: int = 1, alpha: float = ALPHA, power: float = 0.8
) -> float:
    """The smallest true drop that is called a regression with this probability, allowance 0.

    (t_{1-alpha/tests} + z_power) times the standard error at so many conversations: the usual formula of a
    one-sided test (Cohen 1988), Student's t on conversations - 1 degrees of freedom.

    Args:
        spread: of the metric.
        conversations: how many are evaluated, at least 2.
        tests: how many metrics and tasks the gate watches (Bonferroni).
        alpha: chance of a false alarm in one build.
        power: chance 0-1 of seeing the drop.
    """
    from scipy.stats import norm, t

    critical = float(t.ppf(1 - alpha / tests, conversations - 1)) + float(norm.ppf(power))
    # As in the test itself, the spread of few conversations is estimated too small.
    return critical * spread.per_conversation / math.sqrt(conversations - 1)


def assumed_spread(disagreement: float, turns: float, icc: float) -> Spread:
    """Of strategy accuracy, from assumptions alone.

    A turn's difference is +1, 0 or -1; with equal accuracies its variance is the share of turns on which
    exactly one of the two models is right. Turns of a conversation are alike, which inflates the variance of
    a mean by 1 + (turns - 1)·icc (Kish 1965).

    Args:
        disagreement: that share, 0-1.
        turns: supporter turns a conversation.
        icc: intraclass correlation of the differences within a conversation.
    """
    variance = disagreement * (1 + (turns - 1) * icc) / turns
    basis = f"assumed: the models differ on {disagreement:.0%} of turns, {turns:.1f} turns a conversation, icc {icc:g}"
    return Spread("", "strategy_acc", math.sqrt(variance), basis)


def single_spreads(results: ModelResults, names: Sequence[str], correlation: float) -> list[Spread]:
    """From one model's results: the difference of two models like it whose scores correlate so.

    Args:
        results: a model's, or those of a baseline file.
        names: metrics wanted.
        correlation: between the two models' scores over resamples, below 1.
    """
    spreads = []
    for section, content in results.sections.items():
        for name in names:
            metric = content.metrics.get(name)
            if metric is None or not metric.sums:
                continue
            clusters = len(metric.conversations)
            stderr = float(np.std(metric.replicates(resample_counts(clusters)), ddof=1))
            spread = stderr * math.sqrt(clusters) * math.sqrt(2 * (1 - correlation))
            basis = f"{results.model}, {clusters} conversations, correlation {correlation:g} assumed"
            spreads.append(Spread(section, name, spread, basis))
    return spreads


def paired_spreads(first: ModelResults, second: ModelResults, names: Sequence[str]) -> list[Spread]:
    """From two models' results on the same turns, as for instance two checkpoints of one training run."""
    spreads = []
    for section, content in first.sections.items():
        if section not in second.sections:
            continue
        for name in names:
            found = delta(content, second.sections[section], name)
            if found.difference is None or math.isnan(found.difference.stderr):
                continue
            # `stderr` carries the correction for few conversations already.
            spread = found.difference.stderr * math.sqrt(found.clusters - 1)
            basis = f"{first.model} against {second.model}, {found.clusters} conversations"
            spreads.append(Spread(section, name, spread, basis))
    return spreads
