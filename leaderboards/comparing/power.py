"""How small a drop a gate can see: what to know before a threshold is chosen or a scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from csc_tasks.data.sources import FULL_CONVERSATIONS, FULL_TURNS, LITE_SIZE, MINI_CONVERSATIONS
from csc_tasks.errors import ConfigError, DataError
from csc_tasks.leaderboards.comparing.loading import load_model_results
from csc_tasks.leaderboards.comparing.model_results import ModelResults
from csc_tasks.leaderboards.comparing.paired import delta, incomparable
from csc_tasks.leaderboards.comparing.rules import Rules, defaults, limits, load_rules, targets
from csc_tasks.metrics import DEFAULT_TOKENIZER, BertScoreOptions, Models, column_name, has_sums
from csc_tasks.metrics.comparison import ALPHA, ROUNDING
from csc_tasks.metrics.uncertainty import resample_counts
from csc_tasks.protocol.scoring import metrics_of_task
from csc_tasks.protocol.task_kind import Context, TaskKind, units_of

__all__ = [
    "PowerOptions",
    "PowerReport",
    "Spread",
    "assumed_spread",
    "group_scores",
    "power_report",
    "smallest_drop",
]

_GROUP = (
    (TaskKind.STRATEGY, Context.REFERENCE),
    (TaskKind.RESPONSE, Context.REFERENCE),
    (TaskKind.RESPONSE, Context.GENERATED),
)
"""The tasks of ``csconv`` and ``csconv_lite``: what is watched where no baseline says otherwise."""
_ASSUMED = "strategy_acc"
"""The one score whose spread can be told from assumptions."""


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
    Without ``baseline`` the spread is that of :func:`assumed_spread`. ``rules`` is a file, ``max_drop`` has
    ``METRIC=DROP`` as the gate takes them or a ``DROP`` for all scores that have no other, and ``metrics`` are
    watched as if they stood in ``max_drop``; without any, the headline scores are. ``tests`` are as many as the gate
    makes with these rules, and ``alpha`` is theirs.
    """

    conversations: tuple[int, ...] = ()
    baseline: Path | None = None
    against: Path | None = None
    rules: Path | None = None
    max_drop: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    tests: int | None = None
    power: float = 0.8
    alpha: float | None = None
    correlation: float = 0.5
    disagreement: float = 0.15
    icc: float = 0.05


@dataclass(frozen=True, slots=True)
class PowerReport:
    """The smallest drop, in the metric's own unit, of each spread (row) at each number of conversations.

    ``allowed`` is what each may drop; ``tests`` share ``alpha``, and ``watched`` says in words what they are. A drop
    is NaN where none could be told from chance, or nothing is known of the spread. Of role-plays the conversations are
    cards, as ``unit`` says.
    """

    conversations: tuple[int, ...]
    spreads: tuple[Spread, ...]
    allowed: tuple[float, ...]
    drops: tuple[tuple[float, ...], ...]
    tests: int
    watched: str
    power: float
    alpha: float
    unit: str = "conversations"


def power_report(options: PowerOptions) -> PowerReport:
    """The smallest true drop that the gate calls a regression, by number of conversations.

    Raises:
        ConfigError: a wrong rule, an option needs another, or a folder has several models.
        DataError: results are not there, may not be compared, or have none of the metrics with samples.
    """
    if options.baseline is None and options.against:
        raise ConfigError("--against needs --baseline")
    base = load_model_results([options.baseline]) if options.baseline else None
    sizes = options.conversations or _sizes(base)
    scores = group_scores() if base is None else {n: list(s.metrics) for n, s in base.sections.items()}
    rules, watched = _rules(options, scores)
    if rules.sections:
        scores = {name: names for name, names in scores.items() if name in rules.sections}
    found = targets(rules.max_drop, scores).found
    minimums = [metric for _, metric, _ in targets(rules.min, scores).found if has_sums(metric)]
    tests = options.tests or max(1, len(found) + len(minimums))
    rows = _assumed(options, found) if base is None else _measured(options, base, found)
    alpha = rules.alpha if options.alpha is None else options.alpha
    return PowerReport(
        sizes,
        tuple(spread for spread, _ in rows),
        tuple(allowed for _, allowed in rows),
        tuple(
            tuple(smallest_drop(spread, size, tests, alpha, options.power, allowed) for size in sizes)
            for spread, allowed in rows
        ),
        tests,
        "as told" if options.tests else watched,
        options.power,
        alpha,
        "cards" if base is not None and base.protocol.customer else "conversations",
    )


def _sizes(base: ModelResults | None) -> tuple[int, ...]:
    """Numbers of conversations that people choose between; of cards one's own, and as many as ``lite`` has."""
    if base is not None and base.protocol.customer:
        return tuple(sorted({LITE_SIZE, *(section.asked for section in base.sections.values())}))
    return MINI_CONVERSATIONS, LITE_SIZE, FULL_CONVERSATIONS


def group_scores() -> dict[str, list[str]]:
    """By section, the scores of a run of ``csconv`` or ``csconv_lite``, BERTScore among them."""
    models = Models(bertscore=BertScoreOptions())
    return {
        f"{kind.value}/{context.value}": [
            column_name(metric) for metric in metrics_of_task(kind, context, DEFAULT_TOKENIZER, models)
        ]
        for kind, context in _GROUP
    }


def _rules(options: PowerOptions, scores: Mapping[str, Sequence[str]]) -> tuple[Rules, str]:
    """What the gate would hold to, and in words what that is."""
    pairs = [each for each in options.max_drop if "=" in each]
    bare = [each for each in options.max_drop if "=" not in each]
    if len(bare) > 1:
        raise ConfigError(
            f"--max-drop {bare[1]}: another DROP for all scores is {bare[0]}; write METRIC=DROP"
        )
    try:
        allowed = float(bare[0]) if bare else 0.0
    except ValueError:
        raise ConfigError(f"--max-drop {bare[0]}: write DROP or METRIC=DROP, for instance 0.01") from None
    rules = load_rules(options.rules) if options.rules else Rules()
    rules = rules.adding(
        "options", max_drop={**dict.fromkeys(options.metrics, allowed), **limits("--max-drop", pairs)}
    )
    if rules.max_drop:
        return rules, "the rules given"
    if rules.min:
        raise ConfigError(f"{options.rules}: rules with a min and without max_drop let every drop pass")
    names = dict.fromkeys(name for each in scores.values() for name in defaults(each))
    where = "csconv" if options.baseline is None else "the baseline"
    default = rules.adding("options", max_drop=dict.fromkeys(names, allowed))
    return default, f"the headline scores of {where}, which are watched without rules"


Row = tuple[Spread, float]
"""A spread, and the drop that is allowed."""


def _assumed(options: PowerOptions, found: Sequence[tuple[str, str, float]]) -> list[Row]:
    """The one score that can be assumed: a row for all tasks, or one each where they are allowed different drops."""
    spread = assumed_spread(options.disagreement, FULL_TURNS / FULL_CONVERSATIONS, options.icc)
    allowed = {section: limit for section, metric, limit in found if metric == _ASSUMED}
    if not allowed:
        raise ConfigError(
            f"only the spread of {_ASSUMED} can be assumed; --baseline has those of the scores that are watched"
        )
    if len(set(allowed.values())) == 1:
        return [(spread, next(iter(allowed.values())))]
    return [(replace(spread, section=section), limit) for section, limit in allowed.items()]


def _measured(
    options: PowerOptions, base: ModelResults, found: Sequence[tuple[str, str, float]]
) -> list[Row]:
    """The spreads of all that is watched and has its samples."""
    other = load_model_results([options.against]) if options.against else None
    if other and (reason := incomparable(other, base)):
        raise DataError(f"{options.against} against {options.baseline}: {reason}")
    rows: list[Row] = []
    for section, metric, allowed in found:
        if other is None:
            spread = _single_spread(base, section, metric, options.correlation)
        else:
            spread = _paired_spread(other, base, section, metric)
        if spread:
            rows.append((spread, allowed))
    if not rows:
        raise DataError(f"{options.baseline}: nothing that is watched is there with its samples")
    return rows


def smallest_drop(
    spread: Spread,
    conversations: int,
    tests: int = 1,
    alpha: float = ALPHA,
    power: float = 0.8,
    allowed: float = 0.0,
) -> float:
    """The smallest true drop that is called a regression with this probability.

    What is allowed + (t_{1-alpha/tests} + z_power) times the standard error at so many conversations: the usual
    formula of a one-sided test (Cohen 1988), Student's t on conversations - 1 degrees of freedom.

    Args:
        spread: of the metric.
        conversations: how many are evaluated, at least 2.
        tests: how many the gate makes (Bonferroni).
        alpha: chance of a false alarm in one build.
        power: chance 0-1 of seeing the drop.
        allowed: the drop that is no regression.

    Returns:
        NaN where so few conversations show nothing, whatever the drop, and where nothing is known of the spread.
    """
    from scipy.stats import norm, t

    if 2.0**-conversations >= alpha / tests or spread.per_conversation <= ROUNDING:
        return math.nan

    critical = float(t.ppf(1 - alpha / tests, conversations - 1)) + float(norm.ppf(power))
    # As in the test itself, the spread of few conversations is estimated too small.
    return allowed + critical * spread.per_conversation / math.sqrt(conversations - 1)


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
    return Spread("", _ASSUMED, math.sqrt(variance), basis)


def _single_spread(results: ModelResults, section: str, name: str, correlation: float) -> Spread | None:
    """From one model's results: the difference of two models like it whose scores correlate so over resamples."""
    metric = results.sections[section].metrics[name]
    if not metric.sums:
        return None
    clusters = len(metric.conversations)
    stderr = float(np.std(metric.replicates(resample_counts(clusters)), ddof=1))
    spread = stderr * math.sqrt(clusters) * math.sqrt(2 * (1 - correlation))
    basis = f"{results.model}, {clusters} {units_of(section).clusters}, correlation {correlation:g} assumed"
    return Spread(section, name, spread, basis)


def _paired_spread(first: ModelResults, second: ModelResults, section: str, name: str) -> Spread | None:
    """From two models' results on the same turns, as for instance two checkpoints of one training run."""
    if section not in first.sections:
        return None
    found = delta(first.sections[section], second.sections[section], name)
    if found.difference is None or math.isnan(found.difference.stderr):
        return None
    # `stderr` carries the correction for few conversations already.
    spread = found.difference.stderr * math.sqrt(found.clusters - 1)
    return Spread(
        section,
        name,
        spread,
        f"{first.model} against {second.model}, {found.clusters} {units_of(section).clusters}",
    )
