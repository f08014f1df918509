"""The card of what was accepted, where the run that made the reviewed file wrote beside it how it was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from csc_tasks.data.sources import fingerprint
from csc_tasks.data.statistics import record_of
from csc_tasks.errors import DataError, first_fault
from csc_tasks.outside import json_bytes, parse_json, read_file, require_shallow
from csc_tasks.printable import printable
from csc_tasks.synthesis.output.card import MADE_WITH, card
from csc_tasks.synthesis.output.export import CARD, INFO, WrittenFile
from csc_tasks.synthesis.output.outputs import OutputReport, RunFacts
from csc_tasks.synthesis.output.quality import Quality
from csc_tasks.synthesis.review.accepting import Fate, Settled
from csc_tasks.synthesis.review.form import ReviewFile
from csc_tasks.synthesis.review.report import ReviewReport

__all__ = ["Making", "card_files", "making_of", "require_card_writable"]


@dataclass(frozen=True, slots=True)
class Making:
    """How a file came about, as the ``info.json`` beside it says.

    Attributes:
        facts: of its run.
        report: what became of its cases.
        license_name: of the file.
    """

    facts: RunFacts
    report: OutputReport
    license_name: str


def making_of(file: ReviewFile) -> Making | None:
    """How a file came about; ``None`` where none of csconv's runs says it of this very content.

    Raises:
        DataError: what is said is no such thing.
    """
    path = file.path.parent / INFO
    try:
        info = parse_json(read_file(path))
        require_shallow(info)
    except (OSError, ValueError):
        return None
    if not isinstance(info, dict) or info.get("fingerprint") != file.fingerprint or "run" not in info:
        return None
    try:
        cases = info.get("cases")
        named = {**cases, "folder": str(path.parent), "files": []} if isinstance(cases, Mapping) else cases
        report = TypeAdapter(OutputReport).validate_python(named)
        return Making(RunFacts.of(info["run"]), report, str(info.get("license") or "other"))
    except ValidationError as error:
        raise DataError(f"{path}: cases: {first_fault(error)}") from None
    except ValueError as error:
        raise DataError(f"{path}: run: {error}") from None


def require_card_writable(out: Path) -> None:
    """Check that no README of something else would be written over, which even ``--force`` does not.

    Raises:
        DataError: one would be.
    """
    path = out.with_name(CARD)
    try:
        theirs = path.exists() and MADE_WITH.encode() not in path.read_bytes()
    except OSError:
        theirs = True
    if theirs:
        raise DataError(f"{path}: no card of csconv's, and stays as it is: name a file in another folder")


def card_files(
    out: Path, sha256: str, file: ReviewFile, settled: Sequence[Settled], review: ReviewReport, making: Making
) -> Iterator[tuple[Path, bytes]]:
    """The card and ``info.json`` of what was accepted, to be written beside it."""
    kept = [s for s in settled if s.fate.kept]
    quality = Quality()
    for each in kept:
        told = file.provenance.get(each.was.id, {}).get("provenance")
        quality.add(each.conversation, told if isinstance(told, Mapping) else {})
    figures = quality.figures()
    left = {f"review: {fate}": n for fate, n in review.fates.items() if n and not fate.kept}
    report = replace(
        making.report,
        files=(out.name,),
        conversations=len(kept),
        refused={**making.report.refused, **left},
        overlapping=sum("source" in _like(file, s) for s in kept),
    )
    written = WrittenFile(PurePath(out.name), sha256, fingerprint(s.conversation.id for s in kept))
    info: dict[str, Any] = {
        **record_of(written, figures.statistics),
        "quality": figures.record(),
        "cases": report.record(),
        "run": making.facts.record(),
        "license": making.license_name,
        "review": review.record(),
    }
    yield out.with_name(INFO), json_bytes(info, indent=2) + b"\n"
    text = card(making.facts, figures, report, making.license_name, list(_reviewed(review)))
    yield out.with_name(CARD), text.encode()


def _like(file: ReviewFile, settled: Settled) -> Mapping[str, Any]:
    like = file.provenance.get(settled.was.id, {}).get("like")
    return like if isinstance(like, Mapping) else {}


def _reviewed(review: ReviewReport) -> Iterator[str]:
    fates = review.fates
    yield (
        f"Reviewers: {len(review.people):,}. Conversations accepted as they were: {fates[Fate.AS_IT_WAS]:,}, with "
        f"corrections: {fates[Fate.CORRECTED]:,}, rejected: {fates[Fate.REJECTED]:,}"
    )
    if undecided := fates[Fate.KEPT_UNDECIDED]:
        yield f"**{undecided:,} conversations of this set were decided by nobody**"
    changed = sum(review.relabelled.values())
    yield f"Labels changed: {changed:,} of {review.labels:,}; texts changed: {review.rewritten:,} of {review.texts:,}"
    for pair in review.pairs:
        if pair.labels and pair.kappa == pair.kappa:
            yield (
                f"Two of them, on the same {pair.conversations:,} conversations: {pair.decisions:,} decided alike; "
                f"Cohen's kappa of the labels {pair.kappa:.2f}, both having seen the machine's label"
            )
    for rule, n in review.broken.items():
        yield (
            f"Conversations that break a construction rule of CSConv since they were corrected: {n:,} "
            f"({printable(rule)})"
        )
    yield "What was asked of models, and what it cost, is said below of the whole run that these are from"
