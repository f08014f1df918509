"""From files to one model's results: folders of results, or a baseline file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from csc_tasks.errors import ConfigError, DataError
from csc_tasks.leaderboards.comparing.baseline_file import is_baseline, read_baseline
from csc_tasks.leaderboards.comparing.model_results import MetricResults, ModelResults, SectionResults
from csc_tasks.leaderboards.names import asked_for_by, names_of
from csc_tasks.leaderboards.reading.asked import asked_of
from csc_tasks.leaderboards.reading.checks import is_complete, mismatch
from csc_tasks.leaderboards.reading.choose import ModelSection, Repeat, choose_runs
from csc_tasks.leaderboards.reading.repeats import alike, mean_score, spread
from csc_tasks.leaderboards.reading.runs import find_runs
from csc_tasks.leaderboards.reading.sums import Statistics, statistics_of
from csc_tasks.results.results_file import TaskRun
from csc_tasks.results.role_play_log import faults_in_words

__all__ = ["load_model_results"]


def load_model_results(paths: Sequence[Path], model: str | None = None) -> ModelResults:
    """The results of one model, from what it was evaluated to or from a baseline file.

    Args:
        paths: folders or files; a single file may be one from
            :func:`~csc_tasks.leaderboards.comparing.baseline_file.write_baseline`.
        model: its name, where there are several.

    Raises:
        DataError: nothing is there.
        ConfigError: there are several models and ``model`` names none of them; the message lists them.
    """
    if len(paths) == 1 and is_baseline(paths[0]):
        return read_baseline(paths[0])
    found = find_runs(paths)
    chosen, problems = choose_runs(found.runs)
    where = ", ".join(map(str, paths))
    named = _named(chosen)
    if model is not None:
        chosen = [c for c in chosen if model in named[c.identity.key]]
    if len({(c.identity.key, c.protocol) for c in chosen}) != 1:
        if not chosen:
            raise ConfigError(f"{where}: no results of a model {model!r}")
        names = sorted({f"{named[c.identity.key][-1]}, prompt {c.protocol.prompt}" for c in chosen})
        listed = "; ".join(names[:8]) + ("; …" if len(names) > 8 else "")
        raise ConfigError(
            f"{where}: results of several models or protocols ({listed}); name one folder or results file, "
            "or one of them with --model or --base-model"
        )
    notes = [f"{p.path}: {p.message}" for p in (*found.problems, *problems)]
    first = chosen[0]
    return ModelResults(
        model=named[first.identity.key][0],
        revision=first.identity.revision,
        protocol=first.protocol,
        source=where,
        date=max(repeat.run.date for c in chosen for repeat in c.repeats),
        sections={c.section: _section(c, notes) for c in sorted(chosen, key=lambda c: c.section)},
        notes=tuple(notes),
        identity=first.identity,
    )


def _named(chosen: Sequence[ModelSection]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """What each model may be asked for by: its name, that with the revision, and what tells it from all others."""
    models = {c.identity.key: c.identity for c in chosen}
    named = names_of(list(models.values()))
    return {
        key: asked_for_by(name.model, identity.revision, name.words)
        for (key, identity), name in zip(models.items(), named, strict=True)
    }


def _section(chosen: ModelSection, notes: list[str]) -> SectionResults:
    read = [_Seed.of(repeat, notes) for repeat in chosen.repeats]
    kept = alike(read, lambda s: (s.own.seen.turns, s.own.digest) if s.own else (-1, ""))
    if len(kept) < len(read):
        notes.append(
            f"{chosen.section}: of {len(read)} seeds, {len(kept)} count (the others have no log, or not the same turns)"
        )
    run, own = kept[0].repeat.run, kept[0].own
    seen = own.seen if own else None
    names = dict.fromkeys(name for seed in kept for name in seed.metrics)
    metrics = {name: _mean([s.metrics[name] for s in kept if name in s.metrics]) for name in names}
    for name, found in metrics.items():
        if 0 < len(found.sums) < len(kept):
            notes.append(
                f"{chosen.section}: of {len(kept)} seeds, {len(found.sums)} count for {name} (not scored in the "
                "others, or not of the same turns)"
            )
    return SectionResults(
        section=chosen.section,
        signature=run.signature.line,
        turns=seen.turns if seen else run.report.turns,
        conversations=seen.conversations if seen else 0,
        asked=run.signature.data.conversations,
        # A gate takes nobody's word for it: without a log nothing is whole.
        whole=seen is not None and is_complete(run, seen),
        digest=own.digest if own else "",
        metrics=metrics,
        how=asked_of(run.model),
        seeds=tuple(seed.repeat.seed for seed in kept),
        runs=tuple(seed.repeat.run for seed in kept),
    )


@dataclass(frozen=True, slots=True)
class _Seed:
    """The run of one seed: what its log holds, and its scores."""

    repeat: Repeat
    own: Statistics | None
    metrics: dict[str, MetricResults]

    @classmethod
    def of(cls, repeat: Repeat, notes: list[str]) -> _Seed:
        """Read its files; why one cannot be used is added to ``notes``."""
        metrics: dict[str, MetricResults] = {}
        own: Statistics | None = None
        for run in (*repeat.added, repeat.run):
            statistics: Statistics | None = None
            reason = ""
            try:
                statistics = statistics_of(run)
                scores = {name: statistics.score(name) for name in statistics.sums}
                reason = mismatch(run, statistics.sample_hash, scores)
            except DataError as error:
                reason = str(error)
            if reason:
                notes.append(reason)
            if run is repeat.run:
                own = statistics
            # What was added later counts before the run's own.
            for name in run.values:
                metrics.setdefault(name, _metric(run, name, statistics, reason))
        return cls(repeat, own, metrics)


def _mean(seeds: Sequence[MetricResults]) -> MetricResults:
    """A metric over seeds: of those that have it of the same turns, computed in the same way."""
    scored = [each for each in seeds if not math.isnan(each.value)]
    if len(seeds) == 1 or not scored:
        return seeds[0]
    first = next((each for each in scored if each.sums), scored[0])
    kept = [
        each
        for each in scored
        if (each.signature, each.digest, bool(each.sums)) == (first.signature, first.digest, bool(first.sums))
    ]
    values = [each.value for each in kept]
    return replace(
        first,
        value=mean_score(values),
        sums=tuple(sums for each in kept for sums in each.sums),
        spread=spread(values),
    )


def _metric(run: TaskRun, name: str, statistics: Statistics | None, unusable: str) -> MetricResults:
    """One score of a run; ``unusable`` says in words why its statistics do not count, if they do not."""
    signature, value = run.signature.metrics[name], run.values[name]
    sums = statistics.sums.get(name) if statistics and not unusable else None
    if statistics is None or sums is None:
        why = unusable or faults_in_words(run.reason_unscored(name)) or "has no sums"
        return MetricResults(name, signature, value, why=why)
    return MetricResults(
        name,
        signature,
        value,
        statistics.conversations,
        statistics.digest,
        statistics.seen.turns,
        (sums,),
    )
