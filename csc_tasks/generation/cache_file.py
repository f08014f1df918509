"""lm-eval's response cache as a file: what of it is no answer, found and taken out.

lm-eval keeps whatever its model classes return, so an error that it took for an empty answer is never asked for
again. Its values are pickles, which can run any code when they are read; here they are read as texts and numbers
or not at all.
"""

from __future__ import annotations

import io
import pickle
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csc_tasks.errors import DataError

__all__ = ["CacheState", "cache_files", "remove_empty_answers"]

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


def _state(value: object) -> str:
    if not isinstance(value, bytes):
        return "foreign"
    try:
        answer = _NothingCallable(io.BytesIO(value)).load()
    except Exception:  # noqa: BLE001  # a pickle of anybody's may raise anything
        return "foreign"
    if answer is None or answer == "":
        return "empty"
    return "answer" if isinstance(answer, (str, tuple, list, float, int)) else "foreign"
