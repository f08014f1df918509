"""Prompts of the roles: versioned folders of texts, filled in one pass: no filled-in text is expanded.

A folder has ``prompt.toml`` and for each role ``ROLE.system.txt`` and ``ROLE.user.txt``. What stands first changes
least, so that a server with a prefix cache reads a growing conversation once.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

from csc_tasks.chat.messages import AnswerSchema, Message
from csc_tasks.errors import ConfigError
from csc_tasks.framework import Strategy
from csc_tasks.metrics.judge.guard import neutral
from csc_tasks.metrics.strategy_definitions import strategy_definitions
from csc_tasks.synthesis.information import SEES, Item, seen_by
from csc_tasks.synthesis.steps import Role

__all__ = ["Framed", "RolePrompts", "load_prompts", "object_schema", "prompt_folders"]

_SLOT = re.compile(r"\{([a-z_]+)\}")
Texts = tuple[str, str]


class Framed(NamedTuple):
    """A text that can stand between a prompt's marks: what could pass for them, or for a chat template's, is apart."""

    text: str

    @classmethod
    def of(cls, text: str) -> Framed:
        """Any text, made so."""
        return cls(neutral(text))

    @classmethod
    def lines(cls, lines: Iterable[Framed]) -> Framed:
        """Texts of one line each, below each other."""
        return cls("\n".join(line.text for line in lines))


@dataclass(frozen=True, slots=True)
class RolePrompts:
    """One version of what the roles are told; ``sha256`` (16 digits) covers every text, the definitions too."""

    version: str
    sha256: str
    texts: Mapping[Role, Texts]
    definitions: tuple[str, ...]

    def messages(self, role: Role, everything: Mapping[Item, Framed]) -> tuple[Message, ...]:
        """What a role is sent: an instruction and a question, filled from what it may see.

        Args:
            role: who is asked.
            everything: that is known; what the role may not see is left out, whatever the text says.
        """
        seen = {item: framed.text for item, framed in seen_by(role, everything).items()}
        system, user = (_SLOT.sub(lambda slot: seen[Item(slot[1])], text) for text in self.texts[role])
        return Message("system", system.strip()), Message("user", user.strip())

    def define(self, strategy: Strategy) -> str:
        """A strategy in one line: number, name, stage, definition."""
        return _defined(strategy, self.definitions)

    def all_strategies(self) -> Framed:
        """The twelve, a line each."""
        return _listed(self.definitions)


def _defined(strategy: Strategy, definitions: tuple[str, ...]) -> str:
    stage = f"第{strategy.stage.number}阶段" if strategy.stage else "任何阶段"
    return f"{strategy.number}. {strategy.zh}（{stage}）：{definitions[strategy.index]}"


@cache
def _listed(definitions: tuple[str, ...]) -> Framed:
    return Framed.of("\n".join(_defined(strategy, definitions) for strategy in Strategy))


def object_schema(name: str, fields: Mapping[str, Mapping[str, Any]]) -> AnswerSchema:
    """The schema of a JSON object with exactly these fields, in this order."""
    return AnswerSchema(
        name,
        {
            "type": "object",
            "properties": {field: dict(kind) for field, kind in fields.items()},
            "required": list(fields),
            "additionalProperties": False,
        },
    )


@cache
def _folders() -> Mapping[str, Traversable]:
    root = resources.files("csc_tasks.synthesis") / "prompts"
    return {p.name: p for p in root.iterdir() if p.joinpath("prompt.toml").is_file()}


def prompt_folders() -> tuple[str, ...]:
    """The versions that there are, in alphabetical order."""
    return tuple(sorted(_folders()))


@cache
def load_prompts(version: str, roles: Sequence[Role]) -> RolePrompts:
    """Read a version for some roles.

    Raises:
        ConfigError: there is none of that name, or it has no text for a role.
        ValueError: a text shows what its role may not see (a mistake in the folder, which a test would find).
    """
    if version not in _folders():
        raise ConfigError(f"there are no prompts {version!r}; there are {', '.join(prompt_folders())}")
    folder = _folders()[version]
    head = tomllib.loads(folder.joinpath("prompt.toml").read_text(encoding="utf-8"))
    definitions = strategy_definitions(head["definitions"])
    texts: dict[Role, Texts] = {}
    digest = hashlib.sha256("\n".join([head["version"], *definitions]).encode())
    for role in roles:
        files = [folder.joinpath(f"{role}.{part}.txt") for part in ("system", "user")]
        if not all(file.is_file() for file in files):
            raise ConfigError(f"the prompts {version} have no text for the role {role}")
        system, user = (file.read_text(encoding="utf-8") for file in files)
        for slot in _SLOT.findall(system + user):
            if slot not in set(Item) or Item(slot) not in SEES[role]:
                raise ValueError(f"{version}: {role} may not be shown {slot!r}")
        texts[role] = (system, user)
        digest.update("\n".join(["", role, system, user]).encode())
    return RolePrompts(head["version"], digest.hexdigest()[:16], texts, definitions)
