"""What became of a role-play: its figures, and what a log and a page tell of it."""

from __future__ import annotations

from collections.abc import Sequence

from csc_tasks.metrics import UNREADABLE
from csc_tasks.metrics.roleplay import RolePlayFigures
from csc_tasks.roleplay.playing import Played
from csc_tasks.roleplay.progress import CaseProgress

__all__ = ["figures_of_card"]


def figures_of_card(trials: Sequence[Played]) -> list[RolePlayFigures]:
    """The figures of a card's trials, in order. The first tells whether all of them were resolved."""
    progress = [played.progress() for played in trials]
    everything = not any(played.fault for played in trials)
    resolved = all(p.resolved_at > 0 and p.resolved for p in progress)
    return [
        _figures(played, p, resolved if n == 0 and everything else None)
        for n, (played, p) in enumerate(zip(trials, progress, strict=True))
    ]


def _figures(played: Played, progress: CaseProgress, all_resolved: bool | None) -> RolePlayFigures:
    case, last = played.case, played.last
    needed = {fact.name for fact in case.needed}
    return RolePlayFigures(
        played=not played.fault,
        ended=str(played.end),
        # What was resolved and then spoilt, by a promise say, is not resolved.
        resolved_at=progress.resolved_at if progress.resolved else 0,
        all_resolved=all_resolved,
        strategies=tuple(
            UNREADABLE if said.strategy is None else said.strategy.index for said, _ in played.turns
        ),
        needed=len(needed),
        asked=len(needed & progress.asked_for),
        invented=progress.invented_turns,
        broken=progress.granted or progress.promised,
        verified_first=not progress.disclosed if case.has_private else None,
        repeated=progress.repeated,
        mood=last.mood if last else case.card.mood.start,
    )
