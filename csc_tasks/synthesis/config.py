"""``synthesis.yaml``: which model plays which role, and what a run may cost in answers.

What stands at the top holds for every role; under ``roles`` each may differ in any of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from csc_tasks.chat.config import EndpointConfig, differing, read_config
from csc_tasks.credentials import without_secret_values
from csc_tasks.errors import ConfigError
from csc_tasks.install import install_hint
from csc_tasks.synthesis.limits import Limits
from csc_tasks.synthesis.steps import Role
from csc_tasks.system.open_files import fitting

__all__ = ["SynthesisConfig", "load_synthesis"]

_TOKENS = ("max_tokens", "max_completion_tokens")
_OWN: Mapping[Role, Mapping[str, Any]] = {
    Role.SCREENER: {"temperature": 0.0},
    Role.CRITIC: {"temperature": 0.0},
    # A card has some 1,300 tokens, more than any other answer.
    Role.CARD_WRITER: {"max_tokens": 4096},
}
"""What a role has of its own where nobody says otherwise."""
_OF_THE_RUN = ("roles", "attempts", "limits")
_FOR_ALL = ("currency",)
"""What cannot differ between roles."""


class SynthesisConfig(EndpointConfig):
    """Who is asked, and how often.

    ``roles`` has for a role the fields in which it differs; ``attempts`` is how many answers are asked for one that
    can be used (1 to 20), in all runs together; ``concurrency`` how many conversations are made at once; ``limits``
    how long those of a role-play may be. Roles that judge (screener, critic) are asked at temperature 0 unless they say
    otherwise, the others at 0.8; a writer of case cards may answer at length (4,096 tokens).
    """

    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.8
    roles: dict[Role, dict[str, Any]] = Field(default={})
    attempts: Annotated[int, Field(ge=1, le=20)] = 6
    limits: Limits = Limits()

    @field_validator("roles", mode="before")
    @classmethod
    def _known_roles(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError("must be roles with fields, like planner: {model: …}")
        for role, fields in value.items():
            if role not in set(Role):
                raise ValueError(f"no such role {role!r:.40}; there are {', '.join(Role)}")
            if not isinstance(fields, dict):
                raise ValueError(f"{role}: must be fields, like {{model: …, temperature: 0.7}}")
            for name in fields:
                if name in _FOR_ALL or name in _OF_THE_RUN or name not in EndpointConfig.model_fields:
                    raise ValueError(f"{role}: {name!r:.40} is no field of a role")
        return value

    @field_validator("roles")
    @classmethod
    def _sound_roles(
        cls, value: dict[Role, dict[str, Any]], info: ValidationInfo
    ) -> dict[Role, dict[str, Any]]:
        for role in value:
            try:
                _of_role(info.data, role, value)
            except ValueError as error:
                raise ValueError(f"{role}: {error}") from None
        return value

    def of(self, role: Role) -> EndpointConfig:
        """How a role is asked."""
        fields = {name: getattr(self, name) for name in EndpointConfig.model_fields}
        return _of_role(fields, role, self.roles, self.model_fields_set)

    def identity(self, roles: Sequence[Role]) -> dict[str, Any]:
        """What can change an answer, by role: not where the model is served, nor how fast.

        It stands in journals and on cards: what a name in ``extra_body`` says is a secret is not in it.
        """
        left = ("base_url", "json_schema", "query")
        return {
            role: {
                name: without_secret_values(value)
                for name, value in self.of(role).parameters.items()
                if name not in left
            }
            for role in roles
        }


def _of_role(
    fields: Mapping[str, Any],
    role: Role,
    roles: Mapping[Role, Mapping[str, Any]],
    said: Set[str] = frozenset(),
) -> EndpointConfig:
    if not said.isdisjoint(_TOKENS) or fields.get("max_completion_tokens") is not None:
        said = said | set(_TOKENS)
    own = {name: value for name, value in _OWN.get(role, {}).items() if name not in said}
    return differing(fields, {**own, **roles.get(role, {})})


def load_synthesis(path: Path, roles: Sequence[Role]) -> SynthesisConfig:
    """The configuration in a file, with the keys of its roles known to be there, and the client that asks.

    Args:
        path: of the file.
        roles: that will be asked.

    Raises:
        ChatError: it is wrong, or a key is not set.
        ConfigError: the client is not installed.
    """
    if find_spec("aiohttp") is None:
        raise ConfigError(f"asking models needs aiohttp: {install_hint('synthesis')}")
    config = read_config(path, SynthesisConfig)
    for role in roles:
        config.of(role).key()
    most = fitting(config.concurrency, 2, "connections to models")
    return config.model_copy(update={"concurrency": most})
