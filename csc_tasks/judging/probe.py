"""Probing a judge: the built-in cases put to it, through the same engine and cache as everything else."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from csc_tasks.chat.cache import AnswerCache
from csc_tasks.errors import ConfigError, DataError
from csc_tasks.judging.config import JudgeConfig
from csc_tasks.judging.engine import Engine
from csc_tasks.judging.estimate import Estimate, estimate
from csc_tasks.judging.progress import OnProgress, Stopped, no_progress
from csc_tasks.judging.questions import Questions, judge_signature
from csc_tasks.metrics.judge import Rubric, Sample, Verdict, load_rubric
from csc_tasks.metrics.judge.probe import RECOMMENDED, Admission, ProbeReport, read_probe, require_turns
from csc_tasks.metrics.judge.probe_cases import EARLIER_PROBE, PROBE, Probe, load_probe
from csc_tasks.metrics.judge.rubric import Unit, rubric_for_unit
from csc_tasks.outside import json_bytes
from csc_tasks.storage import write_file

__all__ = ["ProbeOfJudge", "Probed", "estimate_probe", "require_probe"]


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe found under a rubric for single turns, who is let in by it, what it cost, and where it is kept."""

    rubric: str
    report: ProbeReport
    admission: Admission
    cost: float
    path: Path

    @property
    def fields(self) -> dict[str, Any]:
        """It as JSON, cost apart."""
        return {**dataclasses.asdict(self.report), "admission": dataclasses.asdict(self.admission)}

    @property
    def shortfall(self) -> str:
        """In words where the judge falls short of what is required; '' if it does not."""
        admission, kinds = self.admission, self.report.kinds
        if admission.admitted:
            return ""
        said = f"puts {self.report.score:.0%} of the probe's cases in order, {admission.required:.0%} is the least"
        few = ", ".join(
            f"{kind} ({kinds[kind][0]} of {kinds[kind][1]}, at least {admission.least[kind]})"
            for kind in admission.below
        )
        return said + (
            f" of all and, in whole cases, of each kind; too few are right of {few}" if few else ""
        )


class ProbeOfJudge:
    """A probe under a rubric, put to one judge.

    Args:
        config: who judges.
        cache: verdicts of all runs; files of the probe lie beside it.
        rubric: for single turns, as :func:`rubric_for_unit` takes it; by default the probe's own.
        name: of the probe.

    Raises:
        JudgeError: there is no such probe or rubric, or the rubric does not grade single turns.
    """

    def __init__(
        self, config: JudgeConfig, cache: AnswerCache, rubric: str | None = None, name: str = PROBE
    ) -> None:
        self.cases: Probe = load_probe(name)
        self.rubric: Rubric = rubric_for_unit(Unit.TURN, rubric or self.cases.turn_rubric)
        require_turns(self.rubric)
        self._config = config
        self._cache = cache

    @cached_property
    def _parts(self) -> Sequence[tuple[Questions, Sequence[Sample]]]:
        pairs = load_rubric(self.cases.pair_rubric)
        parts = (
            (Questions(self.rubric, self._config), self.cases.singles),
            (Questions(self.rubric, self._config, with_reference=True), self.cases.referenced),
            (Questions(pairs, self._config), self.cases.pairs),
        )
        return [part for part in parts if part[1]]

    def _journal_path(self, questions: Questions) -> Path:
        signature = judge_signature(self._config, questions.rubric, questions.with_reference)
        # Files of the first probe do not say which it was.
        prefix = "probe" if self.cases.name == EARLIER_PROBE else self.cases.name
        return self._cache.path.with_name(f"{prefix}_{questions.rubric.name}_{signature.sha256}.jsonl")

    @property
    def journal_paths(self) -> list[Path]:
        """Where the verdicts are."""
        return [self._journal_path(questions) for questions, _ in self._parts]

    @property
    def path(self) -> Path:
        """Of the file with what was found."""
        questions = self._parts[0][0]
        digest = judge_signature(self._config, questions.rubric, False).sha256
        return self._cache.path.with_name(f"{self.cases.name}_{questions.rubric.name}_{digest}.json")

    def estimates(self) -> Iterator[tuple[Rubric, Estimate]]:
        """What it would ask, a part at a time."""
        for questions, samples in self._parts:
            yield (
                questions.rubric,
                estimate(questions, self._cache, self._journal_path(questions), samples),
            )

    def earlier(self) -> str:
        """What to say where this judge was probed before, by the probe of before, and not by this one; else ''."""
        before = ProbeOfJudge(self._config, self._cache, name=EARLIER_PROBE)
        old = next((path for path in before.journal_paths if path.is_file()), None)
        if self.cases.name == EARLIER_PROBE or old is None or any(p.is_file() for p in self.journal_paths):
            return ""
        return (
            f"{old} is of {EARLIER_PROBE}, which asked other questions, under {before.rubric.name}; {PROBE} asks its "
            f"own. `csconv judge probe --probe {EARLIER_PROBE}` shows what it found, and asks nothing"
        )

    def run(self, on_progress: OnProgress = no_progress, budget: float | None = None) -> Probed:
        """Ask about every case; what was asked before comes from the cache.

        Args:
            on_progress: hears how far it is.
            budget: what may be spent, in the configuration's currency; no limit for ``None``.

        Raises:
            ChatError: the judge cannot be asked.
            DataError: what was found cannot be written.
            Stopped: the run was interrupted, or the budget is used up.
        """
        verdicts: dict[str, Verdict] = {}
        spent = 0.0

        def on_verdict(sample: Sample, verdict: Verdict) -> None:
            verdicts[sample.conversation] = verdict

        for questions, samples in self._parts:
            left = None if budget is None else budget - spent
            engine = Engine(questions, self._cache, self._journal_path(questions), left)
            progress = engine.run(samples, on_verdict, on_progress, len(samples))
            spent += progress.cost
            if progress.stopped is not None:
                raise Stopped("the probe", progress.stopped, progress.trouble)
        report = read_probe(self.cases, self.rubric, verdicts)
        required = self._config.require_probe
        probed = Probed(
            self.rubric.name,
            report,
            report.admission(RECOMMENDED if required is None else required),
            spent,
            self.path,
        )
        self._write(probed)
        return probed

    def _write(self, probed: Probed) -> None:
        signature = judge_signature(self._config, self.rubric, False).to_json()
        content = {"csconv_probe": probed.fields, "judge": signature}
        try:
            write_file(probed.path, json_bytes(content, indent=2))
        except OSError as error:
            raise DataError(
                f"{probed.path}: cannot be written ({error.strerror}); the verdicts are kept in "
                f"{self.journal_paths[0]}, run the same command again"
            ) from None


def estimate_probe(config: JudgeConfig, cache: AnswerCache) -> list[tuple[Rubric, Estimate]]:
    """What the probe that a configuration requires would ask, a part at a time; nothing if it requires none."""
    return [] if config.require_probe is None else list(ProbeOfJudge(config, cache).estimates())


def require_probe(
    config: JudgeConfig,
    cache: AnswerCache,
    source: Path,
    on_progress: OnProgress = no_progress,
    budget: float | None = None,
) -> float:
    """Refuse a judge that does worse in the probe than its configuration requires.

    Returns:
        What the probe cost; 0 if none is required.

    Raises:
        ConfigError: it does; with every kind of case in which it falls short.
        Stopped: the run was interrupted, or the budget is used up.
    """
    if config.require_probe is None:
        return 0.0
    probed = ProbeOfJudge(config, cache).run(on_progress, budget)
    if not probed.admission.admitted:
        raise ConfigError(
            f"{source}: {config.model} {probed.shortfall} (require_probe); "
            f"see `csconv judge probe --config {source}`, {probed.path}"
        )
    return probed.cost
