"""`csconv export`: what other programs read of a leaderboard is what the leaderboard says."""

from __future__ import annotations

import csv
import io
import math
import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard
from pyarrow import parquet

from csc_tasks.leaderboards.board import Board, Cell, Column, Row
from csc_tasks.leaderboards.build import build_board
from csc_tasks.leaderboards.rendering.export import FlatRow, csv_bytes, flat_rows, parquet_bytes
from tests.door import csconv
from tests.leaderboards import boards
from tests.leaderboards.logs import RESPONSE, content, edit, results_file, samples_file

CHINESE = "机构/客服模型"
FORMATS = ("csv", "parquet", "model-index")


def read_csv(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def export(form: str, out: Path, *arguments: str | Path) -> bytes:
    done = csconv("export", *arguments, "--format", form, "--out", out)
    assert (done.code, done.out, done.err) == (0, f"{out}\n", "")
    return out.read_bytes()


@pytest.fixture(scope="module")
def board(short: Path) -> Board:
    return build_board([short])


@pytest.fixture(scope="module")
def exported(short: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("exported")
    model = ("--model", CHINESE)
    return {
        form: export(form, folder / "new" / form, short, *(model if form == "model-index" else ()))
        for form in FORMATS
    }


def cells(board: Board) -> list[tuple[Row, Column, Cell]]:
    return [
        (row, column, row.cells[column.id])
        for table in board.tables
        for row, column in product(table.rows, table.columns)
        if column.id in row.cells
    ]


# --- what it says ---


def test_csv_has_a_line_for_every_score_of_the_board_with_its_interval_and_rank(
    exported: dict[str, bytes], board: Board
) -> None:
    lines = read_csv(exported["csv"])
    expected = cells(board)
    assert len(lines) == len(expected) > 40
    for line, (row, column, cell) in zip(lines, expected, strict=True):
        assert (line["model"], line["metric"]) == (row.model, column.metric)
        for name in ("value", "low", "high", "rank", "rank_low", "rank_high"):
            value = getattr(cell, name)
            # The shortest text that reads back as the very same number; nothing where nothing is known.
            assert line[name] == ("" if value is None else repr(value)), (row.model, column.id, name)
        assert (line["turns"], line["why"]) == (str(cell.turns), cell.why)
    # Of four conversations none tells the two models apart: they share a place, and the floor has none.
    assert {(line["floor"], line["rank"]) for line in lines} == {("False", "1"), ("False", ""), ("True", "")}


def test_csv_says_of_every_line_what_was_measured_and_how(exported: dict[str, bytes], short: Path) -> None:
    line, *_ = lines = read_csv(exported["csv"])
    signature = content(short / "a")["configs"][RESPONSE]["metadata"]["csconv_signature"]
    assert line["run"] == signature["line"]
    assert all(x["signature"] == signature["metrics"][x["metric"]] for x in lines)
    shown = {name: line[name] for name in ("task", "context", "scale", "benchmark", "shots", "floor", "date")}
    assert shown == {
        "task": "response",
        "context": "reference",
        "scale": "mini",
        "benchmark": "2",
        "shots": "0",
        "floor": "False",
        "date": "1970-01-01T00:00:01+00:00",
    }
    assert {(x["model"], x["floor"], x["complete"]) for x in lines} == {
        ("org/good", "False", "False"),
        (CHINESE, "False", "False"),
        ("csconv-random", "True", "False"),
    }


def test_every_exported_value_is_the_one_in_the_results_file(exported: dict[str, bytes], short: Path) -> None:
    files = {"org/good": "a", CHINESE: "b", "csconv-random": "c"}
    for line in read_csv(exported["csv"]):
        value = content(short / files[line["model"]])["results"][RESPONSE][f"{line['metric']},none"]
        assert float(line["value"] or "nan") == pytest.approx(value, rel=1e-12, nan_ok=True)


def test_parquet_is_the_same_table_with_numbers_as_numbers(exported: dict[str, bytes]) -> None:
    table = parquet.read_table(io.BytesIO(exported["parquet"]))
    kinds = {name: str(table.schema.field(name).type) for name in table.column_names}
    assert {name for name, kind in kinds.items() if kind == "double"} == {"value", "low", "high", "spread"}
    assert {name for name, kind in kinds.items() if kind == "bool"} == {"floor", "complete"}
    lines = read_csv(exported["csv"])
    assert table.column_names == list(lines[0])
    assert [
        {name: "" if value is None else str(value) for name, value in row.items()}
        for row in table.to_pylist()
    ] == lines
    assert {kinds[name] for name in ("step", "shots", "seeds", "rank", "turns", "better")} == {"int64"}


def test_a_model_card_with_the_index_is_read_by_the_hubs_own_reader(
    exported: dict[str, bytes], board: Board
) -> None:
    card = ModelCard(f"---\n{exported['model-index'].decode('utf-8')}---\n# A model\n")
    assert card.data.model_name == CHINESE
    found = {result.metric_type: result for result in card.data.eval_results}
    mine = {
        c.metric: cell for row, c, cell in cells(board) if row.model == CHINESE and cell.value is not None
    }
    assert {name: result.metric_value for name, result in found.items()} == {
        name: cell.value for name, cell in mine.items()
    }
    one, cell = found["rouge_l"], mine["rouge_l"]
    assert (one.metric_args["low"], one.metric_args["high"]) == (cell.low, cell.high)
    assert (one.dataset_config, one.dataset_split) == ("response/reference", "mini")
    assert one.dataset_args == {
        "prompt": board.tables[0].facts["prompt"],
        "num_fewshot": 0,
        "turns": 48,
        "seeds": 1,
        "settings": {"backend": "FunctionLM"},
    }
    assert one.verified is False
    assert CHINESE in exported["model-index"].decode("utf-8")  # as itself, not as \\u escapes


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_table_of_one_model_has_its_lines_only(
    form: str, short: Path, tmp_path: Path, exported: dict[str, bytes]
) -> None:
    data = export(form, tmp_path / "one", short, "--model", CHINESE)
    models = (
        [line["model"] for line in read_csv(data)]
        if form == "csv"
        else parquet.read_table(io.BytesIO(data))["model"].to_pylist()
    )
    whole = [line["model"] for line in read_csv(exported["csv"])]
    assert models == [CHINESE] * whole.count(CHINESE)


def test_one_of_two_revisions_is_named_with_an_at_sign(short: Path, tmp_path: Path) -> None:
    for revision, value in (("v1", 0.125), ("v2", 0.25)):
        path = results_file(Path(shutil.copytree(short / "a", tmp_path / revision)))
        edit(path, lambda c, r=revision: c["config"]["model_args"].update(revision=r))
        edit(path, lambda c, v=value: c["results"][RESPONSE].update({"rouge_l,none": v}))
        samples_file(tmp_path / revision).unlink()  # the log would not bear out such a score
    logs = (tmp_path / "v1", tmp_path / "v2")
    for form in FORMATS:
        place = ("--out", tmp_path / form, "--format", form, "--model")
        assert csconv("export", *logs, *place, "org/good@v2").code == 0
        refused = csconv("export", *logs, *place, "org/good@v3")
        assert refused.code == 1
        assert "there are org/good@v1, org/good@v2" in refused.err
    lines = read_csv((tmp_path / "csv").read_bytes())
    assert {(x["revision"], x["value"]) for x in lines if x["metric"] == "rouge_l"} == {("v2", "0.25")}
    assert set(parquet.read_table(tmp_path / "parquet")["revision"].to_pylist()) == {"v2"}
    card = yaml.safe_load((tmp_path / "model-index").read_text(encoding="utf-8"))
    (result,) = card["model-index"][0]["results"]
    assert {m["type"]: m["value"] for m in result["metrics"]}["rouge_l"] == 0.25


# --- what is not known ---


def test_a_score_that_is_not_a_number_is_empty_with_its_reason_and_left_out_of_the_card(
    short: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(short / "a", tmp_path / "a"))
    edit(results_file(folder), lambda c: c["results"][RESPONSE].update({"rouge_l,none": math.nan}))
    (line,) = (x for x in read_csv(export("csv", tmp_path / "csv", folder)) if x["metric"] == "rouge_l")
    assert [line[name] for name in ("value", "low", "high", "rank")] == [""] * 4
    assert line["why"] == "undefined for these turns"
    rows = parquet.read_table(io.BytesIO(export("parquet", tmp_path / "parquet", folder))).to_pylist()
    (row,) = (x for x in rows if x["metric"] == "rouge_l")
    assert row["value"] is None
    card = yaml.safe_load(export("model-index", tmp_path / "yaml", folder))
    named = {m["type"] for result in card["model-index"][0]["results"] for m in result["metrics"]}
    assert "bleu_2" in named
    assert "rouge_l" not in named


def test_withheld_values_keep_their_reasons_and_absent_ones_have_no_line() -> None:
    table = boards.table()
    facts = {**table.facts, "benchmark": "2", "scale": "mini"}
    rows = list(table.rows)
    place = next(i for i, row in enumerate(rows) if row.model == boards.LONG)
    absent = "response/reference/bleu_4"
    rows[place] = replace(rows[place], cells={k: c for k, c in rows[place].cells.items() if k != absent})
    board = replace(boards.board(), tables=(replace(table, facts=facts, rows=tuple(rows)),))
    lines = [x for x in read_csv(csv_bytes(flat_rows(board))) if x["model"] == boards.LONG]
    shown = {(x["context"], x["metric"]): (x["value"], x["why"]) for x in lines}
    assert shown["generated", "bertscore"] == ("", "BERTScore was not computed in this run")
    assert ("reference", "bleu_4") not in shown
    assert len(lines) == len(table.columns) - 1


# --- names from outside ---

PLAIN = FlatRow(
    **{field.name: "x" for field in fields(FlatRow)}
    | dict.fromkeys(("value", "low", "high", "spread"), -0.25)
    | dict.fromkeys(("step", "shots", "seeds", "rank", "rank_low", "rank_high", "turns", "better"), -1)
    | dict.fromkeys(("floor", "complete"), False)
)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("+1", "'+1"),
        ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\n=1"),
        ("\n=1", "'\n=1"),
        ("a\r=1", "a\n=1"),
        ("a,b", "a,b"),
        ('a"b', 'a"b'),
        ("a\n=1", "a\n=1"),
        ("机构/客服,模型", "机构/客服,模型"),
        ("\ud800", "?"),
        ("", ""),
    ],
)
def test_a_spreadsheet_finds_one_cell_and_no_formula_in_a_name(name: str, written: str) -> None:
    data = csv_bytes([replace(PLAIN, model=name), PLAIN])
    lines = read_csv(data)
    assert [line["model"] for line in lines] == [written, "x"]
    assert (lines[0]["value"], lines[0]["step"]) == ("-0.25", "-1")  # a number is no formula
    # Nor does a reader that takes every line break for the end of a row find a row of its own.
    outside_quotes = "".join(data.decode("utf-8").split('"')[::2])
    assert len(outside_quotes.splitlines()) == 3


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ({"model": "=1"}, "=1"),  # nothing to defuse where text is text
        ({"model": CHINESE}, CHINESE),
        ({"model": "a\ud800b"}, "a?b"),
        ({"step": 2000}, 2000),
    ],
)
def test_parquet_takes_every_name_and_number(change: dict[str, Any], read: object) -> None:
    (name,) = change
    table = parquet.read_table(io.BytesIO(parquet_bytes([PLAIN, replace(PLAIN, **change)])))
    assert table[name].to_pylist()[1] == read


def test_a_hostile_name_does_not_break_out_of_a_card(short: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(short / "a", tmp_path / "a"))
    name = "x\n---\nlicense: mit\n# '\"|{}: &a *a !!python/object:os.system"
    edit(results_file(folder), lambda c: c["config"]["model_args"].update(pretrained=name))
    card = yaml.safe_load(export("model-index", tmp_path / "yaml", folder))
    assert set(card) == {"model-index"}
    assert card["model-index"][0]["name"] == name


# --- the same input, the same bytes ---


def test_where_the_files_lie_and_in_which_order_changes_no_byte(
    short: Path, tmp_path: Path, exported: dict[str, bytes]
) -> None:
    for old, new in (("a", "z"), ("b", "y"), ("c", "x")):
        shutil.copytree(short / old, tmp_path / "other" / new)
    files = sorted((tmp_path / "other").rglob("results_*.json"), reverse=True)
    assert export("csv", tmp_path / "csv", *files) == exported["csv"]
    assert export("csv", tmp_path / "csv", tmp_path / "other") == exported["csv"]
    assert export("parquet", tmp_path / "parquet", *files) == exported["parquet"]
    assert export("model-index", tmp_path / "yaml", *files, "--model", CHINESE) == exported["model-index"]


def test_two_rows_that_tie_in_everything_stand_in_one_order(short: Path, tmp_path: Path) -> None:
    """One model in two precisions that gave the same answers."""
    for folder, first, second in (("one", "a", "b"), ("two", "b", "a")):
        for place, dtype in ((first, "float16"), (second, "bfloat16")):
            copy = Path(shutil.copytree(short / "a", tmp_path / folder / place))
            edit(results_file(copy), lambda c, d=dtype: c["config"]["model_args"].update(dtype=d))
    one, two = (build_board([tmp_path / folder]) for folder in ("one", "two"))
    assert [r.notes for r in one.tables[0].rows] == [r.notes for r in two.tables[0].rows]
    assert {r.words for r in one.tables[0].rows} == {("bfloat16",), ("float16",)}
    assert csv_bytes(flat_rows(one)) == csv_bytes(flat_rows(two))
    assert list(one.replies) == list(two.replies)


# --- mistakes ---


def arrange(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["{empty}", "--out", "{out}"], 1, "no csconv results (0 results files"),
        (["{none}", "--out", "{out}"], 1, "none: no such file or folder"),
        (["{short}"], 2, "Missing option '--out'"),
        (["--out", "{out}"], 2, "Missing argument 'DIR"),
        (["{short}", "--out", "{out}", "--format", "excel"], 2, "'csv', 'model-index'"),
        (["{short}", "--out", "{empty}"], 1, "empty: cannot be written (Is a directory)"),
        (["{short}", "--out", "{file}/x.csv"], 1, "file/x.csv: cannot be written"),
        (["{short}", "--out", "{out}", "--model", "gpt"], 1, f"there are csconv-random, org/good, {CHINESE}"),
        (["{short}", "--out", "{out}", "--model", "gpt", "--format", "parquet"], 1, "no model 'gpt'"),
        (
            ["{short}", "--out", "{out}", "--format", "model-index"],
            1,
            "--model: a model card is about one model; there are org/good",
        ),
        (
            ["{short}", "--out", "{out}", "--format", "model-index", "--model", "csconv-random"],
            1,
            "a model card is about one model",
        ),
    ],
)
def test_a_mistake_is_one_message_and_writes_nothing(
    arguments: list[str], code: int, words: str, short: Path, tmp_path: Path
) -> None:
    arrange(tmp_path)
    places = {name: tmp_path / name for name in ("empty", "none", "out", "file")} | {"short": short}
    done = csconv("export", *(text.format(**places) for text in arguments))
    assert done.code == code, done
    assert words in done.err
    assert "Traceback" not in done.err + done.out
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["empty", "file"]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(path.read_bytes()[:300]),
        lambda path: edit(path, lambda c: c["configs"][RESPONSE]["metadata"]["csconv_signature"].pop("line")),
    ],
    ids=["cut off", "without a signature line"],
)
def test_a_damaged_file_is_named_and_costs_its_own_lines(
    spoil: Callable[[Path], object], short: Path, tmp_path: Path
) -> None:
    logs = Path(shutil.copytree(short, tmp_path / "logs"))
    spoil(results_file(logs / "b"))
    done = csconv("export", logs, "--out", tmp_path / "x.csv")
    assert done.code == 0
    assert f"note: {results_file(logs / 'b')}: " in done.err
    lines = read_csv((tmp_path / "x.csv").read_bytes())
    assert {line["model"] for line in lines} == {"org/good", "csconv-random"}
    assert done.out == f"{tmp_path / 'x.csv'}\n"
