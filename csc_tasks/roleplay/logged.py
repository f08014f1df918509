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
    progress = CaseProgress(played.case)
    moves: list[Move] = []
    for said, heard in played.turns:
        moves.append(progress.supporter(said))
        if heard is not None:
            progress.customer(heard)
    outcome = LoggedOutcome(
        end=str(played.end),
        resolved_at=progress.resolved_at if progress.resolved else 0,
        broken=progress.granted or progress.promised,
        disclosed=progress.disclosed,
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
