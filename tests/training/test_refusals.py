"""What is refused before any weights are loaded, and in which words."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.data.sources import load
from csc_tasks.data.splits import Split
from csc_tasks.protocol.turns import gold_answer, turn_docs
from csc_tasks.training.data_format import DataFormat
from tests.door import Done, csconv

pytest.importorskip("trl")
from tests.training.small import config_file, conversations, data_folder, model_folder, preferences, turns
from tests.training.templates import CHATML


@pytest.fixture(scope="module")
def model(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    return once("small_model", model_folder)


def turn(answer: str) -> dict[str, Any]:
    return {
        "prompt": [{"role": "user", "content": "客服:"}],
        "completion": [{"role": "assistant", "content": answer}],
    }


def checked(folder: Path, model: Path | str, data: Path, **fields: Any) -> Done:
    path = config_file(
        folder / "c.yaml", model=str(model), data=str(data), output=str(folder / "out"), **fields
    )
    done = csconv("train", path, "--check", HF_HUB_OFFLINE="1")
    assert not (folder / "out").exists()
    assert "Traceback" not in done.output
    return done


def test_a_check_says_what_a_training_comes_to_and_trains_nothing(tmp_path: Path, model: Path) -> None:
    done = checked(tmp_path, model, data_folder(tmp_path / "d", turns()))
    assert done.code == 0
    assert "12 examples, 1,607 tokens, 438 of them answers; the longest 154" in done.err


def test_without_the_extra_its_name_is_said(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "trl", None)
    done = checked(tmp_path, model, data_folder(tmp_path / "d", turns()))
    assert done.code == 1
    assert "csconv train needs trl: " in done.err
    assert "[train]" in done.err


def test_examples_that_are_too_long_are_named_and_never_cut(tmp_path: Path, model: Path) -> None:
    data = data_folder(tmp_path / "d", turns())
    done = checked(tmp_path, model, data, max_length=140)
    assert done.code == 1
    longer = "line 1 (142), line 5 (154), line 9 (151)"
    for words in ("3 examples have more than 140 tokens, up to 154", longer, "say 154", "longer: drop"):
        assert words in done.err
    dropped = checked(tmp_path, model, data, max_length=140, longer="drop")
    assert dropped.code == 0
    assert "3 examples that are too long were left out" in dropped.err
    assert "9 examples," in dropped.err


def test_what_the_model_cannot_read_is_too_long(tmp_path: Path) -> None:
    model = model_folder(tmp_path / "m", window=100)
    done = checked(tmp_path, model, data_folder(tmp_path / "d", turns()))
    assert done.code == 1
    assert "the model reads 100 tokens" in done.err


def test_data_with_evaluation_conversations_in_it_is_refused(tmp_path: Path, model: Path) -> None:
    """Whoever made it: its card may say that all is well."""
    docs = list(turn_docs(load("mini").conversations))
    known = docs[40]["conversation"]
    rows = [turn(gold_answer(d)) for d in docs if d["conversation"] == known]
    done = checked(tmp_path, model, data_folder(tmp_path / "d", [*turns(), *rows]))
    assert done.code == 1
    assert f"answers of csconv_mini {known} in it" in done.err


def test_the_training_half_and_a_phrase_in_common_are_no_evaluation_data(tmp_path: Path, model: Path) -> None:
    docs = list(turn_docs(load("mini", Split.TRAINING).conversations))[:60]
    one = next(d for d in turn_docs(load("mini").conversations) if len(d["reference"]) > 30)
    rows = [turn(gold_answer(d)) for d in [*docs, one]]
    assert checked(tmp_path, model, data_folder(tmp_path / "d", rows)).code == 0


@pytest.mark.parametrize(
    ("form", "rows", "method", "words"),
    [
        (DataFormat.PREFERENCE, preferences(), "sft", "learns from prompt-completion or messages"),
        (DataFormat.PROMPT_COMPLETION, turns(), "dpo", "--format preference"),
        (DataFormat.LLAMAFACTORY, turns(), "sft", "is in the format llamafactory"),
    ],
)
def test_a_format_that_the_method_does_not_learn_from_is_refused(
    tmp_path: Path, model: Path, form: DataFormat, rows: list[Any], method: str, words: str
) -> None:
    done = checked(tmp_path, model, data_folder(tmp_path / "d", rows, form), method=method)
    assert done.code == 1
    assert words in done.err


def test_a_damaged_line_is_named(tmp_path: Path, model: Path) -> None:
    rows = [*turns(2), {"prompt": "text", "completion": []}]
    done = checked(tmp_path, model, data_folder(tmp_path / "d", rows))
    assert done.code == 1
    assert "train.jsonl: line 3: must have prompt, completion" in done.err


def test_conversations_that_a_template_refuses_are_named(tmp_path: Path) -> None:
    strict = CHATML + "{% if messages|length > 4 %}{{ raise_exception('too many messages') }}{% endif %}"
    model = model_folder(tmp_path / "m", strict)
    done = checked(tmp_path, model, data_folder(tmp_path / "d", conversations(), DataFormat.MESSAGES))
    assert done.code == 1
    assert "line 2: the tokenizer's chat template refuses it (too many messages)" in done.err


def test_answers_in_letters_that_the_tokenizer_does_not_know_are_refused(tmp_path: Path, model: Path) -> None:
    from tests.training.templates import tokenizer_with

    other = tmp_path / "m"
    other.mkdir()
    for path in model.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    tokenizer_with(CHATML, lowercase=True).save_pretrained(other)
    rows = [turn("请打开 APP。")] * 3
    done = checked(tmp_path, other, data_folder(tmp_path / "d", rows))
    assert done.code == 1
    assert "3 of 3 answers come back from the tokenizer as another text" in done.err


def test_a_model_that_is_not_there_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    data = data_folder(tmp_path / "d", turns())
    nowhere = checked(tmp_path, tmp_path / "nowhere", data)
    assert "there is no such folder" in nowhere.err
    hub = checked(tmp_path, "nobody/no-such-model", data)
    assert "is no folder here, and the hub does not give it" in hub.err
    empty = checked(tmp_path, tmp_path, data)
    assert "has no config.json" in empty.err
    assert {nowhere.code, hub.code, empty.code} == {1}


def test_an_adapter_is_no_model_and_belongs_to_one(tmp_path: Path, model: Path) -> None:
    data = data_folder(tmp_path / "d", turns())
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/other\x1b[2J"}))
    alone = checked(tmp_path, adapter, data)
    assert "is an adapter of org/other" in alone.err
    beside = checked(tmp_path, model, data, tuning="lora", adapter=str(adapter))
    assert "belongs to org/other" in beside.err
    assert "\x1b" not in alone.err + beside.err
    assert {alone.code, beside.code} == {1}


@pytest.mark.parametrize("form", ["prompt-completion", "messages"])
def test_a_source_of_conversations_becomes_examples_on_the_way(tmp_path: Path, form: str) -> None:
    model = model_folder(tmp_path / "m", window=32_768)
    done = checked(tmp_path, model, Path("mini"), format=form)
    assert done.code == 0, done.err
    assert "examples, " in done.err
    refused = checked(tmp_path, model, Path("mini"), method="dpo")
    assert refused.code == 1
    assert "--format preference" in refused.err
