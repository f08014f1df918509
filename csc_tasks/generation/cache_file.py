"""lm-eval's response cache as a file: what of it is no answer, found and taken out.

lm-eval keeps whatever its model classes return, so an error that it took for an empty answer is never asked for
again. Its values are pickles, which can run any code when they are read; here they are read as texts and numbers
or not at all.
"""

from __future__ import annotations

import io
import json
import pickle
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csc_tasks.errors import DataError

__all__ = [
    "CacheState",
    "cache_files",
    "plain_value",
    "read_rescued",
    "remove_empty_answers",
    "write_rescued",
]

_RESCUED = "csconv_answers"
"""Our own table in such a file."""
_TABLE = "unnamed"
"""What sqlitedict, which lm-eval uses, calls a table that nobody named."""


@dataclass(frozen=True, slots=True)
class CacheState:
    """What a cache had in it: ``answers``, of which so many were ``empty`` and are not there any more.

    ``foreign`` are values that are neither text nor numbers, which lm-eval did not write.
    """

    path: Path
    answers: int
    empty: int
    foreign: int


def cache_files(path: Path) -> list[Path]:
    """The files of a cache, by one of their names or by what ``--use_cache`` was told.

    Raises:
        DataError: there is none.
    """
    if path.is_file():
        return [path]
    found = sorted(path.parent.glob(f"{_literal(path.name)}_rank*.db")) if path.parent.is_dir() else []
    if not found:
        raise DataError(f"{path}: no cache; lm-eval's are called PATH_rank0.db, with the PATH of --use_cache")
    return found


def _literal(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def remove_empty_answers(path: Path) -> CacheState:
    """Take the answers out of a cache that are empty or ``None``, so that the next run asks for them again.

    Raises:
        DataError: it is no such cache, damaged, or in use.
    """
    try:
        with (
            closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=5)) as file,
            file,
        ):
            rows = file.execute(f"SELECT key, value FROM {_TABLE}")
            states = [(key, _state(value)) for key, value in rows]
            empty = [(key,) for key, state in states if state == "empty"]
            file.executemany(f"DELETE FROM {_TABLE} WHERE key = ?", empty)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise DataError(f"{path}: in use; wait for the run that writes it") from None
        raise DataError(f"{path}: no response cache of lm-eval ({error})") from None
    except sqlite3.DatabaseError as error:
        raise DataError(
            f"{path}: damaged, or no SQLite file ({error}); sqlite3's .recover may save what it has, or remove it"
        ) from None
    foreign = sum(state == "foreign" for _, state in states)
    return CacheState(path, len(states), len(empty), foreign)


class _NothingCallable(pickle.Unpickler):
    """Reads texts, numbers, lists and the like; a pickle that names a class or function is refused."""

    def find_class(self, module: str, name: str) -> Any:
        """Refuse."""
        raise pickle.UnpicklingError(f"names {module}.{name}")


def plain_value(value: object) -> Any:
    """A value of the cache as lm-eval wrote it: a text, or a log-likelihood with its flag.

    Raises:
        DataError: lm-eval did not write it.
    """
    try:
        if not isinstance(value, bytes):
            raise TypeError(type(value).__name__)
        answer = _NothingCallable(io.BytesIO(value)).load()
        if not (answer is None or isinstance(answer, (str, tuple, list, float, int))):
            raise TypeError(type(answer).__name__)
    except Exception as error:  # noqa: BLE001  # a pickle of anybody's may raise anything
        raise DataError(
            f"the cache has a value that lm-eval did not write ({error}); a cache can run code when it is read: use "
            "none but your own"
        ) from None
    return answer


def _state(value: object) -> str:
    try:
        return "answer" if plain_value(value) not in (None, "") else "empty"
    except DataError:
        return "foreign"


def write_rescued(path: Path, answers: Mapping[str, Any]) -> None:
    """Write answers, by the keys of lm-eval's cache, as JSON into a SQLite file: nothing that reading could run.

    lm-eval opens the same file as its cache, and finds nothing of its own in it.

    Raises:
        FileExistsError: there is one of this name; another run's answers would be mixed with these.
    """
    path.touch(exist_ok=False)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(f"CREATE TABLE IF NOT EXISTS {_RESCUED} (key TEXT PRIMARY KEY, answer TEXT)")
        rows = ((key, json.dumps(answer)) for key, answer in answers.items())
        file.executemany(f"INSERT OR REPLACE INTO {_RESCUED} VALUES (?, ?)", rows)


def read_rescued(path: Path) -> dict[str, Any]:
    """What :func:`write_rescued` wrote; nothing where a file has no such table.

    Raises:
        DataError: it is damaged.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as file:
            there = file.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (_RESCUED,)).fetchone()
            rows = file.execute(f"SELECT key, answer FROM {_RESCUED}").fetchall() if there else []
            answers = {key: json.loads(answer) for key, answer in rows}
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise DataError(f"{path}: damaged ({error})") from None
    return {key: tuple(a) if isinstance(a, list) else a for key, a in answers.items()}
