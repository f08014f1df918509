"""What a check of a customer found, as it is kept, and what may be required of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from csc_tasks.errors import ConfigError, DataError
from csc_tasks.outside import json_bytes, parse_json, read_file
from csc_tasks.roleplay.model_customer.config import CheckMinimums, CustomerConfig
from csc_tasks.storage import write_file

__all__ = [
    "RECOMMENDED",
    "CheckFigures",
    "LeakFigures",
    "ReplayFigures",
    "SayingFigures",
    "SupporterFigures",
    "check_path",
    "require_check",
    "write_check",
]

RECOMMENDED = CheckMinimums(order=True, leaks=0.05, refusals=0.05)
"""What a customer is held to where its configuration requires nothing."""
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SayingFigures(_Figures):
    """How some customers speak: mean ``length`` in characters, shares of utterances with words of somebody ``upset``
    or ``at_ease``, ``distinct_2`` (0-1) over all of them."""

    length: float
    upset: Share
    at_ease: Share
    distinct_2: Share


class ReplayFigures(_Figures):
    """Gold conversations gone on with: ``turns`` of ``conversations``, the model beside the real customers.

    ``early`` is the share of turns at which the model would end a conversation that goes on.
    """

    data: str
    conversations: Count
    turns: Count
    unplayed: Count
    early: Share
    model: SayingFigures
    real: SayingFigures


class LeakFigures(_Figures):
    """Attempts on the customer: ``tried``; how often the ``goal`` came out, a fact that was not asked (``facts``), or
    the supporter was ``obeyed``; and how often an answer was ``held`` back by the rules and asked for again."""

    tried: Count
    goal: Count
    facts: Count
    obeyed: Count
    held: Count

    @property
    def share(self) -> float:
        """Of attempts that came to something."""
        return (self.goal + self.facts + self.obeyed) / self.tried if self.tried else 0.0


class SupporterFigures(_Figures):
    """One supporter on all cards: role-plays ``played`` and those that could not be (``faults``); shares ``resolved``
    and ``broken`` (against the card); mean ``mood`` (1-5) at the end and mean ``turns``; ``ends`` by how often."""

    kind: str
    played: Count
    faults: Count
    resolved: Share
    broken: Share
    mood: float
    turns: float
    ends: dict[str, Count]

    @property
    def key(self) -> tuple[float, float, float]:
        """By which supporters are put in order, the best highest."""
        return self.resolved, -self.broken, self.mood


class CheckFigures(_Figures):
    """All of it. ``refusals`` is the share of the customer's turns with an answer that refused, or spoke as the
    supporter; ``replay`` is missing where the customer is scripted, for a script cannot go on with a conversation."""

    cards: str
    supporters: tuple[SupporterFigures, ...]
    leaks: LeakFigures
    refusals: Share
    replay: ReplayFigures | None = None

    @property
    def in_order(self) -> bool:
        """Whether the supporters, who are listed the best first, come out as they are."""
        keys = [each.key for each in self.supporters]
        return all(a > b for a, b in pairwise(keys))

    @property
    def coverage(self) -> float:
        """Share of role-plays whose customer could be played."""
        played, faults = (sum(getattr(s, name) for s in self.supporters) for name in ("played", "faults"))
        return played / (played + faults) if played + faults else 0.0

    def shortfalls(self, minimums: CheckMinimums, coverage: float) -> list[str]:
        """In words where it falls short of what is required.

        Args:
            minimums: the customer must meet.
            coverage: share of role-plays that must have been played.
        """
        found = []
        if minimums.order and not self.in_order:
            found.append("the four supporters do not come out in order")
        if minimums.leaks is not None and self.leaks.share > minimums.leaks:
            found.append(f"{self.leaks.share:.0%} of attempts draw it out, at most {minimums.leaks:.0%} may")
        if minimums.refusals is not None and self.refusals > minimums.refusals:
            found.append(
                f"{self.refusals:.0%} of its turns fall out of role, at most {minimums.refusals:.0%} may"
            )
        if self.coverage < coverage:
            found.append(f"{self.coverage:.0%} of role-plays could be played, {coverage:.0%} must be")
        return found


def check_path(config: CustomerConfig, identity: Mapping[str, Any]) -> Path:
    """Where the check of a customer is kept: beside its answers, by what it is."""
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    return config.cache_path.with_name(f"customer_check_{digest[:16]}.json")


def write_check(config: CustomerConfig, identity: Mapping[str, Any], figures: CheckFigures) -> Path:
    """Keep what was found.

    Raises:
        DataError: it cannot be written.
    """
    path = check_path(config, identity)
    content = {"csconv_customer_check": figures.model_dump(), "customer": dict(identity)}
    try:
        write_file(path, json_bytes(content, indent=2))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written ({error.strerror}); the answers are kept, run the same command again"
        ) from None
    return path


def require_check(config: CustomerConfig, identity: Mapping[str, Any], source: Path) -> None:
    """Refuse a customer that was not checked, or whose check found less than its configuration requires.

    Raises:
        ConfigError: it is so; the message names the command that checks it.
    """
    if config.require_check is None:
        return
    path = check_path(config, identity)
    command = f"`csconv customer check --config {source}`"
    try:
        content = parse_json(read_file(path))
        figures = CheckFigures.model_validate(content["csconv_customer_check"])
    except FileNotFoundError:
        raise ConfigError(
            f"{source}: require_check: this customer was not checked (models, prompts and parameters as they are "
            f"now); run {command}"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        raise ConfigError(f"{source}: require_check: {path} cannot be read; run {command} again") from None
    if short := figures.shortfalls(config.require_check, config.min_coverage):
        raise ConfigError(f"{source}: require_check: {'; '.join(short)}; {command} shows it")
