"""The verdict cache: one SQLite file that several processes may share and that can be moved anywhere.

It holds JSON text and nothing else. Beside the verdicts it holds *claims*: which running process is about
to ask what, so that two runs at once share the work and pay for nothing twice. A claim ends with its
process, however that ends.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from csc_tasks.metrics.judge.errors import JudgeError
from csc_tasks.metrics.judge.verdict import Verdict, as_json

__all__ = ["VerdictCache"]

_TABLES = """
CREATE TABLE IF NOT EXISTS verdicts (key TEXT PRIMARY KEY, verdict TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS claims (key TEXT PRIMARY KEY, owner TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owners (owner TEXT PRIMARY KEY, host TEXT, pid INTEGER, seen REAL) WITHOUT ROWID;
"""
_KIND = 0x63736A31
"""The file's application id, "csj1": says whose database it is."""
SILENCE = 120.0
"""Seconds after which the claims of a process that gives no sign of life are void."""
_BATCH = 500


class VerdictCache:
    """Verdicts by key, in a file.

    Raises:
        JudgeError: the file is not a cache of this kind, or cannot be opened or made. It is left as it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.owner = uuid.uuid4().hex
        self._seen = 0.0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise JudgeError(f"{path}: the verdict cache cannot be opened ({error})") from None
        try:
            self._open()
        except sqlite3.Error as error:
            self._db.close()
            raise self._error(error) from None
        except JudgeError:
            self._db.close()
            raise

    def _open(self) -> None:
        (kind,) = self._db.execute("PRAGMA application_id").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if kind != _KIND and tables:
            raise JudgeError(f"{self.path}: a SQLite file, but not a verdict cache; name another one")
        # A write-ahead log lets others read while one writes. Where the file system cannot have one
        # (some network mounts), SQLite keeps its ordinary journal and stays correct.
        self._db.execute("PRAGMA journal_mode=WAL")
        # A crash of the machine may cost the last moments of the cache; the verdicts are in the log as well.
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_TABLES)
        self._db.execute(f"PRAGMA application_id={_KIND}")
        self.beat()

    def _error(self, error: sqlite3.Error) -> JudgeError:
        if "not a database" in str(error) or "malformed" in str(error):
            return JudgeError(
                f"{self.path}: not a sound SQLite file ({error}); remove it or name another cache. "
                "Verdicts that stand in verdicts_*.jsonl files beside the samples are not asked for again"
            )
        full = "; is the disk full?" if "disk" in str(error) else ""
        return JudgeError(f"{self.path}: the verdict cache cannot be used ({error}{full})")

    def beat(self) -> None:
        """Say that this process lives; now and then is enough.

        Raises:
            JudgeError: the file cannot be written.
        """
        now = time.time()
        if now - self._seen < SILENCE / 6:
            return
        try:
            self._db.execute(
                "INSERT OR REPLACE INTO owners VALUES (?, ?, ?, ?)",
                (self.owner, socket.gethostname(), os.getpid(), now),
            )
        except sqlite3.Error as error:
            raise self._error(error) from None
        self._seen = now

    def get(self, keys: Sequence[str]) -> dict[str, Verdict]:
        """The verdicts of those keys that have one. An entry that cannot be read is a miss, and removed."""
        found: dict[str, Verdict] = {}
        spoilt: list[tuple[str]] = []
        try:
            for start in range(0, len(keys), _BATCH):
                part = keys[start : start + _BATCH]
                marks = ",".join("?" * len(part))
                rows = self._db.execute(f"SELECT key, verdict FROM verdicts WHERE key IN ({marks})", part)
                for key, text in rows:
                    try:
                        found[key] = Verdict.of(json.loads(text))
                    except (ValueError, TypeError, RecursionError):
                        spoilt.append((key,))
            if spoilt:
                self._db.executemany("DELETE FROM verdicts WHERE key = ?", spoilt)
        except sqlite3.Error as error:
            raise self._error(error) from None
        return found

    def put(self, verdicts: Mapping[str, Verdict], release: Iterable[str] = ()) -> None:
        """Add verdicts, and give up the claims on them and on the keys in ``release``.

        Raises:
            JudgeError: the file cannot be written, for instance because the disk is full.
        """
        rows = [(key, as_json(value.record())) for key, value in verdicts.items()]
        freed = [(key, self.owner) for key in (*verdicts, *release)]
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR REPLACE INTO verdicts VALUES (?, ?)", rows)
            self._db.executemany("DELETE FROM claims WHERE key = ? AND owner = ?", freed)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise self._error(error) from None

    def claim(self, keys: Sequence[str]) -> set[str]:
        """Claim keys that no living process has claimed and that have no verdict yet; the keys that are now ours.

        Raises:
            JudgeError: the file cannot be written.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._bury()
            # The transaction has the only right to write, so what is free now stays free until its end.
            taken = self._among("claims", keys) | self._among("verdicts", keys)
            ours = {key for key in keys if key not in taken}
            self._db.executemany("INSERT INTO claims VALUES (?, ?)", [(key, self.owner) for key in ours])
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise self._error(error) from None
        return ours

    def _among(self, table: str, keys: Sequence[str]) -> set[str]:
        """The keys that stand in a table."""
        found: set[str] = set()
        for start in range(0, len(keys), _BATCH):
            part = keys[start : start + _BATCH]
            marks = ",".join("?" * len(part))
            found.update(
                key for (key,) in self._db.execute(f"SELECT key FROM {table} WHERE key IN ({marks})", part)
            )
        return found

    def _bury(self) -> None:
        """Void the claims of processes that are gone."""
        here, now = socket.gethostname(), time.time()
        for owner, host, pid, seen in self._db.execute("SELECT * FROM owners").fetchall():
            gone = now - seen > SILENCE or (host == here and not _alive(pid))
            if owner != self.owner and gone:
                self._db.execute("DELETE FROM claims WHERE owner = ?", (owner,))
                self._db.execute("DELETE FROM owners WHERE owner = ?", (owner,))

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Give up all claims and fold the write-ahead log in, so that the one file is all there is."""
        with suppress(sqlite3.Error):
            self._db.execute("DELETE FROM claims WHERE owner = ?", (self.owner,))
            self._db.execute("DELETE FROM owners WHERE owner = ?", (self.owner,))
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with suppress(sqlite3.Error):
            self._db.close()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's process
    return True
