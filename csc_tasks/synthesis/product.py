"""What a run makes: conversations, or something else that a case can come to, and how that is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from csc_tasks.synthesis.ended import Ended
from csc_tasks.synthesis.output.outputs import OutputRules, RunFacts
from csc_tasks.synthesis.progress import SynthesisProgress

__all__ = ["Product", "Written"]


class Written(Protocol):
    """What was written."""

    def lines(self) -> list[str]:
        """For a terminal, each fit for it."""


@dataclass(frozen=True, slots=True)
class Product:
    """What a run makes.

    Attributes:
        noun: of several of them.
        check: raises what would keep them from being written, before anything is paid for.
        write: writes them.
        made: the outcome of a case that came to one, where that is no conversation; else ''.
        together: how two folders of them are put together, as an end of a message.
    """

    noun: str
    check: Callable[[OutputRules], None]
    write: Callable[[Path, Callable[[], Iterator[Ended]], RunFacts, OutputRules], Written]
    made: str = ""
    together: str = ""

    def counted(self, progress: SynthesisProgress) -> SynthesisProgress:
        """The same with what came to a product as kept, though it is no conversation."""
        if not self.made:
            return progress
        made = progress.reasons[self.made]
        return replace(progress, kept=progress.kept + made, dropped=progress.dropped - made)
