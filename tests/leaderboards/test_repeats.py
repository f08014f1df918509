"""Runs that differ in their seed alone are repeats of one model: their mean, and the spread between them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pytest

from csc_tasks.leaderboards.board import Board, Row
from csc_tasks.leaderboards.build import build_board
from csc_tasks.leaderboards.reading.replicates import Replicates, replicates_of
from csc_tasks.leaderboards.reading.runs import find_runs
from csc_tasks.leaderboards.rendering.export import flat_rows
from csc_tasks.leaderboards.rendering.markdown import markdown
from csc_tasks.leaderboards.rendering.numbers import number
from csc_tasks.metrics import additive_metric
from csc_tasks.metrics.comparison import paired_difference
from csc_tasks.metrics.intervals import score_interval
from tests.door import csconv
from tests.leaderboards import logs
from tests.leaderboards.logs import RESPONSE, answering, write_run

METRIC = "response/reference/strategy_acc"
SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def three(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A model whose replies depend on its seed, under three seeds, and another one, all over the whole set."""

    def make(folder: Path) -> None:
        for seed in SEEDS:
            seeds = dict.fromkeys(("random_seed", "numpy_random_seed", "torch_random_seed"), seed)
            write_run(folder / f"s{seed}", "org/a", answering(0.6, 7 * seed), date=float(seed), **seeds)
        write_run(folder / "other", "org/b", answering(0.3, 9), date=9.0)

    return once("repeats", make)


@pytest.fixture(scope="module")
def board(three: Path, kept: Path) -> Board:
    return build_board([three], cache=kept)


def row_of(board: Board, model: str = "org/a") -> Row:
    (row,) = [row for row in board.tables[0].rows if row.model == model]
    return row


def own_scores(three: Path) -> list[float]:
    return [logs.content(three / f"s{seed}")["results"][RESPONSE]["strategy_acc,none"] for seed in SEEDS]


def _replicates(paths: list[Path], kept: Path) -> Any:
    """Of strategy accuracy, of the only run below these paths."""
    (read,) = replicates_of(find_runs(paths).runs, folder=kept)
    assert isinstance(read, Replicates)
    return read.replicates["strategy_acc"]


def test_a_row_is_the_mean_of_its_seeds_and_says_how_far_they_lie_apart(board: Board, three: Path) -> None:
    row, scores = row_of(board), own_scores(three)
    cell = row.cells[METRIC]
    assert len(set(scores)) == 3
    assert cell.value == pytest.approx(fmean(scores), abs=1e-12)
    assert cell.spread == pytest.approx(stdev(scores), abs=1e-12)
    assert (row.seeds, cell.seeds) == (3, 3)
    assert board.problems == ()
    other = row_of(board, "org/b").cells[METRIC]
    assert (other.seeds, other.spread) == (1, None)


def test_the_interval_is_of_the_mean_over_the_same_resamples(board: Board, three: Path, kept: Path) -> None:
    replicates = [_replicates([three / f"s{seed}"], kept) for seed in SEEDS]
    cell = row_of(board).cells[METRIC]
    mean = np.mean(replicates, axis=0)
    assert cell.value is not None
    low, high = score_interval(additive_metric(METRIC.rpartition("/")[2]), cell.value, mean, 32, cell.turns)
    assert (cell.low, cell.high) == (pytest.approx(low), pytest.approx(high))


def test_labels_are_added_up_and_depth_is_averaged(board: Board, three: Path, kept: Path) -> None:
    figures = row_of(board).figures["response/reference"]
    one = row_of(build_board([three / "s1"], cache=kept)).figures["response/reference"]
    assert figures.confusion is not None
    assert one.confusion is not None
    assert sum(map(sum, figures.confusion)) == 3 * sum(map(sum, one.confusion))
    first = [
        row_of(build_board([three / f"s{seed}"], cache=kept))
        .figures["response/reference"]
        .depth["rouge_l"][2]
        .value
        for seed in SEEDS
    ]
    assert figures.depth["rouge_l"][2].value == pytest.approx(fmean(v for v in first if v is not None))


@pytest.mark.slow
def test_every_rendering_shows_the_mean_the_spread_and_the_number_of_seeds(
    board: Board, three: Path, tmp_path: Path, kept: Path
) -> None:
    cell = row_of(board).cells[METRIC]
    value, spread = number(cell.value, True), number(cell.spread, True)
    table = csconv("table", three)
    assert "org/a (3 seeds)" in table.out
    assert re.search(rf"{value} \[[^]]*\] sd {spread}", table.out)
    assert re.search(rf"`org/a` \(3 seeds\) \| {value} \[[^]]*\] sd {spread}", markdown(board))
    flat = next(f for f in flat_rows(board) if f.model == "org/a" and f.metric == "strategy_acc")
    assert (flat.seeds, flat.spread) == (3, cell.spread)
    pytest.importorskip("vl_convert", reason="needs csconv-eval[leaderboard]")
    assert csconv("leaderboard", three, "--out", tmp_path, "--workers", "1", "--cache", kept).code == 0
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert re.search(r"<span><span[^>]*>3 seeds</span></span>|<span[^>]*>3 seeds</span>", page)
    assert f"sd {spread}</span>" in page


@pytest.mark.slow
def test_compare_and_gate_hold_means_against_each_other(three: Path, tmp_path: Path, kept: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for seed in SEEDS:
        (seeds / str(seed)).symlink_to(three / f"s{seed}")
    done = csconv("compare", seeds, three / "other", "--format", "json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert (told["first"], told["second"]) == ("org/a (3 seeds)", "org/b")
    (section,) = told["sections"]
    (delta,) = [d for d in section["deltas"] if d["metric"] == "strategy_acc"]
    assert delta["first"] == pytest.approx(fmean(own_scores(three)))
    assert delta["spreads"] == [pytest.approx(stdev(own_scores(three))), None]
    assert len(section["changed"]) == 20
    means = [_replicates([three / name], kept) for name in ("s1", "s2", "s3", "other")]
    change = np.mean(means[:3], axis=0) - means[3]
    expected = paired_difference(delta["first"] - delta["second"], change, 32)
    assert delta["difference"]["stderr"] == pytest.approx(expected.stderr)
    assert delta["difference"]["p"] == pytest.approx(expected.p)
    file = tmp_path / "baseline.json"
    assert csconv("gate", seeds, "--baseline", file, "--update-baseline").code == 0
    reports: list[Any] = []
    for baseline in (file, seeds):
        gated = csconv("gate", three / "other", "--baseline", baseline, "--json", "-")
        reports.append(json.loads(gated.out))
    assert reports[0]["checks"] == reports[1]["checks"]
    assert reports[0]["baseline"] == "org/a (3 seeds)"
    mine = csconv("gate", seeds, "--baseline", three / "other")
    assert mine.code == 0
    assert f"sd {number(stdev(own_scores(three)), True)}" in mine.out
    assert "org/a (3 seeds)" in mine.out
    assert csconv("gate", "power", "--baseline", file).code == 0


def test_of_two_runs_of_one_seed_the_newer_counts_and_the_other_is_told(three: Path, tmp_path: Path) -> None:
    for name, source, date in (("a", "s1", 1.0), ("b", "s2", 2.0), ("c", "s2", 5.0)):
        folder = tmp_path / name
        write = logs.results_file(three / source).parent
        folder.mkdir()
        for path in write.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        logs.edit(logs.results_file(folder), lambda content, date=date: content.update(date=date))  # type: ignore[misc]
    board = build_board([tmp_path])
    assert row_of(board).seeds == 2
    (problem,) = board.problems
    assert "is older" in problem.message


def test_a_seed_with_turns_missing_is_no_part_of_the_mean_and_told(three: Path, tmp_path: Path) -> None:
    for seed in SEEDS:
        folder = tmp_path / f"s{seed}"
        folder.mkdir()
        for path in logs.results_file(three / f"s{seed}").parent.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
    log = logs.samples_file(tmp_path / "s2")
    log.write_text("".join(log.read_text(encoding="utf-8").splitlines(True)[:-20]), encoding="utf-8")
    row = row_of(build_board([tmp_path]))
    scores = own_scores(three)
    assert row.cells[METRIC].value == pytest.approx(fmean([scores[0], scores[2]]))
    assert row.cells[METRIC].seeds == 2
    assert any("of 3 seeds, 2 count" in note for note in row.notes)


def test_floors_of_several_seeds_are_one_floor(tmp_path: Path) -> None:
    for seed in (0, 1):
        logs.evaluate(tmp_path / str(seed), "random", seed=seed)
    (row,) = build_board([tmp_path]).tables[0].rows
    assert (row.floor, row.seeds, row.model) == (True, 2, "csconv-random")
