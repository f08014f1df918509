"""Whole role-plays of a log for people to read: a few of them, the same of every model."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Mapping
from typing import Any

from csc_tasks.errors import DataError
from csc_tasks.leaderboards.browsed import BrowsedCase, BrowsedExchange, BrowsedRolePlay
from csc_tasks.leaderboards.reading.outcomes import outcome_sentences
from csc_tasks.metrics import UNREADABLE
from csc_tasks.protocol.replies import Reply
from csc_tasks.results.role_play_log import LoggedRolePlay, LoggedRolePlayTurn, name_of
from csc_tasks.results.sample_log import SampleLog

__all__ = ["kept_cases", "kept_role_plays", "outcome_words", "read_role_plays"]


def read_role_plays(
    log: SampleLog, most: int | None
) -> tuple[tuple[BrowsedCase, ...], dict[str, BrowsedRolePlay]]:
    """Cases in the order of cards and trials, and what the model made of each, by the case's id.

    Args:
        log: of role-plays.
        most: how many: first trials before second ones, then those whose card has the smallest hash; ``None`` for all.

    Raises:
        DataError: a line of the log is damaged.
    """
    heap: list[tuple[tuple[int, int], int, LoggedRolePlay]] = []
    for number, played in enumerate(log.role_plays()):
        entry = (-played.trial, -int.from_bytes(hashlib.sha256(played.card.encode()).digest()[:8]))
        if most is None or len(heap) < most:
            heapq.heappush(heap, (entry, number, played))
        elif heap and entry > heap[0][0]:
            heapq.heapreplace(heap, (entry, number, played))
    chosen = sorted((played for _, _, played in heap), key=lambda played: (played.card, played.trial))
    try:
        return tuple(map(_case, chosen)), {_id(played): _role_play(played) for played in chosen}
    except (LookupError, TypeError, ValueError) as error:
        raise DataError(f"{log.path}: a reply in it is not as csconv logs it ({error})") from None


def outcome_words(played: LoggedRolePlay) -> list[str]:
    """What became of a role-play of a log, a sentence each."""
    outcome = played.outcome
    return outcome_sentences(
        outcome.end, outcome.resolved_at, outcome.missing, outcome.broken, outcome.disclosed, played.mood
    )


def _id(played: LoggedRolePlay) -> str:
    return name_of(played.card, played.trial)


def _case(played: LoggedRolePlay) -> BrowsedCase:
    case = played.case
    return BrowsedCase(
        id=_id(played),
        card=played.card,
        trial=played.trial,
        topic=played.topic,
        who=case.who,
        scenario=case.scenario,
        goal=case.goal,
        satisfied=case.satisfied,
        system_information=tuple(case.system_information),
        facts=tuple(case.facts),
        optional=tuple(case.optional),
        steps=case.steps,
        demand=case.demand,
    )


def _role_play(played: LoggedRolePlay) -> BrowsedRolePlay:
    outcome = played.outcome
    return BrowsedRolePlay(
        tuple(_exchange(record, turn) for record, turn in played.turns),
        outcome.end,
        outcome.resolved_at,
        outcome.broken,
        outcome.disclosed,
        tuple(outcome.missing),
        played.mood,
    )


def _exchange(record: Mapping[str, Any], turn: LoggedRolePlayTurn) -> BrowsedExchange:
    reply, did, heard = Reply.of(record), turn.did, turn.heard
    return BrowsedExchange(
        strategy=UNREADABLE if reply.strategy is None else reply.strategy.index,
        text=reply.text,
        asked=tuple(did.asked),
        done=tuple(did.done),
        marks=tuple(did.marks),
        figures=tuple(did.figures),
        customer=None if heard is None else heard.text,
        mood=0 if heard is None else heard.mood,
        told=() if heard is None else tuple(heard.told),
        direction="" if heard is None else heard.direction,
        fault="" if heard is None else heard.fault or "",
    )


def kept_cases(kept: list[dict[str, Any]]) -> tuple[BrowsedCase, ...]:
    """Cases, from their fields as JSON keeps them."""
    return tuple(BrowsedCase(**_tuples(case)) for case in kept)


def kept_role_plays(kept: Mapping[str, dict[str, Any]]) -> dict[str, BrowsedRolePlay]:
    """Role-plays by the ids of their cases, from their fields as JSON keeps them."""
    return {
        name: BrowsedRolePlay(
            **{
                **_tuples(played),
                "exchanges": tuple(BrowsedExchange(**_tuples(each)) for each in played["exchanges"]),
            }
        )
        for name, played in kept.items()
    }


def _tuples(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
