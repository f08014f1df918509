"""What a call of a topic is about, in a line: what the planner of a role-play is told."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

__all__ = ["topic_line"]


@cache
def _descriptions() -> Mapping[str, str]:
    file = resources.files("csc_tasks.synthesis") / "data" / "topics.toml"
    return {str(name): str(text) for name, text in tomllib.loads(file.read_text(encoding="utf-8")).items()}


def topic_line(topic: str) -> str:
    """A topic with what calls of it are about; a user's own topic, of which nothing is known, as it is."""
    description = _descriptions().get(topic)
    return f"{topic}：{description}" if description else topic
