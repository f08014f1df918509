"""Which model a results file is about: one row a case, as the harness writes it."""

from __future__ import annotations

from typing import Any

import pytest

from csc_tasks.leaderboards.reading.identity import Identity, identify
from csc_tasks.results.model_record import Head, ModelRecord

TASK = "csconv_mini_response"


def results(model_args: Any = None, **more: Any) -> dict[str, Any]:
    config = {"model": "hf", "model_args": model_args, **more.pop("config", {})}
    return {"config": config, "n-shot": {TASK: 0}, **more}


def identified(content: dict[str, Any]) -> Identity:
    task = content.get("configs", {}).get(TASK, {})
    return identify(ModelRecord.of(Head.model_validate(content), TASK, task))


@pytest.mark.parametrize(
    ("model_args", "name"),
    [
        ({"pretrained": "Qwen/Qwen3-8B"}, "Qwen/Qwen3-8B"),
        ("pretrained=Qwen/Qwen3-8B,dtype=auto", "Qwen/Qwen3-8B"),  # as older versions write them
        ({"model": "gpt-4o", "base_url": "http://x"}, "gpt-4o"),
        ({"path": "/models/a.gguf"}, "a.gguf"),
        ({"pretrained": "/data/models/my-model"}, "my-model"),
        ({"pretrained": "./out/my-model/"}, "my-model"),
        ({"pretrained": "../my-model"}, "my-model"),
        ({"pretrained": "~/my-model"}, "my-model"),
        ({"pretrained": "out/run7/checkpoint-500"}, "run7/checkpoint-500"),  # a number alone says little
        ({"pretrained": "C:\\models\\mine"}, "mine"),
        ({"pretrained": "/"}, "/"),
        (None, "hf"),
        ("", "hf"),
        ([1], "hf"),
    ],
)
def test_a_model_is_called_as_people_call_it(model_args: Any, name: str) -> None:
    assert identified(results(model_args)).name == name


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("out/run/checkpoint-500", 500),
        ("out/run/checkpoint-0500", 500),
        ("/x/global_step_1200", 1200),
        ("/x/global_step1200", 1200),
        ("/x/iter_0002000_hf", 2000),
        ("org/model-step-30", 30),
        ("org/model-step1000", 1000),
        ("out/sft/checkpoint-1000", 1000),
        ("out/sft/checkpoint-1000/", 1000),
        ("C:\\out\\sft\\checkpoint-1000", 1000),
        ("org/stage1-step1000-tokens5B", 1000),
        ("org/model-8B", None),  # a size is no step
        ("org/footstep9", None),
        ("org/checkpoint", None),
    ],
)
def test_a_step_is_read_from_a_checkpoints_name(name: str, step: int | None) -> None:
    assert identified(results({"pretrained": name})).step == step


def test_a_step_is_read_from_a_revision_an_adapter_or_what_the_user_said() -> None:
    assert identified(results({"pretrained": "a", "revision": "step143000"})).step == 143000
    assert identified(results({"pretrained": "a", "peft": "out/checkpoint-7"})).step == 7
    said = results({"pretrained": "a/checkpoint-1"}, configs={TASK: {"metadata": {"step": 9}}})
    assert identified(said).step == 9


def test_the_ordinary_revision_is_not_worth_telling() -> None:
    assert identified(results({"pretrained": "a", "revision": "main"})).revision == ""
    assert identified(results({"pretrained": "a", "revision": "v2"})).revision == "v2"


@pytest.mark.parametrize(
    "change",
    [
        {"config": {"model_args": {"pretrained": "b"}}},
        {"config": {"model_args": {"pretrained": "a", "revision": "v2"}}},
        {"config": {"model_args": {"pretrained": "a", "dtype": "float16"}}},
        {"config": {"model_args": {"pretrained": "a", "peft": "x"}}},
        {"config": {"gen_kwargs": {"temperature": 1}}},
        {"chat_template_sha": "1" * 64},
        {"system_instruction_sha": "1" * 64},
        {"n-shot": {TASK: 3}},
    ],
)
def test_another_model_or_way_of_asking_is_another_row(change: dict[str, Any]) -> None:
    base = identified(results({"pretrained": "a"}))
    assert (
        identified(
            {**results({"pretrained": "a"}), **change}
            if "config" not in change
            else results({"pretrained": "a"}, **change),
        ).key
        != base.key
    )


def test_what_changes_no_answer_makes_no_other_row() -> None:
    arguments = {
        "pretrained": "a",
        "revision": "main",
        "batch_size": 8,
        "device": "cpu",
        "trust_remote_code": True,
    }
    assert identified(results(arguments)).key == identified(results({"pretrained": "a"})).key


def test_a_floor_is_known_by_its_backend_and_not_by_its_name() -> None:
    floor = results({"model": "csconv-random", "train": "mini"}, config={"model": "csconv-baseline"})
    assert identified(floor).is_floor
    for name in ("/data/csconv-qwen3-sft", "csconv-qwen3-sft", "csconv-random"):
        assert not identified(results({"pretrained": name})).is_floor
