"""Prompts of roles: versioned folders of texts, filled in one pass: no filled-in text is expanded.

A folder has ``prompt.toml`` and for each role ``ROLE.system.txt`` and ``ROLE.user.txt``. What stands first changes
least, so that a server with a prefix cache reads a growing conversation once.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

from csc_tasks.chat.messages import AnswerSchema, Message
from csc_tasks.errors import ConfigError
from csc_tasks.metrics.judge.guard import neutral

__all__ = ["Framed", "PromptTexts", "object_schema", "read_texts"]

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
class PromptTexts:
    """The texts of one version.

    Attributes:
        version: its name.
        head: what ``prompt.toml`` says.
        texts: by role an instruction and a question, with ``{slots}``.
    """

    version: str
    head: Mapping[str, Any]
    texts: Mapping[str, Texts]

    def filled(self, role: str, seen: Mapping[str, Framed]) -> tuple[Message, ...]:
        """What a role is sent, with the slots of its texts filled from what it sees."""
        system, user = (_SLOT.sub(lambda slot: seen[slot[1]].text, text) for text in self.texts[role])
        return Message("system", system.strip()), Message("user", user.strip())

    def sha256(self, *more: str) -> str:
        """A digest (16 digits) of every text, and of what else decides what is sent."""
        digest = hashlib.sha256("\n".join([self.version, *more]).encode())
        for role, (system, user) in self.texts.items():
            digest.update("\n".join(["", role, system, user]).encode())
        return digest.hexdigest()[:16]


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
def _folders(package: str) -> Mapping[str, Traversable]:
    root = resources.files(package) / "prompts"
    return {p.name: p for p in root.iterdir() if p.joinpath("prompt.toml").is_file()}


def read_texts(
    package: str, version: str, roles: Sequence[str], sees: Mapping[Any, Collection[str]]
) -> PromptTexts:
    """Read a version for some roles.

    Args:
        package: that has the folder.
        version: the folder's name.
        roles: whose texts are wanted.
        sees: by role the slots that it may be shown.

    Raises:
        ConfigError: there is none of that name, or it has no text for a role.
        ValueError: a text shows what its role may not see (a mistake in the folder, which a test would find).
    """
    if version not in _folders(package):
        raise ConfigError(
            f"there are no prompts {version!r}; there are {', '.join(sorted(_folders(package)))}"
        )
    folder = _folders(package)[version]
    head = tomllib.loads(folder.joinpath("prompt.toml").read_text(encoding="utf-8"))
    texts: dict[str, Texts] = {}
    for role in roles:
        files = [folder.joinpath(f"{role}.{part}.txt") for part in ("system", "user")]
        if not all(file.is_file() for file in files):
            raise ConfigError(f"the prompts {version} have no text for the role {role}")
        system, user = (file.read_text(encoding="utf-8") for file in files)
        for slot in _SLOT.findall(system + user):
            if slot not in sees[role]:
                raise ValueError(f"{version}: {role} may not be shown {slot!r}")
        texts[role] = (system, user)
    return PromptTexts(head["version"], head, texts)
