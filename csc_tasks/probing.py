"""Probing a judge: the built-in cases put to it, through the same engine and cache as everything else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from csc_tasks.errors import ConfigError
from csc_tasks.judging import judge_signature
from csc_tasks.metrics.judge import Rubric, Subject, Verdict, load_rubric
from csc_tasks.metrics.judge.cache import VerdictCache
from csc_tasks.metrics.judge.config import JudgeConfig
from csc_tasks.metrics.judge.engine import Engine, Summary
from csc_tasks.metrics.judge.journal import Journal
from csc_tasks.metrics.judge.probe import ProbeReport, pair_subjects, probe_subjects, read_probe

__all__ = ["PAIRS", "probe", "require_probe"]

PAIRS = "pairwise-zh-1"


def probe(
    config: JudgeConfig,
    rubric: Rubric,
    cache: VerdictCache,
    progress: Callable[[Summary], None] = lambda _: None,
) -> ProbeReport:
    """Ask the judge about every case; what it was asked before comes from the cache.

    Raises:
        JudgeError: the rubric does not fit, or the judge cannot be asked.
        ConfigError: the run was interrupted.
    """
    singles = _ask(config, rubric, cache, list(probe_subjects(rubric)), progress)
    pairs = _ask(config, load_rubric(PAIRS), cache, list(pair_subjects()), progress)
    return read_probe(rubric, singles, pairs)


def _ask(
    config: JudgeConfig,
    rubric: Rubric,
    cache: VerdictCache,
    subjects: list[Subject],
    progress: Callable[[Summary], None],
) -> dict[str, Verdict]:
    verdicts: dict[str, Verdict] = {}
    signature = judge_signature(config, rubric, False)
    journal = Journal(cache.path.with_name(f"probe_{rubric.name}_{signature['sha256']}.jsonl"))

    def hear(subject: Subject, verdict: Verdict) -> None:
        verdicts[subject.conversation] = verdict

    try:
        engine = Engine(rubric, config, cache, journal)
        engine.summary.total = len(subjects)
        if engine.run(subjects, hear, progress).stopped is not None:
            raise ConfigError("the probe was interrupted; the same command goes on from here")
    finally:
        journal.close()
    return verdicts


def require_probe(
    config: JudgeConfig,
    cache: VerdictCache,
    source: Path,
    progress: Callable[[Summary], None] = lambda _: None,
) -> None:
    """Refuse a judge that does worse in the probe than its configuration requires.

    Raises:
        ConfigError: it does.
    """
    if config.require_probe is None:
        return
    report = probe(config, load_rubric("turn-zh-1"), cache, progress)
    if report.score < config.require_probe:
        raise ConfigError(
            f"{source}: {config.model} puts {report.score:.0%} of the probe's cases in order, require_probe is "
            f"{config.require_probe:.0%}; see `csconv judge probe --config {source}`"
        )
