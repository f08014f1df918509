"""Figures as files: where they lie, that Chinese is in them, and what happens without a font."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from csc_tasks.errors import ConfigError
from csc_tasks.leaderboards.board import Board
from csc_tasks.leaderboards.names import shorten
from csc_tasks.leaderboards.rendering import figures
from csc_tasks.leaderboards.rendering.charts import ChartKind, charts
from csc_tasks.leaderboards.rendering.labels import row_labels
from csc_tasks.leaderboards.rendering.text import file_stem, printable
from csc_tasks.leaderboards.rendering.theme import config
from tests.leaderboards import boards

vl_convert = pytest.importorskip("vl_convert")


def font() -> figures._Font:
    try:
        return figures._system()
    except ConfigError as error:
        pytest.skip(str(error))


def one_model(name: str) -> Board:
    whole = boards.board()
    table = whole.tables[0]
    row = replace(
        table.rows[0], model=name, figures={k: replace(f, depth={}) for k, f in table.rows[0].figures.items()}
    )
    kept = {c: cell for c, cell in row.cells.items() if c.endswith("strategy_acc")}
    return replace(whole, tables=(replace(table, rows=(replace(row, cells=kept),)),))


@pytest.mark.slow
def test_every_chart_becomes_an_svg_and_a_png_with_chinese_in_it(tmp_path: Path) -> None:
    font()
    files = figures.write_figures(one_model("a/b"), tmp_path / "new" / "figures")
    assert {path.suffix for path in files} == {".svg", ".png"}
    assert (
        len(files)
        == 2 * len({path.stem for path in files})
        == len(list((tmp_path / "new" / "figures").iterdir()))
    )
    confusion = next(path for path in files if "confusion" in path.name and path.suffix == ".svg")
    text = confusion.read_text(encoding="utf-8")
    assert "感谢与告别" in text
    assert font().family in text
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in files if path.suffix == ".png")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/absolute", "x" * 300, boards.HOSTILE, "con\x00\n", "…" * 200]
)
def test_no_name_of_a_model_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    font()
    board = one_model(name)
    small = replace(board.tables[0], sections=board.tables[0].sections[:1])
    folder = tmp_path / "in"
    for path in figures.write_figures(replace(board, tables=(small,)), folder):
        assert path.parent == folder
        assert path.is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_two_chinese_characters_look_different_in_a_png() -> None:
    chosen = font()
    vl_convert.register_font_directory(str(chosen.file.parent))
    chart = next(c for c in charts(boards.table()) if c.kind is ChartKind.STRATEGIES).spec

    def drawn(text: str) -> bytes:
        spec = {**chart, "data": {"values": [{**chart["data"]["values"][0], "model": text}]}}
        spec["encoding"] = {**spec["encoding"], "y": {"field": "model", "type": "nominal"}}
        png: bytes = vl_convert.vegalite_to_png(spec, config=config(font=chosen.family))
        return png

    # A font without them would draw the same empty box for both.
    assert drawn("礼") != drawn("谢")
    assert drawn("礼") == drawn("礼")


def test_a_named_font_is_used_and_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    chosen = font()
    assert figures._named(chosen.file).family
    (tmp_path / "broken.ttf").write_bytes(b"nothing like a font")
    for path in (tmp_path / "absent.ttf", tmp_path / "broken.ttf"):
        with pytest.raises(ConfigError, match=path.name):
            figures.write_figures(boards.board(), tmp_path, font=path)


def test_without_a_font_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "_from_fontconfig", dict)
    monkeypatch.setattr(figures, "_from_folders", dict)
    figures._system.cache_clear()
    with pytest.raises(ConfigError, match=r"apt-get install fonts-wqy-microhei.*--font FILE"):
        figures.write_figures(boards.board(), tmp_path)
    figures._system.cache_clear()


@pytest.mark.parametrize(
    "parts",
    [("..",), ("",), ("a/../../b",), ("x" * 300,), ("字" * 300,), ("\u202e",), (".hidden",), ("a\\b", "c:d")],
)
def test_a_file_name_is_one_plain_short_component(parts: tuple[str, ...]) -> None:
    stem = file_stem(*parts)
    assert stem
    assert len(stem.encode()) < 200
    assert not set(stem) & set('/\\:*?"<>|\0')
    assert not stem.startswith(".")
    assert ".." not in stem


def test_file_names_of_different_things_differ() -> None:
    parts = [("a/b",), ("a_b",), ("a", "b"), ("a-b",), ("x" * 200,), ("x" * 201,), ("A/b",), ("",), ("..",)]
    taken: set[str] = set()
    assert len({file_stem(*p, taken=taken).casefold() for p in parts}) == len(parts)


def test_labels_tell_rows_of_one_model_apart_and_hide_nothing() -> None:
    rows = boards.table().rows
    labels = row_labels(rows)
    assert len(set(labels.values())) == len(rows)
    assert labels["tuned-1"] == "ours/tuned step 1,000"
    assert labels["floor"] == "csconv-retrieval (floor)"
    twins = [replace(rows[0], id=str(i)) for i in range(3)]
    assert len(set(row_labels(twins).values())) == 3
    assert printable("a\u202eb\u200f\n c\x00") == "a b c"
    assert shorten("abcdefghij", 5) == "ab…ij"
