"""The csconv command as a user types it: in this process, which does not cost the start of a Python.

``csconv`` for what a user sees; ``process`` where a process of its own is the point (what it imports, how it
is killed); ``lm_eval`` for the harness's own command.
"""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from csc_tasks.commands import main

_WIDE = {"COLUMNS": "200"}  # else messages are broken where the terminal of the tests ends


@dataclass(frozen=True, slots=True)
class Done:
    """What the user sees of a command, and a script of it."""

    code: int
    out: str
    err: str

    @property
    def output(self) -> str:
        """What stands on the terminal."""
        return self.out + self.err


def csconv(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> Done:
    """Run the command through its own entry point, which turns errors into messages and exit codes.

    ``environment`` is added to the present one; what the command changes in it, and of logging, ends with it.
    ``PYTHONIOENCODING`` in it is the console's encoding, as strict as Python's is.
    """
    encoding = environment.get("PYTHONIOENCODING", "utf-8")
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding, write_through=True) for _ in range(2))
    before = dict(os.environ)
    loggers = [logging.getLogger(name) for name in (None, "lm_eval", "csc_tasks")]
    said = [(each.level, each.propagate, list(each.handlers)) for each in loggers]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["csconv", *map(str, arguments)])
        if cwd is not None:
            patch.chdir(cwd)
        os.environ.update(_WIDE | environment)
        try:
            code = _code_of_main()
        finally:
            os.environ.clear()
            os.environ.update(before)
            # lm-eval's command sets up logging for its process, which is that of the other tests here.
            for logger, (level, propagate, handlers) in zip(loggers, said, strict=True):
                logger.setLevel(level)
                logger.propagate, logger.handlers[:] = propagate, handlers
    return Done(code, _written(out), _written(err))


def _written(stream: io.TextIOWrapper) -> str:
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode(stream.encoding, "replace")


def _code_of_main() -> int:
    try:
        main()
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    except Exception:  # noqa: BLE001  # as Python itself ends a program that raises
        traceback.print_exc(file=sys.stderr)
        return 1
    return 0


def process(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> Done:
    """The same in a process of its own, for where that is the point: whatever it starts, loads or leaves."""
    return program("-m", "csc_tasks.commands", *arguments, cwd=cwd, **environment)


def lm_eval(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> Done:
    """``lm_eval run`` as a user starts it, in a process of its own, with csconv's task files."""
    from csc_tasks.harness.registration import configs_folder

    command = ("-m", "lm_eval", "run", *arguments, "--include_path", configs_folder())
    return program(*command, cwd=cwd, **environment)


def program(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> Done:
    """A Python with these arguments, offline, and what became of it."""
    done = subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd=cwd,
        env=surroundings(**environment),
    )
    return Done(done.returncode, done.stdout, done.stderr)


def command(*arguments: str | Path) -> list[str]:
    """The line that starts a Python with these arguments, for tests that kill it."""
    return [sys.executable, *map(str, arguments)]


def surroundings(**environment: str) -> dict[str, str]:
    """The environment of such a process: this one's without the network."""
    return {**os.environ, **_WIDE, "HF_HUB_OFFLINE": "1", **environment}
