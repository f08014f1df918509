"""From files to one model's results: folders of results, or a baseline file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from csc_tasks.errors import ConfigError, DataError
from csc_tasks.leaderboards.comparing.baseline_file import read_baseline
from csc_tasks.leaderboards.comparing.model_results import MetricResults, ModelResults, SectionResults
from csc_tasks.leaderboards.reading.checks import is_complete, mismatch
from csc_tasks.leaderboards.reading.choose import ModelSection, choose_runs
from csc_tasks.leaderboards.reading.runs import find_runs
from csc_tasks.leaderboards.reading.sums import Statistics, statistics_of
from csc_tasks.results.results_file import TaskRun

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
    if len(paths) == 1 and paths[0].is_file() and not paths[0].name.startswith("results_"):
        return read_baseline(paths[0])
    found = find_runs(paths)
    chosen, problems = choose_runs(found.runs)
    where = ", ".join(map(str, paths))
    if model is not None:
        chosen = [c for c in chosen if model in (c.identity.name, f"{c.identity.name}@{c.identity.revision}")]
    names = sorted({_name(c) for c in chosen})
    if len({(c.identity.key, c.protocol) for c in chosen}) != 1:
        listed = "; ".join(names[:8]) + ("; …" if len(names) > 8 else "")
        if not chosen:
            raise ConfigError(f"{where}: no results of a model {model!r}")
        raise ConfigError(
            f"{where}: results of several models or protocols ({listed}); name one folder or results file, "
            "or one of them with --model or --base-model"
        )
    notes = [f"{p.path}: {p.message}" for p in (*found.problems, *problems)]
    first = chosen[0]
    return ModelResults(
        model=first.identity.name,
        revision=first.identity.revision,
        protocol=first.protocol,
        source=where,
        date=max(c.run.date for c in chosen),
        sections={c.section: _section(c, notes) for c in sorted(chosen, key=lambda c: c.section)},
        notes=tuple(notes),
    )


def _name(chosen: ModelSection) -> str:
    identity = chosen.identity
    settings = ", ".join(f"{k} {v}" for k, v in identity.settings)
    revision = f"@{identity.revision}" if identity.revision else ""
    return (
        f"{identity.name}{revision}"
        + (f" ({settings})" if settings else "")
        + f", prompt {chosen.protocol.prompt}"
    )


def _section(chosen: ModelSection, notes: list[str]) -> SectionResults:
    metrics: dict[str, MetricResults] = {}
    own: Statistics | None = None
    for run in (*chosen.added, chosen.run):
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
        if run is chosen.run:
            own = statistics
        # What was added later counts before the run's own.
        for name in run.values:
            metrics.setdefault(name, _metric(run, name, statistics, reason))
    run, seen = chosen.run, own.seen if own else None
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
        run=run,
    )


def _metric(run: TaskRun, name: str, statistics: Statistics | None, unusable: str) -> MetricResults:
    """One score of a run; ``unusable`` says in words why its statistics do not count, if they do not."""
    signature, value = run.signature.metrics[name], run.values[name]
    sums = statistics.sums.get(name) if statistics and not unusable else None
    if statistics is None or sums is None:
        why = unusable or run.reason_unscored(name) or "has no sums"
        return MetricResults(name, signature, value, why=why)
    return MetricResults(
        name,
        signature,
        value,
        statistics.conversations,
        statistics.digest,
        statistics.seen.turns,
        sums,
    )
