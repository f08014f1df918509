"""What one model's results prove: sums by conversation for each section and metric, from logs or a baseline file.

A comparison and a gate read this, wherever it comes from. A baseline file holds the same without a word of
any conversation or reply; it is small and meant to be committed.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from csc_tasks._version import __version__
from csc_tasks.errors import ConfigError, DataError
from csc_tasks.leaderboards.reading.choose import ModelSection, choose_runs
from csc_tasks.leaderboards.reading.runs import Protocol, TaskRun, find_runs
from csc_tasks.leaderboards.reading.sums import Statistics, metric_named, statistics_of
from csc_tasks.metrics.base import Floats
from csc_tasks.storage import write_file

__all__ = [
    "MetricResults",
    "ModelResults",
    "SectionResults",
    "load_model_results",
    "read_baseline",
    "write_baseline",
]

FORMAT = 1
KIND = "csconv-baseline"


@dataclass(frozen=True, slots=True)
class MetricResults:
    """One metric: ``sums`` (c, d) of the ``conversations`` (c,), or ``None`` with the reason ``why``.

    ``digest`` is of the set of turns, and ``turns`` how many they are.
    """

    name: str
    signature: str
    value: float
    conversations: tuple[str, ...] = ()
    digest: str = ""
    turns: int = 0
    sums: Floats | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class SectionResults:
    """One task in one context; ``asked`` conversations are what the scale has, ``whole`` that all turns are there.

    ``run`` is where it was read from; a baseline file has none.
    """

    section: str
    signature: str
    turns: int
    conversations: int
    asked: int
    whole: bool
    digest: str
    metrics: dict[str, MetricResults] = field(default_factory=dict)
    run: TaskRun | None = None


@dataclass(frozen=True, slots=True)
class ModelResults:
    """One model under one protocol; ``source`` says in words where it comes from."""

    model: str
    revision: str
    facts: Protocol
    source: str
    date: float
    sections: dict[str, SectionResults]
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Model and revision."""
        return self.model + (f"@{self.revision}" if self.revision else "")


def load_model_results(paths: Sequence[Path], model: str | None = None) -> ModelResults:
    """The evidence in the results of one model, or in a baseline file.

    Args:
        paths: folders or files; a single file may be one from :func:`write_baseline`.
        model: its name, where there are several.

    Raises:
        DataError: nothing is there.
        ConfigError: there are several models and ``model`` names none of them; the message lists them.
    """
    if len(paths) == 1 and paths[0].is_file() and not paths[0].name.startswith("results_"):
        return read_baseline(paths[0])
    found = find_runs(paths)
    chosen, problems = choose_runs(found.runs)
    where = ", ".join(map(str, paths))
    if model is not None:
        chosen = [c for c in chosen if model in (c.identity.name, f"{c.identity.name}@{c.identity.revision}")]
    names = sorted({_name(c) for c in chosen})
    if len({(c.identity.key, c.facts) for c in chosen}) != 1:
        listed = "; ".join(names[:8]) + ("; …" if len(names) > 8 else "")
        if not chosen:
            raise ConfigError(f"{where}: no results of a model {model!r}")
        raise ConfigError(
            f"{where}: results of several models or protocols ({listed}); name one folder or results file, "
            "or one of them with --model or --base-model"
        )
    notes = [f"{p.path}: {p.message}" for p in (*found.problems, *problems)]
    first = chosen[0]
    return ModelResults(
        model=first.identity.name,
        revision=first.identity.revision,
        facts=first.facts,
        source=where,
        date=max(c.run.date for c in chosen),
        sections={c.section: _section(c, notes) for c in sorted(chosen, key=lambda c: c.section)},
        notes=tuple(notes),
    )


def _name(chosen: ModelSection) -> str:
    identity = chosen.identity
    settings = ", ".join(f"{k} {v}" for k, v in identity.settings)
    revision = f"@{identity.revision}" if identity.revision else ""
    return (
        f"{identity.name}{revision}"
        + (f" ({settings})" if settings else "")
        + f", prompt {chosen.facts.prompt}"
    )


def _section(chosen: ModelSection, notes: list[str]) -> SectionResults:
    metrics: dict[str, MetricResults] = {}
    own: Statistics | None = None
    for run in (*chosen.added, chosen.run):
        statistics: Statistics | None = None
        why = ""
        try:
            statistics = statistics_of(run)
        except DataError as error:
            why = str(error)
            notes.append(why)
        if run is chosen.run:
            own = statistics
        for name, value in run.values.items():
            told = (run.report.get("unscored") or {}).get(name) or {}
            reason = why or str(told.get("reason") or run.about.get("withheld") or "")
            sums = statistics.sums.get(name) if statistics else None
            if sums is not None and statistics is not None and _differs(statistics.score(name), value):
                reason = f"{run.samples.name} is not the log of {run.path.name}: it gives another {name}"
                notes.append(reason)
                sums = None
            if statistics is None or sums is None:
                fresh = MetricResults(
                    name, run.signature["metrics"][name], value, why=reason or "has no sums"
                )
            else:
                fresh = MetricResults(
                    name,
                    run.signature["metrics"][name],
                    value,
                    statistics.conversations,
                    statistics.digest,
                    int(statistics.turns.sum()),
                    sums,
                )
            metrics.setdefault(name, fresh)
    asked = int(chosen.run.signature["data"]["conversations"])
    turns = int(own.turns.sum()) if own else int(chosen.run.report.get("turns") or 0)
    conversations = len(own.conversations) if own else 0
    whole = own is not None and conversations == asked and turns == int(own.expected.sum())
    return SectionResults(
        section=chosen.section,
        signature=str(chosen.run.signature["line"]),
        turns=turns,
        conversations=conversations,
        asked=asked,
        whole=whole,
        digest=own.digest if own else "",
        metrics=metrics,
        run=chosen.run,
    )


def _differs(own: float, told: float) -> bool:
    return not math.isnan(own) and not math.isnan(told) and abs(own - told) > 1e-9 * max(1.0, abs(told))


def write_baseline(evidence: ModelResults, path: Path) -> None:
    """Write a baseline file: scores and signatures as JSON to read in a diff, sums packed.

    Equal sums are stored once: all metrics of the strategies are made from one confusion matrix.

    Raises:
        DataError: it cannot be written.
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    places: dict[bytes, str] = {}
    sections: dict[str, Any] = {}
    members: dict[str, tuple[str, ...]] = {}
    for name, section in evidence.sections.items():
        metrics: dict[str, Any] = {}
        for metric in section.metrics.values():
            entry: dict[str, Any] = {
                "value": None if math.isnan(metric.value) else metric.value,
                "signature": metric.signature,
            }
            if metric.sums is None:
                entry["why"] = metric.why
            else:
                small = _smallest(metric.sums)
                key = repr((small.shape, small.dtype)).encode() + small.tobytes()
                entry["sums"] = places.setdefault(key, f"a{len(places)}")
                arrays[entry["sums"]] = small
                entry["digest"] = metric.digest
                entry["turns"] = metric.turns
                group = next(
                    (k for k, ids in members.items() if ids == metric.conversations), f"c{len(members)}"
                )
                members[group] = metric.conversations
                entry["conversations"] = group
            metrics[metric.name] = entry
        facts = asdict(replace(section, metrics={}, run=None))
        del facts["run"]
        sections[name] = {**facts, "metrics": metrics}
    packed = BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)
    content = {
        "kind": KIND,
        "format": FORMAT,
        "csconv": __version__,
        "model": evidence.model,
        "revision": evidence.revision,
        "facts": asdict(evidence.facts),
        "date": evidence.date,
        "sections": sections,
        "conversations": _lines(json.dumps(members).encode()),
        "arrays": _lines(packed.getvalue()),
    }
    try:
        write_file(path, (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode())
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror})") from None


def _smallest(sums: Floats) -> npt.NDArray[Any]:
    """Whole numbers in as few bytes as they need: a committed file should be small."""
    if sums.size and (sums == np.rint(sums)).all() and sums.min() >= 0 and sums.max() < 2**32:
        for kind in (np.uint8, np.uint16, np.uint32):
            if sums.max() <= np.iinfo(kind).max:
                return sums.astype(kind)
    return sums


def _lines(data: bytes) -> list[str]:
    """Packed bytes as text in short lines, which git and reviewers bear."""
    text = base64.b64encode(zlib.compress(data, 9)).decode()
    return [text[i : i + 120] for i in range(0, len(text), 120)]


def _bytes(lines: Sequence[str]) -> bytes:
    return zlib.decompress(base64.b64decode("".join(lines), validate=True))


def read_baseline(path: Path) -> ModelResults:
    """Read a baseline file back.

    Raises:
        DataError: it is not one, is damaged, or a newer csconv wrote it.
    """
    cure = "write it with `csconv gate RESULTS --baseline FILE --update-baseline`"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["kind"] != KIND:
            raise KeyError("kind")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); {cure}") from None
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{path}: neither lm-eval results nor a baseline file of csconv; {cure}") from None
    if content.get("format") != FORMAT:
        raise DataError(
            f"{path}: a baseline file of format {content.get('format')}; this csconv reads format {FORMAT}: {cure}"
        )
    try:
        members = {k: tuple(v) for k, v in json.loads(_bytes(content["conversations"])).items()}
        sections: dict[str, SectionResults] = {}
        with np.load(BytesIO(_bytes(content["arrays"])), allow_pickle=False) as arrays:
            for name, section in content["sections"].items():
                metrics: dict[str, MetricResults] = {}
                for metric, entry in section.pop("metrics").items():
                    value = math.nan if entry["value"] is None else float(entry["value"])
                    if "sums" not in entry:
                        metrics[metric] = MetricResults(metric, entry["signature"], value, why=entry["why"])
                        continue
                    metric_named(metric)
                    metrics[metric] = MetricResults(
                        metric,
                        entry["signature"],
                        value,
                        members[entry["conversations"]],
                        entry["digest"],
                        entry["turns"],
                        arrays[entry["sums"]].astype(np.float64),
                    )
                sections[name] = SectionResults(**section, metrics=metrics)
        return ModelResults(
            model=content["model"],
            revision=content["revision"],
            facts=Protocol(**content["facts"]),
            source=str(path),
            date=float(content["date"]),
            sections=sections,
        )
    except (ValueError, KeyError, TypeError, OSError, zlib.error) as error:
        raise DataError(
            f"{path}: the baseline file is damaged ({type(error).__name__}: {error}); {cure}"
        ) from None
