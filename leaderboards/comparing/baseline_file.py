"""The baseline file: one model's results without a word of any conversation or reply, small and meant to be committed.

Scores and signatures stand in it as JSON to read in a diff; sums are packed.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from csc_tasks._version import __version__
from csc_tasks.errors import DataError, first_fault
from csc_tasks.leaderboards.comparing.model_results import MetricResults, ModelResults, SectionResults
from csc_tasks.leaderboards.reading.asked import Asked
from csc_tasks.leaderboards.reading.identity import Identity
from csc_tasks.leaderboards.reading.repeats import mean_score
from csc_tasks.metrics import additive_metric, metric_named
from csc_tasks.metrics.base import MOST, Floats
from csc_tasks.outside import parse_json, read_file, require_shallow
from csc_tasks.packed import MAX_UNPACKED, read_arrays
from csc_tasks.protocol.signature import Protocol
from csc_tasks.protocol.signature_parts import Text
from csc_tasks.results.file_names import is_results_name
from csc_tasks.results.records import MANY, Date
from csc_tasks.storage import write_file

__all__ = ["is_baseline", "read_baseline", "write_baseline"]

FORMAT = 1
KIND = "csconv-baseline"
_SAME = 1e-6
"""How far a score may be from what its sums give."""
_MEMBERS = TypeAdapter(dict[str, tuple[Text, ...]])
_CURE = "write it with `csconv gate RESULTS --baseline FILE --update-baseline`"


Count = Annotated[int, Field(ge=0, lt=MANY)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Metric(_Part):
    """A score; with sums, ``conversations`` and ``sums`` name what is packed."""

    value: FiniteFloat | None
    signature: Text
    why: Text = ""
    sums: Text | Annotated[list[Text], Field(min_length=1)] | None = None
    spread: Annotated[FiniteFloat, Field(ge=0)] | None = None
    digest: Text = ""
    turns: Count = 0
    conversations: Text = ""


class _How(_Part):
    """How the model was asked in a section; a file of before this was written has none."""

    generation: dict[Text, Text] = {}
    template: Text = ""
    system: Text = ""
    thinking: dict[Text, Text] = {}
    fewshot: dict[Text, Text] = {}


class _Model(_Part):
    """All that can change the model's answers."""

    full: Text
    step: Count | None = None
    shots: Count = 0
    settings: dict[Text, Text] = {}
    is_floor: bool = False
    commit: Text = ""


class _Section(_Part):
    section: Text
    signature: Text
    turns: Count
    conversations: Count
    asked: Count
    whole: bool
    digest: Text
    metrics: dict[Text, _Metric]
    how: _How | None = None
    seeds: list[Text] = []


class _Baseline(_Part):
    model: Text
    revision: Text
    facts: dict[Text, Text]
    date: Date
    sections: dict[Text, _Section]
    conversations: list[Text]
    arrays: list[Text]
    identity: _Model | None = None


def write_baseline(results: ModelResults, path: Path) -> None:
    """Write a baseline file.

    Equal sums are stored once: all metrics of the strategies are made from one confusion matrix.

    Raises:
        DataError: it cannot be written.
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    places: dict[bytes, str] = {}
    sections: dict[str, Any] = {}
    members: dict[str, tuple[str, ...]] = {}
    for name, section in results.sections.items():
        metrics: dict[str, Any] = {}
        for metric in section.metrics.values():
            entry: dict[str, Any] = {
                "value": None if math.isnan(metric.value) else metric.value,
                "signature": metric.signature,
            }
            if metric.sums:
                names = []
                for sums in metric.sums:
                    small = _smallest(sums)
                    key = repr((small.shape, small.dtype)).encode() + small.tobytes()
                    names.append(places.setdefault(key, f"a{len(places)}"))
                    arrays[names[-1]] = small
                # Of one seed as it always was.
                entry["sums"] = names[0] if len(names) == 1 else names
                if metric.spread is not None:
                    entry["spread"] = metric.spread
                entry["digest"] = metric.digest
                entry["turns"] = metric.turns
                group = next(
                    (k for k, ids in members.items() if ids == metric.conversations), f"c{len(members)}"
                )
                members[group] = metric.conversations
                entry["conversations"] = group
            else:
                entry["why"] = metric.why
            metrics[metric.name] = entry
        counted = asdict(replace(section, metrics={}, runs=()))
        del counted["runs"]
        sections[name] = {**counted, "metrics": metrics}
    packed = BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)
    content = {
        "kind": KIND,
        "format": FORMAT,
        "csconv": __version__,
        "model": results.model,
        "revision": results.revision,
        "facts": results.protocol.named(),
        "date": results.date,
        "identity": _identity(results.identity),
        "sections": sections,
        "conversations": _lines(json.dumps(members).encode()),
        "arrays": _lines(packed.getvalue()),
    }
    try:
        write_file(path, (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode())
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror})") from None


def _identity(identity: Identity | None) -> dict[str, Any] | None:
    if identity is None:
        return None
    return {
        "full": identity.full,
        "step": identity.step,
        "shots": identity.shots,
        "settings": dict(identity.settings),
        "is_floor": identity.is_floor,
        "commit": identity.commit,
    }


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
    unpacking = zlib.decompressobj()
    data = unpacking.decompress(base64.b64decode("".join(lines), validate=True), MAX_UNPACKED)
    if not unpacking.eof:
        raise ValueError("cut off, or without end")
    return data


def is_baseline(path: Path) -> bool:
    """Whether this is to be read as a baseline file: a file that is not called and not made like results."""
    if not path.is_file() or is_results_name(path.name):
        return False
    try:
        content = parse_json(read_file(path))
    except (OSError, ValueError):
        return True
    return not (isinstance(content, dict) and {"results", "configs"} <= content.keys())


def read_baseline(path: Path) -> ModelResults:
    """Read a baseline file back.

    Raises:
        DataError: it is not one, is damaged, or a newer csconv wrote it.
    """
    try:
        content = parse_json(read_file(path).decode(), twins=False)
        require_shallow(content)
        if content["kind"] != KIND:
            raise KeyError("kind")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); {_CURE}") from None
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{path}: neither lm-eval results nor a baseline file of csconv; {_CURE}") from None
    if content.get("format") != FORMAT:
        raise DataError(
            f"{path}: a baseline file of format {content.get('format')}; this csconv reads format {FORMAT}: {_CURE}"
        )
    try:
        return _results(_Baseline.model_validate(content), str(path))
    except ValidationError as error:
        raise DataError(f"{path}: the baseline file is damaged ({first_fault(error)}); {_CURE}") from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, zlib.error) as error:
        raise DataError(
            f"{path}: the baseline file is damaged ({type(error).__name__}: {error}); {_CURE}"
        ) from None


def _results(content: _Baseline, source: str) -> ModelResults:
    members = _MEMBERS.validate_python(parse_json(_bytes(content.conversations)))
    sections: dict[str, SectionResults] = {}
    arrays = read_arrays(_bytes(content.arrays))
    for name, section in content.sections.items():
        metrics: dict[str, MetricResults] = {}
        for metric, entry in section.metrics.items():
            value = math.nan if entry.value is None else entry.value
            known = metric_named(metric)
            if known is not None and entry.value is not None and not known.scale.holds(value):
                raise ValueError(f"{name}/{metric}: {value:g} is beyond what {metric} can be")
            if entry.sums is None:
                metrics[metric] = MetricResults(metric, entry.signature, value, why=entry.why)
                continue
            conversations = members[entry.conversations]
            listed = [entry.sums] if isinstance(entry.sums, str) else entry.sums
            sums = tuple(_sums(metric, arrays[each], len(conversations)) for each in listed)
            _require_score(f"{name}/{metric}", value, sums)
            metrics[metric] = MetricResults(
                metric,
                entry.signature,
                value,
                conversations,
                entry.digest,
                entry.turns,
                sums,
                spread=entry.spread,
            )
        how = Asked(**dict(section.how)) if section.how else None
        read = {**dict(section), "metrics": metrics, "how": how, "seeds": tuple(section.seeds)}
        sections[name] = SectionResults(**read)
    return ModelResults(
        model=content.model,
        revision=content.revision,
        protocol=Protocol.of_named(content.facts),
        source=source,
        date=content.date,
        sections=sections,
        identity=_read_identity(content),
    )


def _sums(metric: str, array: npt.NDArray[Any], conversations: int) -> Floats:
    """Sums by conversation (c, d) as numbers that can be resampled.

    Raises:
        ValueError: they are not.
    """
    if array.ndim != 2 or array.dtype.kind not in "uif" or len(array) != conversations or not len(array):
        raise ValueError(f"{metric}: sums {array.shape} of {conversations} conversations")
    sums = array.astype(np.float64)
    if not (np.abs(sums) < MOST).all():
        raise ValueError(f"{metric}: sums beyond {MOST:g}")
    additive_metric(metric).from_sums(sums.sum(axis=0))  # of as many columns as the metric has
    return sums


def _require_score(name: str, value: float, sums: Sequence[Floats]) -> None:
    """Check that a score is what its sums give: one of the two was changed, else."""
    metric = additive_metric(name.rpartition("/")[2])
    given = mean_score([metric.value(each) for each in sums])
    if not math.isnan(value) and abs(value - given) > _SAME * max(1.0, abs(value)):
        raise ValueError(f"{name}: {value:.6g}, and its sums give {given:.6g}")


def _read_identity(content: _Baseline) -> Identity | None:
    told = content.identity
    if told is None:
        return None
    return Identity(
        full=told.full,
        name=content.model,
        revision=content.revision,
        step=told.step,
        shots=told.shots,
        settings=tuple(sorted(told.settings.items())),
        is_floor=told.is_floor,
        commit=told.commit,
    )
