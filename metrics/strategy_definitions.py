"""What the twelve strategies mean, in versions: the one text that prompts and rubrics show."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from csc_tasks.metrics.stages import STRATEGIES

__all__ = ["strategy_definitions"]


@cache
def strategy_definitions(version: str) -> tuple[str, ...]:
    """The definitions of a version, in the order of the strategies' numbers, 12.

    Raises:
        KeyError: there is no such version.
    """
    # Listed and not just opened: no name may lead out of the folder.
    for path in (resources.files("csc_tasks.metrics") / "definitions").iterdir():
        if path.name == f"{version}.toml":
            texts = tomllib.loads(path.read_text(encoding="utf-8"))["definitions"]
            return tuple(texts[str(number)] for number in range(1, STRATEGIES + 1))
    raise KeyError(version)
