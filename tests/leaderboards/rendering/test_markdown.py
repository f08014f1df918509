"""The leaderboard as Markdown, read by a Markdown parser: tables that hold, and names that are only names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from csc_tasks.leaderboards.board import Board, Cell, InputProblem, Row
from csc_tasks.leaderboards.rendering.markdown import markdown
from csc_tasks.leaderboards.rendering.text import inline
from tests.leaderboards import boards

ACCURACY, BLEU = "response/reference/strategy_acc", "response/reference/bleu_4"
SECTION = "Response, reference context"


@cache
def whole() -> Board:
    return boards.board()


def parsed(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def tables(text: str) -> Iterator[tuple[str, list[list[str]]]]:
    """The heading above each table, and its rows of cells as written; the first row is the table's heading."""
    heading = ""
    rows: list[list[str]] = []
    previous = None
    for token in parsed(text):
        if token.type == "inline" and previous is not None and previous.type == "heading_open":
            heading = token.content
        elif token.type == "table_open":
            rows = []
        elif token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and previous is not None and previous.type in ("th_open", "td_open"):
            rows[-1].append(token.content)
        elif token.type == "table_close":
            yield heading, rows
        previous = token


def section(board: Board, heading: str = SECTION) -> list[dict[str, str]]:
    """The rows of the first table below a heading, by the titles of its columns."""
    first, *others = next(rows for above, rows in tables(markdown(board)) if above == heading)
    return [dict(zip(first, row, strict=True)) for row in others]


def shown(text: str) -> str:
    """What a reader sees of inline Markdown, and nothing if it were anything but text and code."""
    (inline,) = (token for token in parsed(text) if token.type == "inline")
    assert {child.type for child in inline.children or ()} <= {"text", "code_inline"}, text
    return "".join(child.content for child in inline.children or ())


def changed(change: Callable[[Row], Row], model: str = "Qwen/Qwen2.5-72B-Instruct") -> Board:
    """The synthetic board with another row in the place of one model's."""
    board = whole()
    first, *others = board.tables
    rows = tuple(change(row) if row.model == model else row for row in first.rows)
    assert rows != first.rows
    return replace(board, tables=(replace(first, rows=rows), *others))


# --- what it says ---


def test_checkpoints_of_one_model_are_told_apart_by_their_step() -> None:
    names = [row["model"] for row in section(whole()) if "ours/tuned" in row["model"]]
    assert sorted(shown(name) for name in names) == [
        f"ours/tuned @step{n}000 step {n},000" for n in (1, 2, 3)
    ]


def test_every_section_of_every_table_is_a_table_with_a_row_for_each_of_its_models() -> None:
    board = whole()
    found = [(heading, rows) for heading, rows in tables(markdown(board)) if "turns" in rows[0]]
    # A row without figures of a section is not of it.
    expected = [
        (part.title, sum(part.id in row.figures for row in table.rows))
        for table in board.tables
        for part in table.sections
    ]
    # GFM's parser gives every row as many cells as the heading: count the bars of the text as well.
    assert [(heading, len(rows) - 1) for heading, rows in found if len(rows) > 1] == [
        entry for entry in expected if entry[1]
    ]
    bars = [line.count("|") for line in markdown(board).splitlines() if line.startswith("|")]
    widths = [len(rows[0]) + 1 for _, rows in tables(markdown(board)) for _ in range(len(rows) + 1)]
    assert bars == widths


def test_a_cell_is_the_value_with_its_interval_in_percent_or_in_grades() -> None:
    (row,) = (r for r in section(whole()) if r["model"].startswith("`Qwen"))
    (mine,) = (r for r in boards.table().rows if r.id == "qwen")
    for title, column, scale, digits in (
        ("Strategy accuracy ↑", ACCURACY, 100, 1),
        ("BLEU-4 ↑", BLEU, 100, 1),
        ("Helpfulness ↑", "response/reference/judge_helpfulness", 1, 2),
    ):
        cell = mine.cells[column]
        assert cell.value is not None
        assert cell.low is not None
        assert cell.high is not None
        value, low, high = (f"{scale * x:.{digits}f}" for x in (cell.value, cell.low, cell.high))
        assert row[title] == f"{value} [{low}, {high}]"
    assert row["turns"] == "375"


def test_only_headline_columns_are_shown_with_the_way_that_is_better() -> None:
    assert list(section(whole())[0]) == [
        *("#", "model", "Strategy accuracy ↑", "BLEU-4 ↑", "ROUGE-L ↑", "Helpfulness ↑", "turns"),
    ]


def test_models_come_by_score_then_incomplete_ones_then_floors() -> None:
    rows = section(whole())
    scores = [float(r["Strategy accuracy ↑"].split()[0]) for r in rows]
    ranks = [r["#"] for r in rows]
    assert scores[:-2] == sorted(scores[:-2], reverse=True)
    assert "–" not in ranks[:-2]
    assert ranks[-2:] == ["–", "–"]
    assert [r["model"] for r in rows[-2:]] == [
        "`deepseek-ai/DeepSeek-V3` `@main`",
        "`retrieval` `@main` (floor)",
    ]


def test_models_that_the_data_cannot_tell_apart_share_a_rank() -> None:
    places = [
        (f"{100 * (cell.value or 0):.1f}", str(cell.rank))
        for cell in (row.cells[ACCURACY] for row in boards.table().rows)
        if cell.rank
    ]
    assert len({rank for _, rank in places}) < len(places)
    told = [(r["Strategy accuracy ↑"].split()[0], r["#"]) for r in section(whole()) if r["#"] != "–"]
    assert told == places


def test_a_row_that_is_incomplete_or_has_notes_says_so_below() -> None:
    text = markdown(whole())
    assert (
        "- `deepseek-ai/DeepSeek-V3` `@main`: `300 of 375 turns; the last 5 conversations are missing`"
        in text
    )
    assert "`the chat template was read from the model's folder`" in text
    assert "Not comparable with the first table: `The prompt is en-2 instead of zh-1.`" in text
    assert "Incomplete: No model has all turns: 100 of 375 were run (--limit 100)." in text
    assert "- `results/broken.json`: `not JSON: line 3, <script>alert(1)</script>`" in text
    assert "- 7 results of other tasks were ignored." in text


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (Cell(None, why="the judge refused | 3 of 4"), "–"),
        (Cell(0.5, why="not resampled"), "50.0"),
        (Cell(0.5, 0.4, None), "50.0"),
        (Cell(0.0, -0.0001, 0.0), "0.0 [0.0, 0.0]"),
        (Cell(-0.021, -0.05, 0.004), "−2.1 [−5.0, 0.4]"),
        (None, "–"),
    ],
)
def test_what_is_not_known_is_never_shown_as_a_number(cell: Cell | None, expected: str) -> None:
    def change(row: Row) -> Row:
        cells = {name: value for name, value in row.cells.items() if name != BLEU}
        return replace(row, cells=cells if cell is None else {**cells, BLEU: cell})

    (row,) = (r for r in section(changed(change)) if r["model"].startswith("`Qwen"))
    assert row["BLEU-4 ↑"] == expected


def test_a_value_that_was_withheld_has_its_reason_below_once_for_all_models_of_that_reason() -> None:
    board = whole()
    first = board.tables[0]
    withheld = Cell(None, why="the judge | refused <b>")
    rows = tuple(
        replace(row, cells={**row.cells, BLEU: withheld}) if row.id in ("qwen", "floor") else row
        for row in first.rows
    )
    lines = markdown(replace(board, tables=(replace(first, rows=rows), *board.tables[1:]))).splitlines()
    assert [line for line in lines if "refused" in line] == [
        f"- {SECTION}, BLEU-4: – for `Qwen/Qwen2.5-72B-Instruct` `@main`, `retrieval` `@main` (floor) "
        "(`the judge ¦ refused <b>`)"
    ]


def test_the_papers_table_stands_apart_and_bears_two_decimals() -> None:
    (paper, _) = ((heading, rows) for heading, rows in tables(markdown(whole())) if "BLEU-2" in rows[0])
    assert paper[0] == "Reported, not measured here"
    assert paper[1][1] == ["`GPT-4o`", "8.13", "2.97", "4.12", "64.26", "51.27", "42.58"]
    assert paper[1][2][0] == "`Qwen2.5-72B-Instruct + RoleCS`"


# --- names from outside ---


@pytest.mark.parametrize(
    ("model", "seen"),
    [
        ("a|b", "a¦b"),
        (r"a\|b", r"a\¦b"),
        ("a`b`", "a'b'"),
        ("```\n# a", "''' # a"),
        ("a\nb\r\nc", "a b c"),
        ("a\u2028| b |", "a ¦ b ¦"),
        ("<b>x</b><!--", "<b>x</b><!--"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("![x](http://x/y.png)", "![x](http://x/y.png)"),
        ("**a** _b_ ~c~", "**a** _b_ ~c~"),
        ("&lt;&#124;", "&lt;&#124;"),
        ("@team #1", "@team #1"),
        ("a\u202eb\x00\x1b[31m", "a b [31m"),
        ("机构/客服模型", "机构/客服模型"),
        ("a\\", "a\\"),
        ("x" * 300, "x" * 79 + "…"),
    ],
)
def test_a_name_is_seen_as_it_is_and_does_nothing(model: str, seen: str) -> None:
    def change(row: Row) -> Row:
        return replace(row, model=model, revision="", shots=2, notes=("a note",))

    board = changed(change)
    row = next(r for r in section(board) if r["model"].endswith(" 2-shot"))
    assert shown(row["model"]) == f"{seen} 2-shot"
    assert list(row) == list(section(whole())[0])
    assert len(section(board)) == len(section(whole()))
    (note,) = (line for line in markdown(board).splitlines() if line.endswith("`a note`"))
    assert shown(note.removeprefix("- ")) == f"{seen} 2-shot: a note"


HOSTILE = "a | b\n# c <img src=x> `d` [e](http://f) &amp; __g__"


@pytest.mark.parametrize(
    "change",
    [
        lambda t: replace(t, title=HOSTILE),
        lambda t: replace(t, facts={**t.facts, "prompt": HOSTILE}),
        lambda t: replace(t, apart=HOSTILE),
        lambda t: replace(t, partial=HOSTILE),
        lambda t: replace(t, sections=(replace(t.sections[0], title=HOSTILE), *t.sections[1:])),
        lambda t: replace(t, columns=(replace(t.columns[0], title=HOSTILE), *t.columns[1:])),
        lambda t: replace(t, columns=(replace(t.columns[0], signature=HOSTILE), *t.columns[1:])),
        lambda t: replace(t, rows=(replace(t.rows[0], revision=HOSTILE, notes=(HOSTILE,)), *t.rows[1:])),
        lambda t: replace(t, rows=(replace(t.rows[0], incomplete=HOSTILE), *t.rows[1:])),
    ],
    ids=["title", "fact", "apart", "partial", "section", "column", "signature", "revision", "incomplete"],
)
def test_no_text_of_a_results_file_is_markup(change: Callable[[object], object]) -> None:
    """A signature may say anything, and so may the name of a task: the document keeps its form."""
    board = whole()
    first, *others = board.tables
    spoilt = markdown(replace(board, tables=(change(first), *others)))  # type: ignore[arg-type]
    assert "¦" in spoilt
    inline = [child for token in parsed(spoilt) for child in token.children or ()]
    assert {child.type for child in inline} == {"text", "code_inline"}
    before, after = list(tables(markdown(board))), list(tables(spoilt))
    assert [[len(row) for row in rows] for _, rows in before] == [
        [len(row) for row in rows] for _, rows in after
    ]
    kinds = [
        [token.type for token in parsed(x) if token.type == "heading_open"] for x in (spoilt, markdown(board))
    ]
    assert kinds[0] == kinds[1]
    bars = [line.count("|") for line in spoilt.splitlines() if line.startswith("|")]
    assert bars == [len(rows[0]) + 1 for _, rows in after for _ in range(len(rows) + 1)]


def test_a_file_that_could_not_be_used_is_told_without_its_markup() -> None:
    spoilt = replace(whole(), problems=(InputProblem(HOSTILE, HOSTILE),))
    line = markdown(spoilt).splitlines()[-1]
    assert shown(line.removeprefix("- ")).count("a ¦ b # c <img src=x> 'd'") == 2


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("BLEU-4", "BLEU-4"),
        ("ROUGE-L (rouge-score formula, tok:zh(sacrebleu-2.6.0))",) * 2,
        ("Strategy F1 (macro)", "Strategy F1 (macro)"),
        ("工单, 第1", "工单, 第1"),
        ("a|b", "`a¦b`"),
        ("strategy_acc", "strategy_acc"),
        ("a_b_", "`a_b_`"),
        ("a__b", "`a__b`"),
        ("a*b", "`a*b`"),
        ("<b>", "`<b>`"),
        ("http://x", "`http://x`"),
        ("WWW.x", "`WWW.x`"),
        ("a\nb", "a b"),
    ],
)
def test_a_heading_is_code_only_where_it_could_be_markup(written: str, expected: str) -> None:
    assert inline(written) == expected
