"""The words of pages, tables and reports in the languages that they are made in: one table of texts.

The table is the folder ``texts``, a TOML file a subject: ``key = { en = "…", zh = "…" }``, with places as
:func:`~csc_tasks.sentences.fill` knows them. What has its English elsewhere has no ``en`` there: metrics
(``metric.NAME`` their titles, ``about.NAME`` what they say) and :class:`~csc_tasks.sentences.Sentence`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from csc_tasks.errors import ConfigError
from csc_tasks.leaderboards.board import Column, Section
from csc_tasks.metrics import metric_named
from csc_tasks.metrics.judge.rubric import Dimension, Kind, load_rubric, shipped_rubrics
from csc_tasks.protocol.task_kind import Context
from csc_tasks.sentences import Sentence, fill

__all__ = [
    "Language",
    "LanguageChoice",
    "about_text",
    "column_text",
    "dimensions",
    "has",
    "language_choice",
    "language_named",
    "mapped",
    "resolve",
    "said",
    "section_text",
    "spec_of",
    "spec_of_value",
    "text",
    "texts",
    "value",
]

_UNTOUCHED = frozenset(("data", "datasets", "domain", "sort", "values", "usermeta"))
"""Members of a chart's specification that hold records and names, and no words of ours."""


_GRADERS = ("judge", "human")
"""What the names of metrics begin with whose rest is a dimension of a rubric."""


class Language(StrEnum):
    """A language that all texts are there in."""

    EN = "en"
    ZH = "zh"


class LanguageChoice(StrEnum):
    """What may be asked for: one language, or both with a switch."""

    EN = "en"
    ZH = "zh"
    BOTH = "both"

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages, the one that is shown first at their head."""
        return tuple(Language) if self is LanguageChoice.BOTH else (Language(self.value),)


def language_named(name: str) -> Language:
    """The language that ``--lang`` names.

    Raises:
        ConfigError: there is none of this name; the message lists those that there are.
    """
    if name not in set(Language):
        raise ConfigError(f"--lang {name}: no such language; there are {', '.join(Language)}")
    return Language(name)


def language_choice(name: str) -> LanguageChoice:
    """What ``--lang`` asks for where both may be had.

    Raises:
        ConfigError: there is no such choice; the message lists those that there are.
    """
    if name not in set(LanguageChoice):
        raise ConfigError(f"--lang {name}: no such language; there are {', '.join(LanguageChoice)}")
    return LanguageChoice(name)


def text(key: str, language: Language = Language.EN, /, **values: Any) -> str:
    """A text of the table.

    Args:
        key: its name there.
        language: of the text.
        values: for its places. A :class:`Sentence` and a text as :func:`spec_of` writes it are said in the
            language, tuples and lists one after the other; whole numbers get commas.

    Raises:
        KeyError: there is no such text, or a place has no value.
    """
    return fill(_pattern(key, language), values, lambda given: value(given, language))


def said(words: str, language: Language) -> str:
    """A sentence in a language; any other text, which came from outside, as it is."""
    if isinstance(words, Sentence):
        if language is Language.EN:
            return str(words)
        return text(words.key, language, **words.values)
    return words


def spec_of(words: str) -> Any:
    """A text for a chart or a script, which resolve it: a sentence as ``{"@": key, …}``, other texts as they are."""
    if isinstance(words, Sentence):
        return {"@": words.key, "en": str(words), **{k: spec_of_value(v) for k, v in words.values.items()}}
    return words


def spec_of_value(given: Any) -> Any:
    """A value of a text in the form in which scripts read it."""
    if isinstance(given, (tuple, list)):
        return [spec_of_value(item) for item in given]
    return spec_of(given) if isinstance(given, str) else given


def has(key: str) -> bool:
    """Whether there is a text of this name."""
    try:
        _pattern(key, Language.ZH)
    except KeyError:
        return False
    return True


def resolve(spec: Any, language: Language) -> Any:
    """A chart's specification with its texts in a language.

    A string ``"@KEY"`` becomes that text, and ``{"@": KEY, "n": 3}`` the text with values; among the values such
    objects are resolved too, and strings are taken as they are: names go there. Strings that name no text stay.
    ``data``, ``domain``, ``sort``, ``values`` and ``usermeta`` are not looked into.
    """
    if isinstance(spec, str):
        return text(spec[1:], language) if spec.startswith("@") and has(spec[1:]) else spec
    if isinstance(spec, list):
        return [resolve(item, language) for item in spec]
    if isinstance(spec, Mapping):
        if "@" in spec:
            return value(spec, language)
        return {k: v if k in _UNTOUCHED else resolve(v, language) for k, v in spec.items()}
    return spec


def mapped(spec: Any, change: Callable[[str], str]) -> Any:
    """A text as :func:`spec_of` and others write it, with ``change`` applied to all strings in it but its keys."""
    if isinstance(spec, str):
        return change(spec)
    if isinstance(spec, (tuple, list)):
        return [mapped(item, change) for item in spec]
    if isinstance(spec, Mapping):
        return {k: v if k == "@" else mapped(v, change) for k, v in spec.items()}
    return spec


def section_text(section: Section) -> Any:
    """A section's title, for charts and scripts."""
    task, context = f"section.task.{section.task}", f"section.context.{section.context}"
    if section.context == Context.ROLE_PLAY and has(f"section.{section.context}"):
        return {"@": f"section.{section.context}"}
    return {
        "@": "section.title",
        "task": {"@": task} if has(task) else section.task,
        "context": {"@": context} if has(context) else section.context,
    }


def column_text(column: Column) -> Any:
    """A column's title, for charts and scripts: an object for :func:`resolve`, or the title itself."""
    found = metric_named(column.metric)
    title = found.info.title if found else column.title
    name = found.info.name if found else column.metric
    if not has(f"metric.{name}") or not column.title.startswith(title):
        return column.title
    more = column.title.removeprefix(title).strip()
    if not more:
        return {"@": f"metric.{name}"}
    more = more.removeprefix("(").removesuffix(")").replace(") (", ", ")
    return {"@": "column.title", "en": column.title, "metric": {"@": f"metric.{name}"}, "more": more}


def about_text(column: Column) -> Any:
    """What a column says, for charts and scripts; in the column's own words, where its metric has no text."""
    found = metric_named(column.metric)
    name = found.info.name if found else column.metric
    return {"@": f"about.{name}", "en": column.summary} if has(f"about.{name}") else column.summary


def texts(language: Language) -> dict[str, str]:
    """All patterns of a language by key, for scripts of a page."""
    return {key: pattern for key in _table() if (pattern := _found(key, language)) is not None}


def value(given: Any, language: Language) -> str:
    """A value of a text in a language.

    Args:
        given: a text, taken as it is; a :class:`Sentence` or its form of :func:`spec_of`; a whole number, which gets
            commas; a tuple or list of these.
        language: of the text.
    """
    if isinstance(given, Sentence):
        return said(given, language)
    if isinstance(given, Mapping):
        if language is Language.EN and "en" in given:
            return str(given["en"])
        return text(given["@"], language, **{k: v for k, v in given.items() if k not in ("@", "en")})
    if isinstance(given, (tuple, list)):
        return text("list.between", language).join(value(item, language) for item in given)
    return f"{given:,}" if isinstance(given, int) else str(given)


def _pattern(key: str, language: Language) -> str:
    pattern = _found(key, language)
    if pattern is None:
        raise KeyError(key)
    return pattern


@cache
def _found(key: str, language: Language) -> str | None:
    own = _table().get(key, {}).get(language.value)
    kind, _, name = key.partition(".")
    if own is not None or kind not in ("metric", "about"):
        return own
    if language is Language.EN:
        metric = metric_named(name)
        return None if metric is None else metric.info.title if kind == "metric" else metric.info.summary
    grader, _, rest = name.partition("_")
    dimension = dimensions().get(rest) if grader in _GRADERS else None
    if dimension is None:
        return None
    if kind == "metric":
        return text(f"grader.{grader}", language, title=dimension.title)
    grades = dimension.kind is Kind.SCALE
    return text("about.judge_grade" if grades else "about.judge_share", language, title=dimension.title)


@cache
def dimensions() -> dict[str, Dimension]:
    """The dimensions of the rubrics that are shipped, by name; of one that several have, the newest's."""
    return {d.name: d for rubric in shipped_rubrics() for d in load_rubric(rubric).dimensions}


@cache
def _table() -> dict[str, dict[str, str]]:
    """Patterns by key and language.

    Raises:
        ValueError: two files have texts of one name.
    """
    table: dict[str, dict[str, str]] = {}
    folder = files("csc_tasks.leaderboards.rendering").joinpath("texts")
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            for key, entry in _leaves(tomllib.loads(file.read_text(encoding="utf-8"))):
                if key in table:
                    raise ValueError(f"{file.name}: {key} stands in another file, too")
                table[key] = entry
    return table


def _leaves(node: Mapping[str, Any], way: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    for name, value in node.items():
        key = f"{way}.{name}" if way else name
        if value.keys() <= {language.value for language in Language}:
            yield key, value
        else:
            yield from _leaves(value, key)
