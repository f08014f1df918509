"""What a board says of real logs: scores, intervals, ranks, figures, and the turns to look at."""

from __future__ import annotations

import itertools
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from csc_tasks.framework import Strategy
from csc_tasks.leaderboards.board import Board, to_json
from csc_tasks.leaderboards.build import build_board, reported_results
from tests.leaderboards.built import ACCURACY, cell, only_table, results_of, row_of, told
from tests.leaderboards.logs import (
    RESPONSE,
    STRATEGY,
    edit,
    log_of,
    samples_of,
)


def test_every_score_is_the_one_in_the_results_file(board: Board, measured: Path) -> None:
    compared = 0
    for row in only_table(board).rows:
        content = json.loads(results_of(measured, row.model).read_text())
        for column in only_table(board).columns:
            if column.id not in row.cells:
                continue
            task = {"response/reference": RESPONSE, "strategy/reference": STRATEGY}.get(
                column.section, "csconv_mini_dialogue"
            )
            value = content["results"][task][f"{column.metric},none"]
            shown = row.cells[column.id].value
            if shown is None:
                assert math.isnan(value)
            else:
                assert abs(shown - value) <= 1e-12
            compared += 1
    assert compared > 100


def test_the_samples_give_the_score_of_the_run_itself(logs: Path, build: Callable[..., Board]) -> None:
    """The value shown is the results file's; one that the samples do not give would be refused."""
    content = results_of(logs, "org/good")
    edit(content, lambda c: c["results"][RESPONSE].update({"rouge_l,none": 0.5}))
    board = build(logs)
    assert "gives rouge_l" in told(board)
    assert cell(board, "org/good").low is None


def test_an_interval_is_two_standard_errors_of_the_run_wide(board: Board, measured: Path) -> None:
    for model in ("org/good", "org/poor", "org/other"):
        values = json.loads(results_of(measured, model).read_text())["results"][RESPONSE]
        for metric in ("strategy_acc", "strategy_f1_macro", "bleu_2", "bleu_4", "rouge_l", "stage_acc"):
            shown = cell(board, model, f"response/reference/{metric}")
            assert shown.low is not None
            assert shown.value is not None
            assert shown.high is not None
            assert shown.low < shown.value < shown.high
            # 32 conversations: t with 31 degrees of freedom instead of 1.96, times sqrt(32/31)
            half = 2.0395 * math.sqrt(32 / 31) * values[f"{metric}_stderr,none"]
            assert (shown.high - shown.low) / 2 == pytest.approx(half, rel=0.15)


def test_models_are_ranked_and_floors_stand_beneath_without_a_rank(board: Board) -> None:
    table = only_table(board)
    assert [row.model for row in table.rows] == ["org/good", "org/other", "org/poor", "csconv-random"]
    assert [row.floor for row in table.rows] == [False, False, False, True]
    assert [(c.rank, c.rank_low, c.rank_high) for c in (r.cells[ACCURACY] for r in table.rows)] == [
        (1, 1, 2),  # 0.7 and 0.65 of 407 turns are not told apart
        (1, 1, 2),
        (3, 3, 3),
        (None, None, None),
    ]


def test_a_metric_that_describes_has_no_ranks(board: Board) -> None:
    column = next(c for c in only_table(board).columns if c.id == "response/reference/length_ratio")
    assert not column.ranked
    assert cell(board, "org/good", column.id).rank is None
    assert cell(board, "org/good", column.id).low is not None


def test_a_figure_of_all_turns_together_says_why_it_has_no_interval(board: Board) -> None:
    shown = cell(board, "org/good", "response/reference/distinct_2")
    assert shown.value is not None
    assert shown.low is None
    assert "not resampled" in shown.why


def test_a_model_is_one_row_over_all_its_tasks(board: Board) -> None:
    good = row_of(only_table(board), "org/good")
    assert set(good.figures) == {"response/reference", "strategy/reference"}
    assert "response/generated/strategy_acc" in row_of(only_table(board), "csconv-random").cells
    assert "strategy/reference/strategy_acc" not in row_of(only_table(board), "org/other").cells


def test_the_figures_of_a_row_count_its_turns(board: Board, measured: Path) -> None:
    samples = samples_of(results_of(measured, "org/poor"))
    figures = row_of(only_table(board), "org/poor").figures["response/reference"]
    assert (figures.turns, figures.expected_turns, figures.complete) == (len(samples), len(samples), True)
    assert figures.confusion is not None
    pairs = [sample["strategy_f1_macro"] for sample in samples]
    for gold, predicted in itertools.product(range(12), range(-1, 12)):
        assert figures.confusion[gold][predicted] == pairs.count([gold, predicted])
    gold = only_table(board).gold["response/reference"]
    assert gold.strategies == tuple(map(sum, figures.confusion))
    assert figures.transitions is not None
    for matrix in (figures.transitions, gold.transitions):
        # Every conversation starts once, and every turn is arrived at once.
        assert sum(matrix[0]) == figures.conversations
        assert sum(map(sum, matrix)) == figures.turns
        assert all(row[0] == 0 for row in matrix)


def test_transitions_go_from_the_stage_before_to_the_stage_after(board: Board, measured: Path) -> None:
    """Row: the stage before, 0 at a conversation's start; column: the stage of the turn. Unreadable: passed over."""
    # What belongs to no stage counts as a sixth.
    stage = {s.index: s.stage.number if s.stage else 6 for s in Strategy}
    samples = samples_of(results_of(measured, "org/poor"))
    samples.sort(key=lambda s: (s["doc"]["conversation"], s["doc"]["turn"]))
    table = only_table(board)
    figures = row_of(table, "org/poor").figures["response/reference"]
    for side, found in enumerate((table.gold["response/reference"].transitions, figures.transitions)):
        expected = [[0] * 7 for _ in range(7)]
        for _, turns in itertools.groupby(samples, key=lambda s: s["doc"]["conversation"]):
            before = 0
            for label in (turn["strategy_f1_macro"][side] for turn in turns):
                if label >= 0:
                    expected[before][stage[label]] += 1
                    before = stage[label]
        assert found is not None
        assert [list(row) for row in found] == expected
    assert expected != [
        list(column) for column in zip(*expected, strict=True)
    ]  # else order would say nothing


def test_depth_is_told_position_by_position(board: Board, measured: Path) -> None:
    samples = samples_of(results_of(measured, "org/good"))
    points = row_of(only_table(board), "org/good").figures["response/reference"].depth["strategy_acc"]
    for point in points:
        last = point.position == 15
        here = [
            s["strategy_acc"]
            for s in samples
            if s["doc"]["turn"] == point.position - 1 or (last and s["doc"]["turn"] >= 15)
        ]
        assert point.turns == len(here)
        assert point.value == pytest.approx(sum(here) / len(here))
        # None, never NaN, where some resample has no conversation so long
        assert point.low is None or point.low <= point.value <= point.high  # type: ignore[operator]
    assert sum(p.turns for p in points) == len(samples)


def test_the_sample_browser_has_the_models_turns_beside_the_gold_ones(board: Board, measured: Path) -> None:
    row = row_of(only_table(board), "org/good")
    replies = board.replies[row.id]["response/reference"]
    assert {c.id for c in board.conversations} == set(replies)
    for sample in samples_of(results_of(measured, "org/good")):
        doc = sample["doc"]
        (conversation,) = (c for c in board.conversations if c.id == doc["conversation"])
        turn, reply = conversation.turns[doc["turn"]], replies[doc["conversation"]][doc["turn"]]
        assert reply is not None
        assert (turn.customer, turn.reference) == (doc["customer"], doc["reference"])
        assert [turn.strategy, reply.strategy] == sample["strategy_f1_macro"]
        assert sample["resps"][0][0].endswith(reply.text)
        assert reply.scores["rouge_l"] == pytest.approx(sample["rouge_l"], abs=1e-4)


def test_a_dialogues_customer_is_found_in_its_prompts(board: Board, measured: Path) -> None:
    samples = samples_of(results_of(measured, "org/good"))
    said = {(s["doc"]["conversation"], s["doc"]["turn"]): s["doc"]["customer"] for s in samples}
    floor = results_of(measured, "csconv-random")
    alone = [log_of(floor, "csconv_mini_dialogue"), floor]
    folder = floor.parent.parent.parent / "dialogue-alone"
    folder.mkdir(exist_ok=True)
    for file in alone:
        shutil.copy(file, folder)
    edit(folder / floor.name, lambda c: [c[k].pop(RESPONSE) for k in ("results", "configs")])
    dialogue = build_board([folder], cache=folder / "kept")
    found = 0
    for conversation in dialogue.conversations:
        for turn, utterance in enumerate(conversation.turns):
            assert utterance.customer == said[conversation.id, turn]
            found += bool(utterance.customer)
    assert found > 300


def test_the_papers_results_are_told_apart_from_measured_ones(board: Board) -> None:
    assert len(board.reported["rows"]) == 11
    assert board.reported == reported_results()
    names = {row["model"] for row in board.reported["rows"]}
    assert not names & {row.model for row in only_table(board).rows}


def test_the_json_form_reads_back_and_has_no_texts_if_none_are_wanted(board: Board) -> None:
    whole, short = json.loads(to_json(board)), json.loads(to_json(board, texts=False))
    assert whole["tables"][0]["rows"][0]["model"] == "org/good"
    assert whole["conversations"]
    assert not {"conversations", "replies"} & set(short)
