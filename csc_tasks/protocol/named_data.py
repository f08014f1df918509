"""Data as results name it: the fingerprint compares, the name is a label."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

__all__ = ["NamedData", "common_names"]

_DIGITS = 8
"""Of a fingerprint that stand beside a name."""
_WORDS = ("hub", "modelscope", "mini")
"""What csconv itself calls data; any other name is that of somebody's file."""


@dataclass(frozen=True, slots=True)
class NamedData:
    """Conversations by their content: equal are two of one ``fingerprint`` (its first digits), whatever their names."""

    fingerprint: str
    name: str = field(compare=False, repr=False)

    @classmethod
    def of(cls, name: str, fingerprint: str) -> NamedData:
        """Data of this name and fingerprint, in full or in part."""
        return cls(fingerprint[:_DIGITS], name)

    @classmethod
    def read(cls, text: str) -> NamedData:
        """What :meth:`__str__` wrote; another text is both name and content."""
        name, space, rest = text.rpartition(" (")
        return cls(rest[:-1], name) if space and rest.endswith(")") else cls(text, text)

    def __str__(self) -> str:
        return self.name if self.name == self.fingerprint else f"{self.name} ({self.fingerprint})"

    def called(self, names: Mapping[str, str]) -> NamedData:
        """The same by the name that :func:`common_names` chose."""
        return replace(self, name=names.get(self.fingerprint, self.name))


def common_names(data: Iterable[NamedData]) -> dict[str, str]:
    """One name for each content, by fingerprint: csconv's own word, else the first file's name in the alphabet."""
    names: dict[str, str] = {}
    for each in data:
        known = names.setdefault(each.fingerprint, each.name)
        names[each.fingerprint] = min(known, each.name, key=_place)
    return names


def _place(name: str) -> tuple[int, str]:
    return (_WORDS.index(name) if name in _WORDS else len(_WORDS), name)
