"""Did a checkpoint get worse? A verdict by rules that noise does not decide."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any

import numpy as np

from csc_tasks.leaderboards.comparing.asking import AskingVerdict, weigh
from csc_tasks.leaderboards.comparing.gate_words import absent_metric, few_words, not_there, unit_words
from csc_tasks.leaderboards.comparing.model_results import MetricResults, ModelResults, SectionResults, titles
from csc_tasks.leaderboards.comparing.paired import Delta, delta, incomparable
from csc_tasks.leaderboards.comparing.protocols import way_out
from csc_tasks.leaderboards.comparing.rules import Rules, default_rules, known_metric, targets
from csc_tasks.metrics import AdditiveMetric
from csc_tasks.metrics.base import Floats
from csc_tasks.metrics.comparison import ALPHA, ROUNDING
from csc_tasks.metrics.judge.scores import PREFIX
from csc_tasks.metrics.minimum import shortfall
from csc_tasks.metrics.uncertainty import resample_counts
from csc_tasks.protocol.task_kind import units_of
from csc_tasks.sentences import Sentence

__all__ = [
    "CheckStatus",
    "GateCheck",
    "GateReport",
    "evaluate",
]


class CheckStatus(IntEnum):
    """What became of one check, and of all together; the numbers are the exit codes of ``csconv gate``."""

    PASS = 0
    REGRESSION = 1
    WRONG_USE = 2
    NOT_COMPARABLE = 3
    INCOMPLETE = 4


@dataclass(frozen=True, slots=True)
class GateCheck:
    """One rule applied to one section.

    ``spread`` is the standard deviation between the seeds of the results. ``low`` is the end of the one-sided
    interval of the drop that decides: a regression is ``low`` above ``allowed``. Of a minimum ``allowed`` is the
    minimum, ``drop`` what the score misses it by, and ``low`` what it misses it by at least: a failure is ``low``
    above 0. ``message`` says the outcome in words.
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
    spread: float | None = None


@dataclass(frozen=True, slots=True)
class GateReport:
    """All checks, and what was held against what.

    ``tests`` are those that share ``alpha``; ``allowed`` is what was asked otherwise and let pass by name.
    """

    model: str
    baseline: str
    source: str
    baseline_source: str
    checks: tuple[GateCheck, ...]
    notes: tuple[str, ...] = ()
    alpha: float = ALPHA
    allowed: tuple[str, ...] = ()
    tests: int = 0

    @property
    def exit(self) -> CheckStatus:
        """Wrong use, not comparable, incomplete, regression: what was not measured can not be judged."""
        seen = {check.status for check in self.checks}
        for status in (
            CheckStatus.WRONG_USE,
            CheckStatus.NOT_COMPARABLE,
            CheckStatus.INCOMPLETE,
            CheckStatus.REGRESSION,
        ):
            if status in seen:
                return status
        return CheckStatus.PASS if seen else CheckStatus.INCOMPLETE


def evaluate(results: ModelResults, baseline: ModelResults, rules: Rules) -> GateReport:
    """Hold results against a baseline; without a limit no headline score of the baseline may drop.

    Every max_drop check is a one-sided test of "the drop is at most what is allowed", and every check of a minimum one
    of "the minimum is reached", at alpha over the number of both (Bonferroni), so that of a model that did not get
    worse and reaches its minimums one build in 1/alpha fails at most, however many metrics are watched. A metric that
    the baseline has and the results lack is incomplete, never a pass.
    """
    checks: list[GateCheck] = []
    if reason := incomparable(results, baseline):
        checks.append(
            GateCheck(
                *("comparable", "", "", CheckStatus.NOT_COMPARABLE),
                Sentence(
                    "gate.against",
                    "results against baseline: {reason}{cure}",
                    reason=reason,
                    cure=way_out(results.protocol, baseline.protocol),
                ),
            )
        )
        return _report(results, baseline, rules, checks)
    asked = weigh(results, baseline, rules.allow)
    if asked.against:
        checks += [
            GateCheck(
                "asked",
                "",
                found.asking.value,
                CheckStatus.NOT_COMPARABLE,
                Sentence(
                    "gate.asked",
                    "asked otherwise: {words}; --allow {asking} compares all the same",
                    words=found.words,
                    asking=found.asking.value,
                ),
            )
            for found in asked.against
        ]
        return _report(results, baseline, rules, checks, asked)
    if not (rules.max_drop or rules.min):
        rules = rules.model_copy(update={"max_drop": default_rules(baseline).max_drop})
    if not (rules.max_drop or rules.min):
        reason = Sentence(
            "gate.no-headline",
            "the baseline has no headline score with its samples to hold the results against",
        )
        checks.append(GateCheck("max_drop", "", "", CheckStatus.INCOMPLETE, reason))
    sections = _sections(results, baseline, rules, checks)
    drops = _targets(rules.max_drop, baseline, sections, checks, "max_drop")
    minimums = _targets(rules.min, results, sections, checks, "min")
    tests = len(drops) + sum(isinstance(known_metric(metric), AdditiveMetric) for _, metric, _ in minimums)
    test = _Test(rules.alpha / max(tests, 1), cache(lambda c: resample_counts(c)))
    for section, metric, allowed in drops:
        checks.append(_drop(results.sections.get(section), baseline.sections[section], metric, allowed, test))
    for section, metric, least in minimums:
        checks.append(_least(results.sections[section], metric, least, test))
    for section in sections:
        if section in results.sections:
            checks += _coverage(results.sections[section], rules.min_coverage)
    return _report(results, baseline, rules, checks, asked, tests)


@dataclass(frozen=True, slots=True)
class _Test:
    """One of the tests that share alpha: ``tail`` is its chance of a false alarm, on its one side."""

    tail: float
    counts: Callable[[int], Floats]

    @property
    def level(self) -> float:
        """Of the two-sided interval that has this tail on each side."""
        return 1 - 2 * self.tail

    def can_tell(self, clusters: int) -> bool:
        """Whether so many conversations could show anything: not if all on one side are not rare enough."""
        return 2.0**-clusters < self.tail


def _report(
    results: ModelResults,
    baseline: ModelResults,
    rules: Rules,
    checks: Sequence[GateCheck],
    asked: AskingVerdict | None = None,
    tests: int = 0,
) -> GateReport:
    first, second = titles(results, baseline)
    return GateReport(
        first,
        second,
        results.source,
        baseline.source,
        tuple(checks),
        (*results.notes, *baseline.notes, *(asked.notes if asked else ())),
        rules.alpha,
        asked.allowed if asked else (),
        tests,
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
            reason = not_there(name, mine is None)
            checks.append(GateCheck("complete", name, "", CheckStatus.INCOMPLETE, reason))
            if theirs is not None:
                kept.append(name)
            continue
        kept.append(name)
        reason, units = "", units_of(name)
        if not mine.whole and not (rules.allow_partial and mine.turns and mine.digest == theirs.digest):
            reason = Sentence(
                "gate.part",
                "{turns} {units} of {conversations} of {asked} {clusters} (a run with --limit, or samples missing); "
                "run it whole",
                turns=mine.turns,
                conversations=mine.conversations,
                asked=mine.asked,
                **unit_words(units),
            )
        elif mine.turns < rules.min_turns:
            reason = Sentence(
                "gate.few-turns",
                "{turns} {units}, fewer than min_turns {least}",
                turns=mine.turns,
                least=rules.min_turns,
                **unit_words(units),
            )
        status = CheckStatus.INCOMPLETE if reason else CheckStatus.PASS
        message = reason or Sentence(
            "gate.whole",
            "{turns} {units} of {conversations} {clusters}",
            turns=mine.turns,
            conversations=mine.conversations,
            **unit_words(units),
        )
        checks.append(GateCheck("complete", name, "", status, message, turns=mine.turns))
    return kept


def _targets(
    limits: dict[str, float], where: ModelResults, sections: Sequence[str], checks: list[GateCheck], rule: str
) -> list[tuple[str, str, float]]:
    """(section, metric, limit) of every section that has the metric; a limit that none has is a check that fails."""
    found, absent = targets(
        limits, {name: where.sections[name].metrics for name in sections if name in where.sections}
    )
    for section, metric in absent:
        reason = absent_metric(rule, metric, section)
        checks.append(GateCheck(rule, section, metric, CheckStatus.INCOMPLETE, reason))
    return found


def _drop(
    mine: SectionResults | None,
    theirs: SectionResults,
    metric: str,
    allowed: float,
    test: _Test,
) -> GateCheck:
    if mine is None:
        reason = not_there(theirs.section, True)
        return GateCheck("max_drop", theirs.section, metric, CheckStatus.INCOMPLETE, reason, allowed=allowed)
    found = delta(mine, theirs, metric, test.counts, test.level)
    facts: dict[str, Any] = {
        "rule": "max_drop",
        "section": theirs.section,
        "metric": metric,
        "baseline": found.second,
        "value": found.first,
        "allowed": allowed,
        "turns": mine.turns,
        "spread": found.spreads[0],
    }
    if found.difference is None or math.isnan(found.difference.low):
        differs = _ways_differ(mine.metrics.get(metric), theirs.metrics.get(metric))
        status = CheckStatus.NOT_COMPARABLE if differs else CheckStatus.INCOMPLETE
        return GateCheck(**facts, status=status, message=found.why)
    return _judge(found, facts, allowed, test)


def _ways_differ(one: MetricResults | None, two: MetricResults | None) -> bool:
    return one is not None and two is not None and one.signature != two.signature


def _judge(found: Delta, facts: dict[str, Any], allowed: float, test: _Test) -> GateCheck:
    assert found.difference is not None
    drop = -found.better * found.difference.value
    low = -found.difference.high if found.better > 0 else found.difference.low
    # A drop of just what is allowed may be a last digit more than that.
    most = allowed + ROUNDING
    if low > most and drop > most and not test.can_tell(found.clusters):
        few = few_words(found.clusters)
        status, reason = (
            CheckStatus.INCOMPLETE,
            Sentence("gate.maybe", "worse by more than allowed; {few}", few=few),
        )
    elif low > most and drop > most:
        status, reason = (
            CheckStatus.REGRESSION,
            Sentence("gate.worse", "worse by more than allowed, and not by chance"),
        )
    elif drop > most:
        status, reason = CheckStatus.PASS, Sentence("gate.noise", "the drop is within noise")
    elif drop > 0:
        status, reason = CheckStatus.PASS, Sentence("gate.within", "within what is allowed")
    else:
        status, reason = CheckStatus.PASS, Sentence("gate.no-worse", "no worse")
    return GateCheck(**facts, status=status, message=reason, drop=drop, low=low)


def _least(mine: SectionResults, metric: str, least: float, test: _Test) -> GateCheck:
    """A score that has no interval is held to its minimum as it is if no such score ever has one."""
    found = mine.metrics[metric]
    known = known_metric(metric)
    value, lower = found.value, known is not None and known.info.better < 0
    facts: dict[str, Any] = {
        "rule": "min",
        "section": mine.section,
        "metric": metric,
        "value": value,
        "allowed": least,
        "turns": mine.turns,
        "spread": found.spread,
    }
    if math.isnan(value):
        return GateCheck(
            **facts,
            status=CheckStatus.INCOMPLETE,
            message=Sentence("gate.unscored", "not scored ({why})", why=found.why or "undefined"),
        )
    side = Sentence("gate.above", "above the limit") if lower else Sentence("gate.below", "below the limit")
    holds = Sentence("gate.holds", "holds")
    if not isinstance(known, AdditiveMetric):
        missed = value - least if lower else least - value
        failed = missed > ROUNDING
        status = CheckStatus.REGRESSION if failed else CheckStatus.PASS
        plain = Sentence("gate.plain", "{side}; this score has no interval and counts as it is", side=side)
        message = plain if failed else holds
        return GateCheck(**facts, status=status, message=message, drop=missed)
    clusters = len(found.conversations)
    replicates = found.replicates(test.counts(clusters)) if found.sums and clusters > 1 else np.array([])
    missed, low = shortfall(known, value, replicates, clusters, least, test.tail)
    if missed <= 0:
        status, message = CheckStatus.PASS, holds
    elif math.isnan(low):
        none = Sentence("gate.no-samples", "it has no samples to resample ({why})", why=found.why)
        reason = few_words(clusters) if found.sums else none
        status = CheckStatus.INCOMPLETE
        message = Sentence("gate.but", "{side}; {reason}", side=side, reason=reason)
    elif low > ROUNDING:
        status, message = (
            CheckStatus.REGRESSION,
            Sentence("gate.surely", "{side}, and not by chance", side=side),
        )
    else:
        status, message = CheckStatus.PASS, Sentence("gate.perhaps", "{side}, within noise", side=side)
    return GateCheck(**facts, status=status, message=message, drop=missed, low=low)


def _coverage(mine: SectionResults, least: float) -> list[GateCheck]:
    found = mine.metrics.get(f"{PREFIX}coverage")
    if found is None:
        return []
    enough = found.value >= least  # NaN is not enough
    return [
        GateCheck(
            "min_coverage",
            mine.section,
            found.name,
            CheckStatus.PASS if enough else CheckStatus.INCOMPLETE,
            Sentence("gate.holds", "holds")
            if enough
            else Sentence("gate.coverage", "too few verdicts for the judge's scores to count"),
            value=found.value,
            allowed=least,
            turns=mine.turns,
        )
    ]
