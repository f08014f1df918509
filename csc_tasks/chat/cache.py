"""Answers by key: one SQLite file of JSON text that several processes may share and that can be moved anywhere."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from csc_tasks.errors import ChatError
from csc_tasks.system.locks import LockKind, locks_in
from csc_tasks.system.shared_folders import is_shared

__all__ = ["AnswerCache", "CacheKind"]

_BATCH = 500
FORMAT = 1
"""Of the file, in its ``user_version``, where older files have 0; raised when what it holds changes."""
_PATIENCE = 30.0
"""Seconds that another process may write."""
Got = TypeVar("Got")


@dataclass(frozen=True, slots=True)
class CacheKind:
    """What is kept in a file, so that no file of another kind is written to.

    Attributes:
        name: for messages, like "answer cache".
        application_id: stands in the file's head; four bytes.
        table: of the keys and values.
        column: of the values.
        remedy: what a user who must do without the file is told.
    """

    name: str
    application_id: int
    table: str
    column: str
    remedy: str = ""


class AnswerCache:
    """JSON values by key, in a file.

    Raises:
        ChatError: the file is not a cache of this kind, or cannot be opened or made. It is left as it is.
    """

    def __init__(self, path: Path, kind: CacheKind) -> None:
        self.path = path
        self.kind = kind
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._locks = locks_in(path.parent)
            self._db = _connected(path, self._locks)
        except (OSError, sqlite3.Error) as error:
            raise ChatError(f"{path}: the {kind.name} cannot be opened ({error})") from None
        try:
            self._use(self._open)
        except ChatError:
            self._db.close()
            raise

    def _open(self) -> None:
        if self._locks is not LockKind.AUTO:
            # A log for writing ahead needs locks of the system's to be opened at all, be it to turn it off.
            for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=DELETE", "locking_mode=NORMAL"):
                self._db.execute(f"PRAGMA {pragma}").fetchone()
        if not self._is_made():
            # All or nothing, and by one: whoever opens it at the same moment must not find half of it.
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._make()
                self._db.execute("COMMIT")
            except (sqlite3.Error, ChatError):
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise
        if self._locks is LockKind.AUTO:
            self._choose_journal()
        # A crash of the machine may cost the last moments of the cache; a journal has them as well.
        self._db.execute("PRAGMA synchronous=NORMAL")

    def _head(self) -> tuple[int, int]:
        """What stands in the file's head: of which kind it is, and of which format."""
        (found,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        return found, version

    def _is_made(self) -> bool:
        return self._head() == (self.kind.application_id, FORMAT)

    def _make(self) -> None:
        """Make the table, unless another process just has; within a transaction."""
        if self._is_made():
            return
        found, version = self._head()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        own = self.kind.application_id
        if (found == own and version > FORMAT) or (found >> 8 == own >> 8 and found > own):
            raise ChatError(
                f"{self.path}: a {self.kind.name} of a newer csconv, which this one cannot read and leaves as it is; "
                "install that csconv, or name another cache"
            )
        if found != own and tables:
            raise ChatError(f"{self.path}: a SQLite file, but not a {self.kind.name}; name another one")
        self._db.execute(
            f"CREATE TABLE IF NOT EXISTS {self.kind.table} (key TEXT PRIMARY KEY, {self.kind.column} TEXT NOT NULL)"
        )
        self._db.execute(f"PRAGMA application_id={own}")
        self._db.execute(f"PRAGMA user_version={FORMAT}")

    def _choose_journal(self) -> None:
        """A write-ahead log lets others read while one writes; machines that share a file cannot share one."""
        # Where it cannot be had, SQLite says so, or keeps its ordinary journal, and stays correct.
        with suppress(sqlite3.OperationalError):
            mode = "DELETE" if is_shared(self.path.parent) else "WAL"
            self._db.execute(f"PRAGMA journal_mode={mode}").fetchone()

    def _use(self, work: Callable[[], Got]) -> Got:
        try:
            return work()
        except sqlite3.Error as error:
            if "not a database" in str(error) or "malformed" in str(error):
                remedy = f"remove it or name another cache. {self.kind.remedy}".strip()
                raise ChatError(f"{self.path}: not a sound SQLite file ({error}); {remedy}") from None
            hint = "; is the disk full?" if "disk" in str(error) else ""
            if "locked" in str(error):
                left = f", or remove {self.path}.lock if none is" if self._locks is LockKind.FILES else ""
                hint = f" for {_PATIENCE:g} s: wait for the process that writes it{left}"
            raise ChatError(f"{self.path}: the {self.kind.name} cannot be used ({error}{hint})") from None

    def get(self, keys: Sequence[str]) -> dict[str, Any]:
        """The values of those keys that have one. An entry that is no JSON is a miss, and removed.

        Raises:
            ChatError: the file cannot be read.
        """
        return self._use(lambda: self._get(keys))

    def _get(self, keys: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        spoilt: list[tuple[str]] = []
        table, column = self.kind.table, self.kind.column
        for start in range(0, len(keys), _BATCH):
            part = keys[start : start + _BATCH]
            marks = ",".join("?" * len(part))
            rows = self._db.execute(f"SELECT key, {column} FROM {table} WHERE key IN ({marks})", part)
            for key, text in rows:
                try:
                    found[key] = json.loads(text)
                except (ValueError, TypeError, RecursionError):
                    spoilt.append((key,))
        if spoilt:
            self._db.executemany(f"DELETE FROM {table} WHERE key = ?", spoilt)
        return found

    def put(self, values: Mapping[str, Any]) -> None:
        """Add values, all of them or none; a key that is there gets the new one.

        Raises:
            ChatError: the file cannot be written, for instance because the disk is full.
        """
        rows = [(key, _text(value)) for key, value in values.items()]
        self._use(lambda: self._put(rows))

    def put_new(self, key: str, value: Any) -> Any:
        """Add a value unless there is one; what is kept afterwards, whoever wrote it.

        Raises:
            ChatError: the file cannot be written.
        """
        row = (key, _text(value))
        insert = f"INSERT OR IGNORE INTO {self.kind.table} VALUES (?, ?)"
        self._use(lambda: self._db.execute(insert, row))
        return self.get([key]).get(key, value)

    def drop(self, keys: Sequence[str]) -> None:
        """Forget the values of these keys.

        Raises:
            ChatError: the file cannot be written.
        """
        rows = [(key,) for key in keys]
        self._use(lambda: self._db.executemany(f"DELETE FROM {self.kind.table} WHERE key = ?", rows))

    def _put(self, rows: Sequence[tuple[str, str]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(f"INSERT OR REPLACE INTO {self.kind.table} VALUES (?, ?)", rows)
            self._db.execute("COMMIT")
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Fold the write-ahead log in, so that the one file is all there is."""
        with suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with suppress(sqlite3.Error):
            self._db.close()


def _connected(path: Path, locks: LockKind) -> sqlite3.Connection:
    """A connection that locks the file as is done in its folder; SQLite has a way of its own to do so by files."""
    way = {LockKind.FILES: "unix-dotfile", LockKind.OFF: "unix-none"}.get(locks)
    place = str(path) if way is None else f"{path.resolve().as_uri()}?vfs={way}"
    return sqlite3.connect(
        place, timeout=_PATIENCE, isolation_level=None, check_same_thread=False, uri=way is not None
    )


def _text(value: Any) -> str:
    """A value as JSON, without halves of characters, which SQLite does not take."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")
