"""TRL's trainers, watched: what cannot be learnt any more stops the run in words, and nothing is sent anywhere."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from trl import DPOTrainer, SFTTrainer

from csc_tasks.errors import CSConvError
from csc_tasks.training.record import last_checkpoint

__all__ = ["AnswersTrainer", "PreferencesTrainer"]

_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "failed to allocate")


class _Watched:
    """What both trainers have beside TRL's: a mixin, for they share no class of their own below it."""

    args: Any
    state: Any

    def training_step(self, model: Any, inputs: dict[str, Any], *rest: Any) -> torch.Tensor:
        """One pass, forwards and back.

        Raises:
            CSConvError: memory ended, or the loss is no number.
        """
        with _memory(inputs, self.args):
            loss: torch.Tensor = super().training_step(model, inputs, *rest)  # type: ignore[misc]
        if not bool(torch.isfinite(loss).all()):
            raise self._diverged("the loss", loss.item())
        return loss

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        # Asked after the backward pass and before the weights are changed.
        norm = super()._get_grad_norm(model, grad_norm=grad_norm)  # type: ignore[misc]
        if norm is not None and not math.isfinite(value := float(norm)):
            raise self._diverged("the gradient's norm", value)
        return norm

    def _diverged(self, what: str, value: float) -> CSConvError:
        last = last_checkpoint(Path(self.args.output_dir))
        kept = f"the last good checkpoint is {last}" if last else "no checkpoint had been written"
        return CSConvError(
            f"step {self.state.global_step + 1}: {what} is {value}; nothing more can be learnt from here, and {kept}. "
            f"Lower learning_rate (now {self.args.learning_rate:g}), or raise warmup; with precision: bf16 try fp32"
        )

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """None is written: csconv_training.json has what it would say."""

    def _send_telemetry(self) -> None:
        """TRL would tell the hub of every run."""


class AnswersTrainer(_Watched, SFTTrainer):  # type: ignore[misc]
    """Learns answers."""


class PreferencesTrainer(_Watched, DPOTrainer):  # type: ignore[misc]
    """Learns which of two answers is the better one."""


@contextmanager
def _memory(inputs: dict[str, Any], args: Any) -> Iterator[None]:
    """Say of which lengths memory ended.

    Raises:
        CSConvError: it did within.
    """
    shapes = [each.shape for each in inputs.values() if isinstance(each, torch.Tensor) and each.ndim == 2]
    try:
        yield
    except RuntimeError as error:
        text = str(error).casefold()
        if not isinstance(error, torch.OutOfMemoryError) and not any(sign in text for sign in _NO_MEMORY):
            raise
        rows, tokens = max(shapes, key=lambda shape: shape[0] * shape[1], default=(0, 0))
        ways = ["tokens_at_once"] if rows > 1 else ["max_length with longer: drop"]
        if not args.gradient_checkpointing:
            ways.append("gradient_checkpointing: true")
        raise CSConvError(
            f"out of memory in a pass of {rows} examples of {tokens:,} tokens, padding included: lower "
            f"{', or try '.join(ways)}; tuning: lora needs a fraction of full's memory, and several devices share it "
            "with FSDP or DeepSpeed (docs/enhancing.md). The same command goes on from the last checkpoint"
        ) from None
