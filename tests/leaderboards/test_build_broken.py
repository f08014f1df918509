"""What bad input does to a board: it costs its own figures, and the rest is still built."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import DataError
from csc_tasks.leaderboards.board import Board, to_json
from tests.leaderboards.built import ACCURACY, cell, only_table, results_of, row_of, told
from tests.leaderboards.logs import (
    RESPONSE,
    change_line,
    edit,
    log_of,
    samples_of,
)


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
    "deeply nested": (lambda log: log.write_text("[" * 200_000), "not JSON (nested too deep)"),
    "a turn that is no number": (
        lambda log: change_line(log, 3, lambda s: s["doc"].update(turn="x")),
        "line 4: not a sample of csconv_mini_response as csconv logs it (doc.turn: ",
    ),
    "a turn beyond measure": (
        lambda log: change_line(log, 3, lambda s: s["doc"].update(turn=10**13)),
        "doc.turn 10000000000000 of ",
    ),
    "a negative turn": (lambda log: change_line(log, 3, lambda s: s["doc"].update(turn=-1)), "doc.turn: "),
    "a conversation without end": (
        lambda log: change_line(log, 3, lambda s: s["doc"].update(turns=10**9)),
        "doc.turns: input should be less than or equal to 10000",
    ),
    "half a surrogate pair in an id": (
        lambda log: change_line(log, 3, lambda s: s["doc"].update(conversation="\ud800")),
        "doc.conversation: ",
    ),
    "a turn without a label among others": (
        lambda log: change_line(log, 3, lambda s: s["doc"].update(strategy=None)),
        "some turns have a gold strategy and others have none",
    ),
    "an answer that is a list": (
        lambda log: change_line(log, 3, lambda s: s.update(resps=[[["a"]]])),
        "an answer is ['a']",
    ),
    "a folder": (lambda log: (log.unlink(), log.mkdir()), "cannot be read (a folder)"),
    "a pipe": (lambda log: (log.unlink(), os.mkfifo(log)), "cannot be read (not a regular file)"),
    "a device": (
        lambda log: (log.unlink(), log.symlink_to("/dev/zero")),
        "cannot be read (not a regular file)",
    ),
    "a link to itself": (lambda log: (log.unlink(), log.symlink_to(log)), "cannot be read"),
    "an item that is no number": (
        lambda log: change_line(log, 3, lambda s: s.update(rouge_l="x")),
        "'x' is no value that rouge_l can have",
    ),
    "a label out of range": (
        lambda log: change_line(log, 3, lambda s: s.update(strategy_f1_macro=[5, 99])),
        "strategy_f1_macro",
    ),
    "a score that was raised": (
        lambda log: change_line(log, 3, lambda s: s.update(rouge_l=0.123)),
        "gives rouge_l",
    ),
    "a score beyond its ends": (
        lambda log: change_line(log, 3, lambda s: s.update(rouge_l=1.5)),
        "line 4: 1.5 is no value that rouge_l can have",
    ),
    "counts beyond measure": (
        lambda log: change_line(log, 3, lambda s: s.update(bleu_2=[1e308] * 6)),
        "is no value that bleu_2 can have",
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
    "an empty list": (lambda p: p.write_text("[]"), "not an lm-eval results file"),
    "a number of 5,000 digits": (lambda p: p.write_text("9" * 5000), "not an lm-eval results file"),
    "deeply nested": (lambda p: p.write_text("[" * 200_000), "not an lm-eval results file"),
    "deeply nested and closed": (
        lambda p: edit(p, lambda c: c.update(config=json.loads("[" * 500 + "]" * 500))),
        "nested too deep",
    ),
    "a key twice": (
        lambda p: p.write_text(p.read_text().replace('"results":', '"results": {}, "results":', 1)),
        "'results' stands twice in one object",
    ),
    "no configs": (lambda p: edit(p, lambda c: c.update(configs=None)), "configs: field required"),
    "eleven rows of a confusion matrix": (
        lambda p: edit(
            p, lambda c: c["configs"][RESPONSE]["metadata"]["csconv_report"].update(confusion=[[0] * 13] * 11)
        ),
        "csconv_report.confusion: ",
    ),
    "a negative count in it": (
        lambda p: edit(
            p,
            lambda c: c["configs"][RESPONSE]["metadata"]["csconv_report"].update(confusion=[[-1] * 13] * 12),
        ),
        "csconv_report.confusion.0.0: ",
    ),
    "a share of a million": (
        lambda p: edit(p, lambda c: c["results"][RESPONSE].update({"rouge_l,none": 1_000_000.0})),
        "rouge_l,none: 1e+06 is beyond what rouge_l can be",
    ),
    "a date that no calendar has": (
        lambda p: edit(p, lambda c: c.update(date=1e15)),
        "date: no date: 1000000000000000.0",
    ),
    "a folder": (lambda p: (p.unlink(), p.mkdir()), ""),
    "a pipe": (lambda p: (p.unlink(), os.mkfifo(p)), "cannot be read (not a regular file)"),
    "a device": (lambda p: (p.unlink(), p.symlink_to("/dev/zero")), "cannot be read (not a regular file)"),
    "a link to itself": (lambda p: (p.unlink(), p.symlink_to(p)), "cannot be read"),
    "larger than any": (lambda p: os.truncate(p, 2**33), "larger than 64 MB"),
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
        "org/\u202eevil\u202c",
        "",
        *(
            pytest.param(n, marks=pytest.mark.slow)
            for n in ("org/" + "x" * 300, "C:\\models\\我的模型", "模型 一", ".")
        ),
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
