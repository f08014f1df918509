"""``customer.yaml``: which model plays customers, how it is asked, and what its play must be worth."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from csc_tasks.chat.config import EndpointConfig, differing, read_config
from csc_tasks.chat.spending import require_prices
from csc_tasks.credentials import without_secret_values, without_secrets
from csc_tasks.errors import ChatError, ConfigError, first_fault
from csc_tasks.install import install_hint
from csc_tasks.metrics.roleplay import MIN_COVERAGE
from csc_tasks.roleplay.model_customer.information import CustomerRole
from csc_tasks.roleplay.model_customer.prompts import CUSTOMER_PROMPT, load_customer_prompts
from csc_tasks.storage import at_home, cache_folder
from csc_tasks.system.open_files import fitting

__all__ = ["CheckMinimums", "CustomerConfig", "load_customer"]

_FOR_BOTH = ("currency",)
"""What cannot differ between the two roles."""

Share = Annotated[float, Field(ge=0, le=1)]


class CheckMinimums(BaseModel):
    """What ``csconv customer check`` must have found: supporters in order, and shares 0-1 that are not exceeded."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)

    order: bool = True
    leaks: Share | None = None
    refusals: Share | None = None


class CustomerConfig(EndpointConfig):
    """Which model plays customers.

    ``prompt`` is the version of what it is told; ``attempts`` how many answers are asked for one that can be used (1 to
    20); ``min_coverage`` the share 0-1 of role-plays without a fault of the customer's below which scores are
    withheld; ``cache`` the file of answers; ``budget`` what a process may spend in a run, in ``currency``;
    ``require_check`` what its check must have found; ``director`` the fields in which the first of the two roles is
    asked otherwise.
    """

    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.7
    prompt: str = CUSTOMER_PROMPT
    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    min_coverage: Share = MIN_COVERAGE
    cache: Path | None = None
    budget: Annotated[float, Field(ge=0)] | None = None
    require_check: CheckMinimums | None = None
    director: dict[str, Any] = Field(default={})

    @field_validator("prompt")
    @classmethod
    def _known_prompt(cls, value: str) -> str:
        try:
            load_customer_prompts(value)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("cache")
    @classmethod
    def _at_home(cls, value: Path | None) -> Path | None:
        return at_home(value) if value else None

    @field_validator("director", mode="before")
    @classmethod
    def _fields_of_a_role(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError("must be fields in which the director differs, like {model: …, temperature: 0}")
        for name in value:
            if name in _FOR_BOTH or name not in EndpointConfig.model_fields:
                raise ValueError(f"{without_secrets(str(name))!r:.40} is no field of the director's")
        return value

    @field_validator("director")
    @classmethod
    def _sound_director(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "model" not in info.data or "base_url" not in info.data:  # wrong themselves, and said to be
            return value
        try:
            differing(info.data, value)
        except ValidationError as error:
            raise ValueError(first_fault(error)) from None
        return value

    def of(self, role: CustomerRole) -> EndpointConfig:
        """How a role is asked."""
        fields = {name: getattr(self, name) for name in EndpointConfig.model_fields}
        return differing(fields, self.director if role is CustomerRole.DIRECTOR else {})

    def parameters_of(self, role: CustomerRole) -> Mapping[str, Any]:
        """What can change a role's answers, as JSON values, without secrets."""
        shown: dict[str, Any] = without_secret_values(self.of(role).parameters)
        return shown

    @property
    def cache_path(self) -> Path:
        """The file of answers."""
        return self.cache or cache_folder() / "customer_cache.sqlite"


def load_customer(path: Path) -> CustomerConfig:
    """The configuration in a file, with its keys known to be there, and the client that asks.

    Raises:
        ChatError: it is wrong, or a key is not set: with the file and every field, without the values in it.
        ConfigError: the client is not installed, or a budget cannot be held.
    """
    if find_spec("aiohttp") is None:
        raise ConfigError(f"a customer played by a model needs aiohttp: {install_hint('judge')}")
    config = read_config(path, CustomerConfig)
    for role in CustomerRole:
        try:
            config.of(role).key()
        except ChatError as error:
            raise ChatError(f"{path}: {error}") from None
        if config.budget is not None:
            require_prices(config.of(role), str(path))
    # A connection is one open file, and a name that is looked up another.
    most = fitting(config.concurrency, 2, "connections to the customer's model")
    return config.model_copy(update={"concurrency": most})
