"""Real trainings of a model of some thousand weights: the same numbers again, going on, and what ends one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.training.data_format import DataFormat
from csc_tasks.training.record import TrainingRecord, read_record
from tests.door import command, csconv, surroundings
from tests.training.small import config_file, conversations, data_folder, model_folder, preferences, turns

pytestmark = pytest.mark.slow

STEPS = 8


@pytest.fixture(scope="module")
def model(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    return once("small_model", model_folder)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Numbers that do not depend on the machine's cores."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def train(folder: Path, model: Path, name: str = "out", **fields: Any) -> TrainingRecord:
    done = csconv("train", settings(folder, model, name, **fields))
    assert done.code == 0, done.output
    assert done.out.strip() == str(folder / name)
    return record_of(folder / name)


def settings(folder: Path, model: Path, name: str = "out", **fields: Any) -> Path:
    if not (folder / "data").exists():
        data_folder(folder / "data", turns(), validation=turns(3))
    common = {"data": str(folder / "data"), "steps": STEPS, "save_steps": 2, "model": str(model)}
    return config_file(folder / f"{name}.yaml", **common | {"output": str(folder / name)} | fields)


def record_of(folder: Path) -> TrainingRecord:
    record = read_record(folder)
    assert record is not None
    return record


def weights(folder: Path) -> dict[str, bytes]:
    from safetensors.torch import load_file

    path = next(iter(folder.glob("*.safetensors")))
    return {name: value.numpy().tobytes() for name, value in load_file(path).items()}


def test_a_model_learns_and_says_what_it_was_made_of(tmp_path: Path, model: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    record = train(tmp_path, model, steps=30, save_steps=15)
    assert record.losses[-1][1] < record.losses[0][1] - 0.5
    assert record.finished
    assert (record.step, record.steps, record.checkpoint) == (30, 30, "checkpoint-30")
    assert (record.base.name, len(record.base.weights_sha256 or "")) == (str(model), 64)
    assert record.data.source == "own.json"
    assert record.config["learning_rate"] == 0.01
    assert {"torch", "trl", "transformers", "csconv"} <= record.versions.keys()
    assert record.metrics["eval_loss"] < 5.0
    half = record_of(tmp_path / "out" / "checkpoint-15")
    assert (half.step, half.base, half.finished) == (15, record.base, False)
    tuned = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert tuned.num_parameters() > 0
    for folder in (tmp_path / "out", tmp_path / "out" / "checkpoint-15"):
        before, after = (AutoTokenizer.from_pretrained(each) for each in (model, folder))
        assert after.chat_template == before.chat_template
        assert after.get_vocab() == before.get_vocab()
        assert after.special_tokens_map == before.special_tokens_map
    assert csconv("train", tmp_path / "out.yaml").err.strip().endswith("is finished: step 30 of 30")


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(tmp_path: Path, model: Path) -> None:
    lora = {"tuning": "lora", "lora": {"rank": 2, "dropout": 0.3}}
    one, two = (train(tmp_path, model, name, **lora) for name in ("one", "two"))
    assert one.losses == two.losses
    assert weights(tmp_path / "one") == weights(tmp_path / "two")
    train(tmp_path, model, "three", seed=1, **lora)
    assert weights(tmp_path / "one") != weights(tmp_path / "three")


def test_an_adapter_knows_its_base_and_goes_on_beside_that_alone(tmp_path: Path, model: Path) -> None:
    record = train(tmp_path, model, "first", tuning="lora", lora={"rank": 2})
    assert not (tmp_path / "first" / "model.safetensors").exists()
    assert record.base.name == str(model)
    again = train(tmp_path, model, "second", tuning="lora", adapter=str(tmp_path / "first"))
    assert again.base.adapter == str(tmp_path / "first")
    assert again.losses[0][1] < record.losses[0][1]
    other = model_folder(tmp_path / "other", seed=1)
    done = csconv("train", settings(tmp_path, other, "third", tuning="lora", adapter=str(tmp_path / "first")))
    assert done.code == 1
    assert f"belongs to {model}" in done.err


@pytest.mark.parametrize(
    "fields",
    [{}, {"tuning": "lora", "lora": {"rank": 2, "dropout": 0.3}, "tokens_per_batch": 300}],
    ids=["full", "lora"],
)
def test_a_training_that_is_killed_and_goes_on_has_the_weights_of_one_that_was_not(
    tmp_path: Path, model: Path, fields: dict[str, Any]
) -> None:
    """Killed without a word, in the middle of a step; over an epoch's end, and with dropout."""
    steps = {"steps": 24, "save_steps": 5}
    undisturbed = train(tmp_path, model, "whole", **fields, **steps)
    config = settings(tmp_path, model, "killed", **fields, **steps)
    running = subprocess.Popen(
        command("-m", "csc_tasks.commands", "train", config),
        stderr=subprocess.DEVNULL,
        env=surroundings(OMP_NUM_THREADS="1"),
    )
    first = tmp_path / "killed" / "checkpoint-5" / "csconv_training.json"
    while not first.exists() and running.poll() is None:
        time.sleep(0.001)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert first.exists()
    assert not (tmp_path / "killed" / "csconv_training.json").exists()
    done = csconv("train", config)
    assert done.code == 0, done.output
    assert "goes on from" in done.err
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    assert record_of(tmp_path / "killed").losses == undisturbed.losses


def test_a_checkpoint_that_was_not_written_to_its_end_is_passed_over(tmp_path: Path, model: Path) -> None:
    train(tmp_path, model)
    out, whole = tmp_path / "out", weights(tmp_path / "out")
    (out / "csconv_training.json").unlink()
    (out / "checkpoint-8" / "csconv_training.json").unlink()
    (out / "checkpoint-8" / "model.safetensors").write_bytes(b"torn")
    done = csconv("train", tmp_path / "out.yaml")
    assert done.code == 0, done.output
    assert "goes on from" in done.err
    assert "checkpoint-6" in done.err
    assert weights(out) == whole


def test_another_training_is_not_gone_on_with(tmp_path: Path, model: Path) -> None:
    train(tmp_path, model)
    cases: list[tuple[Path, dict[str, Any], str]] = [
        (model, {"learning_rate": 0.02}, "differs in learning_rate"),
        (model_folder(tmp_path / "other", seed=1), {}, "differs in base"),
        (model, {"resume": "never"}, "resume is never"),
        (model, {"data": str(data_folder(tmp_path / "more", turns(13)))}, "differs in data"),
    ]
    for base, fields, words in cases:
        done = csconv("train", settings(tmp_path, base, **fields))
        assert done.code == 1
        assert words in done.err
    moved = settings(tmp_path, model, keep_checkpoints=1)
    assert csconv("train", moved).code == 0


def test_a_loss_that_is_no_number_ends_the_training_and_names_the_last_good_checkpoint(
    tmp_path: Path, model: Path
) -> None:
    train(tmp_path, model)
    broken = tmp_path / "broken"
    config = settings(
        tmp_path, model, "broken", learning_rate=1e30, schedule="constant", warmup=0.0, save_steps=1
    )
    done = csconv("train", config)
    assert done.code == 1
    assert "nothing more can be learnt from here" in done.err
    assert "Lower learning_rate (now 1e+30)" in done.err
    kept = sorted(path.name for path in broken.glob("checkpoint-*"))
    assert f"the last good checkpoint is {broken / kept[-1]}" in done.err
    assert not (broken / "csconv_training.json").exists()


def test_where_memory_ends_the_lengths_are_named(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real failure to allocate, from the third pass on."""
    import torch
    from transformers import LlamaModel

    passes = []
    original = LlamaModel.forward

    def forward(*arguments: Any, **options: Any) -> Any:
        passes.append(1)
        if len(passes) > 2:
            torch.empty(2**48)
        return original(*arguments, **options)

    monkeypatch.setattr(LlamaModel, "forward", forward)
    data_folder(tmp_path / "data", turns())
    done = csconv("train", settings(tmp_path, model, tokens_at_once=400))
    assert done.code == 1, done.output
    for words in (
        "out of memory in a pass of 2 examples of 1",
        "lower tokens_at_once",
        "gradient_checkpointing",
    ):
        assert words in done.err


def test_whole_conversations_are_learnt_and_what_was_done_to_the_template_is_said(
    tmp_path: Path, model: Path
) -> None:
    data = data_folder(tmp_path / "talks", conversations(), DataFormat.MESSAGES)
    record = train(tmp_path, model, data=str(data), steps=2)
    assert record.data.format == "messages"
    assert any("has no generation marks" in note for note in record.notes)


def test_preferences_are_learnt(tmp_path: Path, model: Path) -> None:
    data = data_folder(tmp_path / "pairs", preferences(), DataFormat.PREFERENCE)
    record = train(tmp_path, model, data=str(data), method="dpo", steps=10, save_steps=10)
    assert record.losses[-1][1] < record.losses[0][1]
    assert record.metrics["rewards/margins"] > 0


def test_evaluations_between_the_steps_change_no_weight_and_end_a_training_that_gains_nothing(
    tmp_path: Path, model: Path
) -> None:
    lora = {"tuning": "lora", "lora": {"rank": 2, "dropout": 0.3}}
    train(tmp_path, model, "without", **lora)
    asked = {"task": "csconv_mini", "every": 2, "limit": 2, "max_gen_toks": 2, "patience": 2}
    record = train(tmp_path, model, "with", **lora, evaluation=asked)
    # A model of random weights gains nothing: before the first step, and after two evaluations more it ends.
    assert [each.step for each in record.evaluations] == [0, 2, 4]
    assert record.step == 4
    assert weights(tmp_path / "with" / "checkpoint-4") == weights(tmp_path / "without" / "checkpoint-4")
    assert record.checkpoint == "checkpoint-2"
    assert weights(tmp_path / "with") == weights(tmp_path / "with" / "checkpoint-2")
    # Killed after its last step, before its model was brought out: it has ended, and goes no step further.
    (tmp_path / "with" / "csconv_training.json").unlink()
    again = csconv("train", tmp_path / "with.yaml")
    assert again.code == 0, again.output
    assert "no checkpoint has a higher strategy_acc" in again.err
    assert record_of(tmp_path / "with").step == 4
    assert record_of(tmp_path / "with").evaluations == record.evaluations


def test_the_best_checkpoint_is_kept_and_brought_out_however_few_may_be(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from csc_tasks.training.evaluation import EvaluationBetweenSteps
    from csc_tasks.training.record import Evaluated

    scores = {0: 0.1, 2: 0.2, 4: 0.3, 6: 0.25, 8: 0.25}

    def ask(self: Any, step: int) -> Evaluated:
        return Evaluated(
            step=step, task="t", strategy_acc=scores[step], low=0, high=1, turns=9, strategy_invalid=0
        )

    monkeypatch.setattr(EvaluationBetweenSteps, "_ask", ask)
    record = train(tmp_path, model, keep_checkpoints=1, evaluation={"every": 2})
    assert record.checkpoint == "checkpoint-4"
    assert weights(tmp_path / "out") == weights(tmp_path / "out" / "checkpoint-4")


def test_two_processes_learn_together_and_speak_with_one_voice(tmp_path: Path, model: Path) -> None:
    config = settings(tmp_path, model, steps=3)
    done = subprocess.run(
        [
            # What accelerate launch starts for several GPUs; for CPUs it would want an MPI.
            *command("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"),
            *("-m", "csc_tasks.training", str(config)),
        ],
        capture_output=True,
        text=True,
        env=surroundings(OMP_NUM_THREADS="1", PYTHONPATH=os.pathsep.join(sys.path)),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    record = record_of(tmp_path / "out")
    assert (record.processes, record.step, record.finished) == (2, 3, True)
    assert done.stderr.count("12 examples, ") == 1
    assert done.stdout.strip().endswith(str(tmp_path / "out"))
    alone = csconv("train", config)
    assert alone.code == 1
    assert "differs in processes (2, and now 1)" in alone.err
