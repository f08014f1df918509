"""What a file of conversations looks like, by its suffix and its first record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

from csc_tasks.data.files import BrokenRecord
from csc_tasks.data.formats import FORMATS, Format
from csc_tasks.data.import_lines import LineReader, picked, present
from csc_tasks.data.streaming import each_record
from csc_tasks.data.tables import TABLE_SUFFIXES
from csc_tasks.errors import DataError

__all__ = ["find_format", "names_of"]

_LOOKED_AT = 20
"""Records at the beginning of a file of which one must be of a known form."""


def find_format(path: Path, named: Mapping[str, str], private: bool = False) -> Format:
    """What a file looks like, by its suffix and its first record, where some fields have been ``named``.

    Args:
        path: of the file.
        named: the field's name in the file by ours.
        private: quote nothing of the file; broken lines before the first record that is known are passed over.

    Raises:
        DataError: it cannot be read, or its first record looks like nothing that is known.
    """
    if path.suffix.lower() in TABLE_SUFFIXES:
        return Format.ROWS
    first = None
    for where, record in islice(each_record(path), _LOOKED_AT if private else 1):
        if isinstance(record, BrokenRecord) and not private:
            raise DataError(f"{path}: {where}{record.within}: {record.message}")
        form = None if isinstance(record, BrokenRecord) else _format_of(record, named)
        if form is not None:
            return form
        first = first or (where, record)
    if first is None:
        raise DataError(f"{path}: no conversations in it")
    where, record = first
    if isinstance(record, BrokenRecord):
        raise DataError(f"{path}: {where}{record.within}: {record.message}; so are the next ones")
    raise DataError(f"{path}: {where}: {LineReader({}, (), private).unknown(record)}")


def _format_of(record: object, named: Mapping[str, str]) -> Format | None:
    """What a record looks like, if it looks like something that is known."""
    if isinstance(record, list):
        return Format.TURNS
    if isinstance(record, Mapping):
        for form in (Format.CSCONV, Format.MESSAGES, Format.SHAREGPT):
            dialogue = picked(record, FORMATS[form]["dialogue"])
            if isinstance(dialogue, list) and (not dialogue or _has(dialogue[0], FORMATS[form])):
                return form
        if isinstance(picked(record, names_of(Format.TURNS, named)["dialogue"]), list):
            return Format.TURNS
        if _has(record, names_of(Format.ROWS, named)):
            return Format.ROWS
    return None


def names_of(form: Format, named: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """For each field the names that it may have in a file, where some have been ``named``."""
    return {**FORMATS[form], **{ours: (theirs,) for ours, theirs in named.items()}}


def _has(item: object, names: Mapping[str, Sequence[str]]) -> bool:
    return isinstance(item, Mapping) and all(present(item, names[f]) is not None for f in ("speaker", "text"))
