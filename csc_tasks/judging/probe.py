"""Probing a judge: the built-in cases put to it, through the same engine and cache as everything else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from csc_tasks.chat.cache import AnswerCache
from csc_tasks.errors import ConfigError
from csc_tasks.judging.config import JudgeConfig
from csc_tasks.judging.engine import Engine
from csc_tasks.judging.estimate import Estimate, estimate
from csc_tasks.judging.progress import OnProgress, Stopped, no_progress
from csc_tasks.judging.questions import Questions, judge_signature
from csc_tasks.metrics.judge import Rubric, Sample, Verdict, load_rubric
from csc_tasks.metrics.judge.probe import ProbeReport, pair_samples, probe_samples, read_probe
from csc_tasks.metrics.judge.rubric import PAIR_RUBRIC, TURN_RUBRIC

__all__ = ["estimate_probe", "probe", "require_probe"]

REQUIRED = TURN_RUBRIC
"""The rubric of a probe that a configuration requires."""


def _cases(rubric: Rubric) -> list[tuple[Rubric, Iterable[Sample]]]:
    return [(rubric, probe_samples(rubric)), (load_rubric(PAIR_RUBRIC), pair_samples())]


def _journal_path(config: JudgeConfig, rubric: Rubric, cache: AnswerCache) -> Path:
    digest = judge_signature(config, rubric, False).sha256
    return cache.path.with_name(f"probe_{rubric.name}_{digest}.jsonl")


def probe(
    config: JudgeConfig,
    rubric: Rubric,
    cache: AnswerCache,
    on_progress: OnProgress = no_progress,
    budget: float | None = None,
) -> tuple[ProbeReport, float]:
    """Ask the judge about every case; what it was asked before comes from the cache.

    Args:
        config: who judges.
        rubric: for single turns.
        cache: verdicts of all runs.
        on_progress: hears how far it is.
        budget: what may be spent, in the configuration's currency; no limit for ``None``.

    Returns:
        What was found, and what it cost.

    Raises:
        ChatError: the judge cannot be asked.
        JudgeError: the rubric does not fit.
        Stopped: the run was interrupted, or the budget is used up.
    """
    found: list[dict[str, Verdict]] = []
    spent = 0.0
    for each, cases in _cases(rubric):
        left = None if budget is None else budget - spent
        engine = Engine(Questions(each, config), cache, _journal_path(config, each, cache), left)
        found.append(_verdicts(engine, list(cases), on_progress))
        spent += engine.progress.cost
    return read_probe(rubric, *found), spent


def _verdicts(engine: Engine, samples: list[Sample], on_progress: OnProgress) -> dict[str, Verdict]:
    verdicts: dict[str, Verdict] = {}

    def on_verdict(sample: Sample, verdict: Verdict) -> None:
        verdicts[sample.conversation] = verdict

    progress = engine.run(samples, on_verdict, on_progress, len(samples))
    if progress.stopped is not None:
        raise Stopped("the probe", progress.stopped, progress.trouble)
    return verdicts


def estimate_probe(config: JudgeConfig, cache: AnswerCache) -> list[tuple[Rubric, Estimate]]:
    """What the probe that a configuration requires would ask, a rubric at a time; nothing if it requires none."""
    if config.require_probe is None:
        return []
    return [
        (rubric, estimate(Questions(rubric, config), cache, _journal_path(config, rubric, cache), cases))
        for rubric, cases in _cases(load_rubric(REQUIRED))
    ]


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
        ConfigError: it does.
        Stopped: the run was interrupted, or the budget is used up.
    """
    if config.require_probe is None:
        return 0.0
    report, spent = probe(config, load_rubric(REQUIRED), cache, on_progress, budget)
    if report.score < config.require_probe:
        raise ConfigError(
            f"{source}: {config.model} puts {report.score:.0%} of the probe's cases in order, require_probe is "
            f"{config.require_probe:.0%}; see `csconv judge probe --config {source}`"
        )
    return spent
