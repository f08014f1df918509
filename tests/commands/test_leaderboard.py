"""`csconv leaderboard`: what it writes, what it reads again, and what bad input and bad places do to it."""

from __future__ import annotations

import base64
import gzip
import importlib.util
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.install import install_hint
from csc_tasks.leaderboards.board import to_json
from csc_tasks.leaderboards.build import build_board
from tests.door import Done, csconv
from tests.leaderboards import logs as made

pytest.importorskip("jinja2", reason="needs csconv-eval[leaderboard]")
pytest.importorskip("vl_convert", reason="needs csconv-eval[leaderboard]")

FILES = ["index.html", "leaderboard.csv", "leaderboard.json", "leaderboard.md"]
CHINESE = "机构/客服模型"


def leaderboard(*arguments: str | Path) -> Done:
    return csconv("leaderboard", *arguments, "--workers", "1")


def written(site: Path) -> dict[str, bytes]:
    """The files of a site; the time of the build, and nothing else, may differ between two."""
    built = json.loads((site / "leaderboard.json").read_bytes())["built"]
    page_says = re.search(
        r"page.built\".*?</dt><dd>(.*?)</dd>", (site / "index.html").read_text(encoding="utf-8")
    )
    assert page_says
    return {
        path.name: path.read_bytes().replace(built.encode(), b"").replace(page_says[1].encode(), b"")
        for path in site.iterdir()
    }


def cells(site: Path) -> dict[str, dict[str, Any]]:
    """By model, the value and interval of every column."""
    content = json.loads((site / "leaderboard.json").read_bytes())
    return {
        row["model"]: {
            column: (cell["value"], cell["low"], cell["high"]) for column, cell in row["cells"].items()
        }
        for table in content["tables"]
        for row in table["rows"]
    }


def samples(page: Path) -> Any:
    """What the page's sample browser reads; ``None`` where there is none."""
    found = re.search(r'id="samples-data">([^<]*)<', page.read_text(encoding="utf-8"))
    return json.loads(gzip.decompress(base64.b64decode(found[1]))) if found else None


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def built(short: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    site = tmp_path_factory.mktemp("built") / "new" / "site"
    return site, leaderboard(short, "--out", site, "--cache", cache)


@pytest.fixture
def copied(short: Path, tmp_path: Path) -> Path:
    """A copy of the logs, to be spoilt, that was written an hour ago."""
    folder = Path(shutil.copytree(short, tmp_path / "logs"))
    made.age(folder)
    return folder


# --- what it writes ---


def test_the_path_of_the_page_is_all_of_the_output_and_people_are_told_the_rest(
    built: tuple[Path, Done],
) -> None:
    site, done = built
    assert (done.code, done.out) == (0, f"{site / 'index.html'}\n")
    assert done.err == "2 models and 1 floor in 1 table\n"
    assert sorted(path.name for path in site.iterdir()) == FILES


def test_all_four_files_tell_of_the_same_models_and_scores(
    built: tuple[Path, Done], short: Path, cache: Path, tmp_path: Path
) -> None:
    site, _ = built
    board = build_board([short], cache=cache)
    shown = json.loads((site / "leaderboard.json").read_bytes())
    assert {**shown, "built": ""} == {**json.loads(to_json(board, texts=False)), "built": ""}
    assert csconv("export", short, "--out", tmp_path / "csv").code == 0
    assert (site / "leaderboard.csv").read_bytes() == (tmp_path / "csv").read_bytes()
    value = board.tables[0].rows[0].cells["response/reference/strategy_acc"].value
    assert value is not None
    for name, model in (("index.html", CHINESE), ("leaderboard.md", f"`{CHINESE}`")):
        text = (site / name).read_text(encoding="utf-8")
        assert model in text
        assert f"{100 * value:.1f}" in text


def test_without_texts_no_word_of_a_conversation_or_a_reply_is_in_any_file(
    built: tuple[Path, Done], short: Path, cache: Path, tmp_path: Path
) -> None:
    words = {
        text
        for sample in made.samples_of(made.results_file(short / "a"))
        for text in (sample["doc"]["customer"], sample["doc"]["reference"], sample["doc"]["topic"])
        if len(text) > 3
    }
    assert len(words) > 50
    with_texts = json.dumps(samples(built[0] / "index.html"), ensure_ascii=False)
    assert all(json.dumps(text, ensure_ascii=False)[1:-1] in with_texts for text in words)
    done = leaderboard(short, "--out", tmp_path / "site", "--cache", cache, "--no-texts")
    assert done.code == 0
    assert samples(tmp_path / "site" / "index.html") is None
    for name in FILES:
        text = (tmp_path / "site" / name).read_text(encoding="utf-8")
        packed = re.findall(r'<script type="text/plain"[^>]*>([^<]+)<', text)
        text += "".join(gzip.decompress(base64.b64decode(part)).decode("utf-8") for part in packed)
        assert not [word for word in words if word in text], name
    # The scores are those of the page with texts.
    assert cells(tmp_path / "site") == cells(built[0])
    # And only the page has had texts at all.
    one, two = written(built[0]), written(tmp_path / "site")
    assert [name for name in FILES if one[name] != two[name]] == ["index.html"]


# --- the same input, the same bytes; nothing is read twice ---


@pytest.mark.slow
def test_the_same_files_in_another_place_and_order_make_the_same_bytes(
    built: tuple[Path, Done], short: Path, tmp_path: Path
) -> None:
    # Folders keep their names: the page says in which of them a run lies.
    for name in ("c", "b", "a"):
        shutil.copytree(short / name, tmp_path / "other" / name)
    place = ("--out", tmp_path / "site", "--cache", tmp_path / "cache")
    assert leaderboard(tmp_path / "other", *place).code == 0
    assert written(tmp_path / "site") == written(built[0])
    files = sorted(short.rglob("results_*.json"), reverse=True)
    assert leaderboard(*files, *place).code == 0
    assert written(tmp_path / "site") == written(built[0])


@pytest.mark.slow
def test_a_second_build_reads_no_log_again_and_writes_the_same_bytes(copied: Path, tmp_path: Path) -> None:
    places = ("--out", tmp_path / "site", "--cache", tmp_path / "cache")
    first = leaderboard(copied, *places)
    before = written(tmp_path / "site")
    # Were a log opened again, nothing could be read from it.
    for log in copied.rglob("samples_*.jsonl"):
        made.overwrite(log, stamp=True)
    again = leaderboard(copied, *places)
    assert again == first
    assert written(tmp_path / "site") == before
    # One that changed is: it alone is named, and the others are as they were.
    spoilt = made.samples_file(copied / "b")
    made.overwrite(spoilt, stamp=False)
    third = leaderboard(copied, *places)
    assert third.code == 0
    (note,) = (line for line in third.err.splitlines() if line.startswith("note: "))
    assert note.startswith(f"note: {made.results_file(copied / 'b')}: csconv_mini_response: listed without")
    assert f"{spoilt}: line 1: not JSON" in note
    after = cells(tmp_path / "site")
    assert after["org/good"]["response/reference/rouge_l"][1] is not None
    assert after[CHINESE]["response/reference/rouge_l"][1] is None


def test_a_model_that_was_added_or_taken_away_is_there_or_not(
    short: Path, cache: Path, tmp_path: Path
) -> None:
    place = ("--out", tmp_path / "site", "--cache", cache)
    assert "1 model and 0 floors in 1 table" in leaderboard(short / "a", *place).err
    assert set(cells(tmp_path / "site")) == {"org/good"}
    assert "1 model and 1 floor in 1 table" in leaderboard(short / "b", short / "c", *place).err
    assert set(cells(tmp_path / "site")) == {CHINESE, "csconv-random"}
    assert "org/good" not in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


# --- bad input costs its own row ---


def signature(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = content["configs"][made.RESPONSE]["metadata"]["csconv_signature"]
    return found


def report(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = content["configs"][made.RESPONSE]["metadata"]["csconv_report"]
    return found


SPOILT: dict[str, Callable[[dict[str, Any]], object]] = {
    "a date of no calendar": lambda c: c.update(date=1e30),
    "a date without end": lambda c: c.update(date=float("inf")),
    "a date that is not a number": lambda c: c.update(date=float("nan")),
    "a date in words": lambda c: c.update(date="yesterday"),
    "a report that is a text": lambda c: c["configs"][made.RESPONSE]["metadata"].update(csconv_report="x"),
    "turns in words": lambda c: report(c).update(turns="many"),
    "turns without end": lambda c: report(c).update(turns=float("inf")),
    "more turns than there are": lambda c: report(c).update(turns=10**30),
    "a confusion of words": lambda c: report(c).update(confusion=[["x"]]),
    "a confusion that is a number": lambda c: report(c).update(confusion=3),
    "reasons that are a list": lambda c: report(c).update(unscored=["rouge_l"]),
    "groups that are a number": lambda c: c.update(group_subtasks=3),
    "no results": lambda c: c.pop("results"),
    "a signature that is a list": lambda c: signature(c).update(data=[]),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_spoilt_results_file_is_named_and_costs_one_row(
    case: str, copied: Path, built: tuple[Path, Done], cache: Path, tmp_path: Path
) -> None:
    made.edit(made.results_file(copied / "b"), SPOILT[case])
    done = leaderboard(copied, "--out", tmp_path / "site", "--cache", cache)
    assert (done.code, done.out) == (0, f"{tmp_path / 'site' / 'index.html'}\n")
    first, *others = done.err.splitlines()
    assert first.startswith(f"note: {made.results_file(copied / 'b')}: ")
    assert others == ["1 model and 1 floor in 1 table"]
    whole = cells(built[0])
    assert cells(tmp_path / "site") == {model: whole[model] for model in ("org/good", "csconv-random")}
    assert made.results_file(copied / "b").name in (tmp_path / "site" / "leaderboard.md").read_text()


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(total_evaluation_time_seconds="nan"),
        lambda c: c["n-shot"].update({made.RESPONSE: 10**30}),
        lambda c: c["n-shot"].update({made.RESPONSE: float("inf")}),
        lambda c: c["configs"][made.RESPONSE]["metadata"].update(step=10**30),
        lambda c: c["config"]["model_args"].update(revision="\ud800"),
        lambda c: signature(c)["metrics"].update(rouge_l="\ud800"),
    ],
    ids=["seconds", "shots", "endless shots", "step", "half a character", "half a character of a metric"],
)
def test_an_odd_remark_in_a_results_file_costs_nothing(
    change: Callable[[dict[str, Any]], object], copied: Path, cache: Path, tmp_path: Path
) -> None:
    made.edit(made.results_file(copied / "b"), change)
    done = leaderboard(copied, "--out", tmp_path / "site", "--cache", cache)
    assert (done.code, done.err) == (0, "2 models and 1 floor in 1 table\n")
    value, low, _ = cells(tmp_path / "site")[CHINESE]["response/reference/strategy_acc"]
    assert value is not None
    assert low is not None


def test_half_a_character_in_a_reply_is_shown_as_a_question_mark(
    copied: Path, cache: Path, tmp_path: Path
) -> None:
    log = made.samples_file(copied / "b")
    made.change_line(
        log, 0, lambda sample: sample.update(resps=[["[礼貌问候] 您好\ud83d"]], filtered_resps=[])
    )
    done = leaderboard(copied, "--out", tmp_path / "site", "--cache", cache)
    assert (done.code, done.err) == (0, "2 models and 1 floor in 1 table\n")
    assert "您好?" in json.dumps(samples(tmp_path / "site" / "index.html"), ensure_ascii=False)


def test_a_log_that_is_gone_costs_the_intervals_of_its_row(
    copied: Path, built: tuple[Path, Done], cache: Path, tmp_path: Path
) -> None:
    made.samples_file(copied / "b").unlink()
    done = leaderboard(copied, "--out", tmp_path / "site", "--cache", cache)
    assert done.code == 0
    assert "is not beside the results; run lm_eval with --log_samples" in done.err
    whole, mine = cells(built[0]), cells(tmp_path / "site")
    column = "response/reference/rouge_l"
    assert mine[CHINESE][column] == (whole[CHINESE][column][0], None, None)
    assert mine["org/good"] == whole["org/good"]


def test_results_of_other_benchmarks_are_counted(short: Path, cache: Path, tmp_path: Path) -> None:
    other = tmp_path / "results_2025.json"
    other.write_text('{"results": {"arc": {}, "mmlu": {}}, "configs": {"arc": {}, "mmlu": {}}}')
    done = leaderboard(short, other, "--out", tmp_path / "site", "--cache", cache)
    assert "note: 2 results of tasks that are not csconv's\n" in done.err


def test_a_message_for_a_terminal_has_no_control_characters(
    copied: Path, cache: Path, tmp_path: Path
) -> None:
    folder = copied / "\x1b[31mred\u202e"
    folder.mkdir()
    (folder / "results_1.json").write_text("{")
    done = leaderboard(copied, "--out", tmp_path / "site", "--cache", cache)
    assert "[31mred /results_1.json: not an lm-eval results file" in done.err
    assert not {"\x1b", "\u202e"} & set(done.err)


# --- mistakes ---


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["{empty}", "--out", "{out}"], 1, "no csconv results (0 results files"),
        (["{none}", "--out", "{out}"], 1, "none: no such file or folder"),
        (["--out", "{out}"], 2, "Missing argument 'DIR"),
        (["{short}", "--out", "{file}"], 1, "file: cannot be written to ("),
        (["{short}", "--out", "{file}/site"], 1, "site: cannot be written to (Not a directory)"),
        (["{short}", "--out", "/proc/site"], 1, "/proc/site: cannot be written to ("),
        (["{short}", "--out", "{out}", "--frobnicate"], 2, "No such option"),
    ],
)
def test_a_mistake_is_one_message_and_writes_nothing(
    arguments: list[str], code: int, words: str, short: Path, cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine")
    places = {name: tmp_path / name for name in ("empty", "none", "out", "file")} | {"short": short}
    done = leaderboard(*(text.format(**places) for text in arguments), "--cache", cache)
    assert (done.code, done.out) == (code, "")
    assert words in done.err
    assert "Traceback" not in done.err
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["empty", "file"]
    assert (tmp_path / "file").read_text() == "mine"


def test_no_workers_are_too_few(short: Path, tmp_path: Path) -> None:
    done = csconv("leaderboard", short, "--out", tmp_path / "site", "--workers", "0")
    assert done.code == 2
    assert "'--workers'" in done.err


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_costs_time_and_nothing_else(
    built: tuple[Path, Done], short: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    done = leaderboard(short, "--out", tmp_path / "site", "--cache", tmp_path / "file")
    assert done.code == 0
    assert written(tmp_path / "site") == written(built[0])
    assert (tmp_path / "file").read_text() == "mine"


def test_a_font_that_is_not_there_is_named(short: Path, cache: Path, tmp_path: Path) -> None:
    place = ("--out", tmp_path / "site", "--cache", cache)
    done = leaderboard(short, *place, "--figures", "--font", tmp_path / "absent.ttf")
    assert done.code == 1
    assert "absent.ttf" in done.err.splitlines()[-1]


def test_packages_that_are_missing_are_named_with_the_cure(
    short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "jinja2" else find(name, *more)
    )
    done = leaderboard(short, "--out", tmp_path / "site")
    assert done.code == 1
    assert done.err == f"csconv: the leaderboard needs jinja2: {install_hint('leaderboard')}\n"
    assert not (tmp_path / "site").exists()
