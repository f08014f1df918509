"""Boards of runs that were scored or judged again: columns of the same row, held against their log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from csc_tasks.leaderboards.board import Board
from csc_tasks.results.find_logs import find_logs
from csc_tasks.results.rescore import choose, rescore
from tests.leaderboards.built import cell, only_table, results_of, row_of, told
from tests.leaderboards.logs import (
    RESPONSE,
    answering,
    edit,
    log_of,
    write_run,
)


def score(results: Path, names: list[str], tokenizer: str) -> Path:
    (log,) = find_logs([log_of(results)])
    return rescore(log, choose(log, names, tokenizer), tokenizer).results


def test_another_tokenizer_is_another_column_of_the_same_row(
    logs: Path, board: Board, build: Callable[..., Board]
) -> None:
    again = score(results_of(logs, "org/good"), ["bleu_4"], "char")
    after = build(logs)
    assert not after.problems
    table = only_table(after)
    assert len(table.rows) == 4
    shown = cell(after, "org/good", "response/reference/bleu_4_char")
    assert shown.value == json.loads(again.read_text())["results"][RESPONSE]["bleu_4_char,none"]
    assert shown.low is not None
    assert cell(after, "org/good") == cell(board, "org/good")
    assert again.name in row_of(table, "org/good").figures["response/reference"].sources
    (column,) = (c for c in table.columns if c.metric == "bleu_4_char")
    assert "tok:char" in column.signature


def test_scores_join_their_run_whatever_it_was_asked_with(
    tmp_path: Path, build: Callable[..., Board]
) -> None:
    """A system instruction makes another row of a model; its scores must not make a third one."""
    run = write_run(tmp_path, "org/a", answering(0.5), system_instruction="你是客服。", limit=30)
    score(run, ["bleu_4"], "char")
    board = build(tmp_path)
    assert len(only_table(board).rows) == 1
    # As csconv wrote such files first, without what the run was asked with:
    (path,) = run.parent.glob("*rescored*.json")
    edit(path, lambda content: content.pop("system_instruction_sha"))
    assert len(only_table(build(tmp_path)).rows) == 1


def test_scores_of_a_run_that_does_not_count_are_told_and_not_shown(
    logs: Path, build: Callable[..., Board]
) -> None:
    score(results_of(logs, "org/good"), ["bleu_4"], "char")
    write_run(logs, "org/good", answering(0.2, 5), date=9.0)
    board = build(logs)
    assert "response/reference/bleu_4_char" not in row_of(only_table(board), "org/good").cells
    assert "which does not count" in told(board)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda scores, log: scores.unlink(), "is not beside the results"),
        (lambda scores, log: scores.write_bytes(scores.read_bytes()[:-30]), "not JSON"),
        (lambda scores, log: scores.write_text(""), "is missing); run csconv score --force"),
        (lambda scores, log: log.write_bytes(log.read_bytes() + b"\n"), "changed since"),
    ],
    ids=["gone", "cut off", "empty", "of another log"],
)
def test_scores_that_do_not_fit_their_log_are_not_resampled(
    logs: Path, build: Callable[..., Board], spoil: Callable[[Path, Path], object], message: str
) -> None:
    again = score(results_of(logs, "org/good"), ["bleu_4"], "char")
    scores = again.with_name(json.loads(again.read_text())["csconv_rescored"]["scores"])
    spoil(scores, log_of(results_of(logs, "org/good")))
    board = build(logs)
    assert message in told(board)
    shown = cell(board, "org/good", "response/reference/bleu_4_char")
    assert shown.value is not None
    assert shown.low is None
    assert message in shown.why


@pytest.fixture
def judge() -> Iterator[Callable[..., Path]]:
    pytest.importorskip("pydantic", reason="needs csconv-eval[judge]")
    from csc_tasks.judging.config import JudgeConfig
    from csc_tasks.judging.keeper import open_cache
    from csc_tasks.judging.saved_run import JudgedLog
    from csc_tasks.metrics.judge import load_rubric
    from tests.judge_server import JudgeServer

    with JudgeServer() as server:

        def run(results: Path, sample: int) -> Path:
            (log,) = find_logs([log_of(results)])
            config = JudgeConfig(model="fake", base_url=server.url, input_price=1.0, output_price=2.0)
            judged = JudgedLog(log, load_rubric("turn-zh-2"), config, sample_size=sample)
            cache = open_cache(results.with_name("cache.sqlite"))
            judged.run(cache)
            cache.close()
            return Path(judged.results_path)

        yield run


def test_a_judges_grades_are_columns_of_the_same_row(
    logs: Path, build: Callable[..., Board], judge: Callable[..., Path]
) -> None:
    path = judge(results_of(logs, "org/good"), 64)
    judge(results_of(logs, "org/poor"), 64)
    board = build(logs)
    assert not board.problems
    assert len(only_table(board).rows) == 4
    content = json.loads(path.read_text())
    columns = [c for c in only_table(board).columns if c.metric.startswith("judge_")]
    assert len(columns) > 3
    for column in columns:
        shown = cell(board, "org/good", column.id)
        assert shown.value == content["results"][RESPONSE][f"{column.metric},none"]
        assert shown.turns == 64
        # How much could be judged is no achievement.
        assert shown.rank in ((None,) if column.metric == "judge_coverage" else (1, 2))
    (coverage,) = (c for c in columns if c.metric == "judge_coverage")
    assert cell(board, "org/good", coverage.id).value == 1.0
    figures = row_of(only_table(board), "org/good").figures["response/reference"]
    assert figures.cost == content["csconv_judged"]["cost"] > 0
    assert figures.turns == 407


def test_verdicts_without_sums_are_shown_without_intervals(
    logs: Path, build: Callable[..., Board], judge: Callable[..., Path]
) -> None:
    path = judge(results_of(logs, "org/good"), 20)
    edit(path, lambda content: content["csconv_judged"].pop("sums"))
    board = build(logs)
    assert "run csconv judge again (nothing is asked twice)" in told(board)
    assert cell(board, "org/good", "response/reference/judge_coverage").low is None
    assert cell(board, "org/good").low is not None
