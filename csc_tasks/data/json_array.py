"""The records of a JSON array one after the other, in the memory of one record and a piece of the file."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from csc_tasks.data.files import MAX_LINE, raw_records
from csc_tasks.errors import DataError

__all__ = ["array_records"]

_PIECE = 2**18
"""Bytes that are read at a time."""
_NEAR_END = 16
"""Characters before the end of what was read within which a fault may be that the rest has not been read yet."""
_SPACE = " \t\n\r"


class _Strange(Exception):
    """Not what a sound array looks like, or not yet known to be."""


def array_records(path: Path) -> Iterator[tuple[str, object]]:
    """What :func:`~csc_tasks.data.files.raw_records` yields of a .json file, without holding all of it.

    A file that is not a sound array is read whole from there on, by that function: it finds the place of the fault,
    and there is one wording of it.

    Raises:
        DataError: the file cannot be read, or stops being readable; the message says where.
    """
    count = 0
    try:
        with path.open("rb") as file:
            for record in _Array(file).records():
                yield f"[{count}]", record
                count += 1
            return
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except (_Strange, UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        pass
    for number, item in enumerate(raw_records(path)):
        if number >= count:
            yield item


class _Array:
    """A JSON array in a file, of which so much is held as was read and not yet handed out."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = 0
        self._ended = False
        self._piece = _PIECE

    def records(self) -> Iterator[object]:
        """The records in order.

        Raises:
            _Strange, UnicodeDecodeError, JSONDecodeError, RecursionError: it is not a sound array.
        """
        self._expect("[")
        if self._next() == "]":
            self._at += 1
        else:
            while True:
                yield self._record()
                if self._next() == "]":
                    self._at += 1
                    break
                self._expect(",")
        if self._next():
            raise _Strange

    def _read(self) -> None:
        data = self._file.read(self._piece)
        self._ended = not data
        self._text = self._text[self._at :] + self._decode.decode(data, final=self._ended)
        self._at = 0

    def _next(self) -> str:
        """The next character that is no space, '' at the end of the file; it is not passed."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _SPACE:
                    return self._text[self._at]
                self._at += 1
            if self._ended:
                return ""
            self._read()

    def _expect(self, mark: str) -> None:
        if self._next() != mark:
            raise _Strange
        self._at += 1

    def _record(self) -> object:
        """The value that begins at the next character."""
        self._next()
        self._piece = _PIECE
        while True:
            try:
                record, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - _NEAR_END
                if self._ended or not cut:
                    raise
            else:
                # A number at the end of what was read may go on.
                if end < len(self._text) or self._ended:
                    self._at = end
                    return record
            if len(self._text) - self._at > MAX_LINE:
                raise _Strange
            self._read()
            self._piece *= 2  # so that a long record is not read anew as often as it has pieces


_DECODER = json.JSONDecoder()
