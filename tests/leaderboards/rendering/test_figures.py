"""Figures as files: where they lie, that Chinese is in them, and what happens without a font."""

from __future__ import annotations

import re
import zlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import ConfigError, DataError
from csc_tasks.leaderboards.board import Board
from csc_tasks.leaderboards.names import shorten
from csc_tasks.leaderboards.rendering import figures
from csc_tasks.leaderboards.rendering.charts import ChartKind, charts
from csc_tasks.leaderboards.rendering.labels import row_labels
from csc_tasks.leaderboards.rendering.language import Language, resolve
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
def test_every_chart_becomes_an_svg_a_pdf_and_a_png_with_chinese_in_it(tmp_path: Path) -> None:
    font()
    folder = tmp_path / "new" / "figures"
    files = figures.write_figures(one_model("a/b"), folder, languages=[Language.ZH])
    assert {path.suffix for path in files} == {".svg", ".pdf", ".png"}
    assert len(files) == 3 * len({path.stem for path in files}) == len(list(folder.iterdir()))
    confusion = next(path for path in files if "confusion" in path.name and path.suffix == ".svg")
    text = confusion.read_text(encoding="utf-8")
    assert "感谢与告别" in text
    assert font().family in text
    starts = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<svg"}
    assert all(path.read_bytes().startswith(starts[path.suffix]) for path in files)
    # Drawn, not painted: a PDF for print has letters in it, and no picture.
    parts = inflated(confusion.with_suffix(".pdf").read_bytes())
    assert b"/FontFile" in parts
    assert "感".encode("utf-16-be").hex().upper().encode() in parts
    assert b"/Subtype/Image" not in parts.replace(b" ", b"")


def inflated(pdf: bytes) -> bytes:
    """The file with its compressed streams in plain."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    plain = []
    for stream in streams:
        with suppress(zlib.error):
            plain.append(zlib.decompress(stream))
    return pdf + b"".join(plain)


def test_a_figure_has_the_words_of_its_language_and_what_its_reader_must_know(tmp_path: Path) -> None:
    font()
    one = one_model("a/b")
    column = one.tables[0].columns[0]
    table = replace(
        one.tables[0],
        sections=one.tables[0].sections[:1],
        columns=(column,),
        rows=tuple(replace(row, figures={}) for row in one.tables[0].rows),
        gold={},
    )
    files = figures.write_figures(replace(one, tables=(table,)), tmp_path, languages=list(Language))
    stems = ["main_intervals_Response-reference-context_Strategy-accuracy_" + each for each in ("en", "zh")]
    assert [path.name for path in files] == [f"{s}.{kind}" for s in stems for kind in ("svg", "pdf", "png")]
    english, chinese = (files[i].read_text(encoding="utf-8") for i in (0, 3))
    assert "Models on one shade share a rank" in english
    assert "同一底色" in chinese
    assert "名次" not in english


HOSTILE_NAMES = [
    *("../../etc/passwd", "/absolute", "/", "..", "", "x" * 3000, boards.HOSTILE, "con\x00\n", "…" * 200),
    *("\ud800", "\u202e", "@chart.depth.title", "{name}", "__proto__", "constructor", "a/b", "a_b", "A/b"),
    *("字" * 400, "names[datum.row]", "%s", "\\", "a/b", "😀" * 60),
]


@pytest.mark.slow
def test_figures_survive_whatever_models_sections_and_tables_are_called(tmp_path: Path) -> None:
    font()
    whole = boards.table()
    model = next(row for row in whole.rows if row.id == "qwen")
    columns = tuple(c for c in whole.columns if c.metric == "strategy_acc")
    rows = [
        replace(
            model,
            id=f"r{i}",
            model=name,
            words=(name,),
            step=1000 * (1 + i % 2),
            training_run=HOSTILE_NAMES[i // 2],
            incomplete=name,
            cells={c.id: model.cells[c.id] for c in columns},
            figures={} if i % 12 else model.figures,
        )
        for i, name in enumerate(HOSTILE_NAMES)
    ]
    name = "../" + boards.HOSTILE + "\x00\ud800"
    table = replace(
        whole,
        id=name,
        rows=tuple(rows),
        columns=tuple(replace(c, title=name) for c in columns),
        sections=tuple(replace(section, title=name) for section in whole.sections),
    )
    folder = tmp_path / "in"
    files = figures.write_figures(replace(boards.board(), tables=(table,)), folder)
    assert len({path.name.casefold() for path in files}) == len(files) > 3 * 5
    for path in files:
        assert path.parent == folder
        assert path.stat().st_size > 1000
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    font()
    (tmp_path / "figures").write_text("a file", encoding="utf-8")
    with pytest.raises(DataError, match="figures"):
        figures.write_figures(boards.board(), tmp_path / "figures")


def test_two_chinese_characters_look_different_in_a_png() -> None:
    chosen = font()
    vl_convert.register_font_directory(str(chosen.file.parent))
    chart = next(c for c in charts(boards.table()) if c.kind is ChartKind.STRATEGIES)
    spec: Any = resolve(chart.spec, Language.ZH)

    def drawn(text: str) -> bytes:
        one = spec["data"]["values"][0]
        named = [{"name": name, "value": {one["row"]: text}} for name in ("names", "short")]
        params = [*named, *(each for each in spec["params"] if each["name"] in ("labels", "lang"))]
        png: bytes = vl_convert.vegalite_to_png({**spec, "params": params}, config=config(font=chosen.family))
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
