"""Rubrics: folders with ``rubric.toml``, ``system.txt`` and ``user.txt``. Adding one needs no code.

``rubric.toml`` names the dimensions with the description of each grade and the texts that are shown;
``system.txt`` is the judge's instruction, the same for every request so that a server with prefix caching
pays for it once; ``user.txt`` frames what is judged. ``$dimensions``, ``$blocks`` and ``$format`` are
filled in, and ``$strategy_1`` to ``$strategy_12`` with the shared definitions that ``definitions`` in ``rubric.toml``
names. Any change of these files or definitions changes the rubric's digest, and no old verdict is read for it.
"""

from __future__ import annotations

import hashlib
import json
import re
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

from csc_tasks.metrics.judge.errors import JudgeError
from csc_tasks.metrics.strategy_definitions import strategy_definitions

__all__ = [
    "DIALOGUE_RUBRIC",
    "GRADES",
    "PAIR_RUBRIC",
    "REASON",
    "SUPERSEDED",
    "TURN_RUBRIC",
    "VERSION",
    "Block",
    "Dimension",
    "Kind",
    "Rubric",
    "Unit",
    "load_rubric",
    "rubric_for_unit",
    "shipped_rubrics",
]

VERSION = "zh-2"
"""The version of the shipped rubrics that are used where none is named."""
SUPERSEDED = ("zh-1",)
"""Versions that were used before, newest first: verdicts under them stay readable."""
TURN_RUBRIC, DIALOGUE_RUBRIC, PAIR_RUBRIC = (f"{what}-{VERSION}" for what in ("turn", "dialogue", "pairwise"))
"""The shipped rubrics that are used where none is named, by what they are about."""

GRADES = (1, 2, 3, 4, 5)
REASON = "reason"
"""The field of a verdict in which the judge explains itself, before it grades."""
FILES = ("rubric.toml", "system.txt", "user.txt")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Kind(Enum):
    """What a dimension's value may be."""

    SCALE = "scale"
    """A whole number from 1 to 5."""
    YES_NO = "yes_no"
    """True or false."""
    CHOICE = "choice"
    """One of the dimension's options."""


class Unit(Enum):
    """What one verdict is about."""

    TURN = "turn"
    DIALOGUE = "dialogue"
    PAIR = "pair"


_SHIPPED_FOR = {Unit.TURN: TURN_RUBRIC, Unit.DIALOGUE: DIALOGUE_RUBRIC, Unit.PAIR: PAIR_RUBRIC}


@dataclass(frozen=True, slots=True)
class Dimension:
    """One question to the judge. ``anchors`` describes each grade, or what yes and no mean."""

    name: str
    title: str
    kind: Kind
    question: str
    anchors: tuple[tuple[str, str], ...]
    options: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of the value."""
        if self.kind is Kind.YES_NO:
            return {"type": "boolean"}
        if self.kind is Kind.CHOICE:
            return {"type": "string", "enum": list(self.options)}
        # An enumeration and not minimum and maximum, which strict schemas of several servers do not know.
        return {"type": "integer", "enum": list(GRADES)}

    def accepts(self, value: object) -> bool:
        """Whether a value that a judge gave is one that was offered."""
        if self.kind is Kind.YES_NO:
            return isinstance(value, bool)
        if self.kind is Kind.CHOICE:
            return isinstance(value, str) and value in self.options
        return isinstance(value, (int, float)) and not isinstance(value, bool) and value in GRADES


@dataclass(frozen=True, slots=True)
class Block:
    """A text that is shown to the judge between delimiters: a field of the sample and its heading.

    ``optional`` blocks are shown only where asked for (the reference reply); ``context`` is what surrounds
    the judged text and is not itself searched for attempts on the judge.
    """

    field: str
    title: str
    optional: bool
    context: bool


@dataclass(frozen=True)
class Rubric:
    """A rubric as read; ``sha256`` (16 digits) is that of its files and of the definitions that it shows."""

    name: str
    unit: Unit
    title: str
    sha256: str
    dimensions: tuple[Dimension, ...]
    blocks: tuple[Block, ...]
    system: str
    user: string.Template

    def accepts(self, scores: Mapping[str, object]) -> bool:
        """Whether these are the values of a verdict: one of each dimension, each among those that it offers."""
        names = {d.name for d in self.dimensions}
        return scores.keys() == names and all(d.accepts(scores[d.name]) for d in self.dimensions)

    @property
    def scales(self) -> tuple[Dimension, ...]:
        """The dimensions that are graded from 1 to 5."""
        return tuple(d for d in self.dimensions if d.kind is Kind.SCALE)

    @cached_property
    def frame(self) -> tuple[str, ...]:
        """What of ``user`` stands around the blocks: joined by them it is the message."""
        # No template can hold this character: it has been read as text of a file.
        return tuple(self.user.substitute(blocks="\udfff").split("\udfff"))

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of a verdict: the reason first, so that grades follow from it and not it from them."""
        properties = {REASON: {"type": "string"}, **{d.name: d.schema for d in self.dimensions}}
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }


class _Folder(Protocol):
    """What a folder on disk and one in an installed package have in common."""

    @property
    def name(self) -> str: ...
    def joinpath(self, name: str, /) -> Any: ...


def shipped_rubrics() -> tuple[str, ...]:
    """Names of the rubrics that come with the package."""
    folder = resources.files(__package__) / "rubrics"
    return tuple(sorted(entry.name for entry in folder.iterdir() if (entry / FILES[0]).is_file()))


def rubric_for_unit(unit: Unit, name: str | None = None) -> Rubric:
    """The rubric of that name; of a version's name (``zh-1``), or of none, the shipped one for a unit.

    Raises:
        JudgeError: as :func:`load_rubric`.
    """
    if name is None or name in (VERSION, *SUPERSEDED):
        name = _SHIPPED_FOR[unit].removesuffix(VERSION) + (name or VERSION)
    return load_rubric(name)


def load_rubric(name: str) -> Rubric:
    """The shipped rubric of that name, or the one in the folder at that path.

    Raises:
        JudgeError: there is none, or its files break the rules; the message names file and field.
    """
    if "/" in name or "\\" in name or name in (".", ".."):
        return _read(Path(name).resolve(), name)
    return _shipped(name)


@cache
def _shipped(name: str) -> Rubric:
    if name not in shipped_rubrics():
        raise JudgeError(
            f"no rubric {name!r}; there are {', '.join(shipped_rubrics())}, or a path with a slash to a folder"
        )
    return _read(resources.files(__package__).joinpath("rubrics").joinpath(name), name)


def _read(folder: _Folder, where: str) -> Rubric:
    contents: dict[str, str] = {}
    for file in FILES:
        try:
            contents[file] = folder.joinpath(file).read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise JudgeError(
                f"{where}/{file}: cannot be read ({error}); a rubric has {', '.join(FILES)}"
            ) from None
    try:
        fields = tomllib.loads(contents["rubric.toml"])
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        what = "nested too deep" if isinstance(error, RecursionError) else error
        raise JudgeError(f"{where}/rubric.toml: {what}") from None
    definitions = _definitions(fields, where)
    try:
        dimensions = tuple(_dimension(d) for d in fields["dimension"])
        blocks = tuple(map(_block, fields["block"]))
        unit, title = Unit(fields["unit"]), str(fields["title"])
        user = string.Template(contents["user.txt"])
        parts = {"dimensions": _listing(dimensions), "format": _example(dimensions), **definitions}
        system = string.Template(contents["system.txt"]).substitute(parts)
        user.substitute(blocks="")
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # `[block]` for `[[block]]`, for one
        raise JudgeError(f"{where}: not a rubric ({type(error).__name__}: {error})") from None
    names = [d.name for d in dimensions]
    if len(set(names)) < len(names) or REASON in names or not names or not blocks:
        raise JudgeError(
            f"{where}/rubric.toml: needs blocks, and dimensions with different names, none {REASON!r}"
        )
    covered = {**contents, **definitions}
    digest = hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()[:16]
    return Rubric(folder.name, unit, title, digest, dimensions, blocks, system, user)


def _definitions(fields: Mapping[str, Any], where: str) -> dict[str, str]:
    """What stands for ``$strategy_1`` and so on; nothing in a rubric that names no definitions."""
    if "definitions" not in fields:
        return {}
    version = fields["definitions"]
    try:
        texts = strategy_definitions(version)
    except (KeyError, TypeError):
        raise JudgeError(
            f"{where}/rubric.toml: no definitions {version!r}; {VERSION!r} are those of {TURN_RUBRIC}"
        ) from None
    return {f"strategy_{number}": text for number, text in enumerate(texts, 1)}


def _block(fields: dict[str, Any]) -> Block:
    marks = (bool(fields.get(mark, False)) for mark in ("optional", "context"))
    return Block(str(fields["field"]), str(fields["title"]), *marks)


def _dimension(fields: dict[str, Any]) -> Dimension:
    kind = Kind(fields.get("kind", "scale"))
    if not _NAME.fullmatch(fields["name"]):
        raise ValueError(f"dimension {fields['name']!r}: a name has small letters, digits and underscores")
    anchors = tuple((str(k), str(v)) for k, v in fields.get("anchors", {}).items())
    if kind is Kind.SCALE and sorted(k for k, _ in anchors) != [str(g) for g in GRADES]:
        raise ValueError(f"dimension {fields['name']!r}: anchors must describe each of the grades 1 to 5")
    options = tuple(map(str, fields.get("options", ())))
    if (kind is Kind.CHOICE) != (len(options) > 1):
        raise ValueError(f"dimension {fields['name']!r}: options belong to kind = 'choice', two or more")
    return Dimension(fields["name"], fields["title"], kind, fields["question"], anchors, options)


def _listing(dimensions: tuple[Dimension, ...]) -> str:
    paragraphs = []
    for d in dimensions:
        lines = [f"{d.name}（{d.title}）：{d.question}"]
        lines += [f"  {grade}：{text}" for grade, text in sorted(d.anchors)]
        paragraphs.append("\n".join(lines))
    return "\n".join(paragraphs)


def _example(dimensions: tuple[Dimension, ...]) -> str:
    """The form of the answer, with what may stand where instead of values that a judge might copy."""
    values = "".join(f', "{d.name}": {_offered(d)}' for d in dimensions)
    return f'{{"{REASON}": "…"{values}}}'


def _offered(dimension: Dimension) -> str:
    if dimension.kind is Kind.SCALE:
        return "1-5"
    return "true|false" if dimension.kind is Kind.YES_NO else "|".join(f'"{o}"' for o in dimension.options)
