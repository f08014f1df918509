"""The ``csconv`` command."""

from __future__ import annotations

import os
import sys

from csc_tasks.commands.app import app, show_error
from csc_tasks.errors import CSConvError
from csc_tasks.harness.lm_eval import bear_any_console

__all__ = ["main"]


def main() -> None:
    """Run the command; our own errors become one message and exit code 1."""
    # Importing the commands registers them on the app.
    from csc_tasks.commands import (  # noqa: F401
        compare,
        data,
        export,
        floor,
        gate,
        judge,
        leaderboard,
        logs,
        quickstart,
        score,
        setup,
        table,
    )

    bear_any_console()
    try:
        app()
    except Exception as error:
        if os.environ.get("CSCONV_DEBUG") or not _is_expected(error):
            raise
        show_error(_of_file(error) if isinstance(error, OSError) else error)
        sys.exit(1)


def _of_file(error: OSError) -> CSConvError:
    return CSConvError(f"{error.filename}: {error.strerror}")


def _is_expected(error: Exception) -> bool:
    """Whether a user can act on it: ours, those of the metrics, which know nothing of ours, and a file's own."""
    if isinstance(error, CSConvError):
        return True
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return True
    from csc_tasks.metrics import ModelError
    from csc_tasks.metrics.judge import JudgeError

    return isinstance(error, (ModelError, JudgeError))
