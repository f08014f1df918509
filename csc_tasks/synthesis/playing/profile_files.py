"""Files of customers: csconv's own, and users', one JSON object a line."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from csc_tasks.errors import ConfigError, DataError
from csc_tasks.outside import is_file_name, lines_of, open_regular, parse_json
from csc_tasks.storage import write_file
from csc_tasks.synthesis.playing.profiles import Profile, profile_of, text_of_attributes

__all__ = ["LONGEST_PROFILE", "ProfilesRead", "read_profiles", "require_new", "write_profiles"]

LONGEST_PROFILE = 5_000
"""Characters of a profile: it is sent with every question to the customer."""
_FORMS = '{"text": "你…"}, {"attributes": {"年龄": "34岁", …}} or {"profile": …} with either'


class ProfilesRead(NamedTuple):
    """The customers of a file.

    Attributes:
        profiles: each once, in the file's order.
        repeated: of each line that says what another one says, its number and the other's.
    """

    profiles: tuple[Profile, ...]
    repeated: tuple[tuple[int, int], ...]


def read_profiles(path: Path) -> ProfilesRead:
    """Read customers; what stands in them is never expanded or escaped.

    Raises:
        DataError: the file cannot be read, or a line is no customer: the message names line and cure.
    """
    profiles: dict[str, tuple[Profile, int]] = {}
    repeated: list[tuple[int, int]] = []
    for number, record in _records(path):
        profile = _profile(record, f"{path}:{number}")
        first = profiles.setdefault(profile.text, (profile, number))
        if first[1] != number:
            repeated.append((number, first[1]))
    if not profiles:
        raise DataError(f"{path}: no customers in it; write a line for each, like {_FORMS}")
    return ProfilesRead(tuple(profile for profile, _ in profiles.values()), tuple(repeated))


def _records(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        with open_regular(path) as file:
            for number, raw in enumerate(lines_of(file), 1):
                try:
                    line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                except UnicodeDecodeError:
                    raise DataError(f"{path}:{number}: not UTF-8; save the file as UTF-8") from None
                if not line:
                    continue
                try:
                    yield number, parse_json(line, twins=False)
                except ValueError:
                    raise DataError(
                        f"{path}:{number}: no JSON object; a customer is one line, like {_FORMS}"
                    ) from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise DataError(f"{path}: {error}") from None


def _profile(record: Any, place: str) -> Profile:
    if not isinstance(record, Mapping):
        raise DataError(f"{place}: no JSON object; a customer is one line, like {_FORMS}")
    said: dict[str, Any] = dict(record)
    if "profile" in said:
        name = "attributes" if isinstance(said["profile"], Mapping) else "text"
        if said.get(name, said["profile"]) != said["profile"]:
            raise DataError(f"{place}: profile and {name} say different things; keep one of them")
        said.setdefault("attributes" if isinstance(said["profile"], Mapping) else "text", said["profile"])
    attributes = _attributes(said.get("attributes"), place)
    text = said.get("text")
    if text is None and attributes:
        text = text_of_attributes(attributes, random.Random(json.dumps(attributes)))
    if text is None:
        names = ", ".join(f"{name!r:.40}" for name in list(record)[:5]) or "none"
        raise DataError(f"{place}: no text, attributes or profile in it (fields: {names}); write {_FORMS}")
    if not isinstance(text, str):
        raise DataError(f"{place}: text must be a string; write {_FORMS}")
    if not text.strip():
        raise DataError(f"{place}: the text is empty; describe the customer, or take the line out")
    if len(text) > LONGEST_PROFILE:
        raise DataError(
            f"{place}: {len(text):,} characters; a customer has {LONGEST_PROFILE:,} at most, for each question to the "
            "customer holds them all: shorten it"
        )
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"{place}: half a character (a lone surrogate) at offset {error.start}; mend it"
        ) from None
    return profile_of(text, attributes)


def _attributes(value: Any, place: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise DataError(f"{place}: attributes must be an object of names and values; write {_FORMS}")
    for name, each in value.items():
        if isinstance(each, bool) or not isinstance(each, (str, int, float)):
            raise DataError(f"{place}: the attribute {name!r:.40} must be a text or a number")
    return {str(name): str(each) for name, each in value.items()}


def require_new(path: Path, force: bool) -> None:
    """Check that nothing is overwritten that was not to be.

    Raises:
        ConfigError: it is, or no file can be written there.
    """
    if path.is_dir() or not is_file_name(path.name):
        raise ConfigError(f"--out {path}: not a file; name a new .jsonl file")
    if path.exists() and not force:
        raise ConfigError(f"--out {path}: is there; name another file, or overwrite it with --force")


def write_profiles(path: Path, profiles: Iterable[Profile]) -> None:
    """Write customers, whole or not at all."""
    lines = (json.dumps(profile.record(), ensure_ascii=False) for profile in profiles)
    write_file(path, "".join(f"{line}\n" for line in lines).encode())
