"""An answer as it came back, whatever kind of file it stood in, and the check that it is one that could be given."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from csc_tasks.errors import DataError
from csc_tasks.human.study import VALUE_WORDS, RatedDimension, RatedValue, RatingAnswer, StudyKey
from csc_tasks.metrics.judge.rubric import GRADES, Kind
from csc_tasks.printable import printable

__all__ = ["GivenAnswer", "StudyFiles"]


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """What somebody said of an item.

    Attributes:
        rater: whose items they were: ``rater-1`` and so on.
        person: by what name they went; '' where the file does not say.
        item: its id.
        answer: as it counts.
        when: seconds since 1970: when the file was exported or saved, or the answer changed.
        file: in which it stands.
    """

    rater: str
    person: str
    item: str
    answer: RatingAnswer
    when: float
    file: Path


@dataclass(frozen=True)
class StudyFiles:
    """A study, against which files that came back are checked.

    Attributes:
        key: of it.
        path: of the key, for messages.
    """

    key: StudyKey
    path: Path

    @cached_property
    def dimensions(self) -> Mapping[str, RatedDimension]:
        """The questions by name."""
        return {dimension.name: dimension for dimension in self.key.rubric.dimensions}

    @cached_property
    def _items(self) -> Mapping[str, frozenset[str]]:
        return {rater.name: frozenset(rater.items) for rater in self.key.raters}

    def require_item(self, rater: str, item: str, where: str) -> None:
        """Require an item to be one that a rater was given.

        Raises:
            DataError: there is no such rater, or the item is none of theirs; the message names file and record.
        """
        if rater not in self._items:
            raise DataError(
                f"{where}: {printable(rater, 40) or '(nobody)'} is no rater of {self.path}, which has "
                f"{len(self._items)}: rater-1 to rater-{len(self._items)}"
            )
        if item not in self._items[rater]:
            others = [name for name, items in self._items.items() if item in items]
            whose = f"it is one of {others[0]}'s" if others else "no rater has it"
            raise DataError(
                f"{where}: item {printable(item, 40) or '(none)'} is not one of {rater}'s in {self.path}: {whose}; "
                "take the file that was made for this study, or leave the row out"
            )

    def require_value(self, name: str, value: object, where: str) -> RatedValue:
        """A value as a file has it, of the type that it counts as.

        Raises:
            DataError: there is no such question, or it does not offer this.
        """
        dimension = self.dimensions.get(name)
        if dimension is None:
            raise DataError(
                f"{where}: {printable(name, 40)} is no question of {self.key.rubric.name}: "
                f"{', '.join(self.dimensions)}"
            )
        if dimension.accepts(value):
            assert isinstance(value, (bool, int, str))
            return value
        raise DataError(f"{where}: {name} is {printable(repr(value), 60)}, not {_offered(dimension)}")

    def read_cell(self, name: str, cell: str, where: str) -> RatedValue | None:
        """What somebody wrote into a cell: in full width, with a full stop, in words; ``None`` for nothing.

        Raises:
            DataError: it is none of what the question offers.
        """
        plain = unicodedata.normalize("NFKC", cell).strip(" \t\r\n'.。").lower()
        if not plain:
            return None
        dimension = self.dimensions[name]
        own = {option.lower(): option for option in dimension.options}
        value = own.get(plain, VALUE_WORDS[dimension.kind].get(plain))
        return self.require_value(name, cell.strip() if value is None else value, where)


def _offered(dimension: RatedDimension) -> str:
    if dimension.kind is Kind.SCALE:
        return f"a whole number from {GRADES[0]} to {GRADES[-1]}"
    return "yes or no" if dimension.kind is Kind.YES_NO else f"one of {', '.join(dimension.options)}"
