from __future__ import annotations

import math
import random
from itertools import combinations

import numpy as np
import pytest

from csc_tasks.metrics.judge import JudgeError, Sample, Status, Verdict
from csc_tasks.metrics.judge.pairs import FIRST, SECOND, TIE, Outcome, both_orders, compare, outcome_of, rate


def said(winner: str) -> Verdict:
    return Verdict(Status.SCORED, {"winner": winner})


@pytest.mark.parametrize(
    ("forward", "backward", "outcome", "flipped"),
    [
        (FIRST, SECOND, Outcome.WIN, False),
        (SECOND, FIRST, Outcome.LOSS, False),
        (TIE, TIE, Outcome.TIE, False),
        (FIRST, FIRST, Outcome.TIE, True),  # whoever comes first wins: the order decided
        (SECOND, SECOND, Outcome.TIE, True),
        (FIRST, TIE, Outcome.TIE, False),
        (TIE, FIRST, Outcome.TIE, False),
    ],
)
def test_a_reply_wins_only_in_both_orders(
    forward: str, backward: str, outcome: Outcome, flipped: bool
) -> None:
    assert outcome_of(said(forward), said(backward)) == (outcome, flipped)


def test_a_pair_without_both_verdicts_is_missing() -> None:
    assert outcome_of(said(FIRST), Verdict(Status.FAILED)) is None
    assert outcome_of(Verdict(Status.UNPARSABLE), said(FIRST)) is None


def test_the_two_orders_differ_in_the_replies_alone() -> None:
    one, other = (Sample("c", 3, {"history": "h", "reference": "r", "reply": t}) for t in ("好", "坏"))
    forward, backward = both_orders(one, other)
    assert (forward.fields["first"], forward.fields["second"]) == ("好", "坏")
    assert (backward.fields["first"], backward.fields["second"]) == ("坏", "好")
    assert forward.conversation != backward.conversation


def test_the_win_rate_has_an_interval_that_is_wider_when_conversations_agree_within() -> None:
    luck = random.Random(3)
    conversations = [f"c{i // 10}" for i in range(300)]
    spread = [luck.choice([Outcome.WIN, Outcome.WIN, Outcome.LOSS]) for _ in conversations]
    by_conversation = {c: luck.choice([Outcome.WIN, Outcome.WIN, Outcome.LOSS]) for c in conversations}
    clustered = [by_conversation[c] for c in conversations]
    one, other = compare(spread, conversations, [0] * 300), compare(clustered, conversations, [0] * 300)
    assert one.low < one.win_rate < one.high
    assert one.win_rate == pytest.approx(one.wins / 300)
    assert other.high - other.low > 2 * (one.high - one.low)


def test_a_judge_that_likes_length_shows_in_the_correlation() -> None:
    lengths = list(range(-20, 20))
    outcomes = [Outcome.WIN if n > 0 else Outcome.LOSS for n in lengths]
    result = compare(outcomes, [f"c{n}" for n in lengths], lengths, flips=4)
    assert result.length > 0.8
    assert result.flips == 0.1
    nothing = compare([], [], [], missing=3)
    assert math.isnan(nothing.win_rate)
    assert nothing.missing == 3


def test_flips_and_length_are_of_the_pairs_that_the_judge_decided() -> None:
    judged = [(Outcome.WIN, 5), (Outcome.LOSS, -5), (Outcome.TIE, 0), (Outcome.WIN, 3)]
    silent: list[tuple[Outcome, int | None]] = [(Outcome.LOSS, None)] * 4
    outcomes, lengths = zip(*judged, *silent, strict=True)
    result = compare(outcomes, [f"c{i}" for i in range(8)], lengths, flips=1)
    assert (result.pairs, result.judged, result.losses) == (8, 4, 5)
    assert result.flips == 0.25
    assert result.length == pytest.approx(compare(outcomes[:4], list("abcd"), lengths[:4]).length)


def test_below_the_least_coverage_the_win_rate_is_withheld_with_its_reason() -> None:
    outcomes, conversations = [Outcome.WIN, Outcome.LOSS] * 4, [f"c{i}" for i in range(8)]
    enough = compare(outcomes, conversations, [1] * 8, missing=2, min_coverage=0.8)
    assert (enough.win_rate, enough.coverage, enough.withheld) == (0.5, 0.8, "")
    few = compare(outcomes, conversations, [1] * 8, missing=3, min_coverage=0.8)
    assert math.isnan(few.win_rate)
    assert math.isnan(few.low)
    assert few.withheld == "coverage 0.727 is below min_coverage 0.8 (3 of 11 without a verdict)"


def test_ratings_order_models_by_who_beats_whom() -> None:
    luck = random.Random(5)
    strength = {"weak": 0.0, "middle": 1.0, "strong": 2.0}

    def play(a: str, b: str) -> list[tuple[str, Outcome]]:
        chance = 1 / (1 + math.exp(strength[b] - strength[a]))
        return [(f"c{i // 5}", Outcome.WIN if luck.random() < chance else Outcome.LOSS) for i in range(500)]

    names = [("weak", "strong"), ("weak", "middle"), ("strong", "middle")]
    ratings = rate({(a, b): play(a, b) for a, b in names})
    assert ratings.models == ("strong", "middle", "weak")
    assert sum(ratings.rating) / 3 == pytest.approx(1000)
    # A unit of log-strength is 400 / ln 10 on the Elo scale.
    assert ratings.rating[0] - ratings.rating[2] == pytest.approx(2 * 400 / math.log(10), abs=50)
    for value, low, high in zip(ratings.rating, ratings.low, ratings.high, strict=True):
        assert low < value < high < low + 100


def test_a_model_that_never_lost_has_a_finite_rating() -> None:
    always = [(f"c{i}", Outcome.WIN) for i in range(20)]
    ratings = rate({("a", "b"): always, ("a", "c"): always, ("b", "c"): always})
    assert ratings.models == ("a", "b", "c")
    assert all(map(math.isfinite, (*ratings.rating, *ratings.low, *ratings.high)))


@pytest.mark.parametrize("models", [3, 5])
def test_ratings_are_those_of_evalica(models: int) -> None:
    evalica = pytest.importorskip("evalica")
    pandas = pytest.importorskip("pandas")
    luck = random.Random(models)
    names = [f"m{i}" for i in range(models)]
    pairs = list(combinations(names, 2))
    games = {
        pair: [(f"c{i}", luck.choices([*Outcome], [1 + names.index(pair[0]), 2, 3])[0]) for i in range(40)]
        for pair in pairs
    }
    winner = {
        Outcome.WIN: evalica.Winner.X,
        Outcome.LOSS: evalica.Winner.Y,
        Outcome.TIE: evalica.Winner.Draw,
    }
    rows = [(a, b, winner[o], 1.0) for (a, b), played in games.items() for _, o in played]
    rows += [(a, b, evalica.Winner.Draw, 0.5) for a, b in pairs]  # half a tie between any two
    xs, ys, ws, weights = map(list, zip(*rows, strict=True))
    index = pandas.Index(names)
    fitted = evalica.bradley_terry(xs, ys, ws, index=index, weights=weights, tolerance=1e-13, limit=100_000)
    logs = np.log(fitted.scores.reindex(index).to_numpy())
    expected = dict(zip(names, 1000 + 400 / math.log(10) * (logs - logs.mean()), strict=True))
    ratings = rate(games)
    for name, value in zip(ratings.models, ratings.rating, strict=True):
        assert value == pytest.approx(expected[name], abs=1e-6)


def test_there_is_nothing_to_rate_without_outcomes() -> None:
    with pytest.raises(JudgeError, match="nothing to rate"):
        rate({("a", "b"): []})
