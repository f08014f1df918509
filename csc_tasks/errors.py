"""The errors a user can act on; every message names the place and the cure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from csc_tasks.install import install_hint

if TYPE_CHECKING:
    from pydantic import ValidationError


class CSConvError(Exception):
    """Something the user can mend. Commands print the message alone, without a traceback."""


class DataError(CSConvError):
    """A conversation file cannot be read or breaks the schema."""


class SourceError(CSConvError):
    """The data named by ``csconv_data`` cannot be had: unknown name, no network, refused, absent."""


class ConfigError(CSConvError):
    """An option has a value that csconv does not know, or two options contradict each other."""


class HarnessError(CSConvError):
    """The installed lm-eval is absent, unsupported, or cannot be written to."""


@contextmanager
def needs_extra(what: str, extra: str) -> Iterator[None]:
    """Say which extra of csconv's to install where an import within fails.

    Raises:
        ConfigError: a package is not installed; the message begins with ``what``.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        raise ConfigError(f"{what} needs {missing.name}: {install_hint(extra)}") from None


def first_fault(error: ValidationError) -> str:
    """The first field of an object that is wrong, and how: ``data.name: field required``."""
    fault = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, fault["loc"]))
    if fault["type"] in ("dict_type", "model_type"):
        how = "must be an object"
    else:
        how = fault["msg"].removeprefix("Value error, ")
    return f"{place}: {how[:1].lower()}{how[1:]}" if place else how


class ChatError(CSConvError):
    """A model at an endpoint cannot be asked, or its answers cannot be kept; no message holds a key."""
