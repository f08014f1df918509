"""A baseline file written anew: what changes by it, and that nothing which was watched is lost unasked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from csc_tasks.errors import ConfigError, DataError
from csc_tasks.leaderboards.comparing.asking import weigh
from csc_tasks.leaderboards.comparing.baseline_file import read_baseline, write_baseline
from csc_tasks.leaderboards.comparing.loading import load_model_results
from csc_tasks.leaderboards.comparing.model_results import MetricResults, ModelResults, SectionResults, titles
from csc_tasks.leaderboards.comparing.paired import Delta, delta, incomparable
from csc_tasks.leaderboards.comparing.rules import Rules
from csc_tasks.metrics import has_sums, headlines
from csc_tasks.metrics.comparison import Difference
from csc_tasks.metrics.judge.scores import COVERAGES
from csc_tasks.metrics.uncertainty import resample_counts
from csc_tasks.protocol.task_kind import units_of

__all__ = ["BaselineUpdate", "Lost", "UpdateOptions", "update_baseline"]

_COVERAGE = Rules().min_coverage
"""Share of verdicts below which a judge's scores are not worth watching, unless they never were better covered."""


@dataclass(frozen=True, slots=True)
class UpdateOptions:
    """Which results become the baseline.

    ``drop`` names what the file watched and need not watch any more; ``allow_partial`` takes results that are not
    whole. ``model`` names one where there are several.
    """

    results: tuple[Path, ...]
    baseline: Path
    model: str | None = None
    allow_partial: bool = False
    drop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """Something that is watched no more, or of less than before.

    ``name`` is a section as in rules, or ``section/metric``, ``section/turns`` or ``section/seeds``; ``reason``
    says what became of it.
    """

    name: str
    reason: str

    def is_named(self, wanted: str) -> bool:
        """Whether ``--drop`` means it: by its name, or what is behind the section for every section."""
        return wanted != "" and wanted in (self.name, "/".join(self.name.split("/")[2:]))


@dataclass(frozen=True, slots=True)
class BaselineUpdate:
    """A baseline file that was written.

    ``model`` and ``before`` are the models of the file and of the one that it replaced, '' where there was none;
    ``size`` is in bytes. ``deltas`` are new minus old, ``why`` the reason why nothing of the two may be compared.
    ``dropped`` is what is watched no more, and ``notes`` what else is to be known.
    """

    path: Path
    model: str
    size: int
    before: str = ""
    deltas: tuple[Delta, ...] = ()
    why: str = ""
    dropped: tuple[Lost, ...] = ()
    notes: tuple[str, ...] = ()


def update_baseline(options: UpdateOptions) -> BaselineUpdate:
    """Write results to the baseline file; one that is there is replaced whole, or stays as it is.

    Raises:
        ConfigError: several models and none named, a folder in the file's place, or a ``drop`` of what is not lost.
        DataError: the results are not there or not whole, the file that is there is no baseline file or watches what
            they lack, or it cannot be written.
    """
    path = options.baseline
    for each in options.results:
        if not each.exists():
            raise DataError(f"{each}: no such file or folder")
    if path.is_dir():
        raise ConfigError(f"{path}: a folder; --update-baseline writes a file")
    results = load_model_results(options.results, options.model)
    if not options.allow_partial:
        _require_whole(results)
    before = _present(path)
    lost = tuple(_losses(results, before)) if before else ()
    _require_consent(options, lost)
    why = incomparable(results, before) if before else ""
    deltas = tuple(_deltas(results, before, why)) if before else ()
    notes = tuple(_notes(results, before, why))
    model, old = titles(results, before) if before else (titles(results, results)[0], "")
    write_baseline(results, path.resolve())  # a link to a baseline stays one
    return BaselineUpdate(path, model, path.stat().st_size, old, deltas, why, lost, notes)


def _require_whole(results: ModelResults) -> None:
    for section in results.sections.values():
        if not section.whole:
            units = units_of(section.section)
            raise DataError(
                f"{results.source}: {section.section} is incomplete ({section.turns} {units.turns} of "
                f"{section.conversations} of {section.asked} {units.clusters}); run it whole, with "
                "--log_samples, or add --allow-partial"
            )


def _present(path: Path) -> ModelResults | None:
    """The baseline file that is to be replaced, if there is one."""
    if not path.exists():
        return None
    try:
        return read_baseline(path)
    except DataError as error:
        raise DataError(
            f"{error}. Nothing tells what {path} watched, so it is not replaced: restore it, or delete it first"
        ) from None


def _losses(now: ModelResults, before: ModelResults) -> Iterator[Lost]:
    """All that the old file watched and the results lack, or have less of."""
    for name, was in before.sections.items():
        section = now.sections.get(name)
        if section is None:
            yield Lost(name, "not in the results")
            continue
        fewer = section.turns < was.turns or section.conversations < was.conversations
        if fewer:
            yield Lost(f"{name}/turns", f"{_size(section)}, {_size(was)} before")
        seeds, had = (max(1, len(each.seeds)) for each in (section, was))
        if seeds < had:
            yield Lost(f"{name}/seeds", f"{seeds}, {had} before")
        for metric, old in was.metrics.items():
            if not math.isnan(old.value) and (reason := _loss(section.metrics.get(metric), old, fewer)):
                yield Lost(f"{name}/{metric}", reason)


def _size(section: SectionResults) -> str:
    units = units_of(section.section)
    return f"{section.turns} {units.turns} of {section.conversations} {units.clusters}"


def _loss(new: MetricResults | None, old: MetricResults, fewer: bool) -> str:
    """What became of a metric for the worse; '' if nothing did. ``fewer``: it is known to be of fewer turns."""
    if new is None:
        return "not in the results"
    if math.isnan(new.value):
        return f"not scored ({new.why or 'undefined'})"
    if old.sums and not new.sums:
        return f"no samples to resample ({new.why})"
    if old.sums and not fewer and new.turns < _COVERAGE * old.turns:
        return f"of {new.turns} turns, of {old.turns} before"
    if new.name in COVERAGES and new.value < min(_COVERAGE, old.value):
        return f"{new.value:.1%} of the verdicts or ratings, {old.value:.1%} before"
    return ""


def _require_consent(options: UpdateOptions, lost: Sequence[Lost]) -> None:
    idle = [name for name in options.drop if not any(each.is_named(name) for each in lost)]
    if idle:
        could = ", ".join(each.name for each in lost)
        there = f"could be dropped: {could}" if could else "nothing that is watched would be lost"
        raise ConfigError(f"--drop {idle[0]}: nothing of this name would be lost; {there}")
    unasked = [each for each in lost if not any(map(each.is_named, options.drop))]
    if unasked:
        named = "\n".join(f"  {each.name}: {each.reason}" for each in unasked)
        cure = " ".join(f"--drop {each.name}" for each in unasked)
        raise DataError(
            f"{options.baseline}: stays as it is, for it watches what the results lack:\n{named}\n"
            f"run that too, or give it up with {cure}"
        )


def _deltas(now: ModelResults, before: ModelResults, why: str) -> Iterator[Delta]:
    """New minus old of every score of either; ``why`` says why nothing of the two may be compared, '' if all may."""
    counts = cache(lambda clusters: resample_counts(clusters))
    for name in dict.fromkeys((*now.sections, *before.sections)):
        one, two = now.sections.get(name), before.sections.get(name)
        mine, theirs = (each.metrics if each else {} for each in (one, two))
        for metric in dict.fromkeys((*mine, *theirs)):
            new, old = mine.get(metric), theirs.get(metric)
            if why or one is None or two is None or new is None or old is None:
                told = "dropped" if new is None else "new" if old is None else "not comparable"
                yield Delta(name, metric, _value(new), _value(old), why=told)
            elif math.isnan(new.value):
                yield Delta(name, metric, new.value, old.value, why=f"not scored ({new.why or 'undefined'})")
            elif has_sums(metric):
                yield delta(one, two, metric, counts)
            else:
                yield _plain(one, two, new, old)


def _value(metric: MetricResults | None) -> float:
    return math.nan if metric is None else metric.value


def _plain(one: SectionResults, two: SectionResults, new: MetricResults, old: MetricResults) -> Delta:
    """Of a score that has no interval."""
    if new.signature != old.signature:
        why, found = f"computed in two ways: {new.signature} against {old.signature}", None
    elif one.digest != two.digest:
        why, found = f"not of the same turns ({one.turns} against {two.turns})", None
    else:
        why, found = "no interval", Difference(new.value - old.value, *[math.nan] * 4)
    return Delta(one.section, new.name, new.value, old.value, difference=found, why=why)


def _notes(now: ModelResults, before: ModelResults | None, why: str) -> Iterator[str]:
    yield from now.notes
    for section in now.sections.values():
        if not section.whole:
            yield f"{section.section} is incomplete ({_size(section)} of {section.asked}): it needs --allow-partial"
        for name in headlines(list(section.metrics)):
            metric = section.metrics[name]
            if not has_sums(name):
                continue
            if math.isnan(metric.value) or not metric.sums:
                reason = metric.why or "undefined"
                yield f"{section.section}/{metric.name} is not watched: no score with its samples ({reason})"
    if before is None:
        return
    if now.identity and before.identity and now.identity.is_floor and not before.identity.is_floor:
        yield f"{now.model} is a floor, {before.model} was a model: no model is worse than that"
    if not why:
        asked = weigh(now, before)
        yield from (f"asked otherwise: {found.words}" for found in asked.against)
        yield from asked.notes
