"""A bar of what a run asks, on a terminal alone: how far it is, its state in words, the time that is left."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["TerminalBar"]


class TerminalBar(Progress):
    """Lines with a ``state``, which go when it is stopped; nothing where there is no terminal."""

    def __init__(self, console: Console) -> None:
        super().__init__(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )

    def start(self) -> None:
        """Show it."""
        if self.console.is_terminal:
            super().start()

    def stop(self) -> None:
        """Take it away, should it be there."""
        if self.live.is_started:
            super().stop()
