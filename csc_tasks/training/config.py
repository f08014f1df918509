"""``training.yaml``: which model learns from which examples, how, and where the checkpoints go."""

from __future__ import annotations

import difflib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from csc_tasks.errors import ConfigError, first_fault
from csc_tasks.printable import printable
from csc_tasks.system.yaml_file import read_yaml

__all__ = [
    "EvaluationConfig",
    "LoraSettings",
    "Method",
    "Precision",
    "Resume",
    "TemplateChoice",
    "TrainingConfig",
    "Tuning",
    "load_training",
]

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Method(StrEnum):
    """What is learnt from: answers, or which of two answers is the better one."""

    SFT = "sft"
    DPO = "dpo"


class Tuning(StrEnum):
    """Which weights are learnt: all of them, or an adapter's beside them."""

    FULL = "full"
    LORA = "lora"


class TemplateChoice(StrEnum):
    """How a prompt is written: by the chat template, or as it is; ``auto``: by a template where there is one."""

    AUTO = "auto"
    CHAT = "chat"
    PLAIN = "plain"


class Precision(StrEnum):
    """The numbers that are computed with; ``auto``: bfloat16 on a GPU that has it, else float32."""

    AUTO = "auto"
    BF16 = "bf16"
    FP32 = "fp32"


class Resume(StrEnum):
    """What to do with the checkpoints that are in the output folder already."""

    AUTO = "auto"
    NEVER = "never"


_RATES = {
    (Method.SFT, Tuning.FULL): 1e-5,
    (Method.SFT, Tuning.LORA): 1e-4,
    (Method.DPO, Tuning.FULL): 5e-7,
    (Method.DPO, Tuning.LORA): 5e-6,
}
"""Learning rates where none is given."""

_ASKED = tuple(
    subset + kind
    for subset in ("csconv_mini", "csconv_lite", "csconv")
    for kind in ("", "_response", "_strategy")
)
"""Tasks of single turns whose answers have a strategy."""


class _TrainingSection(BaseModel):
    """A part of the file: an unknown key is refused, with the name that was meant."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, fields: Any) -> Any:
        if isinstance(fields, dict):
            for key in fields:
                if key not in cls.model_fields:
                    near = difflib.get_close_matches(str(key), cls.model_fields, 1, 0.5)
                    meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(cls.model_fields)}"
                    raise ValueError(f"unknown key {printable(str(key), 40)!r}; {meant}")
        return fields


class LoraSettings(_TrainingSection):
    """An adapter of low rank beside every linear layer, or beside those whose names end as ``targets`` say."""

    rank: Count = 16
    alpha: Count = 32
    dropout: Share = 0.05
    targets: Literal["all-linear"] | list[str] = "all-linear"

    @field_validator("targets")
    @classmethod
    def _not_the_output(cls, value: Literal["all-linear"] | list[str]) -> Literal["all-linear"] | list[str]:
        # TRL computes the loss from the output layer's own weights: an adapter there would never learn.
        if "lm_head" in value:
            raise ValueError("lm_head cannot have an adapter; leave it out")
        return value


class EvaluationConfig(_TrainingSection):
    """An evaluation by lm-eval between the steps.

    ``task`` is a task of csconv in reference context; ``csconv_mini``, ``csconv_lite`` and ``csconv`` mean their
    ``_response`` task, one answer with a strategy a turn. It is asked before the first step and every ``every``
    steps; without a gain of ``strategy_acc`` in ``patience`` evaluations in a row the training ends. ``limit`` is the
    number of turns, ``max_gen_toks`` the longest answer in tokens.
    """

    task: str = "csconv_mini"
    every: Count
    patience: Count | None = None
    limit: Count | None = None
    batch_size: Count = 16
    max_gen_toks: Count = 128

    @property
    def task_name(self) -> str:
        """lm-eval's name of the task that is asked."""
        return f"{self.task}_response" if self.task in ("csconv", "csconv_lite", "csconv_mini") else self.task

    @field_validator("task")
    @classmethod
    def _generates(cls, value: str) -> str:
        if value not in _ASKED:
            raise ValueError(f"no task that can be asked between the steps; there are {', '.join(_ASKED)}")
        return value


class TrainingConfig(_TrainingSection):
    """All that decides about a training.

    ``model`` is a name on the hub or a folder; ``adapter`` a LoRA adapter of that model to go on with. ``data`` is a
    folder of ``csconv train-data``, or what that command takes (``mini``, ``hub``, ``modelscope``, a file), of which
    examples of ``format`` are then made in the output folder. ``tokens_per_batch`` are the tokens from which one step
    is computed, on all devices together; ``tokens_at_once`` those of one pass of one device, padding included: lower
    it where memory ends. ``max_length`` is by default the length of the longest example; what is longer is refused, or
    dropped with ``longer: drop``, and never cut. ``save_steps`` is by default an epoch; ``keep_checkpoints`` by
    default all. ``warmup`` is a share of the steps, ``beta`` DPO's.
    """

    model: Annotated[str, Field(min_length=1)]
    revision: str | None = None
    adapter: str | None = None
    data: Annotated[str, Field(min_length=1)]
    format: Literal["prompt-completion", "messages"] = "prompt-completion"
    output: Path
    method: Method = Method.SFT
    tuning: Tuning = Tuning.LORA
    lora: LoraSettings = LoraSettings()
    template: TemplateChoice = TemplateChoice.AUTO
    learning_rate: Positive | None = None
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: Share = 0.03
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_grad_norm: Positive = 1.0
    beta: Positive = 0.1
    epochs: Positive | None = None
    steps: Count | None = None
    tokens_per_batch: Count = 65_536
    tokens_at_once: Count = 8_192
    max_length: Count | None = None
    longer: Literal["refuse", "drop"] = "refuse"
    precision: Precision = Precision.AUTO
    gradient_checkpointing: Literal["auto"] | bool = "auto"
    save_steps: Count | None = None
    keep_checkpoints: Count | None = None
    resume: Resume = Resume.AUTO
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    evaluation: EvaluationConfig | None = None
    report_to: list[Literal["tensorboard", "wandb", "trackio"]] = []

    @model_validator(mode="after")
    def _sound(self) -> TrainingConfig:
        if self.epochs is not None and self.steps is not None:
            raise ValueError("epochs and steps both say when to end; leave one of them out")
        if self.adapter is not None and self.tuning is Tuning.FULL:
            raise ValueError(
                "adapter goes on with an adapter, and tuning: full has none; leave one of them out"
            )
        if "lora" in self.model_fields_set and (self.tuning is Tuning.FULL or self.adapter is not None):
            raise ValueError("lora describes a new adapter, and this training makes none; leave it out")
        if "beta" in self.model_fields_set and self.method is not Method.DPO:
            raise ValueError("beta is DPO's; leave it out, or say method: dpo")
        return self

    @property
    def rate(self) -> float:
        """The highest learning rate."""
        return self.learning_rate or _RATES[self.method, self.tuning]

    @property
    def duration(self) -> tuple[float, int]:
        """Epochs, and steps, -1 where the epochs decide; three epochs where nothing is said."""
        return (self.epochs or 3.0, -1) if self.steps is None else (1.0, self.steps)


def load_training(path: Path) -> TrainingConfig:
    """Read a configuration.

    Raises:
        ConfigError: there is no such file, or something in it is wrong; the message names the key.
    """
    fields = read_yaml(path, ConfigError)
    if not isinstance(fields, dict):
        raise ConfigError(f"{path}: must be keys with values, like model: Qwen/Qwen2.5-7B-Instruct")
    try:
        return TrainingConfig(**{str(key): value for key, value in fields.items()})
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_fault(error)}") from None
