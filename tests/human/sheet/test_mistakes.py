"""What cannot be rated is one message that names the cure, and nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from csc_tasks.errors import DataError
from csc_tasks.human.study import read_key
from tests.door import csconv
from tests.human.sheet.studies import RESPONSE, make
from tests.leaderboards.logs import answering, write_run

ONE = ("--task", RESPONSE, "--sample", "10")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--sample", "3"),
            "several tasks (csconv_mini_dialogue, csconv_mini_response): name one with --task",
        ),
        (("--sample", "3", "--task", "csconv_mini_strategy"), "its log has no replies in words"),
        (
            ("--sample", "3", "--task", "x\x1b"),
            "no such logs; there are csconv_mini_dialogue, csconv_mini_response",
        ),
        (
            ("--task", RESPONSE, "--sample", "408"),
            "--sample 408: the runs of csconv_mini_response have 407 turns",
        ),
        (
            ("--task", "csconv_mini_dialogue", "--sample", "3", "--kind", "pair"),
            "pairs need the reference context",
        ),
    ],
)
def test_what_cannot_be_rated_is_one_message_and_nothing_is_written(
    measured: Path, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    require_mistake(measured, tmp_path / "new", options, said)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((*ONE, "--overlap", "2"), "there is one rater only"),
        ((*ONE, "--raters", "2", "--overlap", "11"), "--overlap 11: the sample has 10"),
        ((*ONE, "--raters", "2", "--overlap", "0.5"), "must be a number, or a share like 20%"),
        ((*ONE, "--raters", "2", "--each", "3"), "--each 3: there are 2 raters"),
        ((*ONE, "--raters", "20", "--overlap", "0"), "there are items for 10 of them; raise --sample"),
        ((*ONE, "--repeats", "16"), "--repeats 16: a rater has 30 items"),
        ((*ONE, "--attention", "31"), "--attention 31: a rater has 30 items"),
        ((*ONE, "--rubric", "pairwise-zh-2"), "compares two replies"),
        ((*ONE, "--rubric", "dialogue-zh-2"), "the rubric is for whole conversations"),
        ((*ONE, "--kind", "pair", "--rubric", "turn-zh-2"), "does not compare two replies"),
        ((*ONE, "--rubric", "zh-1", "--lang", "en"), "turn-zh-1 is not worded in English"),
        ((*ONE, "--rubric", "no-such"), "no rubric 'no-such'"),
    ],
)
def test_an_option_that_cannot_be_is_one_message_and_nothing_is_written(
    short: Path, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    require_mistake(short, tmp_path / "new", options, said)


def require_mistake(results: Path, out: Path, options: tuple[str, ...], said: str) -> None:
    done = csconv("human", "sheet", results, *options, "--out", out)
    assert done.code == 1
    assert said in done.err
    assert done.err.count("\n") == 1
    assert "\x1b" not in done.err
    assert not out.exists()


def test_runs_that_were_asked_differently_are_not_rated_side_by_side(tmp_path: Path) -> None:
    for name, prompt in (("one", "zh-2"), ("other", "zh-1")):
        write_run(tmp_path / name, f"org/{name}", answering(0.5), limit=3, metadata={"csconv_prompt": prompt})
    done = csconv("human", "sheet", tmp_path, "--sample", "2", "--out", tmp_path / "new")
    assert done.code == 1
    assert "the runs have different protocols" in done.err


def test_pairs_need_two_models_and_a_model_has_one_run(short: Path, tmp_path: Path) -> None:
    done = csconv("human", "sheet", short / "a", "--kind", "pair", "--sample", "2", "--out", tmp_path / "new")
    assert "needs runs of two or more models" in done.err
    write_run(tmp_path / "runs", "org/a", answering(0.5), limit=3, date=1.0)
    write_run(tmp_path / "runs", "org/a", answering(0.6), limit=3, date=2.0)
    done = csconv("human", "sheet", tmp_path / "runs", "--sample", "2", "--out", tmp_path / "new")
    assert "more than one run of csconv_mini_response; name the samples_*.jsonl file that counts" in done.err


def test_a_folder_in_which_something_lies_is_left_as_it_is(short: Path, tmp_path: Path) -> None:
    out = tmp_path / "study"
    make(short, out, "--sample", "2")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    done = csconv("human", "sheet", short, "--sample", "3", "--out", out)
    assert (done.code, "is not empty" in done.err) == (1, True)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    done = csconv("human", "sheet", short, "--sample", "3", "--out", out / "key.json")
    assert (done.code, "is a file; name a new folder" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda key: key.update(seed=5), "was changed after it was made"),
        (lambda key: key.update(format="csconv-human-study-9"), "not the key of a study in the format"),
        (lambda key: key["items"].append(key["items"][0]), "an item stands there twice"),
        (lambda key: key["items"][0].update(runs=[99]), "its runs are [99]"),
        (lambda key: key["raters"][0]["items"].append("f" * 16), "a rater has an item that there is not"),
        (lambda key: key.pop("runs"), "runs"),
    ],
)
def test_a_key_that_was_changed_is_not_believed(
    short: Path, tmp_path: Path, change: object, said: str
) -> None:
    assert callable(change)
    make(short, tmp_path / "study", "--sample", "2", "--attention", "0")
    path = tmp_path / "study" / "key.json"
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_key(tmp_path / "study")
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_folder_without_a_key_and_half_a_key_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="name the folder that `csconv human sheet` wrote"):
        read_key(tmp_path)
    (tmp_path / "key.json").write_text('{"format": "csconv-human', encoding="utf-8")
    with pytest.raises(DataError, match="not the key of a study: "):
        read_key(tmp_path)
