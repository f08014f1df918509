"""Scoring a saved run again, with any metric or tokenizer, without the model."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from csc_tasks._version import __version__
from csc_tasks.errors import ConfigError, DataError
from csc_tasks.metrics import (
    NO_MODELS,
    AdditiveMetric,
    Metric,
    Models,
    Tally,
    all_metrics,
    column_name,
)
from csc_tasks.metrics.strategy import F1
from csc_tasks.outside import json_bytes
from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.protocol.reply_counts import ReplyCounts
from csc_tasks.protocol.report import strategy_report
from csc_tasks.protocol.scoring import gold_ranks, metrics_of_task, score_replies
from csc_tasks.protocol.task_kind import Context, TaskKind
from csc_tasks.results.records import Rescoring
from csc_tasks.results.results_file import ResultsFile
from csc_tasks.results.sample_log import SampleLog
from csc_tasks.results.score_file import ScoreFile
from csc_tasks.storage import write_file

__all__ = ["Rescored", "choose", "rescore"]


class Rescored(NamedTuple):
    """The results file of a log, and the reason for each metric that could not be computed."""

    results: Path
    failures: dict[str, str]


def choose(
    log: SampleLog, names: Sequence[str], tokenizer: str, models: Models = NO_MODELS
) -> tuple[Metric, ...]:
    """The metrics of these names that the log's task has, in table order; all it has if no name is given.

    Raises:
        ConfigError: a name that no metric has.
    """
    known = [m.info.name for m in all_metrics()]
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(f"--metrics: there is no metric {unknown[0]!r}; there are {', '.join(known)}")
    # What a run of the log's benchmark version had; by its name also what a later one has no more.
    benchmark = 1 if names else log.signature.benchmark
    offered = metrics_of_task(log.kind, log.context, tokenizer, models, log.labelled, benchmark)
    return tuple(m for m in offered if not names or m.info.name in names)


def rescore(
    log: SampleLog,
    metrics: Sequence[Metric],
    tokenizer: str,
    force: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Rescored:
    """Score a log and write a results file and per-turn scores beside it; the old files stay as they are.

    The results file is named after what it was made from and how, so that the same call finds it done
    and returns it, unless ``force`` or a metric failed. A call that was interrupted is taken up where it
    ended. Scores that were not computed again are not in the file.

    Args:
        log: the log.
        metrics: from :func:`choose`, prepared.
        tokenizer: of the text metrics.
        force: score again what was scored before.
        progress: called with the number of turns done.

    Raises:
        DataError: the log is damaged, or another process is scoring it in the same way.
    """
    digest = log.sha256()
    names = {m: column_name(m, tokenizer) for m in metrics}
    signature = log.signature.with_scores(metrics, tokenizer)
    recipe: dict[str, Any] = {"metrics": signature.metrics, "tokenizer": signature.tokenizer}
    key = _key({**recipe, "source": digest, "package": __version__})
    stem = f"{log.stem}_{key}"
    target = log.path.with_name(f"results_{stem}.json")
    scores_path = log.path.with_name(f"scores_{stem}.jsonl")
    earlier = None if force else _earlier(target, log.task)
    if earlier is not None and not earlier.failures:
        return Rescored(target, {})
    tallies = {m: Tally(m) for m in metrics}
    # What a log does not say cannot be scored: then the column is absent, and the file says so.
    absent: set[str] = set()
    failures: dict[str, str] = {}
    done = documents = 0
    counts = _counts_of(log)
    with ScoreFile(scores_path, anew=force, again=earlier is not None) as file:
        if earlier is not None:  # only what could not be scored is scored again
            target.unlink(missing_ok=True)
        for chunk in log.chunks():
            wanted = [m for m in metrics if m.info.name != "truncated" or chunk.truncated is not None]
            absent |= {m.info.name for m in metrics} - {m.info.name for m in wanted}
            rows = file.recall(chunk.docs, [names[m] for m in wanted])
            if rest := chunk.without(len(rows)):
                ranks = gold_ranks(rest.docs, rest.answers) if log.kind is TaskKind.STRATEGY_MC else None
                scored = score_replies(
                    rest.docs, rest.replies, tokenizer, wanted, ranks, truncated=rest.truncated
                )
                failures.update(scored.failures)
                fresh = [record.items for record in scored.records]
                file.write(rest.docs, fresh)
                rows += fresh
            counts.add(chunk.docs, chunk.replies, truncated=chunk.cut)
            conversations = [doc["conversation"] for doc in chunk.docs]
            for metric in wanted:
                tallies[metric].add([row[names[metric]] for row in rows], conversations)
            done += len(chunk.docs)
            documents += sum(doc["turn"] == 0 for doc in chunk.docs)
            progress(done)
        file.finish()
    values: dict[str, Any] = {
        "alias": log.task,
        "sample_len": documents if log.context is Context.GENERATED else done,
    }
    for metric, name in names.items():
        if metric.info.name in absent:
            continue
        values[f"{name},none"] = tallies[metric].score()
        if isinstance(metric, AdditiveMetric):
            error = tallies[metric].stderr(log.signature.benchmark)
            values[f"{name}_stderr,none"] = "N/A" if math.isnan(error) else error
    report: dict[str, Any] = {"turns": done, **counts.figures()}
    unscored = {names[m]: t.unscored for m, t in tallies.items() if t.unscored}
    if unscored:
        report["unscored"] = {
            name: {"turns": turns, "reason": failures.get(name, "")} for name, turns in unscored.items()
        }
    for metric, tally in tallies.items():
        if isinstance(metric, F1) and not tally.unscored:
            report |= strategy_report(tally.total())
    made = Rescoring(
        **recipe,
        absent=sorted(absent),
        failures=failures,
        samples=log.name,
        samples_sha256=digest,
        results=log.results.path.name,
        scores=scores_path.name,
    )
    content = log.results.derived(log.task, signature, values, report, made)
    write_file(target, json_bytes(content, indent=2))
    return Rescored(target, failures)


def _counts_of(log: SampleLog) -> ReplyCounts:
    """For counting a log's replies; without the words of a prompt that this csconv does not have."""
    prompt = log.signature.prompt
    try:
        known = load_prompt(prompt.version)
    except ConfigError:
        known = None
    head = known.head(log.kind) if known is not None and known.sha256 == prompt.sha256 else ""
    return ReplyCounts(log.kind, log.context, head)


def _key(recipe: dict[str, Any]) -> str:
    return "rescored_" + hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:8]


def _earlier(target: Path, task: str) -> Rescoring | None:
    """What an earlier call with the same outcome says of itself; ``None`` if there is none to be used."""
    if not target.exists():
        return None
    try:
        run = ResultsFile.read(target).run(task)
    except DataError:
        return None
    return run.rescoring if run else None
