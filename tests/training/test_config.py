"""The configuration: what it refuses, and in which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from csc_tasks.errors import ConfigError
from csc_tasks.training.config import load_training
from csc_tasks.training.plan import plan_for
from csc_tasks.training.record import DataRecord

LEAST = {"model": "m", "data": "d", "output": "o"}


def load(folder: Path, **fields: Any) -> Any:
    path = folder / "training.yaml"
    path.write_text(yaml.safe_dump(LEAST | fields), encoding="utf-8")
    return load_training(path)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"learnig_rate": 1}, "'learnig_rate'; did you mean learning_rate?"),
        ({"lora": {"ranks": 8}}, "lora: unknown key 'ranks'; did you mean rank?"),
        ({"evaluation": {"every": 5, "pateince": 1}}, "did you mean patience?"),
        ({"x\x1b[31m": 1}, "unknown key 'x [31m'; there are model"),
        ({"method": "ppo"}, "method: "),
        ({"learning_rate": 0}, "learning_rate: "),
        ({"learning_rate": float("nan")}, "learning_rate: "),
        ({"epochs": 2, "steps": 9}, "epochs and steps"),
        ({"tuning": "full", "adapter": "a"}, "adapter"),
        ({"tuning": "full", "lora": {"rank": 4}}, "lora describes a new adapter"),
        ({"lora": {"targets": ["q_proj", "lm_head"]}}, "lora.targets: lm_head"),
        ({"beta": 0.2}, "beta is DPO's"),
        ({"evaluation": {"every": 5, "task": "csconv_mini_roleplay"}}, "there are csconv_mini"),
        ({"evaluation": {"task": "csconv_mini"}}, "evaluation.every: field required"),
        ({"model": ""}, "model: "),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(tmp_path: Path, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, **fields)
    assert words in str(refused.value)
    assert str(tmp_path / "training.yaml") in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "rate"),
    [
        ({}, 1e-4),
        ({"tuning": "full"}, 1e-5),
        ({"method": "dpo"}, 5e-6),
        ({"method": "dpo", "tuning": "full"}, 5e-7),
        ({"learning_rate": 3e-4}, 3e-4),
    ],
)
def test_the_learning_rate_is_by_default_that_of_the_method(
    tmp_path: Path, fields: dict[str, Any], rate: float
) -> None:
    assert load(tmp_path, **fields).rate == rate


def test_a_subset_stands_for_its_task_of_single_answers(tmp_path: Path) -> None:
    assert load(tmp_path, evaluation={"every": 5, "task": "csconv_lite"}).evaluation.task_name == (
        "csconv_lite_response"
    )


@pytest.mark.parametrize(
    ("examples", "tokens", "longest", "processes", "fields", "expected"),
    [
        # A pass of 8 of the longest, 4 passes for 32,000 tokens, 25 steps an epoch, three epochs.
        (800, 800_000, 1000, 1, {"tokens_at_once": 8000, "tokens_per_batch": 32_000}, (8, 4, 25, 75)),
        # Eight devices: a step is as large, so each makes a single pass.
        (800, 800_000, 1000, 8, {"tokens_at_once": 4000, "tokens_per_batch": 32_000}, (4, 1, 25, 75)),
        # An example longer than a pass may be goes alone.
        (10, 90_000, 9000, 1, {"tokens_at_once": 100, "tokens_per_batch": 100}, (1, 1, 10, 30)),
        # Fewer examples than a step has room for: one step an epoch.
        (3, 30, 10, 1, {}, (3, 1, 1, 3)),
        # The last, short pass of an epoch is a step, too.
        (9, 90, 10, 1, {"tokens_at_once": 40, "tokens_per_batch": 80}, (4, 2, 2, 6)),
        (800, 800_000, 1000, 1, {"steps": 7}, (8, 8, 13, 7)),
        (800, 800_000, 1000, 1, {"epochs": 0.5}, (8, 8, 13, 7)),
    ],
)
def test_budgets_of_tokens_become_passes_and_steps(
    tmp_path: Path,
    examples: int,
    tokens: int,
    longest: int,
    processes: int,
    fields: dict[str, Any],
    expected: tuple[int, int, int, int],
) -> None:
    data = DataRecord(
        source="s",
        format="f",
        train_sha256="",
        examples=examples,
        tokens=tokens,
        learnt_tokens=1,
        longest=longest,
    )
    plan = plan_for(load(tmp_path, **fields), data, processes)
    assert (plan.at_once, plan.passes, plan.epoch, plan.steps) == expected
