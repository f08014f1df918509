"""Raters of known quality: what replies are worth is drawn, and they say it with a noise and a bias of their own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from csc_tasks.human.sheet.items import WINNER
from csc_tasks.human.study import ANSWERS_FORMAT, ItemRole, RatedValue, StudyItem, StudyKey, read_key
from csc_tasks.metrics.judge.pairs import FIRST, SECOND, TIE
from csc_tasks.metrics.judge.rubric import Kind

SIGNAL = 0.8
"""Standard deviation of what replies are worth, in grades."""
TIE_WIDTH = 0.35
"""In grades: who thinks two replies so near says neither."""


@dataclass(frozen=True)
class SimulatedRater:
    """Somebody who grades what a reply is worth, give or take ``noise``, and ``bias`` too high; or clicks anywhere."""

    noise: float = 0.4
    bias: float = 0.0
    clicks: bool = False
    name: str = "Somebody"
    attentive: bool = True


@dataclass(frozen=True)
class World:
    """What is true: ``worth`` of each run's replies on average, in grades."""

    worth: Sequence[float]

    def truth(self, item: StudyItem, run: int, question: str) -> float:
        """What a run's reply is worth: its conversation's share, its own, and what a question adds."""
        names = (
            item.conversation,
            (item.conversation, item.turn, run),
            (item.conversation, item.turn, run, question),
        )
        shares = (0.35, 0.55, 0.1)
        parts = (np.sqrt(s) * _normal(name) for s, name in zip(shares, names, strict=True))
        return self.worth[run] + SIGNAL * float(sum(parts))

    def answers(
        self, key: StudyKey, number: int, rater: SimulatedRater, seed: int = 0
    ) -> dict[str, dict[str, Any]]:
        """What a rater (from 0) says of all their items, as a page exports it."""
        luck = np.random.default_rng([number, 77, seed])
        by_id = key.by_id
        return {
            name: {
                "scores": self._scores(key, by_id[name], rater, luck),
                "comment": "",
                "seconds": 20.0 + number,
            }
            for name in key.raters[number].items
        }

    def _scores(
        self, key: StudyKey, item: StudyItem, rater: SimulatedRater, luck: np.random.Generator
    ) -> dict[str, RatedValue]:
        if item.role is ItemRole.ATTENTION and rater.attentive and not rater.clicks:
            return dict(item.right)
        scores: dict[str, RatedValue] = {}
        mood = luck.normal(0, rater.noise)
        for dimension in key.rubric.dimensions:
            anything = int(luck.integers(1, 6))
            if dimension.name == WINNER:
                scores[WINNER] = self._winner(item, rater, luck)
            else:
                felt = self.truth(item, item.runs[0], dimension.name) + mood if item.runs else 3.0
                if dimension.kind is Kind.YES_NO:
                    scores[dimension.name] = bool((anything if rater.clicks else felt) >= 3)
                else:
                    said = int(np.clip(np.rint(felt + rater.bias), 1, 5))
                    scores[dimension.name] = anything if rater.clicks else said
        return scores

    def _winner(self, item: StudyItem, rater: SimulatedRater, luck: np.random.Generator) -> str:
        if rater.clicks or not item.runs:
            return (FIRST, SECOND, TIE)[int(luck.integers(3))]
        first, second = (self.truth(item, run, WINNER) for run in item.runs)
        apart = first - second + luck.normal(0, rater.noise * np.sqrt(2))
        return TIE if abs(apart) < TIE_WIDTH else FIRST if apart > 0 else SECOND


@cache
def _normal(name: object) -> float:
    seed = int(hashlib.sha256(repr(name).encode()).hexdigest()[:8], 16)
    return float(np.random.default_rng(seed).normal())


def exported(
    key: StudyKey,
    number: int,
    items: dict[str, dict[str, Any]],
    person: str,
    when: str = "2026-11-28T10:00:00.000Z",
) -> dict[str, Any]:
    """What the page of a rater (from 0) exports."""
    share = {
        "sample": key.sample,
        "seed": 0,
        "part": number + 1,
        "parts": len(key.raters),
        "overlap": key.overlap,
    }
    return {
        "format": ANSWERS_FORMAT,
        "file": "answers",
        "fingerprint": key.fingerprint,
        "person": person,
        "exported": when,
        "share": share,
        "shown": list(key.raters[number].items),
        "items": items,
    }


def send_back(
    study: Path,
    world: World,
    raters: Sequence[SimulatedRater],
    change: Callable[[int, dict[str, Any]], None] | None = None,
    seed: int = 0,
) -> StudyKey:
    """Let raters answer a study; their files lie in its ``answers/``."""
    key = read_key(study)
    for number, rater in enumerate(raters):
        content = exported(key, number, world.answers(key, number, rater, seed), f"{rater.name} {number}")
        if change is not None:
            change(number, content)
        (study / "answers").mkdir(exist_ok=True)
        path = study / "answers" / f"answers-rater-{number + 1}.json"
        path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return key
