"""What happens between the steps of a training: the bar, the record in each checkpoint, the losses."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

from rich.console import Console
from transformers import TrainerCallback

from csc_tasks.protocol.tuned_from import TRAINING_FILE
from csc_tasks.system.terminal_bar import TerminalBar
from csc_tasks.training.record import TrainingRecord, write_record

__all__ = ["CheckpointKeeper", "Shown", "bring_out"]

_NOT_OF_THE_MODEL = (
    "optimizer",
    "scheduler",
    "rng_state",
    "trainer_state",
    "training_args",
    "scaler",
    "global_step",
)
"""Files of a checkpoint, by how they begin, that go on with a training; a model that is used needs none of them."""

_WEIGHTS = (".safetensors", ".bin")


class Shown(TrainerCallback):  # type: ignore[misc]
    """The bar on a terminal, and a line now and then where there is none."""

    def __init__(self, console: Console, say: Callable[[str], None]) -> None:
        self._bar, self._say = TerminalBar(console), say
        self._terminal = console.is_terminal
        self._line: Any = None
        self._state = ""
        self._said = monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Show it, from the step at which the training goes on."""
        self._line = self._bar.add_task("train", total=state.max_steps, completed=state.global_step, state="")
        self._bar.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """One step further."""
        self._bar.update(self._line, completed=state.global_step, state=self._state)

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any
    ) -> None:
        """The loss; without a terminal twice a minute, and at the end."""
        logs = logs or {}
        if "loss" in logs:
            self._state = f"loss {logs['loss']:.3f}"
            last = state.global_step >= state.max_steps
            if not self._terminal and (last or monotonic() - self._said > 30):
                self._said = monotonic()
                self._say(f"step {state.global_step} of {state.max_steps}: {self._state}")
        elif "eval_loss" in logs:
            self._say(f"step {state.global_step}: loss {logs['eval_loss']:.3f} on the validation examples")

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Take it away."""
        self.stop()

    def stop(self) -> None:
        """Take it away, whatever ended the training."""
        self._bar.stop()


class CheckpointKeeper(TrainerCallback):  # type: ignore[misc]
    """Writes the tokenizer as it was and the record into each checkpoint, last of all: a checkpoint has it or is none.

    Args:
        output: folder of the checkpoints.
        tokenizer: the model's own, untouched by the trainer.
        record: makes the record of a state of the trainer.
    """

    def __init__(self, output: Path, tokenizer: Any, record: Callable[[Any], TrainingRecord]) -> None:
        self._output, self._tokenizer, self._record = output, tokenizer, record

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A checkpoint has been written."""
        if state.is_world_process_zero:
            folder = self._output / f"checkpoint-{state.global_step}"
            self._tokenizer.save_pretrained(folder)
            write_record(folder, self._record(state))


def bring_out(checkpoint: Path, output: Path) -> bool:
    """Put a checkpoint's model into the output folder itself: weights, configuration, tokenizer.

    What was there of an earlier one goes first, for weights may come in another number of files.

    Returns:
        Whether there were weights that can be loaded; FSDP and DeepSpeed may have written shards alone.
    """
    mine = [path for path in checkpoint.iterdir() if path.is_file() and _of_the_model(path.name)]
    for path in output.iterdir():
        if path.is_file() and path.suffix in _WEIGHTS:
            path.unlink()
    for path in mine:
        shutil.copy2(path, output / path.name)
    return any(path.suffix in _WEIGHTS for path in mine)


def _of_the_model(name: str) -> bool:
    return name != TRAINING_FILE and not name.startswith(_NOT_OF_THE_MODEL) and not name.endswith(".md")
