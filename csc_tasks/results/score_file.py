"""The per-turn scores that ``csconv score`` writes, and finds again after an interruption."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from csc_tasks.errors import DataError
from csc_tasks.metrics import metric_named
from csc_tasks.outside import MAX_LINE, json_bytes, parse_json
from csc_tasks.protocol.turns import TurnDoc
from csc_tasks.system.locks import locked

__all__ = ["ScoreFile"]


class ScoreFile:
    """A file of one JSON object a turn: ``conversation``, ``turn`` and an item for each metric.

    It grows under the name ``….partial`` and gets its own when it is whole. What an interrupted call
    left there is read back turn by turn; the first line that is cut off, belongs to another turn, has a
    metric that failed or what no metric says ends that, and everything from it on is written anew.

    Args:
        path: its name when it is whole.
        anew: take nothing from an earlier call.
        again: the whole file is there, and what failed in it is scored again.

    Raises:
        DataError: another process is writing the same scores at this moment.
    """

    def __init__(self, path: Path, anew: bool = False, again: bool = False) -> None:
        self.path = path
        self.partial = path.with_suffix(".partial")
        self._lock = ExitStack()
        if not self._lock.enter_context(locked(path.with_name(f".{path.stem}.lock"), None)):
            raise DataError(f"{self.partial}: another csconv score is writing these scores")
        if anew:
            self.partial.unlink(missing_ok=True)
        elif again:
            with suppress(FileNotFoundError):  # removed since: then everything is scored again
                path.replace(self.partial)
        self._file = self.partial.open("a+b")
        self._file.seek(0)
        self._reading = True

    def __enter__(self) -> ScoreFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; what is in it stays, unless it is nothing."""
        if not self._file.closed:
            empty = self._file.seek(0, 2) == 0
            self._file.close()
            if empty:
                self.partial.unlink(missing_ok=True)
        self._lock.close()

    def recall(self, docs: Sequence[TurnDoc], names: Collection[str]) -> list[dict[str, Any]]:
        """The items, by metric, of as many of the next turns as an earlier call has scored."""
        found: list[dict[str, Any]] = []
        while self._reading and len(found) < len(docs):
            start = self._file.tell()
            items = _items(self._file.readline(MAX_LINE + 1), docs[len(found)], names)
            if items is None:
                self._file.seek(start)
                self._file.truncate()
                self._reading = False
            else:
                found.append(items)
        return found

    def write(self, docs: Sequence[TurnDoc], rows: Sequence[dict[str, Any]]) -> None:
        """Add the items of these turns; they survive the end of the process."""
        assert not self._reading or not rows
        for doc, items in zip(docs, rows, strict=True):
            line = {"conversation": doc["conversation"], "turn": doc["turn"], **items}
            self._file.write(json_bytes(line) + b"\n")
        self._file.flush()

    def finish(self) -> None:
        """All turns are there: give the file its name."""
        self._file.truncate()  # more lines than the log has turns: of a log that was longer
        self._file.close()
        self.partial.replace(self.path)


def _items(line: bytes, doc: TurnDoc, names: Collection[str]) -> dict[str, Any] | None:
    try:
        entry = parse_json(line)
        place = entry.pop("conversation"), entry.pop("turn")
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    whole = (
        line.endswith(b"\n") and place == (doc["conversation"], doc["turn"]) and entry.keys() == set(names)
    )
    return entry if whole and all(_accepts(name, item) for name, item in entry.items()) else None


def _accepts(name: str, item: Any) -> bool:
    metric = metric_named(name)
    return item is not None and (metric is None or metric.accepts(item))
