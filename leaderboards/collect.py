"""Read lm-eval's ``results_*.json`` files into rows."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from csc_tasks.errors import DataError
from csc_tasks.leaderboards.reading.identity import FLOOR, identify
from csc_tasks.results.records import Head, ModelRecord

__all__ = ["Row", "collect"]


@dataclass(frozen=True, slots=True)
class Row:
    """One model on one task: scores and clustered standard errors by metric name.

    ``protocol`` is the part of the signature that must agree before two rows may stand in one table.
    A score that a neural network gave is named after it too (``bertscore bert-score 0.3.13, …``): those
    of two networks are different quantities.
    """

    model: str
    task: str
    scores: dict[str, float]
    errors: dict[str, float]
    turns: int
    shots: int
    limited: bool
    protocol: str
    date: float
    path: Path

    @property
    def is_floor(self) -> bool:
        """Whether this is a baseline."""
        return self.model.startswith(FLOOR)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_file():
            yield path
            continue
        found = sorted(path.rglob("results_*.json"))
        if not found:
            raise DataError(f"{path}: no results_*.json in it; run lm_eval with --output_path {path}")
        yield from found


def _numbers(values: dict[str, Any], signature: dict[str, Any]) -> tuple[dict[str, float], dict[str, float]]:
    networks = {name: f"{name} {signature['metrics'][name]}" for name in signature.get("models", {})}
    scores: dict[str, float] = {}
    errors: dict[str, float] = {}
    for key, value in values.items():
        name, comma, _ = key.partition(",")
        if not comma or name.endswith("_stderr_stderr") or not isinstance(value, (int, float)):
            continue
        base = name.removesuffix("_stderr")
        (scores if base == name else errors)[networks.get(base, base)] = float(value)
    return scores, errors


def _parts(
    tasks: dict[str, Any], configs: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Each task's values and metadata; scores that a judge gave in the run apart, under the judge's protocol.

    As if `csconv judge` had given them: scores of two judges never stand in one table, and runs with and
    without a judge share one for everything else.
    """
    for task, values in tasks.items():
        metadata = configs.get(task, {}).get("metadata", {})
        signature = metadata.get("csconv_signature") or {}
        judge, line = signature.get("judge"), str(signature.get("line"))
        judged = {name: value for name, value in values.items() if name.startswith("judge_")}
        if not judge or not judged or "|judge:" in line:
            yield task, values, metadata
            continue
        yield task, {name: value for name, value in values.items() if name not in judged}, metadata
        head, _, version = line.rpartition("|version:")
        under = {**signature, "line": f"{head}|judge:{judge['line']}|version:{version}"}
        report = {"turns": metadata.get("csconv_report", {}).get("judged")}
        yield task, judged, {"csconv_signature": under, "csconv_report": report}


def collect(paths: Iterable[Path]) -> list[Row]:
    """Every csconv task of every results file; of several runs of one model, task and protocol, the latest.

    Raises:
        DataError: no results, or a file that is not JSON; the message names it.
    """
    latest: dict[tuple[str, str, str, int], Row] = {}
    for path in _files(paths):
        try:
            results = json.loads(path.read_text(encoding="utf-8"))
            tasks: dict[str, Any] = results["results"]
            configs: dict[str, Any] = results["configs"]
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise DataError(f"{path}: not an lm-eval results file ({error})") from None
        for task, values, metadata in _parts(tasks, configs):
            signature = metadata.get("csconv_signature")
            if not signature:
                continue
            scores, errors = _numbers(values, signature)
            line = str(signature["line"])
            row = Row(
                model=identify(ModelRecord.of(Head.model_validate(results), task, metadata)).name,
                task=task,
                scores=scores,
                errors={k: v for k, v in errors.items() if not math.isnan(v)},
                # A document of a dialogue task is a conversation; the task's report counts its turns.
                turns=int(metadata.get("csconv_report", {}).get("turns") or values.get("sample_len") or 0),
                shots=int(results.get("n-shot", {}).get(task) or 0),
                limited=results.get("config", {}).get("limit") is not None,
                protocol=line.rsplit("|version:", 1)[0],
                date=float(results.get("date") or 0.0),
                path=path,
            )
            key = (row.model, task, row.protocol + f"|n:{row.turns}", row.shots)
            before = latest.get(key)
            if before is not None and before.path.name == results.get("csconv_rescored", {}).get("results"):
                # Scored again from that very run: what was not computed anew stands as it was.
                scores, errors = {**before.scores, **row.scores}, {**before.errors, **row.errors}
                latest[key] = replace(before, scores=scores, errors=errors)
            elif before is None or before.date <= row.date:
                latest[key] = row
    if not latest:
        raise DataError("no csconv results among the given files")
    return list(latest.values())
