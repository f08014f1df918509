"""Who calls about what: every profile with every topic, each profile once before the first comes again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from csc_tasks.data.domains import ROLE_PLAYED
from csc_tasks.errors import ConfigError
from csc_tasks.synthesis.journal import digest_of
from csc_tasks.synthesis.playing.profile_files import read_profiles
from csc_tasks.synthesis.playing.profiles import Profile, made_profiles
from csc_tasks.synthesis.playing.roleplay import Setting
from csc_tasks.synthesis.playing.scripted import card_on

__all__ = ["Casting", "cast"]

OWN = 2000
"""Profiles that are made where none are given; RoleCS had 1,948."""


class Casting(NamedTuple):
    """The settings of a run.

    Attributes:
        settings: in order.
        source: what identifies them, for the run's signature.
        words: the same in a few words.
        remarks: what a user should know of them.
    """

    settings: Sequence[Setting]
    source: Mapping[str, Any]
    words: str
    remarks: tuple[str, ...] = ()


def cast(profiles: Path | None, topics: str, seed: int, scripted: bool, dry_run: bool = False) -> Casting:
    """Pair profiles and topics.

    The k-th setting has the k-th profile, counted round and round, and another topic each round: the first settings of
    a run, however few, have all topics and no profile twice.

    Args:
        profiles: a file of them; by default csconv's own, by seed.
        topics: names with commas; by default the seven of RoleCS.
        seed: of csconv's own profiles.
        scripted: whether scripts play, who need a case card each.
        dry_run: the same, and any card does for a topic of a user's own.

    Raises:
        DataError: the file is wrong; the message names the line.
        ConfigError: a topic is named twice, or scripts know no case on it.
    """
    remarks: tuple[str, ...] = ()
    people: Sequence[Profile]
    if profiles is None:
        people, words = made_profiles(OWN, seed), f"{OWN:,} profiles of csconv's own"
    else:
        read = read_profiles(profiles)
        people, words = read.profiles, f"{len(read.profiles):,} profiles of a user's own"
        if read.repeated:
            line, first = read.repeated[0]
            remarks = (
                f"{profiles}: {len(read.repeated):,} profiles stand there twice and are taken once (line {line} says "
                f"what line {first} says)",
            )
        if scripted:
            remarks += (
                f"--offline: scripts play the customers of the case cards, and not those of {profiles}",
            )
    named = [name.strip() for name in topics.split(",") if name.strip()] or list(map(str, ROLE_PLAYED))
    if len(set(named)) < len(named):
        raise ConfigError(f"--topics {topics}: a topic is named twice")
    settings = []
    for number in range(len(people) * len(named)):
        person, round_ = number % len(people), number // len(people)
        topic = named[(person + round_) % len(named)]
        on = topic if scripted or topic in set(ROLE_PLAYED) else ROLE_PLAYED[0]
        card = card_on(on, person // len(named) + round_) if scripted or dry_run else ""
        settings.append(Setting(people[person].text, topic, card))
    source = {"profiles": digest_of([p.text for p in people])[:16], "topics": named}
    return Casting(settings, source, f"{words} × {len(named)} topics", remarks)
