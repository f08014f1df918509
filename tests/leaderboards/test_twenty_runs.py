"""Twenty runs of one base model that differ in one setting each: twenty rows, named apart, in every rendering."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from csc_tasks.leaderboards.board import Board
from csc_tasks.leaderboards.build import build_board
from csc_tasks.leaderboards.rendering.charts import ChartKind, charts
from csc_tasks.leaderboards.rendering.export import csv_bytes, flat_rows, model_index, parquet_bytes
from csc_tasks.leaderboards.rendering.labels import row_labels
from csc_tasks.leaderboards.rendering.language import Language, resolve
from csc_tasks.leaderboards.rendering.markdown import markdown
from tests.door import csconv
from tests.leaderboards.variants import ONE_APART, variant

WORDS = {
    "",
    "adapter a/final",
    "adapter b/final",
    "adapter c",
    "revision step1000",
    "4bit",
    "float16",
    "thinking",
    "effort low",
    "tokenizer=org/tokenizer",
    "max_model_len=2048",
    "gguf_file=q4.gguf",
    "subfolder=ema",
    "no add_bos_token",
    "prefix_token_id=7",
    "gptqmodel",
    "frobnicate=3",
    "T=0.7",
    "template 1a2b3c",
    "system 4d5e6f",
}
"""What stands beside the name, of one row each."""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def twenty(once: Callable[[str, Callable[[Path], object]], Path], short: Path) -> Path:
    def make(folder: Path) -> None:
        for i, change in enumerate(ONE_APART.values()):
            variant(short / "a", folder / f"{i:02}", change, shift=i)

    return once("twenty-runs", make)


@pytest.fixture(scope="module")
def board(twenty: Path, kept: Path) -> Board:
    return build_board([twenty], cache=kept)


def test_there_are_twenty_rows_and_no_word_of_one_that_was_left_out(board: Board) -> None:
    (table,) = board.tables
    assert len(table.rows) == len(ONE_APART) == 20
    assert board.problems == ()
    assert {" ".join(row.words) for row in table.rows} == WORDS
    assert len({row.id for row in table.rows}) == 20


def test_a_terminal_tells_them_apart(twenty: Path) -> None:
    done = csconv("table", twenty)
    assert done.code == 0, done.err
    lines = re.findall(r"│ +\S+ +│ (org/base.*?) *│", done.out)
    assert len(lines) == len(set(lines)) == 20
    told = {line.removeprefix("org/base").strip() for line in lines}
    assert WORDS - {"revision step1000"} <= told
    assert "@step1000 step 1,000" in told


def test_markdown_tells_them_apart(board: Board) -> None:
    rows = re.findall(r"^\| \S+ \| (`org/base`.*?) \|", markdown(board), re.MULTILINE)
    assert len(rows) == len(set(rows)) == 20
    assert "`org/base` 4bit" in rows


def test_csv_parquet_and_json_tell_them_apart(board: Board, twenty: Path, tmp_path: Path) -> None:
    from pyarrow import parquet

    flat = flat_rows(board)
    lines = [r for r in csv.DictReader(io.StringIO(csv_bytes(flat).decode())) if r["metric"] == "rouge_l"]
    assert len({(line["settings"], line["adapter"], line["revision"]) for line in lines}) == len(lines) == 20
    assert {line["adapter"] for line in lines} == {
        "",
        "/adapters/a/final",
        "/adapters/b/final",
        "/adapters/c",
    }
    assert "backend=hf; load_in_4bit=True" in {line["settings"] for line in lines}
    table = parquet.read_table(io.BytesIO(parquet_bytes(flat)))
    assert len(set(table.column("settings").to_pylist())) == 20


def test_one_of_them_can_be_exported_by_its_name_alone(board: Board, twenty: Path, tmp_path: Path) -> None:
    assert len({flat.settings for flat in flat_rows(board, "org/base 4bit")}) == 1
    assert "load_in_4bit" in model_index(board, "org/base 4bit")
    done = csconv("export", twenty, "--format", "model-index", "--model", "org/base", "--out", tmp_path / "x")
    assert done.code != 0
    assert "org/base 4bit" in done.err


def test_charts_tell_them_apart(board: Board) -> None:
    (table,) = board.tables
    labels = set(row_labels(table.rows).values())
    assert labels == {f"org/base {words}".strip() for words in WORDS}
    drawn = [chart for chart in charts(table) if chart.kind is ChartKind.CONFUSION]
    assert {resolve(chart.picks["model"].text, Language.EN) for chart in drawn} == labels


def test_the_page_tells_them_apart_and_its_filter_finds_settings(
    twenty: Path, tmp_path: Path, kept: Path
) -> None:
    pytest.importorskip("vl_convert", reason="needs csconv-eval[leaderboard]")
    done = csconv("leaderboard", twenty, "--out", tmp_path, "--workers", "1", "--cache", kept)
    assert done.code == 0, done.err
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    rows = re.findall(
        r'<tr data-name="org/base" data-settings="([^"]*)".*?<th class="model".*?</th>', page, re.DOTALL
    )
    assert len(set(rows)) == len(rows) == 20
    # The filter looks at names, settings and tags.
    assert [row for row in rows if "4bit" in row] == ["backend=hf load_in_4bit=True "]
    tags = re.findall(r'<th class="model" scope="row">(.*?)</th>', page, re.DOTALL)
    texts = [" ".join(re.sub(r"<a .*|<[^>]*>", " ", tag, flags=re.DOTALL).split()) for tag in tags]
    assert len(texts) == len(set(texts)) == 20
    content = json.loads((tmp_path / "leaderboard.json").read_text(encoding="utf-8"))
    (table,) = content["tables"]
    assert len({json.dumps(row["settings"]) for row in table["rows"]}) == 20


def test_the_twenty_first_run_is_a_repeat_of_its_like_or_told(
    twenty: Path, short: Path, tmp_path: Path
) -> None:
    variant(short / "a", tmp_path / "again", ONE_APART["4-bit"], shift=99)
    board = build_board([twenty, tmp_path])
    assert len(board.tables[0].rows) == 20
    (problem,) = board.problems
    assert "is older" in problem.message


def test_weights_that_the_hub_has_under_another_digest_are_another_model(short: Path, tmp_path: Path) -> None:
    for i, sha in enumerate(("1" * 40, "2" * 40)):
        variant(short / "a", tmp_path / sha[:1], {"model_sha": sha}, shift=i)
    words = sorted(" ".join(row.words) for row in build_board([tmp_path]).tables[0].rows)
    assert words == ["commit 111111", "commit 222222"]


def test_a_digest_that_was_not_asked_for_makes_no_other_model(short: Path, tmp_path: Path) -> None:
    for i, sha in enumerate(("1" * 40, "")):
        variant(short / "a", tmp_path / str(i), {"model_sha": sha}, shift=i)
    assert len(build_board([tmp_path]).tables[0].rows) == 1
