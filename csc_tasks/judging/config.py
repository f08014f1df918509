"""The judge's configuration: an endpoint's, and what its verdicts must be worth."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from csc_tasks.chat.config import EndpointConfig, read_config
from csc_tasks.errors import ConfigError
from csc_tasks.install import install_hint
from csc_tasks.storage import at_home
from csc_tasks.system.open_files import fitting

__all__ = ["JudgeConfig", "load_config", "load_judge"]


class JudgeConfig(EndpointConfig):
    """Which model judges, and how it is asked.

    ``reasks`` is how often a question is put again whose answer was no verdict, in all runs together (at most 20);
    ``min_coverage`` is the share 0–1 of verdicts below which scores are withheld; ``require_probe`` the share
    of the probe that the judge must put in order; ``cache`` the file of verdicts.
    """

    reasks: Annotated[int, Field(ge=0, le=20)] = 2
    min_coverage: Annotated[float, Field(ge=0, le=1)] = 0.98
    require_probe: Annotated[float, Field(ge=0, le=1)] | None = None
    cache: Path | None = None

    @field_validator("cache")
    @classmethod
    def _at_home(cls, value: Path | None) -> Path | None:
        return at_home(value) if value else None


def load_config(path: Path) -> JudgeConfig:
    """Read a configuration.

    Raises:
        ChatError: with the file and every field that is wrong, without the values in it.
    """
    return read_config(path, JudgeConfig)


def load_judge(path: Path) -> JudgeConfig:
    """The configuration in a file, with its key known to be there, and the client that asks.

    Raises:
        ChatError: it is wrong, or the key is not set.
        ConfigError: the client is not installed.
    """
    if find_spec("aiohttp") is None:
        raise ConfigError(f"the judge needs aiohttp: {install_hint('judge')}")
    config = load_config(path)
    config.key()
    # A connection is one open file, and a name that is looked up another.
    most = fitting(config.concurrency, 2, "connections to the judge")
    return config.model_copy(update={"concurrency": most})
