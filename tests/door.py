"""The csconv command as a user types it, in this process: a call does not cost the start of a Python."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from csc_tasks.commands import main


@dataclass(frozen=True, slots=True)
class Done:
    """What the user sees of a command, and a script of it."""

    code: int
    out: str
    err: str


def csconv(*arguments: str | Path) -> Done:
    """Run the command through its own entry point, which turns errors into messages and exit codes."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["csconv", *map(str, arguments)])
        patch.setenv("COLUMNS", "200")  # else messages are broken where the terminal of the tests ends
        with pytest.raises(SystemExit) as left:
            main()
    code = left.value.code
    assert code is None or isinstance(code, int)
    return Done(code or 0, out.getvalue(), err.getvalue())
