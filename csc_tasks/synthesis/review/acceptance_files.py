"""What accepting writes: the conversations, their provenance, and ``review.json``, which says how they came to be."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from csc_tasks._version import __version__
from csc_tasks.data.files import SUFFIXES, write_conversations
from csc_tasks.data.sources import fingerprint
from csc_tasks.errors import DataError
from csc_tasks.outside import json_bytes
from csc_tasks.storage import write_file
from csc_tasks.synthesis.output.export import CARD, INFO
from csc_tasks.synthesis.output.provenance_file import PROVENANCE
from csc_tasks.synthesis.review.accepted_card import card_files, making_of, require_card_writable
from csc_tasks.synthesis.review.accepting import Settled
from csc_tasks.synthesis.review.form import ReviewFile
from csc_tasks.synthesis.review.report import ReviewReport

__all__ = ["REVIEW", "require_writable", "write_accepted"]

REVIEW = "review.json"


def require_writable(out: Path, file: ReviewFile, force: bool) -> None:
    """Check before anything is written that nothing is lost by it.

    Raises:
        DataError: the suffix is no file's of conversations, the provenance of the input would be written over, or a
            file is there, and not ``force``.
    """
    if out.suffix not in SUFFIXES:
        raise DataError(f"{out}: a conversation file ends in {', '.join(SUFFIXES)}, not in '{out.suffix}'")
    if file.provenance and out.resolve().parent == file.path.resolve().parent:
        raise DataError(
            f"{out}: beside it lies the {PROVENANCE} of {file.path}, which must not be written over: name a file in "
            "another folder"
        )
    if out.exists() and file.path.exists() and out.samefile(file.path):
        raise DataError(f"{out}: the file that was reviewed; name another one")
    written = [out, out.with_name(REVIEW), *([out.with_name(PROVENANCE)] if file.provenance else [])]
    if making_of(file) is not None:
        require_card_writable(out)
        written += [out.with_name(INFO), out.with_name(CARD)]
    if not force and (there := [path for path in written if path.exists()]):
        raise DataError(f"{there[0]} exists; pass --force to write over it, or name a file in another folder")


def write_accepted(
    out: Path, file: ReviewFile, settled: Sequence[Settled], report: ReviewReport
) -> dict[str, int]:
    """Write all of them; how many lines of provenance were carried over and how many conversations had none.

    ``review.json`` comes first: a file of conversations without it would not say that it was reviewed.

    Raises:
        DataError: nothing is left to write, or the disk refuses.
    """
    kept = [s for s in settled if s.fate.kept]
    if not kept:
        raise DataError(
            f"{file.path}: no conversation was accepted, so that there is nothing to write; --keep-undecided keeps "
            "what nobody decided"
        )
    lines = [_line(s, file.provenance[s.was.id]) for s in kept if s.was.id in file.provenance]
    content = {
        "format": "csconv-reviewed-1",
        "csconv": __version__,
        "file": file.path.name,
        "fingerprint": file.fingerprint,
        "written": out.name,
        "written_fingerprint": fingerprint(s.conversation.id for s in kept),
        **report.record(),
        "each": [_each(s) for s in settled],
    }
    try:
        write_file(out.with_name(REVIEW), json_bytes(content, indent=1) + b"\n")
        if lines:
            write_file(out.with_name(PROVENANCE), b"".join(json_bytes(line) + b"\n" for line in lines))
    except OSError as error:
        raise DataError(f"{out.with_name(REVIEW)}: cannot be written ({error.strerror})") from None
    write_conversations(out, [s.conversation for s in kept])
    if (making := making_of(file)) is not None:
        digest = hashlib.sha256(out.read_bytes()).hexdigest()
        try:
            for path, data in card_files(out, digest, file, settled, report, making):
                write_file(path, data)
        except OSError as error:
            raise DataError(f"{out.with_name(CARD)}: cannot be written ({error.strerror})") from None
    return {"carried": len(lines), "without": len(kept) - len(lines)}


def _line(settled: Settled, line: Mapping[str, Any]) -> dict[str, Any]:
    """The provenance of a conversation under its new id; ``was`` has its earlier ones, the first first."""
    before = line.get("was")
    earlier = [*before] if isinstance(before, list) else []
    if settled.conversation.id != settled.was.id:
        earlier.append(settled.was.id)
    return {
        **line,
        "id": settled.conversation.id,
        **({"was": earlier} if earlier else {}),
        "review": {"fate": settled.fate.value, **_changes(settled)},
    }


def _each(settled: Settled) -> dict[str, Any]:
    """All that was decided about a conversation, so that the whole can be told again from the reviewed file."""
    return {
        "was": settled.was.id,
        "id": settled.conversation.id if settled.fate.kept else None,
        "fate": settled.fate.value,
        **({"reason": settled.reason.value} if settled.reason else {}),
        **_changes(settled),
        **({"comments": dict(settled.comments)} if settled.comments else {}),
        **({"conflict_decided_by": settled.decided_by} if settled.decided_by else {}),
    }


def _changes(settled: Settled) -> dict[str, Any]:
    found = settled.corrections
    return {
        "by": list(settled.by),
        **({"labels": {str(n): [a.zh, b.zh] for n, (a, b) in found.labels.items()}} if found.labels else {}),
        # Not the old text: a correction may have been made to take somebody's data out.
        **({"texts": list(found.texts)} if found.texts else {}),
        **({"deleted": found.deleted} if found.deleted else {}),
    }
