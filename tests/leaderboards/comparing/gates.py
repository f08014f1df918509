"""The gate as a user calls it, and its exit codes."""

from __future__ import annotations

from pathlib import Path

from tests.door import Done, csconv

PASS, REGRESSION, WRONG_USE, NOT_COMPARABLE, INCOMPLETE = range(5)


def gate(*arguments: str | Path) -> Done:
    return csconv("gate", *arguments)
