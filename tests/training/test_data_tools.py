"""The tools that train read what `csconv train-data` writes: TRL and datasets themselves, others as documented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.data.shipped import tiny_model
from tests.training.data import TRAINING, answers_of, lines_of, train_data

TURNS = sum(len(c.supporter_turns) for c in TRAINING.conversations)


@pytest.mark.parametrize("form", ["prompt-completion", "messages", "llamafactory", "swift"])
def test_datasets_loads_the_folder_by_its_card_and_the_files_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    import datasets

    train_data("mini", "--out", tmp_path / "data", "--format", form, "--validation", "0.1", "--limit", "10")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    wanted = {name: lines_of(tmp_path / "data", f"{name}.jsonl") for name in ("train", "validation")}
    whole = datasets.load_dataset(str(tmp_path / "data"))
    assert {name: list(rows) for name, rows in whole.items()} == wanted
    files = {name: str(tmp_path / f"data/{name}.jsonl") for name in wanted}
    named = datasets.load_dataset("json", data_files=files)
    assert {name: list(rows) for name, rows in named.items()} == wanted


@pytest.mark.slow
def test_trl_takes_the_examples_for_chats_and_renders_the_same_answers(tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="needs csconv-eval[train]")
    from transformers import AutoTokenizer
    from trl.data_utils import is_conversational, maybe_apply_chat_template

    tokenizer = AutoTokenizer.from_pretrained(tiny_model())
    train_data("mini", "--out", tmp_path / "a", "--validation", "0")
    train_data("mini", "--out", tmp_path / "b", "--validation", "0", "--format", "messages")
    single = [{k: r[k] for k in ("prompt", "completion")} for r in lines_of(tmp_path / "a")]
    whole = [{"messages": r["messages"]} for r in lines_of(tmp_path / "b")]
    assert all(map(is_conversational, [*single, *whole]))
    rendered = [maybe_apply_chat_template(r, tokenizer) for r in single]
    ids = sorted(tokenizer(r["completion"])["input_ids"] for r in rendered)
    texts = (maybe_apply_chat_template(r, tokenizer)["text"] for r in whole)
    spoken = [
        part.partition("<|end|>")[0] + "<|end|>" for t in texts for part in t.split("<|assistant|>")[1:]
    ]
    assert ids == sorted(tokenizer(answer)["input_ids"] for answer in spoken)
    assert len(ids) == TURNS


def check_sharegpt(record: dict[str, Any], columns: dict[str, str]) -> None:
    """LLaMA-Factory, data/README.md, ShareGPT form: human in odd positions, gpt in even ones; others are skipped."""
    spoken = record[columns["messages"]]
    assert spoken
    assert len(spoken) % 2 == 0
    for place, message in enumerate(spoken):
        assert message["from"] == ("human", "gpt")[place % 2]
        assert isinstance(message["value"], str)
        assert message["value"]
    if "system" in columns:
        assert isinstance(record[columns["system"]], str)


@pytest.mark.parametrize("unit", ["conversation", "turn"])
@pytest.mark.parametrize("system", [None, "你是客服。"])
def test_llamafactory_finds_the_files_by_its_description_of_them(
    tmp_path: Path, unit: str, system: str | None
) -> None:
    more = ("--system-instruction", system) if system else ()
    train_data("mini", "--out", tmp_path, "--format", "llamafactory", "--unit", unit, "--limit", "6", *more)
    described = json.loads((tmp_path / "dataset_info.json").read_text())
    assert list(described) == ["csconv_train", "csconv_validation"]
    for entry in described.values():
        assert entry["formatting"] == "sharegpt"
        assert ("system" in entry["columns"]) == bool(system)
        # The columns that are documented; without tags human and gpt are the names of who speaks.
        assert entry["columns"].keys() <= {"messages", "system", "tools"}
        assert entry.keys() == {"file_name", "formatting", "columns"}
        for record in lines_of(tmp_path, entry["file_name"]):
            check_sharegpt(record, entry["columns"])


@pytest.mark.parametrize("unit", ["conversation", "turn"])
def test_swift_gets_its_standard_form_and_no_key_that_is_one_of_another_form(
    tmp_path: Path, unit: str
) -> None:
    """ms-swift, Custom dataset: `messages` with perhaps a system message, then user and assistant by turns."""
    system = ("--system-instruction", "你是客服。")
    train_data("mini", "--out", tmp_path, "--format", "swift", "--unit", unit, "--limit", "6", *system)
    for record in lines_of(tmp_path):
        assert record.keys() == {"messages"}
        first, *spoken = record["messages"]
        assert first == {"role": "system", "content": "你是客服。"}
        assert len(spoken) % 2 == 0
        assert [m["role"] for m in spoken] == ["user", "assistant"] * (len(spoken) // 2)
        assert all(m["content"] for m in spoken)
        assert answers_of(record)
