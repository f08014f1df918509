"""What people said of each run as a results file beside it, which boards, tables and comparisons show."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from csc_tasks.errors import DataError
from csc_tasks.human.reading.collected import RaterAnswers
from csc_tasks.human.reading.figures import ModelFigures, StudyFigures
from csc_tasks.human.study import ItemRole, RatedRun, RatingKind, StudyKey
from csc_tasks.metrics.uncertainty import clustered_stderr, sums_of
from csc_tasks.outside import json_bytes
from csc_tasks.protocol.signature_parts import RatersSignature
from csc_tasks.results.find_logs import log_files, open_log
from csc_tasks.results.log_file import present
from csc_tasks.results.ratings_file import GivenRating, write_given_ratings
from csc_tasks.results.records import Rating
from csc_tasks.results.sample_log import SampleLog
from csc_tasks.storage import write_file

__all__ = ["FoundRuns", "find_runs_of", "write_ratings"]


_ENDS = (("win_rate", "value"), ("low", "low"), ("high", "high"))


class FoundRuns(NamedTuple):
    """The log of each run of a study, ``None`` where it is not to be had, and why."""

    logs: tuple[SampleLog | None, ...]
    notes: tuple[str, ...]


def find_runs_of(key: StudyKey, paths: Sequence[Path]) -> FoundRuns:
    """The logs that a study is of: where the key says, or among the given files and folders.

    A log is known by its content, so that a run that was moved is found, and one that was changed is not taken for it.

    Args:
        key: of the study.
        paths: where else to look.

    Raises:
        DataError: a path that does not exist.
    """
    elsewhere = log_files(list(paths))
    logs: list[SampleLog | None] = []
    notes: list[str] = []
    for run in key.runs:
        log, why = _log_of(run, elsewhere)
        logs.append(log)
        if log is None:
            notes.append(f"{run.model}: no results are written: {why}")
    return FoundRuns(tuple(logs), tuple(notes))


def _log_of(run: RatedRun, elsewhere: Sequence[Path]) -> tuple[SampleLog | None, str]:
    why = f"{run.log} is gone; say where it is with --runs"
    for path in (present(Path(run.log)), *elsewhere):
        try:
            if not path.is_file() or (log := open_log(path)) is None:
                continue
            if log.sha256() == run.log_sha256:
                return log, ""
            if path.name == Path(run.log).name:
                why = f"{path} changed since the study was made"
        except (DataError, OSError) as error:
            why = str(error)
    return None, why


def write_ratings(
    key: StudyKey,
    runs: FoundRuns,
    figures: StudyFigures,
    raters: Sequence[RaterAnswers],
    excluded: int,
    seconds: float,
) -> list[Path]:
    """Write a results file beside each run that was found, and of pairs one of them all, under names of their own.

    The name has digests of the study and of what was read: reading more answers later makes another file, and tables
    take the newest of a study. Of grades the single ones stand in a file beside it. No rater's name is in either.

    Args:
        key: of the study.
        runs: from :func:`find_runs_of`.
        figures: of the study.
        raters: whose answers count.
        excluded: how many were left out.
        seconds: the median time of an item; NaN where it is not known.

    Raises:
        DataError: one cannot be written.
    """
    people = RatersSignature.of(key.rubric.name, key.rubric.sha256, key.fingerprint, len(raters), excluded)
    read = _digest([sorted((i, a.model_dump()) for i, a in r.answers.items()) for r in raters])
    alpha = {a.question: a.alpha.value for a in figures.agreement if not math.isnan(a.alpha.value)}
    written = []
    for run, (log, model) in enumerate(zip(runs.logs, figures.models, strict=True)):
        if log is None:
            continue
        path = log.path.with_name(f"results_{log.stem}_human_{key.fingerprint[:8]}_{read}.json")
        given = path.with_name(f"ratings_{path.stem.removeprefix('results_')}.jsonl")
        if key.kind is RatingKind.RATE:
            _write_given(given, _given_of(key, run, raters))
        made = Rating(
            results=log.results.path.name,
            samples=log.name,
            samples_sha256=log.sha256(),
            coverage=model.scores["human_coverage"].value,
            sums=_sums(model),
            study=key.fingerprint,
            kind=key.kind.value,
            raters=len(raters),
            excluded=excluded,
            items=model.items,
            ratings=model.ratings,
            decided=model.decided,
            alpha=alpha,
            seconds=_known(seconds),
            given=given.name if key.kind is RatingKind.RATE else None,
        )
        signature = log.signature.with_people(people, [m.info.name for m in model.metrics])
        values = {"alias": log.task, "sample_len": model.items, **_values(model, log.signature.benchmark)}
        report = {"turns": model.items, "unit": key.rubric.unit.value}
        content = log.results.derived(log.task, signature, values, report, made)
        _write(path, content)
        written.append(path)
    if written and figures.pairs:
        folder = next(log.path.parent for log in runs.logs if log is not None)
        path = folder / f"pairwise_{key.task}_human_{key.fingerprint[:8]}_{read}.json"
        _write(path, _contest(key, people, figures))
        written.append(path)
    return written


def _contest(key: StudyKey, people: RatersSignature, figures: StudyFigures) -> dict[str, Any]:
    """In the form of ``csconv judge --pairwise``, people in the judge's place: boards show both alike."""
    return {
        "task": key.task,
        "judge": {"line": f"people, {people.line}"},
        "people": people.model_dump(),
        "sample": key.sample,
        "pairings": [
            {
                **{"first": p.first, "second": p.second, "pairs": p.rate.items},
                **{"wins": p.wins, "ties": p.ties, "losses": p.losses},
                **{name: _known(getattr(p.rate, end)) for name, end in _ENDS},
                "missing": p.to_compare - p.rate.items,
            }
            for p in figures.pairs
        ],
        "ratings": asdict(figures.strengths) if figures.strengths else None,
    }


def _given_of(key: StudyKey, run: int, raters: Sequence[RaterAnswers]) -> Iterator[GivenRating]:
    """The ratings of a run's replies, without repeats, which would count a rater twice."""
    for item in key.items:
        if item.role is ItemRole.ITEM and item.runs == [run]:
            for rater in raters:
                if (answer := rater.answers.get(item.id)) is not None and answer.scores:
                    yield GivenRating(
                        conversation=item.conversation,
                        turn=item.turn,
                        rater=rater.number,
                        scores=dict(answer.scores),
                    )


def _write_given(path: Path, ratings: Iterable[GivenRating]) -> None:
    try:
        write_given_ratings(path, ratings)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written ({error.strerror}); nothing is lost, read again"
        ) from None


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _write(path: Path, content: Mapping[str, Any]) -> None:
    try:
        write_file(path, json_bytes(content, indent=2))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written ({error.strerror}); nothing is lost, read again"
        ) from None


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]


def _sums(model: ModelFigures) -> dict[str, Any]:
    """What the numbers are made from, by conversation; see :class:`~csc_tasks.results.records.JudgedSums`."""
    columns = {
        m.info.name: sums_of(m, model.columns[m.info.name], model.conversations).tolist()
        for m in model.metrics
    }
    return {"conversations": sorted(set(model.conversations)), "metrics": columns}


def _values(model: ModelFigures, benchmark: int) -> Mapping[str, Any]:
    """Scores and clustered standard errors by lm-eval's names."""
    values: dict[str, Any] = {}
    for metric in model.metrics:
        name = metric.info.name
        values[f"{name},none"] = model.scores[name].value
        error = clustered_stderr(metric, model.columns[name], model.conversations, benchmark)
        values[f"{name}_stderr,none"] = "N/A" if math.isnan(error) else error
    return values
