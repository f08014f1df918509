"""Which model a tuned one was made from: what the run says, and what the folder of its weights says."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import ConfigError, DataError
from csc_tasks.protocol.tuned_from import KEY, TunedFrom, may_be_one_model

TRAINED = ("csconv_training.json", {"format": 1, "base": {"name": "org/base"}, "seed": 1})
ADAPTER = ("adapter_config.json", {"base_model_name_or_path": "org/base"})


def folder(path: Path, *files: tuple[str, Any]) -> str:
    path.mkdir()
    for name, content in files:
        text = content if isinstance(content, str) else json.dumps(content)
        (path / name).write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("files", "base", "name", "told_by"),
    [
        ((TRAINED,), None, "org/base", "csconv_training.json"),
        ((ADAPTER,), None, "org/base", "adapter_config.json"),
        ((TRAINED, ADAPTER), None, "org/base", "csconv_training.json"),
        ((TRAINED,), "mirror/base", "mirror/base", "csconv_base"),  # the run's own word counts
        ((), "org/other", "org/other", "csconv_base"),
    ],
)
def test_the_base_is_told_by_the_run_or_else_by_the_folder(
    files: tuple[tuple[str, Any], ...], base: str | None, name: str, told_by: str, tmp_path: Path
) -> None:
    found = TunedFrom.of_run({"pretrained": folder(tmp_path / "model", *files)}, base)
    assert found == TunedFrom(name=name, told_by=told_by)


@pytest.mark.parametrize(
    "metadata", [{}, {"pretrained": "org/model"}, {"pretrained": "x" * 5000}, {"peft": "a"}]
)
def test_a_model_of_which_nothing_is_said_has_no_base(metadata: dict[str, Any]) -> None:
    assert TunedFrom.of_run(metadata) is None


def test_an_adapter_is_tuned_from_the_model_that_it_was_run_with(tmp_path: Path) -> None:
    adapter = folder(tmp_path / "adapter", ADAPTER)
    found = TunedFrom.of_run({"pretrained": "/models/base", "peft": adapter})
    assert found == TunedFrom(name="/models/base", told_by="model_args")


def test_an_adapter_of_another_base_is_said_aloud_and_recorded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    adapter = folder(tmp_path / "adapter", ADAPTER)
    with caplog.at_level(logging.WARNING):
        found = TunedFrom.of_run({"pretrained": "org/quite-another", "peft": adapter})
    assert found is not None
    assert (found.name, found.trained_on) == ("org/quite-another", "org/base")
    assert "was trained on org/base and is evaluated as tuned from org/quite-another" in caplog.text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("csconv_training.json", '{"base": {"name": ', "not JSON"),
        ("csconv_training.json", "[]", "must be an object"),
        ("csconv_training.json", '{"base": "org/base"}', "has no base.name"),
        ("adapter_config.json", "\x00", "not JSON"),
    ],
)
def test_a_damaged_file_stops_the_run_with_the_way_out_unless_the_run_says_the_base(
    name: str, content: str, said: str, tmp_path: Path
) -> None:
    model = folder(tmp_path / "model", (name, content))
    with pytest.raises(ConfigError, match=said) as error:
        TunedFrom.of_run({"pretrained": model})
    assert name in str(error.value)
    assert "--metadata csconv_base=NAME" in str(error.value)
    assert TunedFrom.of_run({"pretrained": model}, "org/base") is not None


def test_results_say_it_in_whatever_form_they_have_it() -> None:
    written = TunedFrom(name="org/base", told_by="csconv_training.json")
    assert TunedFrom.of_results({KEY: written.model_dump()}, {}) == written
    assert TunedFrom.of_results({"csconv_base": "b"}, {}) == TunedFrom(name="b", told_by="csconv_base")
    # Results of before anything was recorded.
    assert TunedFrom.of_results({}, {"pretrained": "b", "peft": "a"}) == TunedFrom(
        name="b", told_by="model_args"
    )
    assert TunedFrom.of_results({}, {"pretrained": "b"}) is None
    with pytest.raises(DataError, match="csconv_tuned_from"):
        TunedFrom.of_results({KEY: {"name": 3}}, {})


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("Qwen/Qwen2.5-7B", "/models/Qwen2.5-7B/", True),
        ("Qwen/Qwen2.5-7B", "~/.cache/huggingface/hub/models--Qwen--Qwen2.5-7B/snapshots/0123abc", True),
        ("Qwen/Qwen2.5-7B", "C:\\models\\qwen2.5-7b", True),
        ("Qwen/Qwen2.5-7B", "Qwen/Qwen2.5-14B", False),
    ],
)
def test_names_are_of_other_models_where_their_last_parts_differ(one: str, two: str, same: bool) -> None:
    assert may_be_one_model(one, two) is same
