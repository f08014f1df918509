"""Four supporters of whom it is known how good they are, on the same cases: a customer must tell them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from csc_tasks.roleplay.checking.record import SupporterFigures
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.playing import Played, play
from csc_tasks.roleplay.scripted_supporters import ScriptedSupporter, SupporterKind
from csc_tasks.roleplay.simulators import Simulator
from csc_tasks.roleplay.transcript import End

__all__ = ["FOUR", "play_supporter", "supporter_figures"]

FOUR = (SupporterKind.GOOD, SupporterKind.POLITE, SupporterKind.RUDE, SupporterKind.PROMISER)
"""The best first."""


def play_supporter(kind: SupporterKind, case: CaseInPlay, simulator: Simulator) -> Played:
    """A supporter of a kind on a case."""
    return play(case, ScriptedSupporter(kind, case).say, simulator.customer(case))


def supporter_figures(kind: SupporterKind, played: Sequence[Played]) -> SupporterFigures:
    """What became of a supporter's role-plays; those that could not be played count as faults, and nowhere else."""
    over = [each for each in played if each.end is not End.FAULT]
    progress = [each.progress() for each in over]
    moods = [each.last.mood for each in over if each.last is not None]
    return SupporterFigures(
        kind=kind,
        played=len(over),
        faults=len(played) - len(over),
        resolved=_mean([each.resolved for each in progress]),
        broken=_mean([each.broken for each in progress]),
        mood=_mean(moods),
        turns=_mean([len(each.turns) for each in over]),
        ends=dict(Counter(str(each.end) for each in played)),
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
