"""What models are called in charts: in full where there is room, shorter beside an axis, never two alike."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from csc_tasks.leaderboards.board import Row
from csc_tasks.leaderboards.names import shorten
from csc_tasks.leaderboards.rendering.language import spec_of
from csc_tasks.leaderboards.rendering.text import printable
from csc_tasks.sentences import Sentence

__all__ = ["fitted", "model_names", "names_of_rows", "names_of_texts"]

Spec = dict[str, Any]

LONGEST = 88
"""Columns of a terminal that a model's name with its settings takes in a tooltip; tables show all of it."""
AXIS, NARROW = 34, 19
"""The same beside an axis or in a legend, on a screen and on a telephone: as many as an axis' ``labelLimit`` has."""


def names_of_rows(rows: Sequence[Row], shown: Iterable[str]) -> list[Spec]:
    """The parameters by which a specification calls rows: ``names``, ``short`` and ``narrow``.

    Those are in full, for beside an axis, and for that on a telephone; of the latter two only what differs.

    Args:
        rows: all of a table, among which names are told apart.
        shown: ids of those in the chart.
    """
    ids = set(shown)
    own = [row for row in rows if row.id in ids]
    names = model_names(rows)
    return _parameters({row.id: names[row.id] for row in own}, _called(own, AXIS), _called(own, NARROW))


def names_of_texts(texts: Mapping[str, str]) -> list[Spec]:
    """The same for what is called by texts from outside: by id, what it is called."""
    plain = [printable(text) or "?" for text in texts.values()]
    each = (zip(texts, map(_inert, fitted(plain, most)), strict=True) for most in (LONGEST, AXIS, NARROW))
    return _parameters(*map(dict, each))


def _parameters(names: Spec, *shorter: Spec) -> list[Spec]:
    differing = [{id: name for id, name in each.items() if name != names[id]} for each in shorter]
    return [
        {"name": name, "value": value}
        for name, value in zip(("names", "short", "narrow"), (names, *differing), strict=True)
    ]


def model_names(rows: Sequence[Row]) -> dict[str, Any]:
    """By row id what a model is called in full, a text or its key with values; whoever lacks turns has a star."""
    return _called(rows, LONGEST)


def _called(rows: Sequence[Row], most: int) -> dict[str, Any]:
    return {row.id: _marked(row, name) for row, name in zip(rows, _fit(rows, most), strict=True)}


def _fit(rows: Sequence[Row], most: int) -> list[Any]:
    """The rows' names with the words that tell them apart, in so many columns."""
    models = [printable(row.model) or "?" for row in rows]
    models = [
        name.removeprefix("csconv-") if row.floor else name for row, name in zip(rows, models, strict=True)
    ]
    words = [" ".join(map(printable, row.words)) for row in rows]
    whole = [f"{model} {said}".rstrip() for model, said in zip(models, words, strict=True)]
    fit = fitted(whole, most)
    return [
        _with_words(name, model, row.words, text) if name == text else _inert(name)
        for name, model, row, text in zip(fit, models, rows, whole, strict=True)
    ]


def _with_words(name: str, model: str, words: Sequence[str], whole: str) -> Any:
    """A name that was not shortened; its words can be said in other languages if they are sentences."""
    if not any(isinstance(word, Sentence) for word in words):
        return _inert(name)
    return {"@": "chart.name.words", "name": model, "words": [spec_of(word) for word in words]}


def _marked(row: Row, name: Any) -> Any:
    if row.floor:
        return {"@": "chart.name.floor", "name": name}
    if row.incomplete:
        return {"@": "chart.name.incomplete", "name": name}
    return name


def _inert(name: str) -> Any:
    """The name as it is, even where it looks like a key: values of a text are not looked up."""
    return {"@": "chart.name.plain", "name": name} if name.startswith("@") else name


def fitted(texts: Sequence[str], most: int) -> list[str]:
    """The texts in so many columns, no two alike.

    What is too long loses its middle. Where that leaves several alike, they lose what is before the last stroke; where
    that does, too, they begin where they begin to differ; at the last they are numbered.

    Args:
        texts: in one line each.
        most: columns of a terminal, of which a wide letter takes two.
    """
    found = [_cut(text, most) for text in texts]
    for shorter in (_last_part, _differing):
        for places in _alike(found):
            own = [texts[place] for place in places]
            if len(set(own)) > 1:
                for place, text in zip(places, shorter(own), strict=True):
                    found[place] = _cut(text, most)
    taken: set[str] = set()
    for place, text in enumerate(found):
        number = 2
        while found[place] in taken:
            mark = f" #{number}"
            found[place] = _cut(text, most - len(mark)) + mark
            number += 1
        taken.add(found[place])
    return found


def _alike(texts: Sequence[str]) -> list[list[int]]:
    counts = Counter(texts)
    groups: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        if counts[text] > 1:
            groups.setdefault(text, []).append(place)
    return list(groups.values())


def _last_part(texts: Sequence[str]) -> list[str]:
    return [text.rstrip("/").rpartition("/")[2] or text for text in texts]


def _differing(texts: Sequence[str]) -> list[str]:
    first, last = min(texts), max(texts)
    same = next(
        (i for i, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first)
    )
    start = max(same - 2, 0)
    return [f"…{text[start:]}" if start else text for text in texts]


def _cut(text: str, most: int) -> str:
    limit = min(len(text), most)
    while limit > 2 and _width(shorten(text, limit)) > most:
        limit -= 1
    return shorten(text, limit)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
