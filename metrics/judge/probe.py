"""Whether a judge can be trusted: what it makes of cases whose order is known, kind by kind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from csc_tasks.metrics.judge.errors import JudgeError
from csc_tasks.metrics.judge.pairs import Outcome, outcome_of
from csc_tasks.metrics.judge.probe_cases import Group, Probe, ProbeComparison, ProbeKind, ProbeRule
from csc_tasks.metrics.judge.rubric import Rubric, Unit
from csc_tasks.metrics.judge.verdict import Status, Verdict

__all__ = ["NEAR_TOP", "RECOMMENDED", "Admission", "ProbeReport", "least", "read_probe", "require_turns"]

NEAR_TOP = 4
"""The grade that a plain, polite reply to a calm customer gets at least."""
RECOMMENDED = 0.85
"""The share that is asked for where a configuration asks for none."""


def least(asked: int, share: float) -> int:
    """How many of the cases of one kind must be right: the share of them, rounded down to whole cases.

    Of twelve and 0.85 these are ten. A judge that is right in 95 % of a kind has ten or more of twelve in 98 of 100
    probes; one that is right in two thirds has eight, and is refused at every share from 0.75 on.

    Args:
        asked: cases of the kind.
        share: 0-1.
    """
    # 0.8 * 15 is a little above 12, and 0.7 * 10 a little below 7.
    return math.floor(asked * share + 1e-9)


@dataclass(frozen=True, slots=True)
class Admission:
    """What is asked of a judge and where it falls short: ``below`` are the kinds with fewer right cases than ``least``.

    A judge is ``admitted`` if no kind is below its least number and the share of all cases reaches the required one.
    """

    required: float
    least: Mapping[str, int]
    below: tuple[str, ...]
    admitted: bool


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What a probe found.

    ``score`` is the share 0–1 of all comparisons that the judge got right, one without verdicts counting
    as wrong; ``kinds`` has (right, asked) of each kind. ``length_shift`` and ``injection_shift`` say by how
    many grades the mean rises with length alone and with a word to the judge (0 is right, above is bad).
    ``position_flips`` is the share of pairs in which the order decided, ``pairs_right`` that of the pairs with a better
    reply in which it won in both orders. NaN where nothing was scored. Of ``asked`` questions ``unscored`` have no
    verdict.
    """

    probe: str
    score: float
    kinds: Mapping[str, tuple[int, int]]
    length_shift: float
    injection_shift: float
    position_flips: float
    pairs_right: float
    unscored: int
    asked: int

    @property
    def coverage(self) -> float:
        """The share 0–1 of the questions that has a verdict."""
        return 1 - self.unscored / self.asked

    def admission(self, required: float) -> Admission:
        """Whether a judge is let in where this share is required, of each kind and of all cases.

        Args:
            required: 0-1.
        """
        minimum = {kind: least(asked, required) for kind, (_, asked) in self.kinds.items()}
        below = tuple(kind for kind, (right, _) in self.kinds.items() if right < minimum[kind])
        return Admission(required, minimum, below, not below and self.score >= required)


def require_turns(rubric: Rubric) -> None:
    """Refuse a rubric that no probe can be put under.

    Raises:
        JudgeError: it does not grade single turns.
    """
    if rubric.unit is not Unit.TURN or not rubric.scales:
        raise JudgeError(f"the probe has single replies; {rubric.name} does not grade those")


def read_probe(probe: Probe, rubric: Rubric, verdicts: Mapping[str, Verdict]) -> ProbeReport:
    """What verdicts on a probe's samples come to.

    Args:
        probe: what was asked.
        rubric: of its single turns.
        verdicts: on all its samples, by conversation.
    """
    reading = _Reading(rubric, verdicts)
    kinds: dict[str, tuple[int, int]] = {}
    shifts: dict[Group, list[float]] = {Group.LENGTH: [], Group.INJECTION: []}
    outcomes: list[tuple[ProbeKind, tuple[Outcome, bool]]] = []
    for each in probe.comparisons:
        kind = each.kind
        if kind.group is Group.PAIRS:
            decided = reading.outcome(each)
            right = decided is not None and _is_right(kind.rule, decided[0])
            if decided is not None:
                outcomes.append((kind, decided))
        elif kind.rule is ProbeRule.NEAR_TOP and reading.dimension(kind) is None:
            continue  # a rubric without this dimension grades nothing that it could be asked of
        else:
            good, other = reading.grades(each)
            right = _is_in_order(kind.rule, good, other)
            if kind.rule is ProbeRule.NOT_HIGHER and good is not None and other is not None:
                shifts[kind.group].append(other - good)
        if kind.counted:
            so_far, asked = kinds.get(kind.name, (0, 0))
            kinds[kind.name] = so_far + right, asked + 1
    won = [outcome is Outcome.WIN for kind, (outcome, _) in outcomes if kind.rule is ProbeRule.WINS]
    return ProbeReport(
        probe=probe.name,
        score=sum(r for r, _ in kinds.values()) / sum(n for _, n in kinds.values()),
        kinds=kinds,
        length_shift=_mean(shifts[Group.LENGTH]),
        injection_shift=_mean(shifts[Group.INJECTION]),
        position_flips=_mean([flipped for _, (_, flipped) in outcomes]),
        pairs_right=_mean(won),
        unscored=sum(v.status is not Status.SCORED for v in verdicts.values()),
        asked=len(verdicts),
    )


class _Reading:
    """Grades and outcomes of verdicts under a rubric."""

    def __init__(self, rubric: Rubric, verdicts: Mapping[str, Verdict]) -> None:
        self._names = [d.name for d in rubric.scales]
        self._verdicts = verdicts

    def dimension(self, kind: ProbeKind) -> str | None:
        """The dimension that a kind compares; ``None`` for the mean of all."""
        return next((name for name in kind.dimensions if name in self._names), None)

    def grades(self, each: ProbeComparison) -> tuple[float | None, float | None]:
        """The grades of both replies; ``None`` without a verdict."""
        dimension = self.dimension(each.kind)
        return self._grade(each.good, dimension), self._grade(each.other, dimension)

    def _grade(self, conversation: str, dimension: str | None) -> float | None:
        verdict = self._verdicts.get(conversation)
        if verdict is None or verdict.status is not Status.SCORED:
            return None
        names = [dimension] if dimension else self._names
        return sum(float(verdict.scores[name]) for name in names) / len(names)

    def outcome(self, each: ProbeComparison) -> tuple[Outcome, bool] | None:
        """The good reply's outcome of a pair, and whether the order decided."""
        a, b = (self._verdicts.get(f"{each.good}/{order}") for order in "ab")
        return outcome_of(a, b) if a and b else None


def _is_in_order(rule: ProbeRule, good: float | None, other: float | None) -> bool:
    if good is None or other is None:
        return False
    if rule is ProbeRule.NEAR_TOP:
        return good >= NEAR_TOP
    # What adds nothing may not win; what takes away must lose.
    return other < good if rule is ProbeRule.LOWER else other <= good


def _is_right(rule: ProbeRule, outcome: Outcome) -> bool:
    return outcome is Outcome.WIN if rule is ProbeRule.WINS else outcome is not Outcome.LOSS


def _mean(values: list[float] | list[bool]) -> float:
    return sum(values) / len(values) if values else float("nan")
