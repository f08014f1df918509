"""How a score that is not above the best floor is marked, in every rendering, and what stands beneath."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from csc_tasks.leaderboards.board import BeatsFloor, Board, BoardTable, Cell, to_json
from csc_tasks.leaderboards.rendering.export import csv_bytes, flat_rows, model_index
from csc_tasks.leaderboards.rendering.language import Language
from csc_tasks.leaderboards.rendering.language import text as text_of
from csc_tasks.leaderboards.rendering.markdown import markdown
from csc_tasks.leaderboards.rendering.page import render_page
from tests.leaderboards import boards
from tests.leaderboards.rendering.test_terminal import printed

pytest.importorskip("jinja2", reason="needs csconv-eval[leaderboard]")
pytest.importorskip("vl_convert", reason="needs csconv-eval[leaderboard]")

ACCURACY = "response/reference/strategy_acc"
MODELS = {
    "above": Cell(0.5, 0.4, 0.6, 375, 1, 1, 1, beats_floor=BeatsFloor.YES, best_floor="floor"),
    "equal": Cell(0.3, 0.2, 0.4, 375, 1, 1, 3, beats_floor=BeatsFloor.NO, best_floor="floor"),
    "below": Cell(0.1, 0.0, 0.2, 375, 1, 1, 3, beats_floor=BeatsFloor.NO, best_floor="floor"),
    "short": Cell(0.6, 0.5, 0.7, 90, beats_floor=BeatsFloor.UNKNOWN, floor_why="other <turns>"),
    "floor": Cell(0.3, 0.2, 0.4, 375),
}
METRICS = (
    ("strategy_acc", "Strategy accuracy", 1, True, True, True),
    ("judge_helpfulness", "Helpfulness", 1, False, True, True),
    ("length_ratio", "Length ratio", 0, False, True, False),
)


def table(*models: str) -> BoardTable:
    """One section of three columns; floors have no grade."""
    names = tuple(c for c in boards.columns(METRICS) if c.section == "response/reference")
    rows = []
    for model in models:
        floor = model == "floor"
        cells = {ACCURACY: MODELS[model], names[2].id: Cell(1.1, 1.0, 1.2, 375)}
        if not floor:
            cells[names[1].id] = Cell(3.1, 3.0, 3.2, 375, 1, 1, 1)
        rows.append(boards.row(model, f"org/{model}", 0.5, names, floor=floor, cells=cells))
    section = boards.SECTIONS[0]
    rows = [replace(row, figures={section.id: row.figures[section.id]}) for row in rows]
    plain = boards.table(hostile=False)
    facts = {"benchmark": "2", "scale": "mini", **plain.facts}
    return replace(
        plain, facts=facts, sections=(section,), columns=names, rows=tuple(rows), order=ACCURACY, gold={}
    )


def board(*models: str) -> Board:
    made = boards.small_board()
    return replace(made, tables=(table(*models),), conversations=(), replies={}, problems=())


ALL = board(*MODELS)


def on_terminal(board: Board) -> dict[str, tuple[str, bool]]:
    """Each model's accuracy, and whether it is bold."""
    found = {}
    for line in printed(board, colour=True).splitlines():
        if name := re.search(r"org/(\w+)", line):
            cell = line.split("│")[3] if "│" in line else ""
            found.setdefault(name[1], (re.sub(r"\x1b\[[\d;]*m", "", cell).strip(), "\x1b[1m" in cell))
    return found


def on_page(board: Board) -> dict[str, tuple[str, bool]]:
    found = {}
    for name, row in re.findall(r'<tr data-name="org/(\w+)"[^>]*>(.*?)</tr>', render_page(board), re.DOTALL):
        classes, cell = re.findall(r'<td class="([^"]*)" data-s="0"[^>]*>(.*?)</td>', row, re.DOTALL)[0]
        value = re.sub(r"<[^>]+>", "", re.findall(r'<span class="value">(.*?)</span>', cell)[0])
        assert ("chance" in classes.split()) == ("†" in value)
        assert ('title="not significantly better than the best floor"' in cell) == ("†" in value)
        found[name] = value, "best" in classes.split()
    return found


def test_on_a_terminal_a_dagger_marks_what_is_not_above_the_floor_and_only_what_is_above_is_bold() -> None:
    assert on_terminal(ALL) == {
        "above": ("50.0 [40.0, 60.0]", True),
        "equal": ("30.0† [20.0, 40.0]", False),
        "below": ("10.0† [0.0, 20.0]", False),
        "short": ("60.0 [50.0, 70.0]", False),
        "floor": ("30.0 [20.0, 40.0]", False),
    }


def test_on_the_page_too_where_it_is_grey() -> None:
    assert on_page(ALL) == {
        "above": ("50.0", True),
        "equal": ("30.0†", False),
        "below": ("10.0†", False),
        "short": ("60.0", False),
        "floor": ("30.0", False),
    }


def test_in_markdown_too() -> None:
    cells = [line.split(" | ") for line in markdown(ALL).splitlines() if "`org/" in line and line[0] == "|"]
    assert [cell[2] for cell in cells] == [
        *("50.0 [40.0, 60.0]", "30.0† [20.0, 40.0]", "10.0† [0.0, 20.0]", "60.0 [50.0, 70.0]"),
        "30.0 [20.0, 40.0]",
    ]


def test_programs_read_a_word_and_the_floors_name() -> None:
    rows = [row["cells"][ACCURACY] for row in json.loads(to_json(ALL))["tables"][0]["rows"]]
    assert [row["beats_floor"] for row in rows] == ["yes", "no", "no", "not known", ""]
    assert rows[3]["floor_why"] == "other <turns>"
    lines = csv.DictReader(io.StringIO(csv_bytes(flat_rows(ALL)).decode()))
    said = [(x["beats_floor"], x["best_floor"]) for x in lines if x["metric"] == "strategy_acc"]
    assert said == [
        ("yes", "org/floor"),
        ("no", "org/floor"),
        ("no", "org/floor"),
        ("not known", ""),
        ("", ""),
    ]
    assert "beats_floor: 'no'" in model_index(ALL, "org/equal")


LEGEND, NO_FLOORS = text_of("floors.legend"), text_of("floors.none")


def paged(board: Board) -> str:
    """The page in English, without its scripts and their data."""
    return re.sub(r"<script.*?</script>", "", render_page(board, None, [Language.EN]), flags=re.DOTALL)


RENDERINGS: tuple[Callable[[Board], str], ...] = (printed, markdown, paged)


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_beneath_stands_once_what_the_mark_means_and_what_is_not_known(
    rendering: Callable[[Board], str],
) -> None:
    text = re.sub(r"&lt;|&gt;|[<>`]", "", rendering(ALL))
    assert text.count(LEGEND) == 1
    where = "Response, reference context"
    assert f"{where}, Helpfulness: no floor has a score to compare with" in text
    reason = rf"{where}, Strategy accuracy: not known whether above the floors, for org/short( ?@main)?"
    assert re.search(rf"{reason} \(other turns\)", text)
    assert NO_FLOORS not in text


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_without_floors_one_line_says_so_and_nothing_is_marked(rendering: Callable[[Board], str]) -> None:
    rows = [replace(row, cells={k: unmarked(c) for k, c in row.cells.items()}) for row in table("above").rows]
    made = board("above")
    text = rendering(replace(made, tables=(replace(made.tables[0], rows=tuple(rows)),)))
    assert text.count(NO_FLOORS) == 1
    assert "†" not in text
    assert on_terminal(made)["above"][1]


def unmarked(cell: Cell) -> Cell:
    return replace(cell, beats_floor=BeatsFloor.NOT_ASKED, best_floor="")


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_floors_alone_need_no_word_about_it(rendering: Callable[[Board], str]) -> None:
    text = rendering(board("floor"))
    assert LEGEND not in text
    assert NO_FLOORS not in text
