#!/usr/bin/env python3
"""How often the intervals of the tables hold the truth, for every kind of score that has one.

    python tools/coverage.py [--studies N] [--conversations 32 128 1855] [KIND …]

A study is so many conversations of 7 to 19 turns. What a conversation is like weighs on all its turns: on how often the
label is right, readable, and of which strategy, on how much of a reply matches, on grades and on who wins. The truth is
the score of 40,000 conversations of the same kind. Each study's sums go through the very functions that tables use.
What docs/metrics.md promises is 95 %; the last column says where it is beyond 92 to 98 %, up to what the number of
studies leaves to chance.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from csc_tasks.metrics.base import AdditiveMetric, Floats
from csc_tasks.metrics.bleu import Bleu
from csc_tasks.metrics.divergence import CorrectedPreference, CorrectedShares, CorrectedTransitions
from csc_tasks.metrics.intervals import score_interval
from csc_tasks.metrics.judge.pairs import Outcome, compare, rate
from csc_tasks.metrics.judge.rubric import load_rubric
from csc_tasks.metrics.judge.scores import judge_metrics
from csc_tasks.metrics.rouge import RougeL
from csc_tasks.metrics.sequences import transition_rows
from csc_tasks.metrics.stages import STAGES, STRATEGIES
from csc_tasks.metrics.strategy import F1, StrategyAccuracy, StrategyInvalid
from csc_tasks.metrics.text import LengthRatio
from csc_tasks.metrics.uncertainty import bootstrap_scores, resample_counts

Draw = Callable[[np.random.Generator, int], Floats]
"""Makes the sums (c, d) of c conversations."""
POPULATION = 40_000
GOLD = np.array([9, 10, 8, 13, 8, 12, 12, 8, 5, 5, 8, 2]) / 100.0
LEAST, MOST = 0.92, 0.98


def lengths(rng: np.random.Generator, conversations: int) -> npt.NDArray[np.int64]:
    """Turns of each conversation."""
    return rng.integers(7, 20, size=conversations)


def _pick(rng: np.random.Generator, shares: Floats) -> npt.NDArray[np.int64]:
    """One of twelve for each row of shares."""
    chosen = (rng.random(len(shares))[:, None] > np.cumsum(shares, axis=1)).sum(axis=1)
    return np.minimum(chosen, STRATEGIES - 1).astype(np.int64)


def labels(
    rng: np.random.Generator, conversations: int, accuracy: float, tilt: float
) -> tuple[npt.NDArray[np.int64], ...]:
    """Conversation, position, gold and predicted label of turns; ``tilt`` is how unlike gold the wrong ones are."""
    turns = lengths(rng, conversations)
    owner = np.repeat(np.arange(conversations), turns)
    position = np.arange(len(owner)) - np.repeat(np.cumsum(turns) - turns, turns)
    wrong = GOLD * np.exp(tilt * np.linspace(-2, 2, STRATEGIES))
    gold = _pick(rng, rng.dirichlet(GOLD * 30, size=conversations)[owner])
    other = _pick(rng, rng.dirichlet(wrong / wrong.sum() * 30, size=conversations)[owner])
    right = rng.random(len(owner)) < rng.beta(6 * accuracy, 6 * (1 - accuracy), size=conversations)[owner]
    return owner, position, gold, np.where(right, gold, other)


def _counted(rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], shape: tuple[int, int]) -> Floats:
    return np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1]).reshape(shape).astype(float)


def of_labels(metric: AdditiveMetric, accuracy: float = 0.4, tilt: float = 0.3) -> Draw:
    """Sums of a metric of labels."""

    def draw(rng: np.random.Generator, conversations: int) -> Floats:
        owner, position, gold, predicted = labels(rng, conversations, accuracy, tilt)
        if isinstance(metric, CorrectedTransitions):
            sides = []
            for strategies in (gold, predicted):
                rows, pairs = transition_rows(owner, position, strategies)
                sides.append(_counted(owner[rows], pairs, (conversations, STAGES * STAGES)))
            return np.concatenate(sides, axis=1)
        if isinstance(metric, CorrectedShares):
            each = (_counted(owner, of, (conversations, STRATEGIES)) for of in (gold, predicted))
            return np.concatenate(list(each), axis=1)
        width = STRATEGIES * (STRATEGIES + 1)
        return _counted(owner, gold * (STRATEGIES + 1) + predicted, (conversations, width))

    return draw


def of_share(share: float, alike: float) -> Draw:
    """Turns of which something holds, and turns; ``alike`` is the correlation within a conversation."""

    def draw(rng: np.random.Generator, conversations: int) -> Floats:
        turns = lengths(rng, conversations)
        own = np.full(conversations, share)
        if alike:
            own = rng.beta(share * (1 / alike - 1), (1 - share) * (1 / alike - 1), size=conversations)
        return np.stack([rng.binomial(turns, own), turns], axis=1).astype(float)

    return draw


def of_mean(low: float, high: float, mean: float, whole: bool = False) -> Draw:
    """Sums of numbers between two ends, grades if they are whole."""

    def draw(rng: np.random.Generator, conversations: int) -> Floats:
        turns = lengths(rng, conversations)
        owner = np.repeat(np.arange(conversations), turns)
        own = rng.beta(8 * mean, 8 * (1 - mean), size=conversations)[owner]
        values = low + (high - low) * rng.beta(3 * own, 3 * (1 - own))
        values = np.rint(values) if whole else values
        return np.stack([np.bincount(owner, values), turns], axis=1)

    return draw


def of_overlap(order: int) -> Draw:
    """Sufficient statistics of BLEU."""

    def draw(rng: np.random.Generator, conversations: int) -> Floats:
        turns = lengths(rng, conversations)
        owner = np.repeat(np.arange(conversations), turns)
        long = 5 + rng.poisson(25 * rng.lognormal(0, 0.3, size=conversations)[owner])
        reference = 5 + rng.poisson(25, size=len(owner))
        quality = rng.beta(4, 6, size=conversations)[owner]
        totals = [np.maximum(long - n, 0) for n in range(order)]
        matches = [rng.binomial(total, quality ** (1 + n)) for n, total in enumerate(totals)]
        columns = [np.bincount(owner, each) for each in (*matches, *totals, long, reference)]
        return np.stack(columns, axis=1)

    return draw


def of_lengths() -> Draw:
    """Tokens of replies and of references."""
    bleu = of_overlap(1)
    return lambda rng, conversations: bleu(rng, conversations)[:, 2:]


def kinds() -> dict[str, tuple[AdditiveMetric, Draw]]:
    """Every kind of score whose interval a table shows."""
    grade, *_ = judge_metrics(load_rubric("turn-zh-1"))
    accuracy, macro, invalid = StrategyAccuracy(), F1("macro"), StrategyInvalid()
    shares, transitions, preference = CorrectedShares(), CorrectedTransitions(), CorrectedPreference()
    return {
        "accuracy": (accuracy, of_share(0.4, 0.14)),
        "a share of 97 %": (accuracy, of_share(0.97, 0.05)),
        "a share of 1 %": (invalid, of_share(0.01, 0.05)),
        "a share of 0.17 %": (invalid, of_share(0.0017, 0.0)),
        "macro F1": (macro, of_labels(macro)),
        "weighted F1": (F1("weighted"), of_labels(F1("weighted"))),
        "share JSD, small": (shares, of_labels(shares, tilt=0.25)),
        "share JSD": (shares, of_labels(shares, tilt=0.5)),
        "transition JSD": (transitions, of_labels(transitions, tilt=0.5)),
        "preference bias": (preference, of_labels(preference, tilt=0.6)),
        "BLEU-2": (Bleu(2), of_overlap(2)),
        "BLEU-4": (Bleu(4), of_overlap(4)),
        "ROUGE-L": (RougeL(), of_mean(0, 1, 0.2)),
        "length ratio": (LengthRatio(), of_lengths()),
        "judge grade": (grade, of_mean(0.5, 5.5, 0.6, whole=True)),
    }


def coverage(metric: AdditiveMetric, draw: Draw, conversations: int, studies: int, seed: int = 1) -> float:
    """The share of studies whose interval holds the truth."""
    truth = metric.value(draw(np.random.default_rng(seed + 1000), POPULATION))
    counts = resample_counts(conversations)
    rng = np.random.default_rng(seed)
    hits = 0
    for _ in range(studies):
        sums = draw(rng, conversations)
        drawn = bootstrap_scores(metric, sums, counts)
        low, high = score_interval(
            metric, metric.value(sums), drawn, conversations, metric.observations(sums)
        )
        hits += low <= truth <= high
    return hits / studies


def contest(
    strengths: Sequence[float], conversations: int, studies: int, seed: int = 1
) -> tuple[float, float]:
    """The same of the win rate of the first model over the second, and of the ratings of all of them."""
    names = [f"model {i}" for i in range(len(strengths))]
    pairs = list(itertools.combinations(range(len(strengths)), 2))

    def draw(rng: np.random.Generator, count: int) -> dict[tuple[int, int], list[Outcome]]:
        own = np.array(strengths) + rng.normal(0, 0.5, size=(count, len(strengths)))
        found = {}
        for a, b in pairs:
            won = rng.random(count) < 1 / (1 + np.exp(own[:, b] - own[:, a]))
            tied = rng.random(count) < 0.1
            found[a, b] = [Outcome(0.5 if t else float(w)) for w, t in zip(won, tied, strict=True)]
        return found

    def rated(found: dict[tuple[int, int], list[Outcome]]) -> dict[str, tuple[float, float, float]]:
        ratings = rate(
            {
                (names[a], names[b]): [(f"c{i:06}", o) for i, o in enumerate(outcomes)]
                for (a, b), outcomes in found.items()
            }
        )
        rows = zip(ratings.rating, ratings.low, ratings.high, strict=True)
        return dict(zip(ratings.models, rows, strict=True))

    # Ratings are told from the wins alone: few resamples of few conversations, with the shares of very many.
    many = draw(np.random.default_rng(seed + 1000), 8 * POPULATION)
    share = {pair: float(np.mean([o.value for o in outcomes])) for pair, outcomes in many.items()}
    exact = _ratings(share, len(strengths))
    rng = np.random.default_rng(seed)
    rates = ratings = 0.0
    for _ in range(studies):
        found = draw(rng, conversations)
        result = compare(found[0, 1], [f"c{i:06}" for i in range(conversations)], [None] * conversations)
        rates += result.low <= share[0, 1] <= result.high
        rows = rated(found)
        ratings += float(np.mean([rows[n][1] <= e <= rows[n][2] for n, e in zip(names, exact, strict=True)]))
    return rates / studies, ratings / studies


def _ratings(share: dict[tuple[int, int], float], models: int) -> list[float]:
    """Ratings of the shares of wins themselves, by gradient ascent."""
    logs = np.zeros(models)
    for _ in range(5000):
        slope = np.zeros(models)
        for (a, b), won in share.items():
            excess = won - 1 / (1 + math.exp(logs[b] - logs[a]))
            slope[a] += excess
            slope[b] -= excess
        logs += slope
    return list(1000 + 400 / math.log(10) * (logs - logs.mean()))


def within(rate: float, studies: int) -> bool:
    """Whether a rate is between 92 and 98 %, or as near as the number of studies can tell (three errors)."""
    return all(
        (end - rate) * side <= 3 * math.sqrt(end * (1 - end) / studies)
        for end, side in ((LEAST, 1), (MOST, -1))
    )


def main() -> None:
    """Simulate and print; the exit code says whether all are within."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND")
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--conversations", type=int, nargs="+", default=[32, 128, 1855])
    options = parser.parse_args()
    table = Table("kind", *map(str, options.conversations), "", box=None)
    failed = False
    rows: dict[str, list[float]] = {}
    for name, (metric, draw) in kinds().items():
        if not options.kinds or name in options.kinds:
            rows[name] = [coverage(metric, draw, c, options.studies) for c in options.conversations]
    for name, strengths in (("", (0.8, 0.3, 0.0)), (", one far ahead", (3.0, 0.0, -1.0))):
        if not options.kinds or {"win rate", "ratings"} & set(options.kinds):
            found = [contest(strengths, c, options.studies) for c in options.conversations]
            rows[f"win rate{name}"] = [rate for rate, _ in found]
            rows[f"ratings{name}"] = [ratings for _, ratings in found]
    for name, rates in rows.items():
        beyond = not all(within(rate, options.studies) for rate in rates)
        failed |= beyond
        table.add_row(name, *(f"{100 * rate:.1f}" for rate in rates), "BEYOND" if beyond else "")
    Console().print(table)
    sys.exit(failed)


if __name__ == "__main__":
    main()
