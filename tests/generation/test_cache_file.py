"""lm-eval's response cache: empty answers are found and removed, and nothing in it is run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from sqlitedict import SqliteDict

from tests.door import csconv


def cache(path: Path, **answers: Any) -> Path:
    with SqliteDict(str(path), autocommit=True) as file:
        file.update(answers)
    return path


def kept(path: Path) -> dict[str, Any]:
    with SqliteDict(str(path)) as file:
        return dict(file)


@pytest.mark.parametrize("name", ["answers_rank0.db", "answers"])
def test_empty_answers_are_removed_and_the_others_stay(tmp_path: Path, name: str) -> None:
    path = cache(tmp_path / "answers_rank0.db", a="您好", b="", c=None, d=(-1.5, True), e=" ")
    done = csconv("doctor", "--cache", tmp_path / name)
    assert done.code == 0, done.err
    assert "5 answers, 2 of them empty and now removed: the next run asks for them again" in done.out
    assert kept(path) == {"a": "您好", "d": (-1.5, True), "e": " "}
    assert "3 answers, none of them empty" in csconv("doctor", "--cache", tmp_path / name).out


def test_every_processs_file_is_looked_at(tmp_path: Path) -> None:
    for rank in range(3):
        cache(tmp_path / f"run[1]_rank{rank}.db", a="您好", b="")
    assert "6 answers, 3 of them empty" in csconv("doctor", "--cache", tmp_path / "run[1]").out


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_a_pickle_that_would_run_code_is_told_of_and_not_run(tmp_path: Path) -> None:
    path = cache(tmp_path / "x_rank0.db", a="您好", b=Evil(tmp_path / "made"))
    done = csconv("doctor", "--cache", path)
    assert done.code == 1
    assert "1 values that lm-eval did not write" in done.out
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a database at all, but long enough to be one" * 99, "damaged, or no SQLite file"),
        (b"", "no response cache of lm-eval"),
        (None, "no cache; lm-eval's are called PATH_rank0.db"),
    ],
)
def test_what_is_no_cache_is_said_to_be_none(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "x.db").write_bytes(content)
    done = csconv("doctor", "--cache", tmp_path / "x.db")
    assert done.code == 1
    assert message in done.out
