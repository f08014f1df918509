"""Records one after the other, in the memory of a few; a broken one does not end a file of lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from csc_tasks.data.files import MAX_LINE, BrokenRecord, json_line, raw_records
from csc_tasks.data.json_array import array_records
from csc_tasks.errors import DataError

__all__ = ["each_record"]

_PIECE = 2**20
_ROWS = 64


def each_record(path: Path) -> Iterator[tuple[str, object]]:
    """The records of a .json, .jsonl or .parquet file with their places; of a line that is none its `BrokenRecord`.

    A sound .json file is read in pieces, the others line by line and batch by batch.

    Raises:
        DataError: the file cannot be opened, or (not JSON lines) stops being readable.
    """
    if path.is_file() and path.suffix == ".jsonl":
        yield from _lines(path)
    elif path.is_file() and path.suffix == ".parquet":
        yield from _rows(path)
    elif path.is_file() and path.suffix == ".json":
        yield from array_records(path)
    else:
        yield from raw_records(path)


def _lines(path: Path) -> Iterator[tuple[str, object]]:
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    size = len(line)
                    while not line.endswith(b"\n") and (line := file.readline(_PIECE)):
                        size += len(line)
                    yield f"line {number}", BrokenRecord("long-line", f"{size:,} bytes in one line")
                elif line.strip():
                    yield f"line {number}", json_line(line.rstrip(b"\r\n"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def _rows(path: Path) -> Iterator[tuple[str, object]]:
    import pyarrow
    import pyarrow.parquet

    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_ROWS):
                for row in batch.to_pylist():
                    yield f"[{number}]", row
                    number += 1
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a readable parquet file ({type(error).__name__})") from None
