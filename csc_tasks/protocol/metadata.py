"""Values of ``--metadata csconv_…=…`` as typed fields, whatever a command line made of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from csc_tasks.errors import ConfigError
from csc_tasks.storage import at_home, cache_folder

__all__ = ["AtLeastOne", "FromMetadata", "FromZero", "Name", "Source", "Switch", "Vectors", "kept_vectors"]


def _name(value: object) -> object:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ValueError("must be a name or a path")
    return value


def _source(value: object) -> object:
    if value is not None and not isinstance(value, str):
        raise ValueError("must be 'hub', 'modelscope', 'mini' or a path")
    return value


def _whole(lowest: int) -> BeforeValidator:
    def check(value: object) -> object:
        if value is None:
            return None
        try:
            number = int(str(value))  # a command line gives 3, a quoted one "3"
        except ValueError:
            number = lowest - 1
        if number < lowest or isinstance(value, bool):
            raise ValueError(f"must be a whole number from {lowest} on")
        return number

    return BeforeValidator(check)


def _switch(value: object) -> bool:
    word = str(value).lower()
    if word not in {"true", "false", "1", "0"}:
        raise ValueError("must be true or false")
    return word in {"true", "1"}


def kept_vectors() -> Path:
    """The folder of vectors in csconv's cache."""
    return cache_folder() / "vectors"


def _vectors(value: object) -> object:
    if value is None or value is False or value == "false":
        return None
    if value is True or value == "true":
        return kept_vectors()
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a folder, or true for one in csconv's cache")
    return at_home(value)


Name = Annotated[str | None, BeforeValidator(_name)]
"""A name or a path."""
Source = Annotated[str | None, BeforeValidator(_source)]
"""Where conversations come from: ``hub``, ``modelscope``, ``mini`` or a path."""
FromZero = Annotated[int | None, _whole(0)]
AtLeastOne = Annotated[int | None, _whole(1)]
Vectors = Annotated[Path | None, BeforeValidator(_vectors)]
"""Where vectors are kept: a folder, or true for the one in csconv's cache."""
Switch = Annotated[bool, BeforeValidator(_switch)]


class FromMetadata(BaseModel):
    """Options that are read once and never change; a field's alias is its key."""

    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)

    @classmethod
    def keys(cls) -> frozenset[str]:
        """The keys that are read."""
        return frozenset(field.alias for field in cls.model_fields.values() if field.alias)

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> Self:
        """The options in a run's metadata; other keys are passed over.

        Raises:
            ConfigError: a value that cannot be; the message names key, value and what it must be.
        """
        try:
            return cls.model_validate(dict(options))
        except ValidationError as error:
            first = error.errors()[0]
            key = str(first["loc"][0])
            message = first["msg"].removeprefix("Value error, ")
            raise ConfigError(f"--metadata {key}={options[key]!r}: {message}") from None
