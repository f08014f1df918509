"""Judging a saved run: verdicts beside its log, and a results file that tables read like the run's own."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from csc_tasks.chat.cache import AnswerCache
from csc_tasks.chat.words import shown
from csc_tasks.errors import ConfigError, DataError
from csc_tasks.judging.config import JudgeConfig
from csc_tasks.judging.engine import Engine
from csc_tasks.judging.estimate import Estimate, estimate
from csc_tasks.judging.keeper import forget
from csc_tasks.judging.progress import JudgeProgress, OnProgress, Stop, no_progress
from csc_tasks.judging.questions import Questions, judge_signature
from csc_tasks.judging.samples import choose_sample, samples_of_log, strata_of_log
from csc_tasks.metrics import clustered_stderr
from csc_tasks.metrics.judge import Rubric, Sample, Status, Verdict
from csc_tasks.metrics.judge.rubric import Unit, rubric_for_unit
from csc_tasks.metrics.judge.scores import judge_metrics
from csc_tasks.outside import json_bytes
from csc_tasks.protocol.task_kind import Context
from csc_tasks.results.records import Judging
from csc_tasks.results.role_play_log import card_of
from csc_tasks.results.sample_log import SampleLog
from csc_tasks.storage import write_file

__all__ = ["JudgedLog", "Judgement", "rubric_for", "write_results"]


def rubric_for(log: SampleLog, name: str | None) -> Rubric | None:
    """The rubric for a log: that of a name, or the shipped one for its context; ``None`` if it does not apply."""
    if not log.kind.writes_text:
        return None
    whole = log.context is not Context.REFERENCE
    rubric = rubric_for_unit(Unit.DIALOGUE if whole else Unit.TURN, name)
    if rubric.unit is Unit.PAIR:
        raise ConfigError(f"--rubric {name}: compares two replies; use it with --pairwise")
    if rubric.unit is not Unit.DIALOGUE and log.context is Context.ROLE_PLAY:
        raise ConfigError(f"--rubric {name}: is for single turns, and a role-play is judged whole")
    return None if rubric.unit is Unit.DIALOGUE and not whole else rubric


@dataclass
class Judgement:
    """The verdicts of one log, as much of them as numbers need: some tens of bytes each."""

    rubric: Rubric
    min_coverage: float
    conversations: list[str] = field(default_factory=list)
    columns: dict[str, list[Any]] = field(default_factory=dict)
    statuses: Counter[Status] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)

    @cached_property
    def metrics(self) -> Sequence[Any]:
        """The numbers that are computed."""
        return judge_metrics(self.rubric, self.min_coverage)

    def on_verdict(self, sample: Sample, verdict: Verdict) -> None:
        """Take a verdict in."""
        self.conversations.append(card_of(sample.conversation))
        self.statuses[verdict.status] += 1
        self.flags.update(verdict.flags)
        if verdict.model:
            self.models[shown(verdict.model, 100)] += 1
        for metric in self.metrics:
            self.columns.setdefault(metric.info.name, []).append(metric.item(verdict))

    @property
    def coverage(self) -> float:
        """The share 0–1 that has a verdict; NaN of nothing."""
        total = self.statuses.total()
        return self.statuses[Status.SCORED] / total if total else float("nan")

    @property
    def withheld(self) -> str:
        """Why the scores are withheld; '' if they are not."""
        if self.coverage >= self.min_coverage:
            return ""
        missing = ", ".join(
            f"{n} {s.value}" for s, n in self.statuses.most_common() if s is not Status.SCORED
        )
        return (
            f"coverage {self.coverage:.3f} is below min_coverage {self.min_coverage:g} "
            f"({missing} of {self.statuses.total()})"
        )

    def sums(self) -> dict[str, Any]:
        """What the numbers are made from, by conversation: ``conversations`` and ``[sum, count]`` of each metric.

        A leaderboard resamples these without knowing what the judge was shown.
        """
        names = sorted(set(self.conversations))
        place = {name: i for i, name in enumerate(names)}
        codes = [place[conversation] for conversation in self.conversations]
        columns: dict[str, Any] = {}
        for metric in self.metrics:
            sums = np.zeros((len(names), 2))
            np.add.at(sums, codes, metric.statistics(self.columns.get(metric.info.name, [])))
            columns[metric.info.name] = sums.tolist()
        return {"conversations": names, "metrics": columns}

    def values(self, benchmark: int) -> dict[str, Any]:
        """Scores and clustered standard errors by lm-eval's names, as of a benchmark version."""
        values: dict[str, Any] = {}
        for metric in self.metrics:
            name = metric.info.name
            items = self.columns.get(name, [])
            score = metric.score(items)
            values[f"{name},none"] = score
            error = float("nan")
            if not math.isnan(score):
                error = clustered_stderr(metric, items, self.conversations, benchmark)
            values[f"{name}_stderr,none"] = "N/A" if math.isnan(error) else error
        return values


class JudgedLog:
    """One log to be judged under one rubric.

    Args:
        log: the saved run.
        rubric: from :func:`rubric_for`.
        config: who judges.
        with_reference: show the gold reply.
        sample_size: judge a stratified sample of so many.
    """

    def __init__(
        self,
        log: SampleLog,
        rubric: Rubric,
        config: JudgeConfig,
        with_reference: bool = False,
        sample_size: int | None = None,
    ) -> None:
        self.log = log
        self.rubric = rubric
        self.config = config
        self.sample_size = sample_size
        self.questions = Questions(rubric, config, with_reference)
        self.signature = judge_signature(config, rubric, with_reference)
        stem = log.stem
        self.journal_path = log.path.with_name(f"verdicts_{stem}_{self.signature.sha256}.jsonl")
        size = "" if sample_size is None else f"_n{sample_size}"
        self.results_path = log.path.with_name(f"results_{stem}_judged_{self.signature.sha256}{size}.json")

    @cached_property
    def chosen(self) -> set[tuple[str, int | None]]:
        """The conversation and turn of everything that is judged."""
        units = list(strata_of_log(self.log, self.rubric.unit))
        if self.sample_size is None:
            return {unit for unit, _ in units}
        return choose_sample(units, self.sample_size)

    def samples(self) -> Iterator[Sample]:
        """What is judged, in the order of the log."""
        for sample in samples_of_log(self.log, self.rubric):
            if (sample.conversation, sample.turn) in self.chosen:
                yield sample

    def estimate(self, cache: AnswerCache) -> Estimate:
        """What judging would ask."""
        return estimate(self.questions, cache, self.journal_path, self.samples())

    def forget(self, cache: AnswerCache) -> Path | None:
        """Take nothing from what lies beside the log or in the cache; where the journal was put, if there was one.

        Raises:
            ChatError: that cannot be done.
        """
        return forget(cache, self.journal_path, self.keys())

    def keys(self) -> Iterator[str]:
        """What identifies each question."""
        return (self.questions.task(sample).key for sample in self.samples() if not sample.silent)

    def under(self, rubric: Rubric) -> JudgedLog:
        """The same log, to be judged by the same judge under another rubric."""
        shown = self.questions.with_reference
        return JudgedLog(self.log, rubric, self.config, shown, self.sample_size)

    def run(
        self, cache: AnswerCache, budget: float | None = None, on_progress: OnProgress = no_progress
    ) -> tuple[Judgement, JudgeProgress]:
        """Judge, and write the results file unless the run was interrupted.

        Raises:
            ChatError: nothing can be asked or kept any more; what was asked is kept.
            DataError: the results file cannot be written.
        """
        judgement = Judgement(self.rubric, self.config.min_coverage)
        digest = self.log.sha256()
        engine = Engine(self.questions, cache, self.journal_path, budget)
        progress = engine.run(self.samples(), judgement.on_verdict, on_progress, total=len(self.chosen))
        if progress.stopped is not Stop.INTERRUPTED:
            self.write(judgement, progress, digest)
        return judgement, progress

    def write(self, judgement: Judgement, progress: JudgeProgress, digest: str) -> None:
        """A results file in lm-eval's form: the run's own facts, and the judge's numbers under their signature.

        Raises:
            DataError: it cannot be written.
        """
        log, total = self.log, judgement.statuses.total()
        values = {"alias": log.task, "sample_len": total, **judgement.values(log.signature.benchmark)}
        # Another judge is another protocol: its scores never stand in one table with these.
        signature = log.signature.with_judge(self.signature, [m.info.name for m in judgement.metrics])
        made = Judging(
            samples=log.name,
            samples_sha256=digest,
            results=log.results.path.name,
            verdicts=self.journal_path.name,
            sample=self.sample_size,
            statuses={s.value: judgement.statuses[s] for s in Status},
            coverage=judgement.coverage,
            withheld=judgement.withheld,
            flags=dict(judgement.flags),
            cost=round(progress.cost, 6),
            currency=self.config.currency,
            prompt_tokens=progress.prompt_tokens,
            completion_tokens=progress.completion_tokens,
            models=dict(judgement.models.most_common(10)),
            asked=progress.asked,
            reasked=progress.reasked,
            cached=progress.cached,
            sums=judgement.sums(),
        )
        report = {"turns": total, "unit": self.rubric.unit.value}
        content = log.results.derived(log.task, signature, values, report, made)
        write_results(self.results_path, content, self.journal_path)


def write_results(path: Path, content: dict[str, Any], journal_path: Path) -> None:
    """Write what verdicts come to, as JSON.

    Args:
        path: of the file, which is replaced whole.
        content: of it.
        journal_path: where the verdicts are, for the message.

    Raises:
        DataError: it cannot be written.
    """
    try:
        write_file(path, json_bytes(content, indent=2))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written ({error.strerror}); the verdicts are kept in "
            f"{journal_path}, run the same command again"
        ) from None
