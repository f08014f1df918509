"""The ``csconv`` command."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path

from csc_tasks.commands.app import app, show_error
from csc_tasks.errors import ConfigError, CSConvError
from csc_tasks.harness.lm_eval import bear_any_console
from csc_tasks.system.signals import Terminated, ends_by_signals, exit_code, was_asked_to_end
from csc_tasks.system.workers import end_with_owner

__all__ = ["main"]


def main() -> None:
    """Run the command; our own errors become one message and exit code 1.

    SIGTERM and SIGHUP end it as Ctrl-C does, with the exit codes that a shell expects (143, 129, 130).
    """
    end_with_owner()
    # Importing the commands registers them on the app.
    from csc_tasks.commands import (  # noqa: F401
        cards,
        cards_build,
        cards_review,
        compare,
        customer,
        data,
        export,
        floor,
        gate,
        human,
        human_power,
        human_read,
        judge,
        leaderboard,
        logs,
        quickstart,
        score,
        setup,
        synthesize_merge,
        synthesize_profiles,
        synthesize_review,
        synthesize_rewrite,
        synthesize_roleplay,
        table,
        train_data,
    )

    bear_any_console()
    try:
        with ends_by_signals():
            _require_working_folder()
            app()
    except Terminated as ended:
        with suppress(OSError):  # the terminal may be what has gone
            show_error(CSConvError(f"stopped by {ended}"))
        sys.exit(ended.code)
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.EIO and was_asked_to_end():
            sys.exit(exit_code())  # the terminal is gone, on which the rest was to be shown
        if os.environ.get("CSCONV_DEBUG") or not _is_expected(error):
            raise
        show_error(_of_file(error) if isinstance(error, OSError) else error)
        sys.exit(1)


def _require_working_folder() -> None:
    """Without one, libraries of others end the process in the middle, and a relative path means nothing.

    Raises:
        ConfigError: it has been removed.
    """
    try:
        Path.cwd()
    except OSError as error:
        raise ConfigError(
            f"the working folder is gone ({error.strerror}): change to a folder that is there (cd) and try again"
        ) from None


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
