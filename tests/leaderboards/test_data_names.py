"""The same data under several names is the same data: its content compares, its name is a label."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from csc_tasks.data.shipped import mini_file
from csc_tasks.data.splits import Split
from csc_tasks.leaderboards.board import Board
from csc_tasks.leaderboards.rendering.export import flat_rows, model_index
from tests.door import csconv
from tests.leaderboards.built import only_table
from tests.leaderboards.logs import answering, edit, results_file, write_run

OFF = {"csconv_bertscore_model": "off"}
NAMES = ("CSConv (2).json", "a copy.parquet", "b.jsonl")


@pytest.fixture(scope="module")
def runs(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """Three models on the same conversations in three files, each with an example from a file of its own."""

    def make(folder: Path) -> None:
        conversations = json.loads(mini_file(Split.EVALUATION).read_text(encoding="utf-8"))[:8]
        for name in NAMES:
            path = folder / "data" / name
            path.parent.mkdir(exist_ok=True)
            if path.suffix == ".parquet":
                parquet.write_table(pa.Table.from_pylist(conversations), path)
            else:
                lines = "\n".join(json.dumps(each) for each in conversations)
                path.write_text(json.dumps(conversations) if path.suffix == ".json" else lines)
            train = folder / "data" / f"train of {name}.json"
            shutil.copy(mini_file(Split.TRAINING), train)
            metadata = {"csconv_data": str(path), "csconv_train": str(train), **OFF}
            write_run(
                folder / path.stem,
                f"org/{path.suffix[1:]}",
                answering(0.4 + len(name) / 50),
                ["csconv_response"],
                metadata=metadata,
                num_fewshot=1,
            )

    return once("data-names", make)


def test_models_share_a_table_whatever_their_files_are_called(
    runs: Path, build: Callable[..., Board]
) -> None:
    for order in (NAMES, NAMES[::-1]):
        table = only_table(build(*(runs / Path(name).stem for name in order)))
        assert [row.model for row in table.rows] == ["org/json", "org/parquet", "org/jsonl"]
        assert all(row.cells["response/reference/strategy_acc"].rank for row in table.rows)
        assert table.title == "CSConv CSConv (2).json, full, 8 conversations, prompt zh-2"
        assert table.facts["data"].startswith("CSConv (2).json (")


def test_csconvs_own_word_for_the_data_comes_before_the_names_of_files(
    runs: Path, tmp_path: Path, build: Callable[..., Board]
) -> None:
    copied = Path(shutil.copytree(runs / "b", tmp_path / "b"))
    edit(
        results_file(copied),
        lambda content: content["configs"]["csconv_response"]["metadata"]["csconv_signature"]["data"].update(
            name="modelscope"
        ),
    )
    board = build(copied, runs / "a copy")
    assert only_table(board).title == "CSConv modelscope, full, 8 conversations, prompt zh-2"
    (data,) = {flat.data for flat in flat_rows(board)}
    assert data.startswith("modelscope (")
    index = model_index(board, "org/jsonl")
    assert "type: DianJin/DianJin-CSC-Data" in index
    assert f"name: CSConv {data}, full, 8 conversations" in index


def test_a_model_whose_tasks_read_two_copies_is_one_row(
    runs: Path, tmp_path: Path, build: Callable[..., Board]
) -> None:
    first = runs / "b"
    second = tmp_path / "second"
    metadata = {
        "csconv_data": str(runs / "data" / NAMES[0]),
        "csconv_train": str(runs / "data" / "train of b.jsonl.json"),
    }
    write_run(second, "org/jsonl", answering(0.5), ["csconv_strategy"], metadata=metadata, num_fewshot=1)
    (row,) = only_table(build(first, second)).rows
    assert set(row.figures) == {"response/reference", "strategy/reference"}


def test_compare_gate_and_baseline_files_look_at_the_content(runs: Path, tmp_path: Path) -> None:
    one, two = runs / "a copy", runs / "CSConv (2)"
    done = csconv("compare", one, two, "--format", "json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["facts"]["data"].startswith("CSConv (2).json (")
    baseline = tmp_path / "baseline.json"
    assert csconv("gate", two, "--baseline", baseline, "--update-baseline").code == 0
    done = csconv("gate", one, "--baseline", baseline, "--max-drop", "strategy_acc=0.9")
    assert done.code == 0, done.output
    assert "not comparable" not in done.output.lower()


def test_other_content_under_the_same_name_is_not_compared(runs: Path, tmp_path: Path) -> None:
    changed = tmp_path / NAMES[0]
    conversations = json.loads((runs / "data" / NAMES[0]).read_text())
    conversations[0]["dialogue"][0]["text"] += "！"
    changed.write_text(json.dumps(conversations))
    write_run(
        tmp_path / "run",
        "org/json",
        answering(0.5),
        ["csconv_response"],
        metadata={"csconv_data": str(changed), **OFF},
    )
    done = csconv("compare", tmp_path / "run", runs / "CSConv (2)")
    assert done.code != 0
    assert "may not be compared: data CSConv (2).json (" in done.err
