"""Two or more saved runs side by side: which reply to the same turn a judge prefers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

from csc_tasks.chat.cache import AnswerCache
from csc_tasks.chat.words import shown
from csc_tasks.errors import ConfigError
from csc_tasks.judging.config import JudgeConfig
from csc_tasks.judging.engine import Engine
from csc_tasks.judging.estimate import Estimate, estimate
from csc_tasks.judging.keeper import forget
from csc_tasks.judging.progress import JudgeProgress, OnProgress, no_progress
from csc_tasks.judging.questions import Questions, judge_signature
from csc_tasks.judging.samples import choose_sample, samples_of_log, strata_of_log
from csc_tasks.judging.saved_run import write_results
from csc_tasks.metrics.judge import Rubric, Sample, Status, Verdict
from csc_tasks.metrics.judge.pairs import (
    FIRST,
    SECOND,
    TIE,
    Outcome,
    PairResult,
    Ratings,
    both_orders,
    compare,
    outcome_of,
    rate,
)
from csc_tasks.metrics.judge.rubric import PAIR_RUBRIC, TURN_RUBRIC, Unit, load_rubric
from csc_tasks.protocol.task_kind import Context
from csc_tasks.results.find_logs import find_logs
from csc_tasks.results.sample_log import SampleLog
from csc_tasks.results.side_by_side import names_of_folders, require_one_protocol

__all__ = ["Contest", "Pairing", "contests", "require_pair_rubric"]


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two models on one task, and what their pairs came to."""

    first: str
    second: str
    result: PairResult
    outcomes: tuple[tuple[str, Outcome], ...]


def require_pair_rubric(rubric: Rubric) -> None:
    """Require a rubric that says which of two replies is better.

    Raises:
        ConfigError: it does not.
    """
    if rubric.unit is not Unit.PAIR:
        raise ConfigError(f"--rubric {rubric.name}: does not compare two replies, as {PAIR_RUBRIC} does")
    if {FIRST, SECOND, TIE} not in [set(d.options) for d in rubric.dimensions if d.name == "winner"]:
        options = ", ".join((FIRST, SECOND, TIE))
        raise ConfigError(f"--rubric {rubric.name}: needs a dimension `winner` with the options {options}")


class Contest:
    """The runs of one task, under one protocol and over the same turns.

    Args:
        task: its name.
        logs: the log of each model by its name.
        rubric: for pairs.
        config: who judges.
        with_reference: show the gold reply.
        sample_size: judge a stratified sample of so many turns, of those that all runs have.

    Raises:
        ConfigError: the rubric does not say which of two replies is better.
    """

    def __init__(
        self,
        task: str,
        logs: dict[str, SampleLog],
        rubric: Rubric,
        config: JudgeConfig,
        with_reference: bool = False,
        sample_size: int | None = None,
    ) -> None:
        require_pair_rubric(rubric)
        self.task = task
        self.logs = logs
        self.rubric = rubric
        self.config = config
        self.sample_size = sample_size
        self.questions = Questions(rubric, config, with_reference)
        self.signature = judge_signature(config, rubric, with_reference)
        first = next(iter(logs.values())).path
        stem = f"{task}_{self.signature.sha256}"
        self.journal_path = first.with_name(f"verdicts_pairwise_{stem}.jsonl")
        self.results_path = first.with_name(f"pairwise_{stem}.json")
        self._models: Counter[str] = Counter()
        self._sides: dict[str, dict[tuple[str, int | None], Sample]] = {}

    @cached_property
    def chosen(self) -> set[tuple[str, int | None]] | None:
        """The conversation and turn of what is judged; ``None`` for everything."""
        if self.sample_size is None:
            return None
        first, *others = (dict(strata_of_log(log, Unit.TURN)) for log in self.logs.values())
        common = [(unit, stratum) for unit, stratum in first.items() if all(unit in o for o in others)]
        return choose_sample(common, self.sample_size)

    def side(self, model: str) -> dict[tuple[str, int | None], Sample]:
        """What a model answered, of the turns that are judged."""
        if model not in self._sides:
            # Any rubric for turns gives the history and reply that a pair is made of.
            samples = samples_of_log(self.logs[model], load_rubric(TURN_RUBRIC))
            self._sides[model] = {
                (s.conversation, s.turn): s
                for s in samples
                if self.chosen is None or (s.conversation, s.turn) in self.chosen
            }
        return self._sides[model]

    def places(self, first: str, second: str) -> list[tuple[str, int | None]]:
        """The turns that both models answered or left unanswered, in the order of the log."""
        return [place for place in self.side(first) if place in self.side(second)]

    def samples(self, first: str, second: str) -> Iterator[Sample]:
        """The pairs that a judge is needed for, each in both orders."""
        one, other = self.side(first), self.side(second)
        for place in self.places(first, second):
            if not (one[place].silent or other[place].silent) and not _same(one[place], other[place]):
                yield from both_orders(one[place], other[place])

    def pairs(self) -> list[tuple[str, str]]:
        """Every two models."""
        return list(combinations(self.logs, 2))

    def estimate(self, cache: AnswerCache) -> list[Estimate]:
        """What each pairing would ask."""
        return [
            estimate(self.questions, cache, self.journal_path, self.samples(*pair)) for pair in self.pairs()
        ]

    def forget(self, cache: AnswerCache) -> Path | None:
        """Take nothing from what lies beside the logs or in the cache; where the journal was put, if there was one.

        Raises:
            ChatError: that cannot be done.
        """
        return forget(cache, self.journal_path, self.keys())

    def keys(self) -> Iterator[str]:
        """What identifies each question."""
        asked = (self.samples(*pair) for pair in self.pairs())
        return (self.questions.task(sample).key for samples in asked for sample in samples)

    def under(self, rubric: Rubric) -> Contest:
        """The same runs, to be compared by the same judge under another rubric."""
        shown = self.questions.with_reference
        return Contest(self.task, self.logs, rubric, self.config, shown, self.sample_size)

    def run(
        self,
        first: str,
        second: str,
        cache: AnswerCache,
        budget: float | None = None,
        on_progress: OnProgress = no_progress,
    ) -> tuple[Pairing, JudgeProgress]:
        """Judge two models' replies.

        Raises:
            ChatError: nothing can be asked or kept any more; what was asked is kept.
        """
        verdicts: dict[tuple[str, int | None], Verdict] = {}

        def on_verdict(sample: Sample, verdict: Verdict) -> None:
            verdicts[sample.conversation, sample.turn] = verdict
            if verdict.model:
                self._models[shown(verdict.model, 100)] += 1

        about = {"first": first, "second": second}
        engine = Engine(self.questions, cache, self.journal_path, budget, about)
        total = sum(1 for _ in self.samples(first, second))
        progress = engine.run(self.samples(first, second), on_verdict, on_progress, total)
        return self._pairing(first, second, verdicts), progress

    def _pairing(self, first: str, second: str, verdicts: dict[tuple[str, int | None], Verdict]) -> Pairing:
        one, other = self.side(first), self.side(second)
        skipped = Verdict(Status.SKIPPED)
        outcomes: list[tuple[str, Outcome]] = []
        lengths: list[int | None] = []
        flips = missing = 0
        for conversation, turn in self.places(first, second):
            left, right = one[conversation, turn], other[conversation, turn]
            length: int | None = None
            if _same(left, right):
                decided: tuple[Outcome, bool] | None = (Outcome.TIE, False)
            elif left.silent or right.silent:
                # Whoever says nothing loses to whoever says something; no judge is needed for that.
                decided = (Outcome.LOSS if left.silent else Outcome.WIN, False)
            else:
                length = len(left.fields["reply"]) - len(right.fields["reply"])
                decided = outcome_of(
                    verdicts.get((f"{conversation}/a", turn), skipped),
                    verdicts.get((f"{conversation}/b", turn), skipped),
                )
            if decided is None:
                missing += 1
                continue
            outcomes.append((conversation, decided[0]))
            flips += decided[1]
            lengths.append(length)
        result = compare(
            [o for _, o in outcomes],
            [c for c, _ in outcomes],
            lengths,
            flips,
            missing,
            self.config.min_coverage,
        )
        return Pairing(first, second, result, tuple(outcomes))

    def ratings(self, pairings: Sequence[Pairing]) -> Ratings | None:
        """Bradley-Terry ratings of three or more models; ``None`` for two, or where a win rate is withheld."""
        if len(self.logs) < 3 or any(p.result.withheld for p in pairings):
            return None
        return rate({(p.first, p.second): p.outcomes for p in pairings})

    def write(self, pairings: Sequence[Pairing], ratings: Ratings | None) -> None:
        """A JSON file with everything that the table shows.

        Raises:
            DataError: it cannot be written.
        """
        content: dict[str, Any] = {
            "task": self.task,
            "judge": self.signature.to_json(),
            "sample": self.sample_size,
            "samples": {model: str(log.path) for model, log in self.logs.items()},
            "pairings": [{"first": p.first, "second": p.second, **asdict(p.result)} for p in pairings],
            "ratings": asdict(ratings) if ratings else None,
            "models": dict(self._models.most_common(10)),
            "verdicts": self.journal_path.name,
        }
        write_results(self.results_path, content, self.journal_path)


def _same(one: Sample, other: Sample) -> bool:
    return one.fields["reply"] == other.fields["reply"]


def contests(
    paths: Sequence[Path],
    rubric: Rubric,
    config: JudgeConfig,
    with_reference: bool = False,
    sample_size: int | None = None,
) -> list[Contest]:
    """The tasks that two or more of the given runs have in common.

    Only reference context: on its own history each model talks to another conversation.

    Raises:
        ConfigError: fewer than two runs, two of one name, or nothing in common; runs of one task under
            different protocols.
    """
    if len(paths) < 2:
        raise ConfigError("--pairwise needs two or more results folders, one a model")
    names = names_of_folders(paths)
    by_task: dict[str, dict[str, SampleLog]] = {}
    for name, path in zip(names, paths, strict=True):
        for log in find_logs([path]):
            if not log.kind.writes_text or log.context is not Context.REFERENCE:
                continue
            if name in by_task.setdefault(log.task, {}):
                raise ConfigError(f"{path}: more than one run of {log.task}; name the samples_*.jsonl file")
            by_task[log.task][name] = log
    found = []
    for task, logs in by_task.items():
        if len(logs) < 2:
            continue
        require_one_protocol(task, logs.values())
        found.append(Contest(task, logs, rubric, config, with_reference, sample_size))
    if not found:
        raise ConfigError(
            "the runs have no task in common that can be compared (csconv_response, in reference context)"
        )
    return found
