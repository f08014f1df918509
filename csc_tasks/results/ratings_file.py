"""Single ratings beside the results file that ``csconv human read`` wrote: a line a rating, raters by number."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field, StrictBool, StrictInt, ValidationError

from csc_tasks.data.files import BrokenRecord
from csc_tasks.data.streaming import each_record
from csc_tasks.errors import DataError, first_fault
from csc_tasks.protocol.signature_parts import Text
from csc_tasks.results.records import Lenient
from csc_tasks.storage import write_file

__all__ = ["GivenRating", "read_given_ratings", "write_given_ratings"]


class GivenRating(Lenient):
    """What one rater said of one reply, or of a whole conversation (``turn`` is ``None``; turns count from 0).

    ``rater`` is a number, never a name, and comments are not kept: the file lies beside results that are passed on.
    """

    conversation: Text
    turn: Annotated[StrictInt, Field(ge=0)] | None = None
    rater: Annotated[StrictInt, Field(ge=1)]
    scores: dict[Text, StrictBool | StrictInt | Text]


def write_given_ratings(path: Path, ratings: Iterable[GivenRating]) -> None:
    """Write them, in their order.

    Raises:
        OSError: the disk refuses.
    """
    lines = (json.dumps(rating.model_dump(), ensure_ascii=False) for rating in ratings)
    write_file(path, "".join(f"{line}\n" for line in lines).encode())


def read_given_ratings(path: Path) -> Iterator[GivenRating]:
    """Read them one after the other.

    Raises:
        DataError: the file cannot be read, or a line is none; the message names it.
    """
    for place, record in each_record(path):
        if isinstance(record, BrokenRecord):
            raise DataError(f"{path}: {place}: not JSON ({record.message})")
        try:
            yield GivenRating.model_validate(record)
        except ValidationError as error:
            raise DataError(f"{path}: {place}: {first_fault(error)}") from None
