"""The ``csconv`` command."""

from __future__ import annotations

import os
import sys

from csc_tasks.commands.app import app
from csc_tasks.errors import CSConvError

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

    try:
        app()
    except CSConvError as error:
        if os.environ.get("CSCONV_DEBUG"):
            raise
        sys.stderr.write(f"csconv: {error}\n")
        sys.exit(1)
