"""One model asked with several wordings: a table each, and how far its scores lie apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from csc_tasks.leaderboards.board import Board, BoardTable
from csc_tasks.leaderboards.rendering.language import Language, value
from csc_tasks.leaderboards.rendering.markdown import markdown
from csc_tasks.leaderboards.rendering.table_notes import spread_notes
from tests.door import csconv
from tests.leaderboards.built import ACCURACY, row_of
from tests.leaderboards.logs import answering, edit, evaluate, results_file, write_run

SKILLS = {"zh-2": 0.5, "zh-2b": 0.6, "zh-2c": 0.4, "en-1": 0.9, "zh-1": 0.1}


@pytest.fixture(scope="module")
def asked(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """One model with every prompt, and another with the first two, of which the second lacks turns."""

    def make(folder: Path) -> None:
        for version, skill in SKILLS.items():
            metadata = {"csconv_prompt": version}
            write_run(folder / version, "org/model", answering(skill), metadata=metadata, limit=60)
        for version, limit in (("zh-2", 60), ("zh-2b", 40)):
            metadata = {"csconv_prompt": version}
            write_run(folder / version, "org/other", answering(0.5), metadata=metadata, limit=limit)
        evaluate(folder / "floor" / "zh-2", "random", limit=60)

    return once("wordings", make)


@pytest.fixture
def board(asked: Path, build: Callable[..., Board]) -> Board:
    return build(asked)


def table_of(board: Board, version: str) -> BoardTable:
    (table,) = (t for t in board.tables if t.facts["prompt"].startswith(f"{version} "))
    return table


def test_results_with_different_prompts_never_share_a_table(board: Board) -> None:
    assert len(board.tables) == len(SKILLS)
    for version in SKILLS:
        table = table_of(board, version)
        assert table.title.endswith(f"prompt {version}")
        assert row_of(table, "org/model").cells[ACCURACY].value == pytest.approx(SKILLS[version], abs=0.2)


def test_the_table_of_the_first_wording_says_how_far_the_scores_lie_apart(board: Board) -> None:
    spreads = {spread.column: spread for spread in table_of(board, "zh-2").wordings}
    found = spreads[ACCURACY]
    assert found.row == row_of(table_of(board, "zh-2"), "org/model").id
    # Paraphrases alone: English instructions and benchmark 1's prompt do not say the same.
    assert list(found.scores) == ["zh-2", "zh-2b", "zh-2c"]
    for version, score in found.scores.items():
        assert row_of(table_of(board, version), "org/model").cells[ACCURACY].value == score
    assert all(not table.wordings for table in board.tables if "prompt zh-2" not in table.title)


def test_other_turns_other_models_and_floors_are_no_other_wording(board: Board) -> None:
    table = table_of(board, "zh-2")
    assert {row.model for row in table.rows} == {"org/model", "org/other", "csconv-random"}
    assert {spread.row for spread in table.wordings} == {row_of(table, "org/model").id}


def test_another_text_under_a_known_name_is_no_wording_of_ours(
    asked: Path, build: Callable[..., Board], tmp_path: Path
) -> None:
    for version in ("zh-2", "zh-2b"):
        metadata = {"csconv_prompt": version}
        write_run(tmp_path / version, "org/model", answering(0.5), metadata=metadata, limit=60)

    def change(content: dict[str, dict[str, dict[str, dict[str, dict[str, dict[str, str]]]]]]) -> None:
        for config in content["configs"].values():
            config["metadata"]["csconv_signature"]["prompt"]["sha256"] = "f" * 16

    assert any(table.wordings for table in build(tmp_path).tables)
    edit(results_file(tmp_path / "zh-2b"), change)
    assert not any(table.wordings for table in build(tmp_path).tables)


def test_every_rendering_says_it_in_the_same_words(asked: Path, board: Board) -> None:
    ((row, spec),) = spread_notes(table_of(board, "zh-2"), str)
    words = value(spec, Language.EN)
    assert row.model == "org/model"
    scores = [100 * SKILLS[v] for v in ("zh-2c", "zh-2b")]
    first = words.partition(": ")[2].partition(";")[0]
    assert words.startswith("Response, reference context, by wording (zh-2, zh-2b, zh-2c): Strategy acc. ↑ ")
    low, high = (float(part) for part in first.removeprefix("Strategy acc. ↑ ").split(" to "))
    assert (low, high) == (pytest.approx(scores[0], abs=20), pytest.approx(scores[1], abs=20))
    assert words in markdown(board)
    done = csconv("table", asked)
    assert f"org/model: {words}" in done.out
