"""Versioned files of words beside this module: lists of texts by name, and the digest that a signature holds."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources

__all__ = ["WordFile"]


@dataclass(frozen=True)
class WordFile:
    """A TOML file of the package, read when it is first asked for. A published one never changes.

    Attributes:
        folder: ``rules`` or ``scripts``.
        version: its name without the ending.
    """

    folder: str
    version: str

    @cached_property
    def raw(self) -> bytes:
        """The file as it is."""
        return (resources.files("csc_tasks.roleplay") / self.folder / f"{self.version}.toml").read_bytes()

    @cached_property
    def lists(self) -> Mapping[str, tuple[str, ...]]:
        """Its lists of texts, by name."""
        content = tomllib.loads(self.raw.decode("utf-8"))
        return {name: tuple(texts) for name, texts in content.items() if isinstance(texts, list)}

    def digest(self, *more: str) -> str:
        """SHA-256 (16 digits) of the file, and of what else decides what comes of it."""
        return hashlib.sha256(self.raw + "".join(more).encode()).hexdigest()[:16]
