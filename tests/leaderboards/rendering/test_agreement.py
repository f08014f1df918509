"""Terminal, page, Markdown, CSV and JSON held against each other, cell by cell: value, interval and rank."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from csc_tasks.leaderboards.board import Board, to_json
from csc_tasks.leaderboards.rendering.export import csv_bytes, flat_rows
from csc_tasks.leaderboards.rendering.language import Language
from csc_tasks.leaderboards.rendering.markdown import markdown
from csc_tasks.leaderboards.rendering.page import render_page
from tests.door import csconv
from tests.leaderboards import boards
from tests.leaderboards.rendering.test_terminal import printed
from tests.leaderboards.terminal import shown_tables

pytest.importorskip("jinja2", reason="needs csconv-eval[leaderboard]")
pytest.importorskip("vl_convert", reason="needs csconv-eval[leaderboard]")

NONE = "–"


class Place(NamedTuple):
    """A headline cell: number of the table, row id, column id."""

    table: int
    row: str
    column: str


class Said(NamedTuple):
    """What one rendering says of a cell, as texts; ``None`` of a rank where the rendering does not say it.

    After ``value`` stands a dagger where it is not above the best floor.
    """

    value: str
    interval: str
    rank: str | None


@dataclass(frozen=True)
class Renderings:
    """One board in all its forms; ``terminal`` prints it sorted by a metric, or as it comes."""

    json: Any
    page: str
    markdown: str
    csv: str
    terminal: Callable[[str | None], str]


def of_board(board: Board) -> Renderings:
    """What the renderers make of a board."""
    facts = {"benchmark": "1", "scale": "mini"}
    board = replace(
        board, tables=tuple(replace(table, facts={**facts, **table.facts}) for table in board.tables)
    )
    return Renderings(
        json.loads(to_json(board, texts=False)),
        render_page(replace(board, conversations=(), replies={}), None, [Language.EN]),
        markdown(board).encode("utf-8", "replace").decode(),
        csv_bytes(flat_rows(board)).decode(),
        lambda sort: printed(board, sort=sort),
    )


def of_folder(folder: Path, site: Path) -> Renderings:
    """What the commands write of results."""
    cache = site.with_name("cache")
    options = ("--out", site, "--cache", cache, "--workers", "1", "--no-texts", "--lang", "en")
    done = csconv("leaderboard", folder, *options)
    assert done.code == 0, done.err

    def terminal(sort: str | None) -> str:
        done = csconv("table", folder, *(["--sort", sort] if sort else []))
        assert done.code == 0, done.err
        return done.out

    texts = {path.suffix: path.read_text(encoding="utf-8") for path in site.iterdir()}
    return Renderings(json.loads(texts[".json"]), texts[".html"], texts[".md"], texts[".csv"], terminal)


@pytest.fixture(
    scope="module",
    params=[
        *("board", "small_board", "large_board", "negative"),
        pytest.param("old results", marks=pytest.mark.slow),
    ],
)
def renderings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Renderings:
    if request.param == "old results":
        folder = request.getfixturevalue("old_results")
        return of_folder(folder, tmp_path_factory.mktemp("old") / "site")
    if request.param == "negative":
        return of_board(negative())
    board: Board = getattr(boards, request.param)()
    return of_board(board)


def negative() -> Board:
    """Scores around zero, as those of a rescaled BERTScore are."""
    board = boards.small_board()

    def shift(value: float | None) -> float | None:
        return value if value is None else value - 0.6

    rows = tuple(
        replace(
            row,
            cells={
                k: replace(c, value=shift(c.value), low=shift(c.low), high=shift(c.high))
                for k, c in row.cells.items()
            },
        )
        for row in board.tables[0].rows
    )
    return replace(board, tables=(replace(board.tables[0], rows=rows),))


# --- what the JSON says, written as a person would ---


def text_of(value: float | None, percent: bool) -> str:
    if value is None:
        return NONE
    text = f"{100 * value:.1f}" if percent else f"{value:.2f}"
    return (text.lstrip("-") if not float(text) else text).replace("-", "−")


def expected(content: Any) -> dict[Place, Said]:
    said: dict[Place, Said] = {}
    for number, table in enumerate(content["tables"]):
        for row in table["rows"]:
            for column in table["columns"]:
                if not column["headline"]:
                    continue
                cell = row["cells"].get(column["id"])
                value, low, high = ((cell or {}).get(k) for k in ("value", "low", "high"))
                ends = [text_of(end, column["percent"]) for end in (low, high)]
                interval = NONE if value is None or NONE in ends else f"[{ends[0]}, {ends[1]}]"
                rank = str((cell or {}).get("rank") or NONE)
                mark = "†" if (cell or {}).get("beats_floor") == "no" else ""
                said[Place(number, row["id"], column["id"])] = Said(
                    text_of(value, column["percent"]) + mark, interval, rank
                )
    assert len(said) > 20
    return said


def split(text: str) -> tuple[str, str]:
    """Value and interval of ``42.6 [39.1, 46.0]``."""
    value, _, interval = text.partition(" ")
    return value, interval or NONE


def name_of(row: Any) -> str:
    """A row's name as the terminal has it, Markdown in code, without what neither can show."""
    model = row["model"].removeprefix("csconv-") if row["floor"] else row["model"]
    shown = " ".join("".join(c if c not in "\u202e" else " " for c in model).split())
    tags = (
        f"@{row['revision']}" if row["revision"] else "",
        f"step {row['step']:,}" if row["step"] is not None else "",
        f"{row['shots']}-shot" if row["shots"] else "",
        "(floor)" if row["floor"] else "",
    )
    return " ".join(part for part in (shown, *tags) if part)


def grids(content: Any) -> Iterator[tuple[int, Any, list[Any], dict[str, Any]]]:
    """Number of the table, section, its headline columns, its rows by name; sections without rows left out."""
    for number, table in enumerate(content["tables"]):
        for section in table["sections"]:
            columns = [c for c in table["columns"] if c["section"] == section["id"] and c["headline"]]
            rows = {name_of(r): r for r in table["rows"] if section["id"] in r["figures"]}
            assert len(rows) == sum(section["id"] in r["figures"] for r in table["rows"])
            if rows and columns:
                yield number, section, columns, rows


# --- what the others say ---


def test_the_terminal_says_of_every_headline_cell_what_the_json_says(renderings: Renderings) -> None:
    said = expected(renderings.json)
    metrics = dict.fromkeys(c["metric"] for _, _, columns, _ in grids(renderings.json) for c in columns)
    seen: set[Place] = set()
    ranked: set[tuple[int, str]] = set()
    for sort in (None, *metrics):
        tables = [t for t in shown_tables(renderings.terminal(sort)) if " minus " not in t.title]
        for (number, section, columns, rows), table in zip(grids(renderings.json), tables, strict=True):
            assert table.title == section["title"]
            assert len(table.headings) == len(columns) + 3
            key = next((c for c in columns if c["metric"] == sort), None)
            key = key or next((c for c in columns if c["ranked"]), None)
            assert {row[1] for row in table.rows} == set(rows)
            for row in table.rows:
                for column, text in zip(columns, row[2:], strict=False):
                    place = Place(number, rows[row[1]]["id"], column["id"])
                    assert split(text) == said[place][:2], place
                    seen.add(place)
                    if column is key:
                        assert row[0] == said[place].rank, place
                        ranked.add((number, column["id"]))
    held = {p for p in said if any(said[p][i] != NONE for i in (0, 2))}
    columns_of = {(n, c["id"]) for n, _, columns, _ in grids(renderings.json) for c in columns}
    assert held & seen == {p for p in held if (p.table, p.column) in columns_of}
    # The second of two columns of one metric is ranked in no order that a metric's name can ask for.
    first = {
        (n, next(c["id"] for c in columns if c["metric"] == m))
        for n, _, columns, _ in grids(renderings.json)
        for m in {c["metric"] for c in columns}
    }
    assert ranked == first


def test_markdown_says_of_every_headline_cell_what_the_json_says(renderings: Renderings) -> None:
    said = expected(renderings.json)
    lines = [line for line in renderings.markdown.splitlines() if line.startswith("|")]
    starts = [i for i, line in enumerate(lines) if line.startswith("| # | model |")]
    parts = [lines[i:j] for i, j in zip(starts, [*starts[1:], len(lines)], strict=True)]
    parts = [part for part in parts if len(part) > 2]
    for (number, _, columns, rows), part in zip(grids(renderings.json), parts, strict=True):
        plain = {
            re.sub(r"[`|]", "", name.replace("|", "¦").replace("`", "'")): row for name, row in rows.items()
        }
        short = {(name[:79] if len(name) > 90 else name): row for name, row in plain.items()}
        key = next((c for c in columns if c["ranked"]), None)
        for line in part[2 : 2 + len(rows)]:
            rank, name, *cells = (cell.strip() for cell in line.strip("|").split(" | "))
            shown = name.replace("`", "")
            row = short[shown.split("…")[0] if "…" in shown else shown]
            assert len(cells) == len(columns) + 1
            for column, text in zip(columns, cells, strict=False):
                place = Place(number, row["id"], column["id"])
                assert split(text) == said[place][:2], place
                assert column is not key or rank == said[place].rank, place


def test_the_csv_says_of_every_headline_cell_what_the_json_says(renderings: Renderings) -> None:
    said = expected(renderings.json)
    lines = iter(csv.DictReader(io.StringIO(renderings.csv)))
    for number, table in enumerate(renderings.json["tables"]):
        for row in table["rows"]:
            for column in table["columns"]:
                if column["id"] not in row["cells"]:
                    assert said.get(Place(number, row["id"], column["id"]), (NONE,))[0] == NONE
                    continue
                line = next(lines)
                assert line["metric"] == column["metric"]
                if column["headline"]:
                    value, low, high = (
                        text_of(float(line[k]) if line[k] else None, column["percent"])
                        for k in ("value", "low", "high")
                    )
                    interval = NONE if NONE in (value, low, high) else f"[{low}, {high}]"
                    place = Place(number, row["id"], column["id"])
                    mark = "†" if line["beats_floor"] == "no" else ""
                    assert (value + mark, interval, line["rank"] or NONE) == said[place], place
    assert next(lines, None) is None


def test_the_page_says_of_every_headline_cell_what_the_json_says(renderings: Renderings) -> None:
    said = expected(renderings.json)
    tables = re.findall(r'<table class="scores">(.*?)</table>', renderings.page, re.DOTALL)
    for number, (table, text) in enumerate(zip(renderings.json["tables"], tables, strict=True)):
        columns = [c for s in table["sections"] for c in table["columns"] if c["section"] == s["id"]]
        rows = re.findall(
            r'<tr data-name="[^"]*" data-settings="[^"]*" data-place="(\d+)">(.*?)</tr>', text, re.DOTALL
        )
        assert sorted(int(place) for place, _ in rows) == list(range(len(table["rows"])))
        for place, content in rows:
            row = table["rows"][int(place)]
            cells = re.findall(r'<td class="[^"]*" data-s="\d+"([^>]*)>(.*?)</td>', content, re.DOTALL)
            for column, (attributes, inner) in zip(columns, cells, strict=True):
                if column["headline"]:
                    key = Place(number, row["id"], column["id"])
                    assert on_page(attributes, inner) == said[key], key


def on_page(attributes: str, inner: str) -> Said:
    def span(name: str) -> str:
        found = re.search(rf'<span class="{name}"[^>]*>([^<]*)', inner)
        return html.unescape(found[1]) if found else NONE

    rank = re.search(r'data-r="(\d+)"', attributes)
    place = re.match(r"rank (\d+)", span("place"))
    assert (rank and rank[1]) == (place and place[1])
    value = span("value") + ("†" if ">†</abbr>" in inner else "")
    assert (value == NONE) == (span("none") == NONE and 'class="none"' in inner)
    if span("interval") == NONE:
        return Said(value, NONE, rank[1] if rank else NONE)
    low, high = re.split(r" – |(?<=\d)–", span("interval"))
    return Said(value, f"[{low}, {high}]", rank[1] if rank else NONE)
