"""Keys and passwords: which names and texts are theirs, and how a text is shown without them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

__all__ = [
    "HIDDEN",
    "SHORTEST",
    "is_secret",
    "secrets_of",
    "without_secret_pairs",
    "without_secret_values",
    "without_secrets",
]

_WORDS = re.compile(r"[a-z0-9]+|[A-Z]+(?![a-z])|[A-Z][a-z0-9]*")
_SECRET_WORDS = """
    token key apikey secret password passwd pwd passphrase credential credentials
    auth authorization bearer header headers cookie cookies sig signature
"""
_SECRET = frozenset(f"{_SECRET_WORDS}".split())
_ENDINGS = ("token", "apikey", "password", "secret", "credentials")
_TOKENIZERS = """
    bos eos pad unk sep cls mask prefix think thinking reasoning image video audio begin start end stop special
"""
_NOT_SECRET = {"token": frozenset(f"{_TOKENIZERS}".split()), "key": frozenset(["num"])}
"""Words beside which these two name no secret: what every tokenizer has, and counts of a network's parts."""
_SHAPES = re.compile(
    r"\b(?:sk-[\w-]{8,}|hf_\w{16,}|gh[oprsu]_\w{16,}|AKIA\w{12,}|xox[a-z]-[\w-]+|eyJ[\w-]{10,2000}\.[\w.-]+)"
    r"|\bBearer\s{1,9}[^\s'\",;)}\]]+"
)
"""What keys of well-known services look like, wherever they stand."""
HIDDEN = "(secret)"
"""What stands in the place of a secret."""
_USER = re.compile(r"(?<=://)[^/@\s]{0,1000}@")
"""Name and password in an address; bounded, so that the time is that of a text's length."""
_PAIR = re.compile(
    r"""(?P<name>["'][\w-]{1,60}["'])(?P<is>\s{0,3}[:=,]\s{0,3})(?P<quote>["'])(?P<value>[^"'\n]{1,4000})(?P=quote)"""
)
"""A name and its value as dictionaries, JSON and lists of headers write them."""
SHORTEST = 8
"""Letters that a value must have to be looked for wherever it stands: ``KEY=1`` is no secret."""


def is_secret(name: str) -> bool:
    """Whether something of this name (an argument, a header, a variable) is a secret."""
    words = {word.lower() for word in _WORDS.findall(name)}
    found = {word for word in words if word in _SECRET or word.endswith(_ENDINGS)}
    return any(not words & _NOT_SECRET.get(word, frozenset()) for word in found)


def secrets_of(environment: Mapping[str, str] = os.environ) -> frozenset[str]:
    """The values of variables whose names say that they are secrets, as far as they are long enough to be."""
    return frozenset(
        value
        for name, value in environment.items()
        # SSH_AUTH_SOCK and the like name a place.
        if len(value) >= SHORTEST and is_secret(name) and not value.startswith(("/", "~", "."))
    )


def without_secret_values(value: Any) -> Any:
    """A JSON value with whatever bears a secret's name hidden."""
    if isinstance(value, dict):
        return {
            name: HIDDEN if is_secret(str(name)) else without_secret_values(each)
            for name, each in value.items()
        }
    return [without_secret_values(each) for each in value] if isinstance(value, list) else value


def without_secrets(text: str, known: frozenset[str] = frozenset()) -> str:
    """The text without what looks like a key, and without names and passwords in addresses.

    Args:
        text: of whatever origin.
        known: secrets that are looked for as they are.
    """
    text = _SHAPES.sub(HIDDEN, _USER.sub("", text))
    for secret in known:
        text = text.replace(secret, HIDDEN)
    return text


def without_secret_pairs(text: str) -> str:
    """The text with the values hidden that stand beside a secret's name, as in ``'Authorization': 'Bearer x'``."""

    def hidden(match: re.Match[str]) -> str:
        if not is_secret(match["name"]):
            return match[0]
        return f"{match['name']}{match['is']}{match['quote']}{HIDDEN}{match['quote']}"

    return _PAIR.sub(hidden, text)
