"""Reading and writing conversation files: JSON, JSON lines and parquet, with exact positions of defects."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from csc_tasks.data.conversations import CONVERT, MISSING_STRATEGY, Conversation, Defect, check_record
from csc_tasks.errors import DataError
from csc_tasks.storage import open_whole

__all__ = [
    "MAX_LINE",
    "SUFFIXES",
    "BrokenRecord",
    "FileReport",
    "Located",
    "conversation_writer",
    "inspect_file",
    "json_line",
    "raw_records",
    "read_bytes",
    "read_file",
    "write_conversations",
]

SUFFIXES = (".json", ".jsonl", ".parquet")
MAX_LINE = 32 * 2**20
"""A JSON line longer than this (bytes) is no conversation; refusing it keeps memory and messages sane."""
_ROWS = 1000
"""Conversations of a row group of a parquet file; so many are held at a time."""

_OF_LABELS = ("missing-strategy", "unknown-strategy")
"""Defects that only a file with labels can have."""


@dataclass(frozen=True, slots=True)
class Located:
    """A defect and the record it belongs to: ``where`` is like ``[12].dialogue[3].strategy`` or ``line 13``."""

    where: str
    defect: Defect

    def __str__(self) -> str:
        return f"{self.where}: {self.defect.message}" if self.where else self.defect.message

    def record(self) -> dict[str, str | bool]:
        """As a JSON object."""
        found = self.defect
        return {"where": self.where, "kind": found.kind, "message": found.message, "fatal": found.fatal}


@dataclass(frozen=True, slots=True)
class FileReport:
    """Everything read from one file: the sound conversations and every defect, in file order.

    The conversations are all labelled or none is: an unlabelled one among labelled ones is a defect.
    """

    path: Path
    sha256: str
    conversations: tuple[Conversation, ...]
    defects: tuple[Located, ...]

    @property
    def fatal(self) -> tuple[Located, ...]:
        """The defects that keep the file from being used."""
        return tuple(d for d in self.defects if d.defect.fatal)


class _Syntax(Exception):
    """The file stops being readable here; what came before it has been handed out already."""

    def __init__(self, where: str, kind: str, message: str) -> None:
        super().__init__(message)
        self.located = Located(where, Defect("", kind, message))


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _Syntax(
            f"line {line}, byte {error.start}",
            "invalid-utf8",
            f"not UTF-8 (byte 0x{data[error.start]:02x}); convert the file to UTF-8",
        ) from None


def _json_items(data: bytes) -> Iterator[tuple[str, object]]:
    text = _decode(data)
    try:
        root = json.loads(text)
    except json.JSONDecodeError as error:
        yield from _salvage(text, error)
        return
    except RecursionError:
        raise _Syntax("", "invalid-json", "nested too deeply to be a conversation file") from None
    if isinstance(root, dict) and "dialogue" in root:
        raise _Syntax(
            "",
            "not-an-array",
            "one conversation, not an array of them; put it into [ ] or name the file .jsonl",
        )
    if not isinstance(root, list):
        raise _Syntax(
            "", "not-an-array", f"the file must hold an array of conversations, not {type(root).__name__}"
        )
    for i, record in enumerate(root):
        yield f"[{i}]", record


def _salvage(text: str, error: json.JSONDecodeError) -> Iterator[tuple[str, object]]:
    """Hand out the complete conversations before a syntax error, then say where the error is."""
    decoder = json.JSONDecoder()
    count = 0
    at = len(text) - len(text.lstrip())
    if text[at : at + 1] == "[":
        at += 1
        while True:
            while text[at : at + 1].isspace() or text[at : at + 1] == ",":
                at += 1
            try:
                record, at = decoder.raw_decode(text, at)
            except (json.JSONDecodeError, RecursionError):
                break
            yield f"[{count}]", record
            count += 1
    elif text[at : at + 1] == "{" and error.msg == "Extra data":
        raise _Syntax(
            f"line {error.lineno}",
            "invalid-json",
            "several JSON values; a file of JSON lines is named .jsonl",
        )
    cut_off = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
    raise _Syntax(
        f"line {error.lineno}, column {error.colno}, in conversation [{count}]",
        "cut-off" if cut_off else "invalid-json",
        ("the JSON ends in the middle" if cut_off else f"invalid JSON ({error.msg})")
        + f"; {count} complete conversations stand before it"
        + ("; fetch the file again" if cut_off else ""),
    )


class BrokenRecord(NamedTuple):
    """A line that is no record: what is wrong with it, and where in it; nothing of it is in either."""

    kind: str
    message: str
    within: str = ""


def json_line(line: bytes) -> object:
    """What a line of a .jsonl file holds, or the :class:`BrokenRecord` that it is."""
    if len(line) > MAX_LINE:
        return BrokenRecord(
            "long-line", f"{len(line):,} bytes in one line; JSON lines hold one conversation a line"
        )
    try:
        return json.loads(_decode(line))
    except _Syntax as error:
        return BrokenRecord(error.located.defect.kind, error.located.defect.message)
    except (json.JSONDecodeError, RecursionError) as error:
        detail = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        column = f", column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        return BrokenRecord("invalid-json", f"invalid JSON ({detail})", column)


def _jsonl_items(data: bytes) -> Iterator[tuple[str, object]]:
    for number, line in enumerate(data.splitlines(), start=1):
        if not line.strip():
            continue
        record = json_line(line)
        if isinstance(record, BrokenRecord):
            raise _Syntax(f"line {number}{record.within}", record.kind, record.message)
        yield f"line {number}", record


def _parquet_items(path: Path) -> Iterator[tuple[str, object]]:
    import pyarrow
    import pyarrow.parquet

    try:
        rows = pyarrow.parquet.read_table(path).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise _Syntax(
            "", "invalid-parquet", f"not a readable parquet file ({str(error).splitlines()[0]})"
        ) from None
    for i, row in enumerate(rows):
        yield f"[{i}]", row


def read_bytes(path: Path, suffixes: Sequence[str] = SUFFIXES) -> bytes:
    """The bytes of a conversation file.

    Raises:
        DataError: it is absent, a directory, cannot be read, or has another suffix.
    """
    if path.is_dir():
        inside = sorted(p.name for p in path.iterdir() if p.suffix in suffixes)
        hint = f"; it holds {', '.join(inside[:5])}" if inside else ""
        raise DataError(f"{path}: a directory, not a file; name the conversation file itself{hint}")
    if path.suffix not in suffixes:
        table = CONVERT if path.suffix.lower() in (".csv", ".tsv") and path.is_file() else ""
        raise DataError(
            f"{path}: a conversation file ends in {', '.join(suffixes)}, not in '{path.suffix}'{table}"
        )
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def _items(path: Path, data: bytes) -> Iterator[tuple[str, object]]:
    """The records with their places; a :class:`_Syntax` where the file stops being readable."""
    if path.suffix == ".parquet":
        return _parquet_items(path)
    return _jsonl_items(data) if path.suffix == ".jsonl" else _json_items(data)


def raw_records(path: Path) -> Iterator[tuple[str, object]]:
    """The records of a file as they stand in it, in whatever schema, with their places.

    Raises:
        DataError: the file cannot be opened, or stops being readable; the message says where.
    """
    try:
        yield from _items(path, read_bytes(path))
    except _Syntax as error:
        raise DataError(f"{path}: {error.located}") from None


def inspect_file(path: Path) -> FileReport:
    """Read a whole file and list every defect in it, in one pass.

    Raises:
        DataError: the file cannot be opened at all (absent, a directory, another suffix).
    """
    data = read_bytes(path)
    conversations: list[tuple[str, Conversation]] = []
    defects: list[Located] = []
    seen: dict[str, str] = {}
    try:
        for where, record in _items(path, data):
            conversation, found = check_record(record)
            glue = "." if where.startswith("[") else ", "
            defects.extend(Located(where + (glue + d.place if d.place else ""), d) for d in found)
            if conversation is None:
                continue
            if conversation.id in seen:
                same = f"same conversation as {seen[conversation.id]}"
                defects.append(Located(where, Defect("", "duplicate", same, fatal=False)))
            seen.setdefault(conversation.id, where)
            conversations.append((where, conversation))
    except _Syntax as error:
        defects.append(error.located)
    if not conversations and not defects:
        defects.append(Located("", Defect("", "empty-file", "no conversations in the file")))
    if any(c.labelled for _, c in conversations) or any(d.defect.kind in _OF_LABELS for d in defects):
        defects += [
            Located(f"{where}, all of it", Defect("", "missing-strategy", MISSING_STRATEGY))
            for where, conversation in conversations
            if not conversation.labelled
        ]
        conversations = [(where, c) for where, c in conversations if c.labelled]
    sound = tuple(conversation for _, conversation in conversations)
    return FileReport(path, hashlib.sha256(data).hexdigest(), sound, tuple(defects))


def read_file(path: Path) -> FileReport:
    """Read a file that must be sound.

    Raises:
        DataError: with the first fatal defect, its position, and how many more there are.
    """
    report = inspect_file(path)
    if report.fatal:
        more = f" ({len(report.fatal) - 1:,} more)" if len(report.fatal) > 1 else ""
        raise DataError(f"{path}: {report.fatal[0]}{more}. `csconv data validate {path}` lists every defect")
    return report


def write_conversations(path: Path, conversations: Iterable[Conversation]) -> None:
    """Write conversations in the upstream schema; the suffix chooses the format.

    Raises:
        DataError: the suffix is none of ``.json``, ``.jsonl``, ``.parquet``, or the disk refuses.
    """
    if path.suffix not in SUFFIXES:
        raise DataError(f"{path}: a conversation file ends in {', '.join(SUFFIXES)}, not in '{path.suffix}'")
    try:
        with open_whole(path) as file, conversation_writer(file, path.suffix) as write:
            for conversation in conversations:
                write(conversation)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror})") from None


class ByteSink(Protocol):
    """What bytes are written to; for parquet a file."""

    def write(self, data: bytes, /) -> int:
        """Write these."""


@contextmanager
def conversation_writer(file: ByteSink, suffix: str) -> Iterator[Callable[[Conversation], None]]:
    """What takes conversations one after the other and writes them in the upstream schema, in the memory of a few.

    Args:
        file: open for writing; it is whole when the context ends.
        suffix: one of :data:`SUFFIXES`, the format.

    Raises:
        OSError: the disk refuses.
    """
    if suffix == ".parquet":
        with _parquet_writer(file) as write:
            yield write
    elif suffix == ".jsonl":
        yield lambda c: _put(file, json.dumps(c.record(), ensure_ascii=False) + "\n")
    else:
        count = 0

        def write_block(conversation: Conversation) -> None:
            nonlocal count
            _put(file, (",\n" if count else "[\n") + _readable_block(conversation.record()))
            count += 1

        yield write_block
        _put(file, "\n]\n" if count else "[\n\n]\n")


def _put(file: ByteSink, text: str) -> None:
    file.write(text.encode("utf-8"))


def _readable_block(record: Mapping[str, Any]) -> str:
    """One utterance a line: small for version control to diff, readable for people."""
    lines = ",\n    ".join(json.dumps(u, ensure_ascii=False) for u in record["dialogue"])
    source = json.dumps(record["source"], ensure_ascii=False)
    return f'  {{"dialogue": [\n    {lines}],\n   "source": {source}}}'


@contextmanager
def _parquet_writer(file: ByteSink) -> Iterator[Callable[[Conversation], None]]:
    import pyarrow
    import pyarrow.parquet

    utterance = pyarrow.struct(
        [("speaker", pyarrow.string()), ("strategy", pyarrow.string()), ("text", pyarrow.string())]
    )
    schema = pyarrow.schema([("dialogue", pyarrow.list_(utterance)), ("source", pyarrow.string())])
    rows: list[dict[str, Any]] = []
    with pyarrow.parquet.ParquetWriter(file, schema) as table:

        def write(conversation: Conversation) -> None:
            rows.append(conversation.record())
            if len(rows) == _ROWS:
                flush()

        def flush() -> None:
            table.write_table(pyarrow.Table.from_pylist(rows, schema=schema))
            rows.clear()

        yield write
        if rows:
            flush()
