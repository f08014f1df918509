"""What a log tells of a role-play that was just played."""

from __future__ import annotations

from csc_tasks.results.role_play_log import (
    LoggedCase,
    LoggedCustomer,
    LoggedMove,
    LoggedOutcome,
    LoggedRolePlayTurn,
)
from csc_tasks.roleplay.playing import Played
from csc_tasks.roleplay.progress import CaseProgress, Move
from csc_tasks.roleplay.transcript import CustomerTurn

__all__ = ["logged_turns"]

_MARKS = (
    "identity", "refused", "granted", "promised", "disclosed", "rude", "comforts", "goodbye", "elsewhere", "repeated",
)  # fmt: skip


def logged_turns(played: Played, trial: int) -> list[LoggedRolePlayTurn]:
    """What stands beside each reply of a role-play."""
    progress, moves = played.read()
    outcome = LoggedOutcome(
        end=str(played.end),
        resolved_at=progress.resolved_at if progress.resolved else 0,
        broken=progress.granted or progress.promised,
        disclosed=progress.disclosed,
        missing=_missing(progress),
    )
    last = len(played.turns) - 1
    return [
        LoggedRolePlayTurn(
            trial=trial,
            heard=None if heard is None else _heard(heard),
            did=_did(move),
            case=_case(played) if n == 0 else None,
            outcome=outcome if n == last else None,
        )
        for n, ((_, heard), move) in enumerate(zip(played.turns, moves, strict=True))
    ]


def _heard(turn: CustomerTurn) -> LoggedCustomer:
    return LoggedCustomer(
        text=turn.text,
        end=str(turn.end),
        mood=turn.mood,
        told=list(turn.told),
        direction=turn.direction,
        fault=None if turn.fault is None else str(turn.fault),
        again=[str(fault) for fault in turn.again],
    )


def _missing(progress: CaseProgress) -> list[str]:
    """What was not done that the card asks for."""
    case, open_facts, open_steps = progress.case, progress.open_facts, progress.open_steps
    steps = len(case.needed_steps)
    named = {
        "not asked: ": [name for name in open_facts if name not in progress.asked_for],
        "asked and not answered: ": [name for name in open_facts if name in progress.asked_for],
    }
    missing = [heading + ", ".join(names) for heading, names in named.items() if names]
    if open_steps:
        # Until it is asked, no step counts whose own words are private.
        unasked = not progress.verified and not case.private_steps.isdisjoint(open_steps)
        missing += ["not asked who they are"] if unasked else []
        missing.append(f"{steps - len(open_steps)} of {steps} step{'s' * (steps > 1)}")
    if progress.demanded and not progress.refused:
        missing.append("demand not refused")
    return missing


def _did(move: Move) -> LoggedMove:
    return LoggedMove(
        asked=[fact.name for fact in (*move.asked, *move.asked_again)],
        done=[n + 1 for n in move.done],
        marks=[name for name in _MARKS if getattr(move, name)],
        figures=sorted(move.figures),
    )


def _case(played: Played) -> LoggedCase:
    case, card = played.case, played.case.card
    return LoggedCase(
        who=card.who,
        scenario=card.scenario,
        goal=case.goal,
        satisfied=card.satisfied,
        system_information=list(case.system_information),
        facts=[fact.name for fact in case.needed],
        optional=[fact.name for fact in card.facts if fact.optional],
        steps=len(case.needed_steps),
        demand=card.demand.because if card.demand else "",
    )
