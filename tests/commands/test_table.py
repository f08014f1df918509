"""`csconv table`: one table for everything that may be compared, whatever is wrong with the rest."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.door import csconv
from tests.leaderboards.logs import edit
from tests.leaderboards.terminal import shown_tables

RESPONSE = "Response, reference context"


@pytest.fixture
def copied(old_results: Path, tmp_path: Path) -> Path:
    """A copy of the results, to be spoilt."""
    return Path(shutil.copytree(old_results, tmp_path / "old"))


def results_of(folder: Path, model: str) -> Path:
    (path,) = (p for p in (folder / "models" / model).glob("results_2*.json"))
    return path


def test_results_of_an_older_version_are_shown_with_their_numbers(old_results: Path) -> None:
    done = csconv("table", old_results)
    assert done.code == 0
    tables = {table.title: table for table in shown_tables(done.out)}
    assert list(tables) == [
        RESPONSE,
        "Response, generated context",
        "Strategy, reference context",
        "Strategy, multiple choice, reference context",
        "Response, generated context minus reference context",
    ]
    markdown = (old_results / "expected" / "leaderboard.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in markdown.splitlines() if line.startswith("|")]
    before = {(row[1].replace("`", ""), *row[2:]) for row in rows if len(row) > 4}
    for table in list(tables.values())[:-1]:
        # The marks against the floors are new; the numbers are not.
        assert {tuple(cell.replace("†", "") for cell in row[1:]) for row in table.rows} <= before
    # What the version before printed as -6.7, -5.7, +0.0, -0.4, -0.1, -0.7, -0.5.
    assert list(tables["Response, generated context minus reference context"].row("tiny_model").values())[
        1:
    ] == [*("−6.7", "−5.7", "0.0", "−0.4", "−0.1", "−0.7", "−0.5", "−0.1", "−0.7")]


def test_nothing_is_cut_and_no_line_is_broken_in_a_pipe(old_results: Path) -> None:
    out = csconv("table", old_results, "--all").out
    assert "…" not in out
    (table, *_) = shown_tables(out)
    assert len(table.headings) > 25
    assert [row[1] for row in table.rows][:2] == ["org/good", "org/poor"]
    assert max(map(len, out.splitlines())) > 400


def test_a_name_of_any_length_is_whole_in_a_pipe(copied: Path) -> None:
    name = "org/" + "x" * 300
    edit(results_of(copied, "org__poor"), lambda c: c["config"].update(model_args={"pretrained": name}))
    for log in (copied / "models" / "org__poor").glob("samples_*.jsonl"):
        log.unlink()
    out = csconv("table", copied).out
    assert name in [row[1] for row in shown_tables(out)[0].rows]
    (note,) = (line for line in out.splitlines() if line.startswith(f"{name}: "))
    assert note.endswith("run lm_eval with --log_samples")


def test_a_broken_file_costs_its_own_row_and_is_named_on_stderr(copied: Path) -> None:
    broken = results_of(copied, "org__poor")
    broken.write_bytes(broken.read_bytes()[:300])
    done = csconv("table", copied)
    assert done.code == 0
    assert f"note: {broken}: not an lm-eval results file" in done.err
    assert "note: " not in done.out
    names = [row[1] for row in shown_tables(done.out)[0].rows]
    assert "org/good" in names
    assert broken.name not in done.out


def test_a_log_that_is_gone_costs_the_intervals_of_its_row(copied: Path) -> None:
    for log in (copied / "models" / "org__poor").glob("samples_*.jsonl"):
        log.unlink()
    done = csconv("table", copied)
    row = shown_tables(done.out)[0].row("org/poor")
    assert row["Strategy acc. ↑"] == "45.0"
    assert row["#"] == "–"
    assert "run lm_eval with --log_samples" in done.err


def test_rows_are_sorted_by_the_metric_that_is_asked_for(old_results: Path) -> None:
    table = shown_tables(csconv("table", old_results, "--sort", "length_ratio").out)[0]
    place = table.headings.index("Length ratio")
    scores = [float(row[place].split()[0]) for row in table.groups[0]]
    assert scores == sorted(scores, reverse=True)
    done = csconv("table", old_results, "--sort", "accuracy")
    assert (done.code, done.out) == (1, "")
    assert "csconv: --sort: no metric 'accuracy'; there are strategy_acc, " in done.err


@pytest.mark.parametrize("name", ["my-model[v2]", "[/v2]", "[red]x[/red]", "a\x1b]0;evil\x07b"])
def test_a_name_from_a_results_file_does_nothing_to_a_terminal(copied: Path, name: str) -> None:
    def rename(content: dict[str, Any]) -> None:
        content["config"]["model_args"] = {"pretrained": name}

    edit(results_of(copied, "org__poor"), rename)
    done = csconv("table", copied)
    assert done.code == 0
    seen = "a ]0;evil b" if "\x1b" in name else name
    assert seen in [row[1] for row in shown_tables(done.out)[0].rows]
    assert not {"\x1b", "\x07"} & set(done.out + done.err)


def test_results_of_other_benchmarks_are_counted_and_not_shown(old_results: Path, tmp_path: Path) -> None:
    other = tmp_path / "results_1.json"
    other.write_text('{"results": {"arc": {}}, "configs": {"arc": {}}}')
    assert "note: 1 result of tasks that are not csconv's" in csconv("table", old_results, other).err
    alone = csconv("table", other)
    assert alone.code == 1
    assert "no csconv results" in alone.err
