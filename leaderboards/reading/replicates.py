"""What a leaderboard needs of one file of turns: scores, their replicates, and figures to draw.

Replicates are kept and sums are not: those of a hundred models fit in memory, and a model that was seen
before costs reading a megabyte.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from csc_tasks._version import __version__
from csc_tasks.errors import DataError
from csc_tasks.framework import Strategy
from csc_tasks.leaderboards.board import BrowsedConversation, BrowsedReply, BrowsedTurn, DepthPoint
from csc_tasks.leaderboards.browsed import KEPT
from csc_tasks.leaderboards.reading.kept import keep, kept_folder
from csc_tasks.leaderboards.reading.role_plays import kept_cases, kept_role_plays
from csc_tasks.leaderboards.reading.sums import Statistics, Strategies, statistics_of
from csc_tasks.leaderboards.reading.texts import Texts
from csc_tasks.metrics import additive_metric
from csc_tasks.metrics.base import MOST, Floats
from csc_tasks.metrics.intervals import score_interval
from csc_tasks.metrics.uncertainty import RESAMPLES, SEED, bootstrap_scores, resample_counts
from csc_tasks.outside import parse_json, read_file
from csc_tasks.packed import read_arrays
from csc_tasks.results.log_file import log_sha256, plain
from csc_tasks.results.results_file import Origin, TaskRun
from csc_tasks.system.workers import worker_pool

__all__ = ["Replicates", "replicate", "replicates_of"]

FORMAT = 6
"""Of the kept files; raised when what they hold changes."""
_DAMAGE = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)
_WORTHWHILE = 16 * 2**20
"""Bytes of logs from which on several processes are sooner done than one."""
_RACE = 2.0
"""Seconds: a file changed so shortly before it was hashed may have changed again within its timestamp."""


@dataclass(frozen=True, slots=True)
class Replicates:
    """One file's turns, ready to be compared.

    ``clusters`` is c, the number of conversations, and ``digest`` one of the set of turns; ``expected`` is how
    many turns these conversations have; ``replicates`` has (resamples,) a metric, and ``observations`` how many turns
    it is a mean of, where it is one; for the rest see
    :class:`~csc_tasks.leaderboards.reading.sums.Statistics`.
    """

    clusters: int
    turns: int
    expected: int
    digest: str
    scores: dict[str, float]
    replicates: dict[str, Floats]
    observations: dict[str, float]
    depth: dict[str, tuple[DepthPoint, ...]] = field(default_factory=dict)
    strategies: Strategies | None = None
    texts: Texts = field(default_factory=Texts)
    sample_hash: str = ""


def replicate(statistics: Statistics) -> Replicates:
    """Resample what was summed; every metric on the same resamples."""
    clusters = len(statistics.conversations)
    counts = resample_counts(clusters)
    scores, replicates, observations, depth = {}, {}, {}, {}
    for name, sums in statistics.sums.items():
        metric = additive_metric(name)
        scores[name] = statistics.score(name)
        replicates[name] = bootstrap_scores(metric, sums, counts)
        if not math.isnan(turns := metric.observations(sums)):
            observations[name] = turns
        if name in statistics.by_depth:
            depth[name] = _depth(name, statistics, counts)
    return Replicates(
        clusters=clusters,
        turns=int(statistics.turns.sum()),
        expected=int(statistics.expected.sum()),
        digest=statistics.digest,
        scores=scores,
        replicates=replicates,
        observations=observations,
        depth=depth,
        strategies=statistics.strategies,
        texts=statistics.texts,
        sample_hash=statistics.sample_hash,
    )


def _depth(name: str, statistics: Statistics, counts: Floats) -> tuple[DepthPoint, ...]:
    metric, sums = additive_metric(name), statistics.by_depth[name]
    places = np.minimum(statistics.turns, sums.shape[1])
    points = []
    for position in range(sums.shape[1]):
        here = sums[:, position]
        owners = int((places > position).sum())
        # The last position takes all later turns of a conversation.
        turns = owners if position < sums.shape[1] - 1 else int((statistics.turns - position).clip(0).sum())
        total = here.sum(axis=0)
        if not total.any():
            continue
        score, drawn = float(metric.from_sums(total)), bootstrap_scores(metric, here, counts)
        seen, version = metric.observations(here), statistics.benchmark
        numbers = (score, *score_interval(metric, score, drawn, owners, seen, benchmark=version))
        value, low, high = (None if math.isnan(number) else number for number in numbers)
        points.append(DepthPoint(position + 1, value, low, high, turns))
    return tuple(points)


def replicates_of(
    runs: Sequence[TaskRun],
    workers: int = 1,
    on_progress: Callable[[int], None] = lambda _: None,
    folder: Path | None = None,
    fresh: bool = False,
    browse: int | None = KEPT,
) -> list[Replicates | DataError]:
    """The summary of each run's file, or why there is none; files seen before are not read again.

    Args:
        runs: to be summarised.
        workers: processes that read.
        on_progress: called with the number of runs done.
        folder: where replicates are kept, by default in csconv's cache.
        fresh: read every file, and keep anew what comes of it.
        browse: how many conversations or role-plays of each are kept to be read; ``None`` for all.
    """
    folder = kept_folder(folder)
    found: list[Replicates | DataError | None] = [
        None if fresh else _kept(run, folder, browse) for run in runs
    ]
    jobs = [
        _Job(run, folder, fresh, browse) for run, summary in zip(runs, found, strict=True) if summary is None
    ]
    done = len(runs) - len(jobs)
    if done:
        on_progress(done)
    # Starting processes takes a second, in which one reads some megabytes.
    processes = min(workers, len(jobs)) if sum(_size(job.run) for job in jobs) > _WORTHWHILE else 1
    with worker_pool(processes, preload=[__name__]) if processes > 1 else nullcontext() as pool:
        read = iter(pool.map(_summary, jobs) if pool else map(_summary, jobs))
        for place, summary in enumerate(found):
            if summary is None:
                found[place] = next(read)
                done += 1
                on_progress(done)
    return [summary for summary in found if summary is not None]


def _size(run: TaskRun) -> int:
    """Bytes of a run's log, nearly: a compressed one is a twelfth."""
    try:
        return run.samples.stat().st_size * (1 if plain(run.samples) == run.samples else 12)
    except OSError:
        return 0


def _kept(run: TaskRun, folder: Path, browse: int | None) -> Replicates | None:
    """The summary of a run whose files are the ones that were read before, as far as can be told at a glance."""
    with suppress(DataError, OSError):
        key = _key(run, folder, browse, _remembered)
        return None if key is None else _load(folder / f"{key}.npz")
    return None


def _load(path: Path) -> Replicates | None:
    with suppress(OSError, *_DAMAGE):
        return _unpack(read_file(path))
    return None


class _Job(NamedTuple):
    """A run to be summarised in a process of its own; the rest as for :func:`replicates_of`."""

    run: TaskRun
    folder: Path
    fresh: bool
    browse: int | None


def _summary(job: _Job) -> Replicates | DataError:
    run, folder, fresh, browse = job
    try:
        kept = folder / f"{_key(run, folder, browse, _hashed if fresh else _digest)}.npz"
        if not fresh and (known := _load(kept)) is not None:
            return known
        summary = replicate(statistics_of(run, browse))
    except DataError as error:
        return error
    except OSError as error:
        return DataError(f"{error.filename or run.samples}: cannot be read ({error.strerror})")
    except _DAMAGE as error:
        # A log that no csconv wrote: it may cost its own row's intervals, and never the board.
        return DataError(f"{run.samples}: damaged ({type(error).__name__}: {error})")
    keep(kept, _pack(summary))
    return summary


def _key(
    run: TaskRun, folder: Path, browse: int | None, digest: Callable[[Path, Path], str | None]
) -> str | None:
    """Of everything that a summary is made of; ``None`` where a file has no digest."""
    files = [run.path] if run.origin is Origin.JUDGED else [run.samples, run.path]
    if run.rescoring and run.rescoring.scores:
        files.append(run.path.with_name(run.rescoring.scores))
    content = [digest(file, folder) for file in files]
    if None in content:
        return None
    recipe = [FORMAT, __version__, RESAMPLES, SEED, browse, run.task, run.origin.value, *content]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:32]


def _remembered(path: Path, folder: Path) -> str | None:
    """SHA-256 of a file that has not changed since it was last hashed; ``None`` where that is not certain.

    As git's index does it: size and time of change tell, unless the change was as recent as the look.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise DataError(f"{path.name} is not beside the results; run lm_eval with --log_samples") from None
    note, stamp = _note(path, status, folder)
    with suppress(OSError, ValueError, KeyError, TypeError):
        seen = parse_json(read_file(note))
        if seen["stamp"] == stamp and seen["at"] - status.st_mtime > _RACE:
            return str(seen["sha256"])
    return None


def _note(path: Path, status: os.stat_result, folder: Path) -> tuple[Path, list[str | int]]:
    """Where it is remembered that a file was hashed, and what tells whether it has changed since."""
    place = str(path.resolve())
    name = hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return folder / "seen" / f"{name}.json", [place, status.st_size, status.st_mtime_ns, status.st_ino]


def _digest(path: Path, folder: Path) -> str:
    """SHA-256 of a file, remembered; of a log's uncompressed bytes."""
    return _remembered(path, folder) or _hashed(path, folder)


def _hashed(path: Path, folder: Path) -> str:
    """The same of the file as it is now."""
    note, stamp = _note(path, path.stat(), folder)
    at = time.time()
    digest = log_sha256(path)
    keep(note, json.dumps({"stamp": stamp, "at": at, "sha256": digest}).encode())
    return digest


def _pack(summary: Replicates) -> bytes:
    arrays: dict[str, Any] = {f"replicates/{name}": values for name, values in summary.replicates.items()}
    if summary.strategies:
        arrays |= {f"strategies/{name}": values for name, values in asdict(summary.strategies).items()}
    facts = {
        "clusters": summary.clusters,
        "turns": summary.turns,
        "expected": summary.expected,
        "digest": summary.digest,
        "scores": summary.scores,
        "observations": summary.observations,
        "depth": {name: [asdict(p) for p in points] for name, points in summary.depth.items()},
        "texts": asdict(summary.texts),
        "sample_hash": summary.sample_hash,
    }
    arrays["facts"] = np.frombuffer(
        json.dumps(facts, ensure_ascii=False).encode("utf-8", "surrogatepass"), np.uint8
    )
    file = BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _unpack(data: bytes) -> Replicates:
    arrays = read_arrays(data)
    facts = parse_json(arrays["facts"].tobytes().decode("utf-8", "surrogatepass"))
    groups: dict[str, dict[str, Any]] = {"replicates": {}, "strategies": {}}
    for name, values in arrays.items():
        group, slash, rest = name.partition("/")
        if slash:
            groups[group][rest] = values
    _require_kept(facts, groups)
    depth = {name: tuple(DepthPoint(**p) for p in points) for name, points in facts.pop("depth").items()}
    return Replicates(
        **{**facts, "texts": _texts(facts["texts"])},
        depth=depth,
        replicates=groups["replicates"],
        strategies=Strategies(**groups["strategies"]) if groups["strategies"] else None,
    )


def _require_kept(facts: dict[str, Any], groups: dict[str, dict[str, Any]]) -> None:
    """Check what was kept as what is read from a log is checked.

    Raises:
        ValueError: it is not what :func:`_pack` writes.
    """
    whole = all(type(facts[name]) is int and facts[name] >= 0 for name in ("clusters", "turns", "expected"))
    texts = all(isinstance(facts[name], str) for name in ("digest", "sample_hash"))
    scores, observations = facts["scores"], facts["observations"]
    if not whole or not texts or scores.keys() != groups["replicates"].keys():
        raise ValueError("not what is kept")
    if not scores.keys() >= observations.keys() or not all(0 <= n < MOST for n in observations.values()):
        raise ValueError("observations")
    for name, values in groups["replicates"].items():
        metric = additive_metric(name)
        if values.shape != (RESAMPLES,) or values.dtype.kind != "f":
            raise ValueError(name)
        if not math.isnan(scores[name]) and not metric.scale.holds(scores[name]):
            raise ValueError(name)
        if not all(map(metric.replicate_scale.holds, values[~np.isnan(values)].tolist())):
            raise ValueError(name)
    shapes = {name: values.shape for name, values in groups["strategies"].items()}
    size = len(Strategy)
    wanted = {
        "confusion": (size, size + 1),
        "transitions": (7, 7),
        "gold_transitions": (7, 7),
        "gold": (size,),
    }
    if shapes and shapes != wanted:
        raise ValueError("strategies")


def _texts(kept: dict[str, Any]) -> Texts:
    return Texts(
        tuple(
            BrowsedConversation(c["id"], c["topic"], tuple(BrowsedTurn(**u) for u in c["turns"]))
            for c in kept["conversations"]
        ),
        {
            name: tuple(BrowsedReply(**reply) if reply else None for reply in replies)
            for name, replies in kept["replies"].items()
        },
        kept_cases(kept["cases"]),
        kept_role_plays(kept["role_plays"]),
    )
