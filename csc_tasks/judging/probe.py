"""Probing a judge: the built-in cases put to it, through the same engine and cache as everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from csc_tasks.chat.cache import VerdictCache
from csc_tasks.chat.journal import Journal
from csc_tasks.errors import ConfigError
from csc_tasks.judging.config import JudgeConfig
from csc_tasks.judging.engine import Engine, Estimate, JudgeProgress, Stop
from csc_tasks.judging.saved_run import judge_signature
from csc_tasks.metrics.judge import Rubric, Sample, Verdict, load_rubric
from csc_tasks.metrics.judge.probe import ProbeReport, pair_samples, probe_samples, read_probe
from csc_tasks.metrics.judge.rubric import PAIR_RUBRIC, TURN_RUBRIC

__all__ = ["PAIRS", "ProbeStopped", "estimate_probe", "probe", "require_probe"]

PAIRS = PAIR_RUBRIC
REQUIRED = TURN_RUBRIC
"""The rubric of a probe that a configuration requires."""


class ProbeStopped(ConfigError):
    """A probe that ended before everything was asked; ``why`` it did."""

    def __init__(self, why: Stop) -> None:
        super().__init__(f"the probe: {why.value}; the same command goes on from here")
        self.why = why


def _cases(rubric: Rubric) -> list[tuple[Rubric, Iterable[Sample]]]:
    return [(rubric, probe_samples(rubric)), (load_rubric(PAIRS), pair_samples())]


def _journal_path(config: JudgeConfig, rubric: Rubric, cache: VerdictCache) -> Path:
    digest = judge_signature(config, rubric, False).sha256
    return cache.path.with_name(f"probe_{rubric.name}_{digest}.jsonl")


def probe(
    config: JudgeConfig,
    rubric: Rubric,
    cache: VerdictCache,
    progress: Callable[[JudgeProgress], None] = lambda _: None,
    budget: float | None = None,
) -> tuple[ProbeReport, float]:
    """Ask the judge about every case; what it was asked before comes from the cache.

    Args:
        config: who judges.
        rubric: for single turns.
        cache: verdicts of all runs.
        progress: hears how far it is.
        budget: what may be spent, in the configuration's currency; no limit for ``None``.

    Returns:
        What was found, and what it cost.

    Raises:
        JudgeError: the rubric does not fit, or the judge cannot be asked.
        ProbeStopped: the run was interrupted, or the budget is used up.
    """
    found: list[dict[str, Verdict]] = []
    spent = 0.0
    for each, cases in _cases(rubric):
        left = None if budget is None else budget - spent
        verdicts, cost = _ask(config, each, cache, list(cases), progress, left)
        found.append(verdicts)
        spent += cost
    return read_probe(rubric, *found), spent


def _ask(
    config: JudgeConfig,
    rubric: Rubric,
    cache: VerdictCache,
    subjects: list[Sample],
    progress: Callable[[JudgeProgress], None],
    budget: float | None,
) -> tuple[dict[str, Verdict], float]:
    verdicts: dict[str, Verdict] = {}
    journal = Journal(_journal_path(config, rubric, cache))

    def hear(subject: Sample, verdict: Verdict) -> None:
        verdicts[subject.conversation] = verdict

    try:
        engine = Engine(rubric, config, cache, journal, budget=budget)
        engine.summary.total = len(subjects)
        summary = engine.run(subjects, hear, progress)
    finally:
        journal.close()
    if summary.stopped is not None:
        raise ProbeStopped(summary.stopped)
    return verdicts, summary.cost


def estimate_probe(config: JudgeConfig, cache: VerdictCache) -> list[tuple[Rubric, Estimate]]:
    """What the probe that a configuration requires would ask, a rubric at a time; nothing if it requires none."""
    estimates: list[tuple[Rubric, Estimate]] = []
    for rubric, cases in _cases(load_rubric(REQUIRED)) if config.require_probe is not None else []:
        journal = Journal.to_read(_journal_path(config, rubric, cache))
        try:
            estimates.append((rubric, Engine(rubric, config, cache, journal).estimate(cases)))
        finally:
            journal.close()
    return estimates


def require_probe(
    config: JudgeConfig,
    cache: VerdictCache,
    source: Path,
    progress: Callable[[JudgeProgress], None] = lambda _: None,
    budget: float | None = None,
) -> float:
    """Refuse a judge that does worse in the probe than its configuration requires.

    Returns:
        What the probe cost; 0 if none is required.

    Raises:
        ConfigError: it does.
        ProbeStopped: the run was interrupted, or the budget is used up.
    """
    if config.require_probe is None:
        return 0.0
    report, spent = probe(config, load_rubric(REQUIRED), cache, progress, budget)
    if report.score < config.require_probe:
        raise ConfigError(
            f"{source}: {config.model} puts {report.score:.0%} of the probe's cases in order, require_probe is "
            f"{config.require_probe:.0%}; see `csconv judge probe --config {source}`"
        )
    return spent
