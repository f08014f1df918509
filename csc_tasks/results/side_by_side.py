"""Several runs of one task side by side: a name for each, and whether they were asked the same."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from csc_tasks.errors import ConfigError
from csc_tasks.results.sample_log import SampleLog

__all__ = ["names_of_folders", "require_one_protocol"]


def names_of_folders(paths: Sequence[Path]) -> list[str]:
    """A short name for each path: its last part, of a file its folder's, or as much of it as tells them apart.

    Raises:
        ConfigError: the same folder twice.
    """
    resolved = [(p.parent if p.is_file() else p).resolve() for p in paths]
    for parts in range(1, max(len(p.parts) for p in resolved) + 1):
        names = ["/".join(p.parts[-parts:]) for p in resolved]
        if len(set(names)) == len(names):
            return names
    twice = next(path for path in resolved if resolved.count(path) > 1)
    raise ConfigError(f"the same folder is given twice: {twice}")


def require_one_protocol(task: str, logs: Collection[SampleLog]) -> None:
    """Require that runs of a task were asked the same of the same data.

    Tokenizer and version may differ: replies do not depend on them.

    Raises:
        ConfigError: they were not; the message says how each was asked.
    """
    protocols = {(log.signature.protocol, log.signature.section): log.signature for log in logs}
    if len(protocols) > 1:
        asked = sorted(signature.asked for signature in protocols.values())
        raise ConfigError(f"{task}: the runs have different protocols: {' and '.join(asked)}")
