"""How a model at an endpoint is asked: one YAML file, read once into a typed object. Keys stay in the environment."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from csc_tasks.credentials import is_secret
from csc_tasks.errors import ChatError
from csc_tasks.system.yaml_file import read_yaml

__all__ = ["EndpointConfig", "differing", "read_config"]

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
# The request is ours; these would replace it, or turn the answer into something else.
# max_completion_tokens stood here before it was a field, and kept answers go by what stands here.
_RESERVED = {"model", "messages", "temperature", "seed", "max_tokens", "response_format", "stream", "n"}

UNLIMITED = 4096
"""Tokens that an answer is counted at beforehand where no limit is sent."""

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class EndpointConfig(BaseModel):
    """Which model is asked where, and how.

    ``temperature``, ``seed`` and ``max_tokens`` are left out of the request where they are ``None``, as is
    ``max_completion_tokens``, which newer models take in place of ``max_tokens``: whoever sets it need not unset
    the other.
    ``timeout`` is in seconds for a whole answer; ``backoff`` the first pause before a retry, doubled each
    time up to ``max_backoff``; a response of more than ``max_answer_mb`` is not read to its end; prices are in
    ``currency`` for a million tokens. Without ``api_key_env`` no key is sent; with ``api_key_header`` it is sent in
    that header instead of as a bearer token. ``query`` stands behind the address of each request
    (``api-version: "2024-10-21"``, as Azure wants).
    """

    # Inputs are kept out of messages: a key written into the wrong place must not be printed.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)

    model: Annotated[str, Field(min_length=1)]
    base_url: str
    query: dict[str, str] = {}
    api_key_env: str | None = None
    api_key_header: str | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.0
    seed: int | None = 0
    max_tokens: Count | None = 1024
    max_completion_tokens: Count | None = None
    json_schema: Literal["auto", "on", "off"] = "auto"
    extra_body: dict[str, Any] = {}
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 16
    timeout: Positive = 120.0
    retries: Annotated[int, Field(ge=0, le=20)] = 6
    backoff: Positive = 1.0
    max_backoff: Positive = 60.0
    max_answer_mb: Positive = 8.0
    requests_per_minute: Positive | None = None
    tokens_per_minute: Positive | None = None
    input_price: Annotated[float, Field(ge=0)] | None = None
    output_price: Annotated[float, Field(ge=0)] | None = None
    currency: str = "USD"

    @model_validator(mode="before")
    @classmethod
    def _one_limit(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and fields.get("max_completion_tokens") is not None:
            return {"max_tokens": None, **fields}
        return fields

    @field_validator("base_url")
    @classmethod
    def _plain_url(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
        except ValueError:
            raise ValueError("not a URL") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must begin with http:// or https:// and name a host, like https://host/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError(
                "must have no user, password or query; a key belongs into the environment (api_key_env), what else "
                "stands behind a ? into query"
            )
        return value.rstrip("/").removesuffix("/chat/completions")

    @field_validator("json_schema", mode="before")
    @classmethod
    def _switch(cls, value: Any) -> Any:
        # YAML reads on and off as true and false.
        return ("off", "on")[value] if isinstance(value, bool) else value

    @field_validator("query", mode="before")
    @classmethod
    def _plain_query(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError('must be names with values, like api-version: "2024-10-21"')
        if secret := next((name for name in value if is_secret(str(name))), None):
            raise ValueError(
                f"{secret!r:.40} is a key's name; a key belongs into the environment (api_key_env)"
            )
        # YAML reads 2024-10-21 as a date and 1 as a number; as text they are what was written.
        return {str(name): str(each) for name, each in value.items()}

    @field_validator("api_key_header")
    @classmethod
    def _header(cls, value: str | None) -> str | None:
        if value is not None and not _HEADER.fullmatch(value):
            raise ValueError("must be the name of a header, like api-key")
        return value

    @field_validator("api_key_env")
    @classmethod
    def _variable(cls, value: str | None) -> str | None:
        if value is not None and not _VARIABLE.fullmatch(value):
            raise ValueError(
                "must be the name of an environment variable (capitals, digits, _), not the key itself"
            )
        return value

    @field_validator("max_completion_tokens")
    @classmethod
    def _not_both(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and info.data.get("max_tokens") is not None:
            raise ValueError("in place of max_tokens, not beside it: no model takes both")
        return value

    @field_validator("extra_body")
    @classmethod
    def _additions(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "max_completion_tokens" in value and info.data.get("max_completion_tokens") is not None:
            raise ValueError("max_completion_tokens cannot be set here as well")
        if taken := sorted(_RESERVED & value.keys()):
            raise ValueError(f"{taken[0]} cannot be set here")
        try:
            json.dumps(value, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError, RecursionError):  # a date, for instance, which YAML has and JSON not
            raise ValueError("must hold what JSON can say: texts, numbers, true, false, null") from None
        return value

    @property
    def parameters(self) -> dict[str, Any]:
        """What can change an answer, and with it the answer's identity; speed and patience cannot."""
        names = ("model", "base_url", "temperature", "seed", "max_tokens", "json_schema", "extra_body")
        found = {name: getattr(self, name) for name in names}
        if (
            self.max_completion_tokens is not None
        ):  # without it, what identifies an answer is what it was before
            found["max_completion_tokens"] = self.max_completion_tokens
        if self.query:
            found["query"] = self.query
        return found

    @property
    def limit(self) -> int | None:
        """Tokens that an answer can have at most; ``None`` where no limit is sent."""
        extra = self.extra_body.get("max_completion_tokens")
        return (
            self.max_completion_tokens
            or self.max_tokens
            or (extra if isinstance(extra, int) and extra > 0 else None)
        )

    @property
    def longest(self) -> int:
        """Tokens that an answer is counted at before it is there."""
        return self.limit or UNLIMITED

    @property
    def sent(self) -> dict[str, Any]:
        """The fields of every request, besides the seed, which may be another each time."""
        names = ("temperature", "max_tokens", "max_completion_tokens")
        own = {name: value for name in names if (value := getattr(self, name)) is not None}
        return {**self.extra_body, "model": self.model, **own}

    @property
    def priced(self) -> bool:
        """Whether a request can be priced."""
        return self.input_price is not None and self.output_price is not None

    def cost(self, prompt: float, completion: float) -> float:
        """The price in ``currency`` of so many tokens; 0 without prices."""
        return ((self.input_price or 0.0) * prompt + (self.output_price or 0.0) * completion) / 1e6

    def key(self) -> str | None:
        """The API key, from the environment.

        Raises:
            ChatError: the variable is not set, or what it holds cannot be sent.
        """
        if self.api_key_env is None:
            return None
        key = os.environ.get(self.api_key_env, "").strip()
        if not key:
            raise ChatError(
                f"the environment variable {self.api_key_env}, which api_key_env names, is not set"
            )
        if not key.isascii() or not key.isprintable():
            raise ChatError(f"the environment variable {self.api_key_env} holds characters that no key has")
        return key


def differing(fields: Mapping[str, Any], more: Mapping[str, Any]) -> EndpointConfig:
    """How a role is asked that differs in some fields from the others.

    Args:
        fields: of all; those that no endpoint has are passed over.
        more: those in which it differs.

    Raises:
        ValidationError: they are wrong together.
    """
    own = dict(more)
    if own.get("max_completion_tokens") is not None:
        own.setdefault("max_tokens", None)
    elif own.get("max_tokens") is not None:
        own.setdefault("max_completion_tokens", None)
    known = {name: value for name, value in fields.items() if name in EndpointConfig.model_fields}
    return EndpointConfig(**{**known, **own})


Config = TypeVar("Config", bound=EndpointConfig)


def read_config(path: Path, kind: type[Config]) -> Config:
    """Read a configuration of a kind.

    Raises:
        ChatError: with the file and every field that is wrong, without the values in it.
    """
    fields = read_yaml(path, ChatError)
    if not isinstance(fields, dict):
        raise ChatError(f"{path}: must hold fields like `model: …` and `base_url: …`")
    try:
        return kind(**{str(name): value for name, value in fields.items()})
    except ValidationError as error:
        what = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {_message(e, kind)}" for e in error.errors(include_input=False)
        )
        raise ChatError(f"{path}: {what}") from None


def _message(error: Any, kind: type[EndpointConfig]) -> str:
    if error["type"] == "extra_forbidden":
        known = ", ".join(kind.model_fields)
        return f"no such field; there are {known}. A key belongs into the environment (api_key_env)"
    return str(error["msg"]).removeprefix("Value error, ")
