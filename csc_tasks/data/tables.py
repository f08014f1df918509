"""Tables with a header, as spreadsheets write them: comma, semicolon or tab, in UTF-8, UTF-16 or GBK."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from csc_tasks.data.files import BrokenRecord, read_bytes
from csc_tasks.errors import DataError

__all__ = ["TABLE_SUFFIXES", "decode_table", "each_row", "table_rows"]

TABLE_SUFFIXES = (".csv", ".tsv")
_COMMON = frozenset("的一是我不了在有人你好您他這这個个們们請请謝谢問问嗎吗可以就要那什麼么客服")
_ENOUGH = 2**20
_CURE = "save it as `CSV UTF-8`, or name its encoding (--encoding big5)"


def decode_table(data: bytes, path: Path, encoding: str | None = None) -> str:
    """The text of a table that Excel or another program exported.

    Excel writes UTF-8 with a mark, UTF-16 with a mark ("Unicode text"), or on a Chinese Windows GBK without any.

    Args:
        data: the file's bytes.
        path: its name, for messages.
        encoding: its encoding, if it is known.

    Raises:
        DataError: it is none of these, or not the one that is named.
    """
    if encoding is not None:
        try:
            return data.decode(encoding)
        except LookupError:
            raise DataError(f"--encoding {encoding}: no such encoding") from None
        except UnicodeError as error:
            raise DataError(f"{path}: not {encoding} ({error})") from None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    elif b"\0" in data:
        raise DataError(f"{path}: holds zero bytes, like UTF-16 without its mark or no text at all; {_CURE}")
    else:
        encodings = ["utf-8-sig", "gb18030"]
    for name in encodings:
        try:
            text = data.decode(name)
        except UnicodeError:
            continue
        if name == "gb18030" and _is_big5(data, text):
            raise DataError(f"{path}: looks like Big5; {_CURE}")
        return text
    raise DataError(f"{path}: neither UTF-8 nor UTF-16 nor GBK; {_CURE}")


def _is_big5(data: bytes, as_gbk: str) -> bool:
    """Whether bytes that GBK can be read from are Big5, by the words that nobody does without."""
    try:
        as_big5 = data[:_ENOUGH].decode("big5hkscs", "ignore")
    except UnicodeError:
        return False
    common = sum(map(_COMMON.__contains__, as_big5))
    return common >= 3 and common > 3 * sum(map(_COMMON.__contains__, as_gbk[: len(as_big5)]))


def table_rows(
    path: Path, encoding: str | None = None, suffixes: Sequence[str] = TABLE_SUFFIXES
) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a table by column, each with its place (``line 7``); empty rows are passed over.

    Args:
        path: of the table.
        encoding: its encoding, if it is known.
        suffixes: one of which its name must end in.

    Raises:
        DataError: the file cannot be read, has no header, or a row has more cells than it.
    """
    for where, row in each_row(path, encoding, suffixes):
        if isinstance(row, BrokenRecord):
            raise DataError(f"{path}: {where}: {row.message}")
        yield where, row


def each_row(
    path: Path, encoding: str | None = None, suffixes: Sequence[str] = TABLE_SUFFIXES
) -> Iterator[tuple[str, dict[str, str] | BrokenRecord]]:
    """The same, where a row that does not fit the header is a :class:`BrokenRecord` and ends nothing.

    Raises:
        DataError: the file cannot be read or has no header.
    """
    text = decode_table(read_bytes(path, suffixes), path, encoding)
    lines = text.splitlines(keepends=True)
    if not text.strip():
        raise DataError(f"{path}: empty")
    delimiter = max("\t,;", key=lines[0].count)
    del lines
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader)]
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num}: not a table ({error})") from None
    if len(set(header)) < len(header):
        raise DataError(f"{path}: line 1: a column's name stands there twice")
    while True:
        begun = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lost = f"; lines {begun} to {reader.line_num} are lost" if reader.line_num > begun else ""
            yield (
                f"line {begun}",
                BrokenRecord("broken-row", f"not a table ({error}: a quote may not be closed{lost})"),
            )
            continue
        where = f"line {reader.line_num}"
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            yield (
                where,
                BrokenRecord(
                    "broken-row",
                    f"{len(cells)} cells, and the header has {len(header)}; a text with "
                    f"{'a tab' if delimiter == chr(9) else repr(delimiter)} in it must stand in quotes",
                ),
            )
            continue
        yield where, dict(zip(header, cells, strict=False))
