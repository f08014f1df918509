"""Which scores are above the best floor: on made replicates, and on real logs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from csc_tasks.leaderboards.board import BeatsFloor, Board
from csc_tasks.leaderboards.build import build_board
from csc_tasks.leaderboards.comparing.floor_marks import Entrant, floor_marks
from csc_tasks.leaderboards.reading.replicates import Replicates
from csc_tasks.metrics.comparison import holm, paired_difference
from tests.leaderboards.built import cell, only_table
from tests.leaderboards.logs import answering, evaluate, results_file, samples_of, write_run

YES, NO, UNKNOWN, NOT_ASKED = BeatsFloor
METRIC = "strategy_acc"
CLUSTERS = 100
NOISE = np.random.default_rng(0).normal(0, 0.02, (3, 1000))


def entrant(
    name: str, value: float, floor: bool = False, noise: int = 0, metric: str = METRIC, digest: str = "same"
) -> Entrant:
    """A score whose replicates vary by two points; those of one ``noise`` vary alike."""
    source = Replicates(CLUSTERS, 400, 400, digest, {metric: value}, {metric: value + NOISE[noise]}, {})
    return Entrant((name,), floor, metric, value, source)


def marks(*entrants: Entrant, better: int = 1) -> dict[str, BeatsFloor]:
    """What one column says of each model."""
    return {name: mark.beats for (_, (name,)), mark in floor_marks({"x": (better, entrants)}).items()}


FLOOR = entrant("floor", 0.30, floor=True)


@pytest.mark.parametrize(
    ("value", "noise", "beats"),
    [
        (0.50, 1, YES),
        (0.20, 1, NO),
        (0.30, 0, NO),  # the floor itself under another name
        (0.31, 1, NO),  # better by less than noise
        (0.31, 0, YES),  # by as much, in every resample
    ],
)
def test_a_model_is_above_a_floor_only_by_more_than_noise(
    value: float, noise: int, beats: BeatsFloor
) -> None:
    assert marks(FLOOR, entrant("model", value, noise=noise)) == {"model": beats}


@pytest.mark.parametrize(("value", "beats"), [(0.10, YES), (0.30, NO), (0.50, NO)])
def test_where_lower_is_better_above_means_lower(value: float, beats: BeatsFloor) -> None:
    floors = [entrant(f"floor {v}", v, True, metric="strategy_jsd") for v in (0.30, 0.40)]
    model = entrant("model", value, noise=1, metric="strategy_jsd")
    assert marks(*floors, model, better=-1) == {"model": beats}


def test_the_best_floor_counts_and_the_mark_says_which_it_was() -> None:
    worse = entrant("worse", 0.05, True, noise=2)
    ((_, mark),) = floor_marks({"x": (1, [worse, FLOOR, entrant("model", 0.25, noise=1)])}).items()
    assert (mark.beats, mark.best) == (NO, ("floor",))


def test_floors_have_no_marks_and_without_floors_there_are_none() -> None:
    assert marks(FLOOR, entrant("worse", 0.05, True)) == {}
    assert marks(entrant("model", 0.5), entrant("other", 0.4)) == {}


def test_a_floor_of_other_turns_is_the_best_only_where_none_has_the_same() -> None:
    short = entrant("short", 0.60, True, digest="other")
    assert marks(short, FLOOR, entrant("model", 0.50, noise=1)) == {"model": YES}
    ((_, mark),) = floor_marks({"x": (1, [short, entrant("model", 0.50)])}).items()
    assert (mark.beats, mark.best) == (UNKNOWN, ("short",))
    assert mark.why == "not of the same turns as the floors"


def test_what_cannot_be_paired_is_not_known_and_says_why() -> None:
    model = entrant("model", 0.5)
    undefined = replace(
        entrant("model", 0.5), source=replace(model.source, replicates={METRIC: NOISE[0] * np.nan})
    )  # type: ignore[type-var]
    for one, floor, why in (
        (replace(model, source=None, why="no log"), FLOOR, "no log"),
        (replace(model, source=None), FLOOR, "no samples to resample"),
        (model, replace(FLOOR, source=None, why="no log"), "of the floor: no log"),
        (undefined, FLOOR, "too few conversations, or undefined in some resamples"),
    ):
        ((_, mark),) = floor_marks({"x": (1, [floor, one])}).items()
        assert (mark.beats, mark.why) == (UNKNOWN, why)


def test_where_the_floor_is_as_good_as_can_be_the_same_is_no_shame_and_anything_else_is_not_better() -> None:
    entrants = [
        entrant(name, value, name == "floor", metric="strategy_invalid")
        for name, value in (("floor", 0.0), ("clean", 0.0), ("sloppy", 0.03))
    ]
    assert marks(*entrants, better=-1) == {"sloppy": NO, "clean": BeatsFloor.NOT_ASKED}
    elsewhere = entrant("floor", 0.0, True, metric="strategy_invalid", digest="other")
    assert marks(elsewhere, *entrants[1:], better=-1) == {"clean": UNKNOWN, "sloppy": UNKNOWN}


def test_one_table_is_one_family() -> None:
    """The p-values of all columns are corrected together, by Holm."""
    names = [f"m{i}" for i in range(40)]
    columns = {
        column: (1, [FLOOR, *(entrant(n, 0.30 + 0.003 * i, noise=noise) for i, n in enumerate(names))])
        for column, noise in (("x", 1), ("y", 2))
    }
    p_values = [
        paired_difference(0.003 * i, 0.003 * i + NOISE[noise] - NOISE[0], CLUSTERS).p
        for noise in (1, 2)
        for i in range(40)
    ]
    found = floor_marks(columns)
    told = [found[column, (name,)].beats is YES for column in columns for name in names]
    assert told == (holm(p_values) < 0.05).tolist()
    alone = [p < 0.05 for p in p_values]
    assert sum(told) < sum(alone)


# --- on real logs ---


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, kept: Path) -> Board:
    """A good model, a poor one, one that answers as the floor, and the floor."""
    folder = tmp_path_factory.mktemp("floors")
    said = {
        (sample["doc"]["conversation"], sample["doc"]["turn"]): sample["resps"][0][0]
        for sample in samples_of(results_file(evaluate(folder, "labels")))
    }
    evaluate(folder, "random")
    write_run(folder, "org/good", answering(0.9))
    write_run(folder, "org/poor", answering(0.0))
    write_run(folder, "org/same", lambda request: said[request.doc["conversation"], request.doc["turn"]])
    return build_board([folder], cache=kept)


def test_a_board_marks_every_score_of_which_one_end_is_better(built: Board) -> None:
    table = only_table(built)
    labels = next(row.id for row in table.rows if row.model == "csconv-labels")
    for metric in ("strategy_acc", "strategy_f1_macro", "bleu_2", "rouge_l"):
        column = f"response/reference/{metric}"
        good, same = (cell(built, f"org/{model}", column) for model in ("good", "same"))
        assert (good.beats_floor, good.best_floor, good.first) == (YES, labels, True)
        assert (same.beats_floor, same.best_floor, same.first) == (NO, labels, False)
    assert cell(built, "org/poor").beats_floor is NO
    for row in table.rows:
        for column in table.columns:
            mark = row.cells[column.id].beats_floor
            assert mark is NOT_ASKED or (column.better and not row.floor)
            assert not (row.floor and row.cells[column.id].first)


def test_nothing_is_shown_as_best_that_is_not_above_the_floor(
    tmp_path: Path, build: Callable[..., Board]
) -> None:
    write_run(tmp_path, "org/poor", answering(0.0))
    alone = cell(build(tmp_path), "org/poor")
    assert (alone.rank, alone.beats_floor, alone.first) == (1, NOT_ASKED, True)
    evaluate(tmp_path, "labels")
    beside = cell(build(tmp_path), "org/poor")
    assert (beside.rank, beside.beats_floor, beside.first) == (1, NO, False)


def test_a_figure_that_is_not_resampled_is_not_known_to_be_above_the_floor(built: Board) -> None:
    found = cell(built, "org/good", "response/reference/distinct_2")
    assert found.beats_floor is UNKNOWN
    assert "not resampled" in found.floor_why


def test_a_run_of_fewer_turns_than_the_floors_is_not_known_to_be_above_them(
    tmp_path: Path, build: Callable[..., Board]
) -> None:
    evaluate(tmp_path, "labels")
    write_run(tmp_path, "org/short", answering(0.9), limit=60)
    found = cell(build(tmp_path), "org/short")
    assert (found.beats_floor, found.floor_why) == (UNKNOWN, "not of the same turns as the floors")
