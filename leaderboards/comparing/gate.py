"""Did a checkpoint get worse? Rules, and a verdict that noise does not decide."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from csc_tasks.errors import ConfigError
from csc_tasks.leaderboards.comparing.model_results import MetricResults, ModelResults, SectionResults
from csc_tasks.leaderboards.comparing.paired import Delta, delta, incomparable
from csc_tasks.metrics import AdditiveMetric, MetricInfo, metric_named
from csc_tasks.metrics.comparison import ALPHA
from csc_tasks.metrics.judge.scores import PREFIX
from csc_tasks.metrics.uncertainty import resample_counts

__all__ = [
    "CheckStatus",
    "Exit",
    "GateCheck",
    "GateReport",
    "Rules",
    "default_rules",
    "evaluate",
    "load_rules",
]


class Exit(IntEnum):
    """Exit codes of ``csconv gate``; wrong use (2) is the command line's own."""

    PASS = 0
    REGRESSION = 1
    WRONG_USE = 2
    NOT_COMPARABLE = 3
    INCOMPLETE = 4


class CheckStatus(IntEnum):
    """What became of one check; the numbers are the exit codes they lead to."""

    PASS = 0
    REGRESSION = 1
    NOT_COMPARABLE = 3
    INCOMPLETE = 4


@dataclass(frozen=True, slots=True)
class Rules:
    """What a checkpoint must not do.

    ``max_drop`` and ``floor`` are by metric, or by ``section/metric`` (``response/generated/bleu_4``), in the
    metric's own unit: fractions 0-1, judge grades 1-5. A drop is a change for the worse, so of a metric where
    lower is better a rise. ``min_coverage`` 0-1 holds for a judge, ``min_turns`` for every section; ``alpha``
    is the chance that a model that did not get worse fails all the same.
    """

    max_drop: dict[str, float] = field(default_factory=dict)
    floor: dict[str, float] = field(default_factory=dict)
    min_coverage: float = 0.98
    min_turns: int = 0
    alpha: float = ALPHA
    sections: tuple[str, ...] = ()
    allow_partial: bool = False


@dataclass(frozen=True, slots=True)
class GateCheck:
    """One rule applied to one section.

    ``low`` is the end of the one-sided interval of the drop that decides: a regression is ``low`` above
    ``allowed``. ``message`` says the outcome in words.
    """

    rule: str
    section: str
    metric: str
    status: CheckStatus
    message: str
    baseline: float = math.nan
    value: float = math.nan
    allowed: float = math.nan
    drop: float = math.nan
    low: float = math.nan
    turns: int = 0


@dataclass(frozen=True, slots=True)
class GateReport:
    """All checks, and what was held against what."""

    model: str
    baseline: str
    source: str
    baseline_source: str
    checks: tuple[GateCheck, ...]
    notes: tuple[str, ...] = ()
    alpha: float = ALPHA

    @property
    def exit(self) -> Exit:
        """Not comparable before incomplete before regression: what was not measured can not be judged."""
        seen = {check.status for check in self.checks}
        for status in (CheckStatus.NOT_COMPARABLE, CheckStatus.INCOMPLETE, CheckStatus.REGRESSION):
            if status in seen:
                return Exit(int(status))
        return Exit.PASS if seen else Exit.INCOMPLETE


def load_rules(path: Path) -> Rules:
    """Rules from a YAML file with the fields of :class:`Rules`.

    Raises:
        ConfigError: it cannot be read, or has a field, a metric or a value that there is not.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not YAML ({error})") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: rules are a mapping, for instance `max_drop: {{strategy_acc: 0.01}}`")
    known = set(Rules.__dataclass_fields__)
    if unknown := sorted(set(map(str, content)) - known):
        raise ConfigError(f"{path}: there is no rule {unknown[0]!r}; there are {', '.join(sorted(known))}")
    if isinstance(content.get("sections"), list):
        content["sections"] = tuple(map(str, content["sections"]))
    return check_rules(Rules(**content), str(path))


def check_rules(rules: Rules, where: str) -> Rules:
    """The rules, if every value is one.

    Raises:
        ConfigError: one is not.
    """
    for name, limits in (("max_drop", rules.max_drop), ("floor", rules.floor)):
        if not isinstance(limits, dict):
            raise ConfigError(f"{where}: {name} is a mapping from metric to number")
        for metric, limit in limits.items():
            bare = str(metric).rpartition("/")[2]
            found = metric_named(bare)
            if found is None:
                raise ConfigError(f"{where}: {name}: there is no metric {bare!r}")
            if not _is_number(limit) or (name == "max_drop" and limit < 0):
                raise ConfigError(f"{where}: {name}: {metric}: {limit!r} is not a number of at least 0")
            if name == "max_drop" and not (isinstance(found, AdditiveMetric) and found.info.better):
                raise ConfigError(
                    f"{where}: max_drop: {bare} has no better and worse, or no interval; a floor may be set for it"
                )
    for name, top in (("min_coverage", 1.0), ("alpha", 0.5)):
        value = getattr(rules, name)
        if not _is_number(value) or not 0 <= value <= top or (name == "alpha" and not value):
            raise ConfigError(f"{where}: {name}: {value!r} is not between 0 and {top:g}")
    if isinstance(rules.min_turns, bool) or not isinstance(rules.min_turns, int) or rules.min_turns < 0:
        raise ConfigError(f"{where}: min_turns: {rules.min_turns!r} is not a whole number")
    if not isinstance(rules.sections, tuple) or not isinstance(rules.allow_partial, bool):
        raise ConfigError(
            f"{where}: sections is a list such as [response/generated], allow_partial true or false"
        )
    return rules


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def default_rules(baseline: ModelResults) -> Rules:
    """No significant drop of any headline score that the baseline has with its samples."""
    names = {
        name
        for section in baseline.sections.values()
        for name, metric in section.metrics.items()
        if metric.sums is not None
        and (info := _info(name)).headline
        and info.better
        and name != f"{PREFIX}coverage"
    }
    return Rules(max_drop=dict.fromkeys(sorted(names), 0.0))


def _info(name: str) -> MetricInfo:
    metric = metric_named(name)
    if metric is None:
        raise KeyError(name)
    return metric.info


def evaluate(results: ModelResults, baseline: ModelResults, rules: Rules) -> GateReport:
    """Hold results against a baseline.

    Every max_drop check is a one-sided test of "the drop is at most what is allowed" at alpha over the number
    of such checks (Bonferroni), so that one build in 1/alpha of an unchanged model fails at most, however
    many metrics are watched. A metric that the baseline has and the results lack is incomplete, never a pass.
    """
    checks: list[GateCheck] = []
    if reason := incomparable(results, baseline):
        checks.append(
            GateCheck("comparable", "", "", CheckStatus.NOT_COMPARABLE, f"results against baseline: {reason}")
        )
        return _report(results, baseline, rules, checks)
    sections = _sections(results, baseline, rules, checks)
    drops = _targets(rules.max_drop, baseline, sections, checks, "max_drop")
    counts = cache(lambda c: resample_counts(c))
    level = 1 - 2 * rules.alpha / max(len(drops), 1)
    for section, metric, allowed in drops:
        checks.append(
            _drop(results.sections.get(section), baseline.sections[section], metric, allowed, level, counts)
        )
    for section, metric, least in _targets(rules.floor, results, sections, checks, "floor"):
        checks.append(_floor(results.sections[section], metric, least))
    for section in sections:
        if section in results.sections:
            checks += _coverage(results.sections[section], rules.min_coverage)
    return _report(results, baseline, rules, checks)


def _report(
    results: ModelResults, baseline: ModelResults, rules: Rules, checks: Sequence[GateCheck]
) -> GateReport:
    return GateReport(
        results.title,
        baseline.title,
        results.source,
        baseline.source,
        tuple(checks),
        (*results.notes, *baseline.notes),
        rules.alpha,
    )


def _sections(
    results: ModelResults, baseline: ModelResults, rules: Rules, checks: list[GateCheck]
) -> list[str]:
    """The sections to hold against each other; a check for each that is not all there."""
    wanted = list(rules.sections) or list(baseline.sections)
    kept = []
    for name in wanted:
        mine, theirs = results.sections.get(name), baseline.sections.get(name)
        if mine is None or theirs is None:
            which = "the results" if mine is None else "the baseline"
            reason = f"{name} is not in {which}"
            checks.append(GateCheck("complete", name, "", CheckStatus.INCOMPLETE, reason))
            if theirs is not None:
                kept.append(name)
            continue
        kept.append(name)
        reason = ""
        if not mine.whole and not (rules.allow_partial and mine.turns and mine.digest == theirs.digest):
            reason = (
                f"{mine.turns} turns of {mine.conversations} of {mine.asked} conversations (a run with --limit, or "
                "samples missing); run it whole"
            )
        elif mine.turns < rules.min_turns:
            reason = f"{mine.turns} turns, fewer than min_turns {rules.min_turns}"
        status = CheckStatus.INCOMPLETE if reason else CheckStatus.PASS
        message = reason or f"{mine.turns} turns of {mine.conversations} conversations"
        checks.append(GateCheck("complete", name, "", status, message, turns=mine.turns))
    return kept


def _targets(
    limits: dict[str, float], where: ModelResults, sections: Sequence[str], checks: list[GateCheck], rule: str
) -> list[tuple[str, str, float]]:
    """(section, metric, limit) of every section that has the metric; a limit that none has is a check that fails."""
    targets: list[tuple[str, str, float]] = []
    for name, limit in limits.items():
        section, _, metric = name.rpartition("/")
        places = [s for s in sections if section in ("", s) and s in where.sections]
        hits = [s for s in places if metric in where.sections[s].metrics]
        targets += [(s, metric, limit) for s in hits]
        if not hits:
            which = "baseline" if rule == "max_drop" else "results"
            reason = f"the {which} has no {metric}" + (f" in {section}" if section else "")
            checks.append(GateCheck(rule, section, metric, CheckStatus.INCOMPLETE, reason))
    return targets


def _drop(
    mine: SectionResults | None,
    theirs: SectionResults,
    metric: str,
    allowed: float,
    level: float,
    counts: Any,
) -> GateCheck:
    if mine is None:
        reason = f"{theirs.section} is not in the results"
        return GateCheck("max_drop", theirs.section, metric, CheckStatus.INCOMPLETE, reason, allowed=allowed)
    found = delta(mine, theirs, metric, counts, level)
    facts: dict[str, Any] = {
        "rule": "max_drop",
        "section": theirs.section,
        "metric": metric,
        "baseline": found.second,
        "value": found.first,
        "allowed": allowed,
        "turns": mine.turns,
    }
    if found.difference is None or math.isnan(found.difference.low):
        differs = _ways_differ(mine.metrics.get(metric), theirs.metrics.get(metric))
        status = CheckStatus.NOT_COMPARABLE if differs else CheckStatus.INCOMPLETE
        return GateCheck(**facts, status=status, message=found.why)
    return _judge(found, facts, allowed)


def _ways_differ(one: MetricResults | None, two: MetricResults | None) -> bool:
    return one is not None and two is not None and one.signature != two.signature


def _judge(found: Delta, facts: dict[str, Any], allowed: float) -> GateCheck:
    assert found.difference is not None
    drop = -found.better * found.difference.value
    low = -found.difference.high if found.better > 0 else found.difference.low
    if low > allowed and drop > allowed:
        status, message = CheckStatus.REGRESSION, "worse by more than allowed, and not by chance"
    elif drop > allowed:
        status, message = CheckStatus.PASS, "the drop is within noise"
    elif drop > 0:
        status, message = CheckStatus.PASS, "within what is allowed"
    else:
        status, message = CheckStatus.PASS, "no worse"
    return GateCheck(**facts, status=status, message=message, drop=drop, low=low)


def _floor(mine: SectionResults, metric: str, least: float) -> GateCheck:
    scored = mine.metrics[metric]
    value, lower = scored.value, _info(metric).better < 0
    facts: dict[str, Any] = {
        "rule": "floor",
        "section": mine.section,
        "metric": metric,
        "value": value,
        "allowed": least,
        "turns": mine.turns,
    }
    if math.isnan(value):
        return GateCheck(
            **facts, status=CheckStatus.INCOMPLETE, message=f"not scored ({scored.why or 'undefined'})"
        )
    failed = value > least if lower else value < least
    message = ("above the ceiling" if lower else "below the floor") if failed else "holds"
    return GateCheck(**facts, status=CheckStatus.REGRESSION if failed else CheckStatus.PASS, message=message)


def _coverage(mine: SectionResults, least: float) -> list[GateCheck]:
    scored = mine.metrics.get(f"{PREFIX}coverage")
    if scored is None:
        return []
    enough = scored.value >= least  # NaN is not enough
    return [
        GateCheck(
            "min_coverage",
            mine.section,
            scored.name,
            CheckStatus.PASS if enough else CheckStatus.INCOMPLETE,
            "holds" if enough else "too few verdicts for the judge's scores to count",
            value=scored.value,
            allowed=least,
            turns=mine.turns,
        )
    ]
