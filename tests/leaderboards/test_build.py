"""The leaderboard of real logs: what it says of them, and what bad input does to it."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import DataError
from csc_tasks.leaderboards.board import Board, BoardTable, Cell, Row, to_json
from csc_tasks.leaderboards.build import build_board, reported_results
from csc_tasks.results.rescore import choose, rescore
from csc_tasks.results.sample_log import find_logs
from tests.leaderboards.logs import (
    RESPONSE,
    STRATEGY,
    age,
    answering,
    change_line,
    edit,
    log_of,
    overwrite,
    samples_of,
    write_run,
)

pytestmark = pytest.mark.slow

ACCURACY = "response/reference/strategy_acc"


@pytest.fixture
def build(kept: Path) -> Callable[..., Board]:
    return lambda *folders, **options: build_board(folders, **{"cache": kept, **options})


@pytest.fixture(scope="module")
def board(measured: Path, kept: Path) -> Board:
    return build_board([measured], cache=kept)


def results_of(folder: Path, model: str) -> Path:
    (path,) = (p for p in folder.glob(f"{model.replace('/', '__')}/results_*.json") if "_re" not in p.stem)
    return path


def row_of(table: BoardTable, model: str) -> Row:
    (row,) = (r for r in table.rows if r.model == model)
    return row


def only_table(board: Board) -> BoardTable:
    (table,) = board.tables
    return table


def cell(board: Board, model: str, column: str = ACCURACY) -> Cell:
    return row_of(only_table(board), model).cells[column]


def told(board: Board) -> str:
    return "\n".join(f"{p.path}: {p.message}" for p in board.problems)


def rows_as_plain(board: Board) -> list[Any]:
    return [asdict(row) for table in board.tables for row in table.rows]


# --- what it says ---


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


# --- the same input, the same board ---


def test_the_order_of_files_changes_nothing(
    board: Board, measured: Path, build: Callable[..., Board]
) -> None:
    files = sorted(measured.rglob("results_*.json"), reverse=True)
    assert rows_as_plain(build(*files)) == rows_as_plain(board)


def test_more_workers_give_the_identical_board(board: Board, measured: Path, tmp_path: Path) -> None:
    again = build_board([measured], workers=2, cache=tmp_path / "cache")
    assert replace(again, built="") == replace(board, built="")


def test_what_was_kept_gives_the_identical_board(board: Board, measured: Path, kept: Path) -> None:
    assert replace(build_board([measured], cache=kept), built="") == replace(board, built="")


def test_progress_begins_with_what_was_kept_and_counts_the_logs_that_are_read(
    measured: Path, tmp_path: Path
) -> None:
    def seen(*folders: Path) -> list[tuple[int, int]]:
        told: list[tuple[int, int]] = []
        build_board(folders, on_progress=lambda done, total: told.append((done, total)), cache=tmp_path)
        return told

    one, other = (results_of(measured, name).parent for name in ("org/other", "csconv-random"))
    assert seen(one) == [(1, 1)]
    assert seen(one) == [(1, 1)]
    assert seen(one, other) == [(1, 3), (2, 3), (3, 3)]


# --- reading again only what is new ---


def test_adding_a_model_reads_no_old_log_again(logs: Path, tmp_path: Path) -> None:
    age(logs)
    new = Path(shutil.move(logs / "org__other", tmp_path / "org__other"))
    before = build_board([logs], cache=tmp_path / "cache")
    # Were one of the old logs opened again, nothing could be read from it.
    for log in logs.rglob("samples_*.jsonl"):
        overwrite(log, stamp=True)
    after = build_board([logs, new], cache=tmp_path / "cache")
    assert not after.problems
    assert cell(after, "org/other").low is not None
    for model in ("org/good", "org/poor", "csconv-random"):
        assert cell(after, model).low == cell(before, model).low
        assert cell(after, model).low is not None
    assert cell(after, "org/poor").rank == 3


def test_a_log_that_changed_is_read_again(logs: Path, tmp_path: Path) -> None:
    age(logs)
    build_board([logs], cache=tmp_path / "cache")
    overwrite(log_of(results_of(logs, "org/good")), stamp=False)
    board = build_board([logs], cache=tmp_path / "cache")
    assert "line 1: not JSON" in told(board)
    assert cell(board, "org/good").low is None


def test_a_log_that_was_changed_at_once_is_not_taken_for_the_old_one(logs: Path, tmp_path: Path) -> None:
    """Within the resolution of a time stamp a file may change twice."""
    log = log_of(results_of(logs, "org/good"))
    log.touch()
    build_board([logs], cache=tmp_path / "cache")
    overwrite(log, stamp=True)
    assert "line 1: not JSON" in told(build_board([logs], cache=tmp_path / "cache"))


@pytest.mark.parametrize(
    "spoil", [lambda b: b[:100], lambda b: b"PK" + b[2:50], lambda b: b"", lambda b: b"{}"]
)
def test_a_kept_summary_that_is_damaged_is_made_again(
    measured: Path, tmp_path: Path, board: Board, kept: Path, spoil: Callable[[bytes], bytes]
) -> None:
    cache = Path(shutil.copytree(kept, tmp_path / "cache"))
    log = results_of(measured, "org/other").parent
    before = build_board([log], cache=cache)
    for path in cache.glob("*.npz"):
        path.write_bytes(spoil(path.read_bytes()))
    assert rows_as_plain(build_board([log], cache=cache)) == rows_as_plain(before)


# --- several runs of one model ---


def test_of_two_runs_of_a_model_the_newest_counts_and_the_other_is_told(
    logs: Path, build: Callable[..., Board]
) -> None:
    newer = write_run(logs, "org/good", answering(0.2, 5), date=9.0)
    board = build(logs)
    assert (
        cell(board, "org/good").value
        == json.loads(newer.read_text())["results"][RESPONSE]["strategy_acc,none"]
    )
    assert f"org/good is older; {newer.name} counts in its place" in told(board)
    assert "strategy/reference/strategy_acc" in row_of(only_table(board), "org/good").cells


def test_a_run_with_a_limit_never_replaces_a_whole_one(
    logs: Path, board: Board, build: Callable[..., Board]
) -> None:
    write_run(logs, "org/good", answering(0.2, 5), date=9.0, limit=40)
    after = build(logs)
    assert cell(after, "org/good") == cell(board, "org/good")
    assert "has --limit" in told(after)


def test_a_model_with_missing_turns_is_shown_incomplete_and_unranked(
    logs: Path, build: Callable[..., Board]
) -> None:
    write_run(logs, "org/new", answering(0.95, 5), date=9.0, limit=40)
    table = only_table(build(logs))
    row = row_of(table, "org/new")
    assert row.incomplete == "response/reference: 40 of all turns"
    assert row.cells[ACCURACY].turns == 40
    assert row.cells[ACCURACY].rank is None
    assert row.cells[ACCURACY].low is not None
    assert [r.model for r in table.rows][-2:] == ["org/new", "csconv-random"]
    depth = row.figures["response/reference"].depth["strategy_acc"]
    assert sum(point.turns for point in depth) == 40


def test_where_no_model_has_all_turns_those_with_the_same_are_ranked_and_it_is_said(
    tmp_path: Path, build: Callable[..., Board]
) -> None:
    write_run(tmp_path, "org/a", answering(0.9), limit=120)
    write_run(tmp_path, "org/b", answering(0.1), limit=120)
    write_run(tmp_path, "org/c", answering(0.9), limit=60)
    table = only_table(build(tmp_path))
    assert "no model has all turns of: Response, reference context" in table.partial
    assert [row_of(table, f"org/{m}").cells[ACCURACY].rank for m in "abc"] == [1, 2, None]


# --- what may not stand together ---


def other_prompt(content: dict[str, Any]) -> None:
    for config in content["configs"].values():
        signature = config["metadata"]["csconv_signature"]
        signature["prompt"] = {"version": "zh-2", "sha256": "f" * 64}
        signature["line"] = signature["line"].replace("zh-1", "zh-2")


def test_two_prompts_are_two_tables_and_the_reason_is_in_words(
    logs: Path, build: Callable[..., Board]
) -> None:
    edit(results_of(logs, "org/poor"), other_prompt)
    first, second = build(logs).tables
    assert {row.model for row in first.rows} == {"org/good", "org/other", "csconv-random"}
    assert [row.model for row in second.rows] == ["org/poor"]
    assert first.apart == ""
    assert second.apart.startswith("prompt zh-2 (ffffffff) against zh-1 (")
    assert second.rows[0].cells[ACCURACY].rank == 1


def test_two_benchmark_versions_are_two_tables_and_the_other_has_no_intervals(
    logs: Path, build: Callable[..., Board]
) -> None:
    def older(content: dict[str, Any]) -> None:
        for config in content["configs"].values():
            config["metadata"]["csconv_signature"]["benchmark"] = 0

    edit(results_of(logs, "org/poor"), older)
    board = build(logs)
    _first, second = board.tables
    assert second.apart == "benchmark 0 against 1"
    assert second.rows[0].cells[ACCURACY].value is not None
    assert second.rows[0].cells[ACCURACY].low is None
    assert "benchmark version 0" in second.rows[0].cells[ACCURACY].why


def test_settings_that_part_two_rows_of_a_model_are_named(logs: Path, build: Callable[..., Board]) -> None:
    write_run(logs, "org/good", answering(0.5, 3), model_args={"dtype": "float16"})
    rows = [row for row in only_table(build(logs)).rows if row.model == "org/good"]
    assert sorted(row.words for row in rows) == [(), ("float16",)]
    assert len({row.id for row in rows}) == 2


# --- scored or judged again ---


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
    from csc_tasks.chat.cache import VerdictCache
    from csc_tasks.judging.config import JudgeConfig
    from csc_tasks.judging.saved_run import JudgedLog
    from csc_tasks.metrics.judge import load_rubric
    from tests.judge_server import JudgeServer

    with JudgeServer() as server:

        def run(results: Path, sample: int) -> Path:
            (log,) = find_logs([log_of(results)])
            config = JudgeConfig(model="fake", base_url=server.url, input_price=1.0, output_price=2.0)
            judged = JudgedLog(log, load_rubric("turn-zh-1"), config, sample=sample)
            cache = VerdictCache(results.with_name("cache.sqlite"))
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
        assert shown.rank in (1, 2)
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


# --- bad input: the rest is still built ---


def others_are_untouched(board: Board, expected: Board) -> bool:
    # A model less in the comparison may change ranks, never intervals.
    return all(
        replace(cell(board, m), rank=None, rank_low=None, rank_high=None)
        == replace(cell(expected, m), rank=None, rank_low=None, rank_high=None)
        for m in ("org/poor", "org/other", "csconv-random")
    )


def drop_the_last_line(log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:-1]))


SPOILT_LOGS: dict[str, tuple[Callable[[Path], object], str]] = {
    "gone": (Path.unlink, "is not beside the results"),
    "empty": (lambda log: log.write_bytes(b""), "no turns in it"),
    "cut off within a line": (
        lambda log: log.write_bytes(log.read_bytes()[:-40]),
        "not JSON (Unterminated string",
    ),
    "cut off between lines": (drop_the_last_line, "lines are missing"),
    "binary": (lambda log: log.write_bytes(b"\xff\xfe\x00" * 50), "not JSON"),
    "of another task": (
        lambda log: log.write_text('{"doc": {"q": 1}, "resps": [["a"]], "arguments": {}}\n'),
        "not a sample of csconv_mini_response",
    ),
    "deeply nested": (lambda log: log.write_text("[" * 100_000), "damaged"),
    "a turn that is no number": (
        lambda log: change_line(log, 3, lambda s: s["doc"].update(turn="x")),
        "damaged (TypeError",
    ),
    "an item that is no number": (
        lambda log: change_line(log, 3, lambda s: s.update(rouge_l="x")),
        "what it says of rouge_l is not what rouge_l says",
    ),
    "a label out of range": (
        lambda log: change_line(log, 3, lambda s: s.update(strategy_f1_macro=[5, 99])),
        "strategy_f1_macro",
    ),
    "a score that was raised": (
        lambda log: change_line(log, 3, lambda s: s.update(rouge_l=1.5)),
        "gives rouge_l",
    ),
    "another text": (
        lambda log: change_line(log, 3, lambda s: s.update(doc_hash="0" * 64)),
        "another hash",
    ),
}


@pytest.mark.parametrize("case", SPOILT_LOGS)
def test_a_log_that_cannot_be_used_costs_its_own_intervals_and_nothing_else(
    case: str, logs: Path, board: Board, build: Callable[..., Board]
) -> None:
    spoil, message = SPOILT_LOGS[case]
    spoil(log_of(results_of(logs, "org/good")))
    after = build(logs)
    assert message in told(after)
    assert others_are_untouched(after, board)
    shown = cell(after, "org/good")
    assert shown.value == cell(board, "org/good").value
    assert (shown.low, shown.rank) == (None, None)
    assert message in shown.why
    assert any(message in note for note in row_of(only_table(after), "org/good").notes)
    # the other task's log is sound
    assert cell(after, "org/good", "strategy/reference/strategy_acc").low is not None


SPOILT_RESULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda p: p.write_text(""), "empty"),
    "cut off": (lambda p: p.write_bytes(p.read_bytes()[:500]), "damaged or cut off"),
    "binary": (lambda p: p.write_bytes(b"\xff\xfe\x00"), "not UTF-8"),
    "a list": (lambda p: p.write_text("[]"), "not an lm-eval results file"),
    "deeply nested": (lambda p: p.write_text("[" * 100_000), "not an lm-eval results file"),
    "no signature's task": (
        lambda p: edit(p, lambda c: c["configs"][RESPONSE]["metadata"]["csconv_signature"].pop("task")),
        "task csconv_mini_response: damaged (csconv_signature.task: field required)",
    ),
    "metrics that are no object": (
        lambda p: edit(
            p, lambda c: c["configs"][RESPONSE]["metadata"]["csconv_signature"].update(metrics=["x"])
        ),
        "task csconv_mini_response: damaged",
    ),
    "scores of a file elsewhere": (
        lambda p: edit(p, lambda c: c.update(csconv_rescored={"samples": "../../secret", "results": "x"})),
        "not the name of a file beside it",
    ),
}


@pytest.mark.parametrize("case", SPOILT_RESULTS)
def test_a_results_file_that_cannot_be_used_costs_its_own_row_and_nothing_else(
    case: str, logs: Path, board: Board, build: Callable[..., Board]
) -> None:
    spoil, message = SPOILT_RESULTS[case]
    path = results_of(logs, "org/good")
    spoil(path)
    after = build(logs)
    assert message in told(after)
    assert others_are_untouched(after, board)
    assert ACCURACY not in next((r.cells for r in only_table(after).rows if r.model == "org/good"), {})


def test_a_score_that_is_not_a_number_is_unknown_and_never_zero(
    logs: Path, build: Callable[..., Board]
) -> None:
    def spoil(content: dict[str, Any]) -> None:
        content["results"][RESPONSE] |= {
            "rouge_l,none": math.nan,
            "bleu_2,none": "N/A",
            "bleu_4,none": math.inf,
            "strategy_acc_stderr,none": "N/A",
        }

    edit(results_of(logs, "org/good"), spoil)
    after = build(logs)
    for metric in ("rouge_l", "bleu_2", "bleu_4"):
        shown = cell(after, "org/good", f"response/reference/{metric}")
        assert (shown.value, shown.low, shown.rank) == (None, None, None)
        assert shown.why
    assert cell(after, "org/good").low is not None
    assert "NaN" not in to_json(after)


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "a\"b'c&d",
        "../../../etc/passwd",
        "org/" + "x" * 300,
        "org/\u202eevil\u202c",
        "C:\\models\\我的模型",
        "模型 一",
        ".",
        "",
    ],
)
def test_a_hostile_name_is_a_name(name: str, logs: Path, build: Callable[..., Board]) -> None:
    path = results_of(logs, "org/good")
    edit(path, lambda content: content["config"]["model_args"].update(pretrained=name))
    board = build(logs)
    assert not board.problems
    rows = only_table(board).rows
    assert rows[0].model
    assert rows[0].cells[ACCURACY].rank == 1
    # What files and anchors are named after has nothing of it.
    assert all(row.id.isalnum() and row.id.isascii() and len(row.id) < 40 for row in rows)
    json.loads(to_json(board))


def test_two_folders_of_models_with_one_name_are_two_rows(logs: Path, build: Callable[..., Board]) -> None:
    for number, model in enumerate(("org/good", "org/poor")):
        name = f"/data/{number}/model"
        edit(results_of(logs, model), lambda c, n=name: c["config"]["model_args"].update(pretrained=n))
    rows = [row for row in only_table(build(logs)).rows if row.model.endswith("/model")]
    assert {row.model for row in rows} == {"0/model", "1/model"}
    assert len({row.id for row in rows}) == 2


def test_without_samples_a_model_is_listed_with_points_and_says_so(
    logs: Path, build: Callable[..., Board]
) -> None:
    for log in logs.rglob("samples_*.jsonl"):
        log.unlink()
    board = build(logs)
    row = row_of(only_table(board), "org/good")
    assert row.cells[ACCURACY].value is not None
    assert row.cells[ACCURACY].low is None
    assert "is not beside the results" in row.cells[ACCURACY].why
    assert row.cells[ACCURACY].turns == 407
    assert row.figures["response/reference"].confusion is not None  # the results file has it
    assert not board.conversations


def test_a_log_that_ends_in_padding_is_whole(logs: Path, build: Callable[..., Board]) -> None:
    """A rank without a conversation logs padding; lm-eval's hash of the log covers it."""
    path = results_of(logs, "csconv-random")
    log = log_of(path, "csconv_mini_dialogue")
    lines = samples_of(path, "csconv_mini_dialogue")
    many: list[dict[str, Any]] = []
    turns = 0
    for copy, line in itertools.product(range(9), lines):
        if turns < 2000:  # a chunk ends exactly before the padding
            doc = {**line["doc"], "conversation": f"{copy}{line['doc']['conversation']}"}
            many.append({**line, "doc": doc})
            turns += doc["turns"]
    padding = {
        "conversation": "",
        "topic": "",
        "turns": 0,
        "strategies": [],
        "references": [],
        "padding": True,
    }
    many.append({**lines[0], "doc": padding, "doc_hash": "1" * 64})
    log.write_text("".join(json.dumps(x, ensure_ascii=False) + "\n" for x in many), encoding="utf-8")
    hashes = "".join(x["doc_hash"] + x["prompt_hash"] + x["target_hash"] for x in many)

    def whole(content: dict[str, Any]) -> None:
        content["task_hashes"]["csconv_mini_dialogue"] = hashlib.sha256(hashes.encode()).hexdigest()
        values = content["results"]["csconv_mini_dialogue"]
        values |= {name: "N/A" for name in values if name.endswith(",none")}

    edit(path, whole)
    assert not build(logs).problems


def test_a_folder_without_csconv_results_says_what_was_there(
    tmp_path: Path, build: Callable[..., Board]
) -> None:
    (tmp_path / "results_1.json").write_text('{"results": {"arc": {}}, "configs": {"arc": {}}}')
    (tmp_path / "results_2.json").write_text("")
    with pytest.raises(DataError, match=r"no csconv results \(2 results files, 1 tasks that are not"):
        build(tmp_path)
