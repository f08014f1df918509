"""The file of answers that a page exports, read back: it comes from outside, so that everything in it is checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from csc_tasks.errors import DataError, first_fault
from csc_tasks.outside import parse_json, read_file, require_shallow
from csc_tasks.printable import printable

__all__ = ["AnswersFile", "Id", "Person", "read_answers"]

_MOST = 200_000
"""Items of a file."""

Id = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
"""Of an item, and of content: sixteen digits of a digest."""
Person = Annotated[str, Field(min_length=1, max_length=80)]
"""The name of somebody, in one line."""


class AnswersFile(BaseModel):
    """What a page exports.

    Attributes:
        format: of the answers.
        file: the name of the file that was asked about, for people.
        fingerprint: of its content.
        person: who answered.
        exported: when, as the browser's clock had it.
        shown: the ids of all items on the page.
        items: an answer by id; what was not answered is absent.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Annotated[str, Field(max_length=60)]
    file: Annotated[str, Field(max_length=1000)]
    fingerprint: Id
    person: Person
    exported: Annotated[str, Field(max_length=60)]
    share: dict[str, int | None] = Field(default_factory=dict, max_length=20)
    shown: Annotated[list[Id], Field(max_length=_MOST)]
    items: Annotated[dict[Id, dict[str, Any]], Field(max_length=_MOST)]

    @field_validator("person")
    @classmethod
    def _in_one_line(cls, value: str) -> str:
        if not (name := printable(value)):
            raise ValueError("empty")
        return name


def read_answers(path: Path, form: str, fingerprint: str, file: str) -> AnswersFile:
    """Read what a page exported.

    Args:
        path: of the exported file.
        form: the format that its answers must have.
        fingerprint: that the file has which the answers are about.
        file: its name, for the message.

    Raises:
        DataError: it cannot be read, is none of these, or is about other content; both are named.
    """
    try:
        content = parse_json(read_file(path), twins=False)
        require_shallow(content)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise DataError(
            f"{path}: not a file of answers: {_short(error)}; export it from the page again"
        ) from None
    if not isinstance(content, dict) or content.get("format") != form:
        raise DataError(f"{path}: not a file of answers in the format {form}; export it from the page again")
    try:
        read = AnswersFile.model_validate(content)
    except ValidationError as error:
        raise DataError(f"{path}: {_short(first_fault(error))}") from None
    if read.fingerprint != fingerprint:
        raise DataError(
            f"{path}: made on {printable(read.file, 80)} with fingerprint {read.fingerprint}, and {file} has "
            f"{fingerprint}; name the file that the page was made of"
        )
    return read


def _short(said: object) -> str:
    return printable(str(said), 300)
