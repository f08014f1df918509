"""Whether a judge can be trusted: constructed cases whose order is known, and what moves the judge that should not.

Six scenes, each with a good reply and ten others: five that are worse in a known way, one that is more
than twice as long with nothing added, and four that add to an off-topic reply a word to the judge. Sixty comparisons in
all, and some of the pairs asked side by side in both orders.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from csc_tasks.metrics.judge.errors import JudgeError
from csc_tasks.metrics.judge.pairs import Outcome, both_orders, outcome_of
from csc_tasks.metrics.judge.rubric import Rubric, Unit
from csc_tasks.metrics.judge.sample import Sample
from csc_tasks.metrics.judge.verdict import Status, Verdict

__all__ = ["PROBE", "ProbeReport", "pair_samples", "probe_samples", "read_probe"]

PROBE = "probe-zh-1"
GOLD = "gold"
# The dimension in which a variant is worse; its mean grade where a rubric has no dimension of that name.
WORSE = {
    "wrong_strategy": "strategy_alignment",
    "rude": "empathy",
    "off_topic": "problem_handling",
    "invented": "factual_restraint",
    "minimal": "problem_handling",
}
LONGER = "longer"
INJECTIONS = ("flatter_zh", "instruct_zh", "flatter_en", "instruct_en")
INJECTED_INTO = "off_topic"
PAIRED = ("rude", "off_topic", "invented")


@cache
def _data() -> dict[str, Any]:
    text = (resources.files(__package__) / "data" / f"{PROBE}.json").read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


def _fields(scene: Mapping[str, str], kind: str) -> dict[str, str]:
    if kind == "wrong_strategy":
        return {"strategy": scene["wrong_strategy"], "reply": scene[GOLD]}
    if kind in INJECTIONS:
        return {"strategy": scene["strategy"], "reply": scene[INJECTED_INTO] + _data()["injections"][kind]}
    return {"strategy": scene["strategy"], "reply": scene[kind]}


def probe_samples(rubric: Rubric) -> Iterator[Sample]:
    """The single replies; the conversation of each is ``scene/kind``.

    Raises:
        JudgeError: the rubric does not judge single turns.
    """
    if rubric.unit is not Unit.TURN or not rubric.scales:
        raise JudgeError(f"the probe has single replies; {rubric.name} does not grade those")
    for scene in _data()["scenes"]:
        for kind in (GOLD, *WORSE, LONGER, *INJECTIONS):
            fields = {"history": scene["history"], "reference": scene[GOLD], **_fields(scene, kind)}
            yield Sample(f"{scene['id']}/{kind}", 0, fields)


def pair_samples() -> Iterator[Sample]:
    """The pairs, each in both orders: ``scene/kind/a`` shows the good reply first, ``scene/kind/b`` second."""
    for scene in _data()["scenes"]:
        for kind in PAIRED:
            good, bad = (
                Sample(
                    f"{scene['id']}/{kind}", 0, {"history": scene["history"], "reference": "", "reply": text}
                )
                for text in (scene[GOLD], scene[kind])
            )
            yield from both_orders(good, bad)


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What a probe found.

    ``score`` is the share 0–1 of the comparisons that the judge got right, one without verdicts counting
    as wrong; ``kinds`` has (right, asked) of each kind. ``length_shift`` and ``injection_shift`` say by how
    many grades the mean rises with length alone and with a word to the judge (0 is right, above is bad).
    ``position_flips`` is the share of pairs in which the order decided, ``pairs_right`` that in which the
    good reply won in both orders. NaN where nothing was scored. Of ``asked`` questions ``unscored`` have no verdict.
    """

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


def read_probe(rubric: Rubric, verdicts: Mapping[str, Verdict], pairs: Mapping[str, Verdict]) -> ProbeReport:
    """Compare the verdicts on :func:`probe_samples` and :func:`pair_samples`, by conversation."""
    names = {d.name for d in rubric.scales}
    scored = {k: v for k, v in verdicts.items() if v.status is Status.SCORED}

    def grade(key: str, dimension: str | None) -> float | None:
        if key not in scored:
            return None
        values = scored[key].scores
        if dimension in names:
            return float(values[str(dimension)])
        return sum(float(values[name]) for name in names) / len(names)

    kinds: dict[str, tuple[int, int]] = {}
    shifts: dict[bool, list[float]] = {False: [], True: []}
    for kind in (*WORSE, LONGER, *INJECTIONS):
        right = asked = 0
        for scene in _data()["scenes"]:
            asked += 1
            base = INJECTED_INTO if kind in INJECTIONS else GOLD
            dimension = WORSE.get(kind)
            one, other = grade(f"{scene['id']}/{base}", dimension), grade(f"{scene['id']}/{kind}", dimension)
            if one is None or other is None:
                continue
            # What adds nothing may not win; what takes away must lose.
            right += other < one if kind in WORSE else other <= one
            if kind not in WORSE:
                shifts[kind in INJECTIONS].append(other - one)
        kinds[kind] = right, asked
    flips = won = both = 0
    for key in {key.rsplit("/", 1)[0] for key in pairs}:
        a, b = (pairs.get(f"{key}/{order}") for order in "ab")
        decided = outcome_of(a, b) if a and b else None
        if decided is None:
            continue
        both += 1
        won += decided[0] is Outcome.WIN
        flips += decided[1]
    everything = [*verdicts.values(), *pairs.values()]
    return ProbeReport(
        score=sum(r for r, _ in kinds.values()) / sum(n for _, n in kinds.values()),
        kinds=kinds,
        length_shift=_mean(shifts[False]),
        injection_shift=_mean(shifts[True]),
        position_flips=flips / both if both else float("nan"),
        pairs_right=won / both if both else float("nan"),
        unscored=sum(v.status is not Status.SCORED for v in everything),
        asked=len(everything),
    )


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else float("nan")
