"""The errors a user can act on; every message names the place and the cure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from csc_tasks.install import install_hint


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
