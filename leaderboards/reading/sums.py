"""From the turns of a run to what a leaderboard, a comparison and a gate are made of.

*Sums* of each metric by conversation are sufficient: every score on every resample of conversations
follows from them, so no text is read twice. Items come from the logs as the run wrote them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from csc_tasks.errors import DataError
from csc_tasks.framework import Strategy
from csc_tasks.leaderboards.browsed import KEPT
from csc_tasks.leaderboards.reading.checks import Seen
from csc_tasks.leaderboards.reading.role_plays import read_role_plays
from csc_tasks.leaderboards.reading.texts import TextKeeper, Texts
from csc_tasks.metrics import UNREADABLE, AdditiveMetric, Metric, Tally, additive_metric, has_sums
from csc_tasks.metrics.base import Floats
from csc_tasks.metrics.judge.scores import PREFIX
from csc_tasks.metrics.sequences import transition_rows
from csc_tasks.metrics.stages import STAGES
from csc_tasks.metrics.strategy import confusion, stage_of
from csc_tasks.outside import lines_of, open_regular, parse_json
from csc_tasks.protocol.signature import BENCHMARK_VERSION
from csc_tasks.protocol.task_kind import Context
from csc_tasks.results.find_logs import open_log
from csc_tasks.results.results_file import Origin, TaskRun
from csc_tasks.results.sample_log import Chunk, SampleLog

__all__ = ["DEPTHS", "Statistics", "Strategies", "statistics_of"]

DEPTHS = 15
"""Positions in a conversation that are told apart; the last one takes all later turns."""
_BY_DEPTH = ("strategy_acc", "bleu_2_norm", "rouge_l_norm", "bleu_2", "rouge_l", "bertscore", "bleurt")
_LABELS = "strategy_f1_macro"
"""The metric whose items are [gold, predicted]."""
_COVERAGE = f"{PREFIX}coverage"
"""The judge's column whose counts are the turns, or dialogues, that were to be judged."""


@dataclass(frozen=True, slots=True)
class Strategies:
    """Counts of labels: ``confusion`` (12, 13), ``transitions`` and ``gold_transitions`` (7, 7), see
    :class:`~csc_tasks.leaderboards.board.SectionFigures`; ``gold`` (12,)."""

    confusion: npt.NDArray[np.int64]
    transitions: npt.NDArray[np.int64]
    gold_transitions: npt.NDArray[np.int64]
    gold: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Statistics:
    """One file's turns, summed by conversation.

    ``conversations`` are c sorted ids and ``topics`` theirs; ``turns`` (c,) what the file has of each and
    ``expected`` (c,) what the conversation has; ``digest`` is of the set of turns; ``sums`` has (c, d) a
    metric and ``by_depth`` (c, DEPTHS, d); ``sample_hash`` is lm-eval's hash of the log, and ``benchmark`` the
    benchmark version of its run.
    """

    conversations: tuple[str, ...]
    topics: tuple[str, ...]
    turns: npt.NDArray[np.int64]
    expected: npt.NDArray[np.int64]
    digest: str
    sums: dict[str, Floats]
    by_depth: dict[str, Floats] = field(default_factory=dict)
    strategies: Strategies | None = None
    texts: Texts = field(default_factory=Texts)
    sample_hash: str = ""
    benchmark: int = BENCHMARK_VERSION

    @property
    def seen(self) -> Seen:
        """How much was found."""
        return Seen(len(self.conversations), int(self.turns.sum()), int(self.expected.sum()))

    def score(self, name: str) -> float:
        """The score of all turns."""
        return additive_metric(name).value(self.sums[name])


def statistics_of(run: TaskRun, browse: int | None = KEPT) -> Statistics:
    """The statistics of a run's own log, of the scores that ``csconv score`` wrote, or of a judge's verdicts.

    Args:
        run: to be summed.
        browse: how many conversations or role-plays of a log are kept to be read; ``None`` for all.

    Raises:
        DataError: the file is missing, damaged, or not of this results file; the message says which.
    """
    if run.origin is Origin.JUDGED:
        return _of_verdicts(run)
    try:
        return _of_log(run, browse)
    except FileNotFoundError:
        raise DataError(
            f"{run.samples.name} is not beside {run.path.name}; run lm_eval with --log_samples"
        ) from None
    except OSError as error:
        raise DataError(f"{error.filename or run.samples}: cannot be read ({error.strerror})") from None


def _of_log(run: TaskRun, browse: int | None) -> Statistics:
    log = open_log(run.samples)
    if log is None or log.signature.task != run.signature.task:
        raise DataError(f"{run.samples}: not the log of {run.path.name}")
    names = [name for name in run.values if has_sums(name)]
    if run.origin is Origin.RUN:
        return _Reader(log, names, run, browse).read()
    made = run.rescoring
    if made is None or not made.scores:
        raise DataError(f"{run.path}: does not say where its scores are; run csconv score --force")
    if made.samples_sha256 and made.samples_sha256 != log.sha256():
        raise DataError(
            f"{run.samples}: changed since {run.path.name} was made of it (another SHA-256); run csconv score again"
        )
    return _Reader(log, names, run, browse, run.path.with_name(made.scores)).read()


def _of_verdicts(run: TaskRun) -> Statistics:
    again = "run csconv judge again (nothing is asked twice)"
    try:
        kept = run.judging.read_sums() if run.judging else None
    except DataError as error:
        raise DataError(f"{run.path}: damaged ({error}); {again}") from None
    if kept is None or _COVERAGE not in kept.metrics:
        raise DataError(f"{run.path}: has no sums by conversation; {again}")
    conversations = kept.conversations
    shape = len(conversations), 2
    sums = {name: np.asarray(rows, dtype=np.float64).reshape(shape) for name, rows in kept.metrics.items()}
    turns = sums[_COVERAGE][:, 1].astype(np.int64)
    digest = hashlib.sha256(json.dumps([conversations, turns.tolist()]).encode()).hexdigest()
    if run.judging and run.judging.withheld:
        sums = {_COVERAGE: sums[_COVERAGE]}
    topics = ("",) * len(conversations)
    return Statistics(conversations, topics, turns, turns, digest, sums, benchmark=run.signature.benchmark)


def _score_lines(path: Path) -> Iterator[dict[str, Any]]:
    number = 0
    try:
        with open_regular(path) as file:
            for line in lines_of(file):
                number += 1
                entry = parse_json(line)
                if not isinstance(entry, dict):
                    raise ValueError("no object")
                yield entry
    except ValueError as error:
        raise DataError(f"{path}: line {number}: not JSON ({error}); run csconv score --force") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); run csconv score --force") from None


class _Reader:
    """Reads a log once, holding some tens of bytes a turn."""

    def __init__(
        self,
        log: SampleLog,
        names: Sequence[str],
        run: TaskRun,
        browse: int | None,
        scores: Path | None = None,
    ) -> None:
        self.log = log
        self.scores = scores
        self.benchmark = run.signature.benchmark
        self.names = list(names)
        self.unscored = {name for name in names if math.isnan(run.values[name])}
        self.tallies = {name: Tally(additive_metric(name)) for name in names if name not in self.unscored}
        self.topics: dict[str, str] = {}
        self.codes: dict[str, int] = {}
        self.expected: dict[str, int] = {}
        self.places: list[npt.NDArray[np.int64]] = []  # (n, 2) conversation code and turn
        self.labels: list[npt.NDArray[np.int64]] = []  # (n, 2) gold and predicted
        self.depths: dict[str, Floats] = {}
        self.hash = hashlib.sha256()
        self.browse = browse
        self.texts = TextKeeper(log, self.tallies, browse)

    def read(self) -> Statistics:
        """All of it.

        Raises:
            DataError: the log or the scores are damaged, or not of the same turns.
        """
        lines = _score_lines(self.scores) if self.scores else None
        for chunk in self.log.chunks([] if lines else self.names):
            if lines is not None:
                self._join(chunk, lines)
            self._add(chunk)
        return self._finish()

    def _join(self, chunk: Chunk, lines: Iterator[dict[str, Any]]) -> None:
        for doc in chunk.docs:
            entry = next(lines, {})
            if (entry.get("conversation"), entry.get("turn")) != (doc["conversation"], doc["turn"]):
                raise DataError(
                    f"{self.scores}: not of the turns of {self.log.path.name} "
                    f"(turn {doc['turn']} of {doc['conversation']} is missing); run csconv score --force"
                )
            for name in self.names:
                item = entry.get(name)
                if item is not None and not additive_metric(name).accepts(item):
                    raise DataError(
                        f"{self.scores}: turn {doc['turn']} of {doc['conversation']}: of {name} it has what "
                        f"{name} cannot be ({item!r:.60}); run csconv score --force"
                    )
                chunk.items.setdefault(name, []).append(item)

    def _add(self, chunk: Chunk) -> None:
        docs = chunk.docs
        self.hash.update("".join(chunk.hashes).encode())
        if not docs:  # padding, which has hashes and nothing else
            return
        conversations = [doc["conversation"] for doc in docs]
        for doc in docs:
            name = doc["conversation"]
            if name not in self.codes:
                self.codes[name] = len(self.codes)
                self.topics[name] = doc["topic"]
                self.expected[name] = doc["turns"]
        codes = np.array([self.codes[name] for name in conversations], dtype=np.int64)
        turns = np.array([doc["turn"] for doc in docs], dtype=np.int64)
        self.places.append(np.stack([codes, turns], axis=1))
        for name, tally in self.tallies.items():
            items = chunk.items[name]
            try:
                tally.add(items, conversations)
                if name in _BY_DEPTH and not tally.unscored:
                    self._deepen(name, tally.metric, items, codes, turns)
            except (TypeError, ValueError, IndexError) as error:
                raise DataError(
                    f"{self.log.path}: of {name} it has what {name} cannot be ({error})"
                ) from None
        if _LABELS in self.tallies and not self.tallies[_LABELS].unscored:
            self.labels.append(np.asarray(chunk.items[_LABELS], dtype=np.int64).reshape(-1, 2))
        if self.scores is None and self.log.kind.writes_text and not self._role_plays:
            self.texts.add(chunk)

    def _deepen(
        self,
        name: str,
        metric: Metric,
        items: Sequence[Any],
        codes: npt.NDArray[np.int64],
        turns: npt.NDArray[np.int64],
    ) -> None:
        assert isinstance(metric, AdditiveMetric)
        statistics = metric.statistics(items)
        sums = self.depths.get(name)
        if sums is None or len(sums) < len(self.codes):
            grown = np.zeros((2 * len(self.codes), DEPTHS, statistics.shape[1]))
            if sums is not None:
                grown[: len(sums)] = sums
            self.depths[name] = sums = grown
        np.add.at(sums, (codes, np.minimum(turns, DEPTHS - 1)), statistics)

    def _finish(self) -> Statistics:
        order = sorted(self.codes)
        places = np.concatenate(self.places)
        counts = np.bincount(places[:, 0], minlength=len(self.codes))
        sorted_codes = [self.codes[name] for name in order]
        turn_set = dict.fromkeys(order, 0)
        names = list(self.codes)
        for code, turn in places.tolist():
            turn_set[names[code]] |= 1 << turn
        return Statistics(
            conversations=tuple(order),
            topics=tuple(self.topics[name] for name in order),
            turns=counts[sorted_codes].astype(np.int64),
            expected=np.array([self.expected[name] for name in order], dtype=np.int64),
            digest=hashlib.sha256(json.dumps(turn_set).encode()).hexdigest(),
            sums={name: tally.sums() for name, tally in self.tallies.items() if not tally.unscored},
            by_depth={name: sums[sorted_codes] for name, sums in self.depths.items()},
            strategies=self._strategies(places),
            texts=self._texts(),
            sample_hash=self.hash.hexdigest(),
            benchmark=self.benchmark,
        )

    @property
    def _role_plays(self) -> bool:
        return self.log.context is Context.ROLE_PLAY

    def _texts(self) -> Texts:
        if self.scores is None and self._role_plays:
            cases, role_plays = read_role_plays(self.log, self.browse)
            return Texts(cases=cases, role_plays=role_plays)
        return self.texts.finish(self.topics, self.expected)

    def _strategies(self, places: npt.NDArray[np.int64]) -> Strategies | None:
        if not self.labels:
            return None
        labels = np.concatenate(self.labels)
        order = np.lexsort((places[:, 1], places[:, 0]))
        places, labels = places[order], labels[order]
        gold, predicted = labels[:, 0], labels[:, 1]
        count = _transitions_over_gaps if self.benchmark == 1 else _transitions
        return Strategies(
            confusion=confusion(gold, predicted).astype(np.int64),
            transitions=count(places, predicted),
            gold_transitions=count(places, gold),
            gold=np.bincount(gold, minlength=len(Strategy)).astype(np.int64),
        )


def _transitions(places: npt.NDArray[np.int64], strategies: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Counts (7, 7) of the transitions that the metric counts, from stage to stage; row 0 is the start.

    Args:
        places: (n, 2) conversation and turn.
        strategies: (n,) their labels.
    """
    counts = np.zeros((STAGES + 1, STAGES + 1), dtype=np.int64)
    first = strategies[(places[:, 1] == 0) & (strategies != UNREADABLE)]
    np.add.at(counts[0], stage_of(first) + 1, 1)
    _, pairs = transition_rows(places[:, 0], places[:, 1], strategies)
    np.add.at(counts, (pairs // STAGES + 1, pairs % STAGES + 1), 1)
    return counts


def _transitions_over_gaps(
    places: npt.NDArray[np.int64], strategies: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The same of benchmark 1, whose chart passed over unreadable labels and joined the turns on both sides."""
    readable = strategies != UNREADABLE
    owners, stages = places[readable, 0], stage_of(strategies[readable]) + 1
    before = np.where(np.diff(owners, prepend=-1) != 0, 0, np.roll(stages, 1))
    counts = np.zeros((7, 7), dtype=np.int64)
    np.add.at(counts, (before, stages), 1)
    return counts
