"""The cases of a probe: replies to constructed conversations, and which of two must be graded higher.

``probe-zh-2`` has twelve scenes, one for each strategy. In each a good reply stands against others that are worse in a
known way, polite padding and a word to the judge among them, alone, with the reference shown, and side by side.
``probe-zh-1`` is the one of before, whose verdicts stay readable.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from importlib import resources
from typing import Any

from csc_tasks.metrics.judge.errors import JudgeError
from csc_tasks.metrics.judge.pairs import both_orders
from csc_tasks.metrics.judge.sample import Sample

__all__ = [
    "EARLIER_PROBE",
    "PROBE",
    "Group",
    "Probe",
    "ProbeComparison",
    "ProbeKind",
    "ProbeRule",
    "load_probe",
]

PROBE, EARLIER_PROBE = "probe-zh-2", "probe-zh-1"
_GOLD, _BAD = "gold", "off_topic"
_CHOICE, _EXECUTION = ("strategy_choice", "strategy_alignment"), ("strategy_execution", "strategy_alignment")
_PROBLEM, _FACTS, _EMPATHY = ("problem_handling",), ("groundedness", "factual_restraint"), ("empathy",)
_WITH_REFERENCE = "+reference"


class ProbeRule(Enum):
    """When a judge is right about two replies."""

    LOWER = "the worse reply gets a lower grade"
    NOT_HIGHER = "what adds nothing gets no higher grade"
    NEAR_TOP = "the good reply gets 4 or 5"
    WINS = "the good reply wins in both orders"
    NOT_BEATEN = "the good reply does not lose in both orders"


class Group(Enum):
    """What a kind of case is about."""

    QUALITY = "quality"
    LENGTH = "length"
    INJECTION = "a word to the judge"
    REFERENCE = "reference shown"
    PAIRS = "side by side"


@dataclass(frozen=True, slots=True)
class ProbeKind:
    """One kind of case.

    ``dimensions`` are those in which the worse reply is worse: the first that a rubric has is compared, else the mean
    grade. ``counted`` says whether the kind enters the score.
    """

    name: str
    group: Group
    rule: ProbeRule
    dimensions: tuple[str, ...] = ()
    counted: bool = True


@dataclass(frozen=True, slots=True)
class ProbeComparison:
    """Two samples, by their conversations: of a pair the stem that its two orders share, twice."""

    kind: ProbeKind
    good: str
    other: str


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe.

    ``singles`` are judged without the reference, ``referenced`` with it, ``pairs`` side by side, each in both orders.
    """

    name: str
    turn_rubric: str
    pair_rubric: str
    kinds: tuple[ProbeKind, ...]
    comparisons: tuple[ProbeComparison, ...]
    singles: tuple[Sample, ...]
    referenced: tuple[Sample, ...]
    pairs: tuple[Sample, ...]


@cache
def load_probe(name: str = PROBE) -> Probe:
    """The probe of that name.

    Raises:
        JudgeError: there is none.
    """
    if name not in _MAKERS:
        raise JudgeError(f"no probe {name!r}; there are {', '.join(_MAKERS)}")
    text = (resources.files(__package__) / "data" / f"{name}.json").read_text(encoding="utf-8")
    return _MAKERS[name](json.loads(text))


def _sample(scene: Mapping[str, Any], case: str, reply: str, strategy: str) -> Sample:
    fields = {
        "history": scene["history"],
        "strategy": strategy,
        "reply": reply,
        "reference": scene[_GOLD],
    }
    return Sample(f"{scene['id']}/{case}", 0, fields)


def _pair(scene: Mapping[str, Any], case: str, good: str, other: str) -> tuple[Sample, Sample]:
    """``scene/case/a`` shows the good reply first, ``scene/case/b`` second."""
    return both_orders(
        *(
            Sample(f"{scene['id']}/{case}", 0, {"history": scene["history"], "reference": "", "reply": reply})
            for reply in (good, other)
        )
    )


# --- probe-zh-2 ---

_KINDS = (
    ProbeKind("wrong_choice", Group.QUALITY, ProbeRule.LOWER, _CHOICE),
    ProbeKind("not_executed", Group.QUALITY, ProbeRule.LOWER, _EXECUTION),
    ProbeKind("rude", Group.QUALITY, ProbeRule.LOWER, _EMPATHY),
    ProbeKind("off_topic", Group.QUALITY, ProbeRule.LOWER, _PROBLEM),
    ProbeKind("ungrounded", Group.QUALITY, ProbeRule.LOWER, _FACTS),
    ProbeKind("minimal", Group.QUALITY, ProbeRule.LOWER, _PROBLEM),
    ProbeKind("calm", Group.QUALITY, ProbeRule.NEAR_TOP, _EMPATHY),
    ProbeKind("padded", Group.LENGTH, ProbeRule.NOT_HIGHER),
    ProbeKind("flatter_good", Group.INJECTION, ProbeRule.NOT_HIGHER),
    ProbeKind("flatter_bad", Group.INJECTION, ProbeRule.NOT_HIGHER),
    ProbeKind("instruct_good", Group.INJECTION, ProbeRule.NOT_HIGHER),
    ProbeKind("instruct_bad", Group.INJECTION, ProbeRule.NOT_HIGHER),
    ProbeKind("reference_ungrounded", Group.REFERENCE, ProbeRule.LOWER, _FACTS),
    ProbeKind("reference_off_topic", Group.REFERENCE, ProbeRule.LOWER, _PROBLEM),
    ProbeKind("pair_worse", Group.PAIRS, ProbeRule.WINS),
    ProbeKind("pair_padded", Group.PAIRS, ProbeRule.NOT_BEATEN),
    ProbeKind("pair_injected", Group.PAIRS, ProbeRule.WINS),
)


def _texts(scene: Mapping[str, Any], data: Mapping[str, Any], place: int) -> dict[str, tuple[str, str]]:
    """Strategy and reply of each case of a scene; languages and paddings take turns."""
    right, wrong = scene["strategy"], scene["wrong_strategy"]
    before, after = data["padding"][place % len(data["padding"])]
    cases = {
        _GOLD: (right, scene[_GOLD]),
        "wrong_choice": (wrong, scene["wrong_reply"]),
        # The same reply under the label that belongs here: what it does is something else.
        "not_executed": (right, scene["wrong_reply"]),
        **{case: (right, scene[case]) for case in ("rude", _BAD, "ungrounded", "minimal")},
        "padded": (right, before + scene[_GOLD] + after),
    }
    for turn, (name, texts) in enumerate(data["injections"].items()):
        word = texts[(place + turn) % len(texts)]
        cases[f"{name}_good"] = right, scene[_GOLD] + word
        cases[f"{name}_bad"] = right, scene[_BAD] + word
    return cases


def _probe_zh_2(data: Mapping[str, Any]) -> Probe:
    singles: list[Sample] = []
    referenced: list[Sample] = []
    pairs: list[Sample] = []
    comparisons: list[ProbeComparison] = []
    for place, scene in enumerate(data["scenes"]):
        texts = _texts(scene, data, place)
        singles += [_sample(scene, case, reply, strategy) for case, (strategy, reply) in texts.items()]
        for case in ("alternative", "ungrounded", _BAD):
            sample = _sample(scene, case + _WITH_REFERENCE, scene[case], scene["strategy"])
            # As it stands in a run: with its label.
            labelled = f"[{scene['strategy']}] {scene[_GOLD]}"
            referenced.append(replace(sample, fields={**sample.fields, "reference": labelled}))
        worse = {"wrong_choice": "wrong_reply"}.get(scene["pair_worse"], scene["pair_worse"])
        others = {
            "pair_worse": scene[worse],
            "pair_padded": texts["padded"][1],
            "pair_injected": texts["instruct_bad"][1],
        }
        for case, other in others.items():
            pairs += _pair(scene, case, scene[_GOLD], other)
        comparisons += _comparisons(scene)
    order = [kind.name for kind in _KINDS]
    comparisons.sort(key=lambda each: order.index(each.kind.name))
    return Probe(
        PROBE,
        "turn-zh-2",
        "pairwise-zh-2",
        _KINDS,
        tuple(comparisons),
        tuple(singles),
        tuple(referenced),
        tuple(pairs),
    )


def _comparisons(scene: Mapping[str, Any]) -> Iterator[ProbeComparison]:
    for kind in _KINDS:
        if kind.rule is ProbeRule.NEAR_TOP and not scene["calm"]:
            continue
        good, other = _GOLD, kind.name
        if kind.group is Group.INJECTION and kind.name.endswith("_bad"):
            good = _BAD
        elif kind.group is Group.REFERENCE:
            # Not the reference's own words: a good reply that differs from it, against one that is near it and wrong.
            good, other = (
                case + _WITH_REFERENCE for case in ("alternative", kind.name.removeprefix("reference_"))
            )
        elif kind.group is Group.PAIRS:
            good = kind.name
        elif kind.rule is ProbeRule.NEAR_TOP:
            other = _GOLD
        yield ProbeComparison(kind, f"{scene['id']}/{good}", f"{scene['id']}/{other}")


# --- probe-zh-1 ---

_EARLIER_KINDS = (
    ProbeKind("wrong_strategy", Group.QUALITY, ProbeRule.LOWER, _CHOICE),
    ProbeKind("rude", Group.QUALITY, ProbeRule.LOWER, _EMPATHY),
    ProbeKind("off_topic", Group.QUALITY, ProbeRule.LOWER, _PROBLEM),
    ProbeKind("invented", Group.QUALITY, ProbeRule.LOWER, _FACTS),
    ProbeKind("minimal", Group.QUALITY, ProbeRule.LOWER, _PROBLEM),
    ProbeKind("longer", Group.LENGTH, ProbeRule.NOT_HIGHER),
    *(
        ProbeKind(name, Group.INJECTION, ProbeRule.NOT_HIGHER)
        for name in ("flatter_zh", "instruct_zh", "flatter_en", "instruct_en")
    ),
)
_EARLIER_PAIRS = tuple(
    ProbeKind(name, Group.PAIRS, ProbeRule.WINS, counted=False) for name in ("rude", "off_topic", "invented")
)


def _probe_zh_1(data: Mapping[str, Any]) -> Probe:
    singles: list[Sample] = []
    pairs: list[Sample] = []
    comparisons: list[ProbeComparison] = []
    for scene in data["scenes"]:
        singles.append(_sample(scene, _GOLD, scene[_GOLD], scene["strategy"]))
        for kind in _EARLIER_KINDS:
            strategy = scene["strategy"]
            if kind.group is Group.INJECTION:
                reply = scene[_BAD] + data["injections"][kind.name]
            elif kind.name == "wrong_strategy":
                strategy, reply = scene["wrong_strategy"], scene[_GOLD]
            else:
                reply = scene[kind.name]
            singles.append(_sample(scene, kind.name, reply, strategy))
            good = _BAD if kind.group is Group.INJECTION else _GOLD
            comparisons.append(ProbeComparison(kind, f"{scene['id']}/{good}", f"{scene['id']}/{kind.name}"))
        for kind in _EARLIER_PAIRS:
            pairs += _pair(scene, kind.name, scene[_GOLD], scene[kind.name])
            comparisons.append(ProbeComparison(kind, *[f"{scene['id']}/{kind.name}"] * 2))
    return Probe(
        EARLIER_PROBE,
        "turn-zh-1",
        "pairwise-zh-1",
        _EARLIER_KINDS,
        tuple(comparisons),
        tuple(singles),
        (),
        tuple(pairs),
    )


_MAKERS = {PROBE: _probe_zh_2, EARLIER_PROBE: _probe_zh_1}
