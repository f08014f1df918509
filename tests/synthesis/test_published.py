"""What a run's card names by version is what it was: a change of wording is a new file under a new name."""

from __future__ import annotations

import hashlib
from importlib import resources

import pytest


@pytest.mark.parametrize(
    ("room", "file", "digest"),
    [
        ("synthesis", "data/profiles-zh-1.toml", "9e18803c8d756a0a"),
        ("synthesis", "data/script-zh-1.toml", "5a9cb88c584da569"),
        ("roleplay", "cards/cards-zh-1.toml", "09d1c3d6aaae7c74"),
    ],
)
def test_a_published_version_never_changes(room: str, file: str, digest: str) -> None:
    data = (resources.files(f"csc_tasks.{room}") / file).read_bytes()
    assert hashlib.sha256(data).hexdigest()[:16] == digest
