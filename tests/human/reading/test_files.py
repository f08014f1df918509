"""What comes back in whatever form: the same answers are the same figures, and what cannot be is named."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import DataError
from csc_tasks.human.reading.collected import collect
from csc_tasks.human.reading.files import answers_of_file, find_answers
from csc_tasks.human.reading.given import GivenAnswer, StudyFiles
from csc_tasks.human.study import KEY_FILE, read_key
from tests.door import csconv
from tests.human.reading.simulated import SimulatedRater, World, exported, send_back

WORLD = World([3.6, 3.0])
PAIRED = World([3.4, 3.0, 2.6])


def study_of(folder: Path) -> StudyFiles:
    return StudyFiles(read_key(folder), folder / KEY_FILE)


def scores_of(given: list[GivenAnswer]) -> dict[str, dict[str, Any]]:
    return {each.item: dict(each.answer.scores) for each in given}


def filled_in(folder: Path, scores: dict[str, dict[str, Any]]) -> list[list[str]]:
    """The first rater's sheet as somebody fills it in, header first."""
    text = (folder / "sheets" / "rater-1.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    names = [heading.split(" ")[0] for heading in rows[0]]
    for row in rows[1:]:
        for name, value in scores[row[names.index("item")].removeprefix("i_")].items():
            row[names.index(name)] = (
                {True: "是", False: "否"}[value] if isinstance(value, bool) else str(value)
            )
    return rows


def written(rows: list[list[str]], separator: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator).writerows(rows)
    return out.getvalue()


@pytest.fixture
def answered(rate: Path) -> tuple[Path, dict[str, dict[str, Any]]]:
    """A study, and what the first rater thinks of their items."""
    key = read_key(rate)
    said = WORLD.answers(key, 0, SimulatedRater())
    return rate, {item: fields["scores"] for item, fields in said.items()}


@pytest.mark.parametrize(
    ("encoding", "separator", "name"),
    [
        ("utf-8-sig", ",", "back.csv"),
        ("utf-8", ";", "back.csv"),
        ("gb18030", ",", "back.csv"),
        ("gbk", "\t", "back.txt"),
        ("utf-16", "\t", "Unicode text.txt"),
    ],
)
def test_a_sheet_comes_back_as_excel_saves_it(
    answered: tuple[Path, dict[str, dict[str, Any]]], encoding: str, separator: str, name: str
) -> None:
    folder, scores = answered
    rows = filled_in(folder, scores)
    header, *body = rows
    shuffled = [header, *sorted(body, key=lambda row: row[-3])]
    path = folder / name
    path.write_bytes(written(shuffled, separator).encode(encoding, "replace"))
    assert scores_of(answers_of_file(path, study_of(folder))) == scores


def test_a_workbook_comes_back_with_numbers_for_texts_and_rows_left_out(
    answered: tuple[Path, dict[str, dict[str, Any]]],
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    folder, scores = answered
    path = folder / "sheets" / "rater-1.xlsx"
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    names = [str(cell.value).split(" ")[0] for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2):
        for name, value in scores[row[names.index("item")].value.removeprefix("i_")].items():
            row[names.index(name)].value = value  # a number, or TRUE
    left_out = sheet.cell(row=2, column=names.index("item") + 1).value.removeprefix("i_")
    sheet.delete_rows(2)
    sheet.append([None, "  "])
    book.save(folder / "Kopie von rater-1.xlsx")
    found = scores_of(answers_of_file(folder / "Kopie von rater-1.xlsx", study_of(folder)))
    assert found == {item: s for item, s in scores.items() if item != left_out}


def test_label_studio_gives_back_grades_truths_ties_and_sides(rate: Path, pair: Path) -> None:
    for folder, world in ((rate, WORLD), (pair, PAIRED)):
        study = study_of(folder)
        said = world.answers(study.key, 0, SimulatedRater())
        tasks = json.loads((folder / "label-studio" / "tasks-rater-1.json").read_text())
        for number, task in enumerate(tasks, start=1):
            result = []
            for name, value in said[task["data"]["item"]]["scores"].items():
                content: dict[str, Any]
                if isinstance(value, bool):
                    kind, content = "choices", {"choices": ["yes" if value else "no"]}
                elif isinstance(value, int):
                    kind, content = "rating", {"rating": value}
                elif value == "平":
                    name, kind, content = "tie", "choices", {"choices": ["tie"]}
                else:
                    kind, content = "pairwise", {"selected": "left" if value == "甲" else "right"}
                result.append({"from_name": name, "to_name": "x", "type": kind, "value": content, "id": "7"})
            annotation = {"id": number, "result": result, "lead_time": 12.5, "was_cancelled": False}
            skipped = {"id": 0, "result": [], "was_cancelled": True}
            task |= {"id": number, "annotations": [skipped, annotation], "total_annotations": 1}
        path = folder / "project-1-at-2026-11-28.json"
        path.write_text(json.dumps(tasks))
        given = answers_of_file(path, study)
        assert scores_of(given) == {item: fields["scores"] for item, fields in said.items()}
        assert {each.answer.seconds for each in given} == {12.5}


def page(folder: Path, name: str, change: Callable[[dict[str, Any]], None]) -> Path:
    """What the first rater's page exports, changed."""
    key = read_key(folder)
    content = exported(key, 0, WORLD.answers(key, 0, SimulatedRater()), "Anna")
    change(content)
    path = folder / name
    path.write_text(json.dumps(content))
    return path


def first_item(content: dict[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = next(iter(content["items"].values()))
    return item


def test_partial_answers_count_as_far_as_they_go(rate: Path) -> None:
    def half(content: dict[str, Any]) -> None:
        for item in list(content["items"])[::2]:
            del content["items"][item]
        first_item(content).update(scores={"empathy": 2}, comment="=cmd|' /C calc'!A0 问得好")

    path = page(rate, "half.json", half)
    done = csconv("human", "read", rate, path, "--json", "--no-results")
    assert done.code == 0, done.output
    assert "nothing came back from rater-2, rater-3" in done.err
    found = json.loads(done.out)
    (rater,) = found["raters"]
    assert rater["answered"] < rater["given"] / 2
    coverage = [m["scores"]["human_coverage"]["value"] for m in found["models"]]
    assert all(0.3 < share < 0.7 for share in coverage)
    assert found["agreement"][0]["alpha"]["value"] is None
    assert "Anna" not in done.out
    (comment,) = found["comments"]
    assert comment["comment"].endswith("问得好")
    assert comment["models"]
    assert comment["rater"] == 1
    named = csconv("human", "read", rate, path, "--no-results", "--names")
    assert "1 Anna" in named.out


def test_the_same_file_twice_counts_once_and_of_two_that_differ_the_later(rate: Path) -> None:
    def at(hour: int, grade: int | None = None) -> Callable[[dict[str, Any]], None]:
        def change(content: dict[str, Any]) -> None:
            content["exported"] = f"2026-11-28T{hour}:00:00.000Z"
            if grade is not None:
                first_item(content)["scores"]["empathy"] = grade

        return change

    study = study_of(rate)
    files = [page(rate, "z.json", at(10)), page(rate, "y.json", at(11))]
    same = collect(study.key, [a for f in files for a in answers_of_file(f, study)])
    (rater,) = same.raters
    assert len(rater.answers) == rater.given
    assert [n for n in same.notes if "came twice, and the same; each counts once" in n]
    files = [page(rate, "a.json", at(13, 5)), page(rate, "b.json", at(12, 1))]
    differ = collect(study.key, [a for f in files for a in answers_of_file(f, study)])
    (rater,) = differ.raters
    changed = next(iter(WORLD.answers(study.key, 0, SimulatedRater())))
    assert rater.answers[changed].scores["empathy"] == 5
    assert [n for n in differ.notes if n.startswith("rater 1: 1 item was answered twice and differently")]


def test_two_people_on_one_page_are_two_raters_and_a_sheet_without_a_name_is_of_the_one_known(
    answered: tuple[Path, dict[str, dict[str, Any]]],
) -> None:
    folder, scores = answered
    study = study_of(folder)
    sheet = folder / "sheet.csv"
    sheet.write_text(written(filled_in(folder, scores), ","), encoding="utf-8-sig")
    anna = page(folder, "anna.json", lambda content: content.update(person="anna"))
    again = page(folder, "again.json", lambda content: content.update(person=" Anna "))
    (one,) = collect(study.key, [a for f in (sheet, anna, again) for a in answers_of_file(f, study)]).raters
    assert one.person in ("anna", "Anna")
    bert = page(folder, "bert.json", lambda content: content.update(person="Bert"))
    two = collect(study.key, [a for f in (anna, bert) for a in answers_of_file(f, study)])
    assert len(two.raters) == 2
    assert any("answered by 2 people" in note for note in two.notes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["items"].update({"f" * 16: {"scores": {}}}), r"item f{16} is not one of rater-1's .*no rater has"),
        (lambda c: c["share"].update(part=9), r"rater-9 is no rater of .*rater-1 to rater-3"),
        (lambda c: c["share"].clear(), r"\(nobody\) is no rater"),
        (lambda c: first_item(c)["scores"].update(empathy=7), r"empathy is 7, not a whole number from 1 to 5"),
        (lambda c: first_item(c)["scores"].update(empathy=True), r"empathy is True, not a whole number"),
        (lambda c: first_item(c)["scores"].update(charm=3), r"charm is no question of turn-zh-2: strategy_choice,"),
        (lambda c: c.update(fingerprint="0" * 16), r"fingerprint 0{16}, and .*key.json has"),
        (lambda c: first_item(c).update(seconds=-1), r"item [0-9a-f]{16}: .*seconds"),
        (lambda c: c.update(format="csconv-human-answers-9"), r"not a file of answers in the format"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_is_an_error_that_names_file_and_record(
    rate: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    path = page(rate, "answers.json", change)
    with pytest.raises(DataError, match=message) as caught:
        answers_of_file(path, study_of(rate))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b'{"format": "csconv-hum', "a.json", "damaged or cut off"),
        (b"[[]]", "a.json", "task 1: not a task of Label Studio's"),
        (b"", "a.csv", "empty"),
        (b"study,rater\nf_0,rater-1\n", "a.csv", "line 2: no column item"),
        (b"study,rater,item\nf_0,rater-1,i_1\n", "a.csv", "line 2: made on a file with fingerprint 0"),
        (b"PK\3\4 no workbook", "a.xlsx", "not a workbook, or damaged"),
        (b"\x89PNG", "a.png", r"not a file of answers \(.json, .csv"),
    ],
)
def test_a_file_that_is_broken_or_of_something_else_is_an_error(
    rate: Path, content: bytes, name: str, message: str
) -> None:
    path = rate / "answers" / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        [answers_of_file(each, study_of(rate)) for each in find_answers(rate, [])]


def test_a_cell_that_cannot_be_read_is_named_with_its_line(
    answered: tuple[Path, dict[str, dict[str, Any]]],
) -> None:
    folder, scores = answered
    rows = filled_in(folder, scores)
    names = [heading.split(" ")[0] for heading in rows[0]]
    rows[3][names.index("empathy")] = "four"
    path = folder / "back.csv"
    path.write_text(written(rows, ","), encoding="utf-8-sig")
    with pytest.raises(
        DataError, match=r"back.csv: line \d+: empathy is 'four', not a whole number from 1 to 5"
    ):
        answers_of_file(path, study_of(folder))
    rows[3][names.index("empathy")] = " ４。 "
    path.write_text(written(rows, ","), encoding="utf-8-sig")
    item = rows[3][names.index("item")].removeprefix("i_")
    assert scores_of(answers_of_file(path, study_of(folder)))[item]["empathy"] == 4


def test_nothing_to_read_says_what_to_do(rate: Path) -> None:
    done = csconv("human", "read", rate)
    assert done.code == 1
    assert "no answers; put there what raters sent back" in done.err
    done = csconv("human", "read", rate / "answers")
    assert "name the folder that `csconv human sheet` wrote" in done.err
    done = csconv("human", "read", rate, rate / "sheets" / "rater-1.csv")
    assert "nothing is rated yet" in done.err
    send_back(rate, WORLD, [SimulatedRater(clicks=True)] * 3)
    done = csconv("human", "read", rate, "--exclude-failed", "--no-results")
    assert done.code == 1
    assert "all 3 raters fail the checks" in done.err
