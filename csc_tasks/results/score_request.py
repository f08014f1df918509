"""What ``csconv score`` is asked for; light to import, for the command's help needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from csc_tasks.system.ray_cluster import EngineKind

__all__ = ["ScoreRequest"]


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """How saved runs are to be scored again.

    ``paths`` are folders or logs; ``metrics`` names (none: all that a task has and that need no model);
    ``tokenizer`` ``None`` is each run's own; ``metadata`` has the ``csconv_bertscore_`` and ``csconv_bleurt_``
    keys; ``workers`` ``None`` is one log at a time, on Ray one a core; ``address`` is a Ray cluster's.
    """

    paths: tuple[Path, ...]
    metrics: tuple[str, ...] = ()
    tokenizer: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    workers: int | None = None
    engine: EngineKind = EngineKind.LOCAL
    address: str | None = None
    force: bool = False

    @property
    def one_at_a_time(self) -> bool:
        """Whether logs are scored one after the other in this process."""
        return self.engine is EngineKind.LOCAL and (self.workers or 1) == 1
