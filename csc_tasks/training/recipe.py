"""The recipe: a model, a folder of examples and a configuration become checkpoints that say what they were made of."""

from __future__ import annotations

import copy
import logging
import math
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from csc_tasks.errors import ConfigError, needs_extra
from csc_tasks.printable import printable
from csc_tasks.training.config import Method, Resume, TrainingConfig, Tuning
from csc_tasks.training.made_data import data_folder
from csc_tasks.training.plan import TrainingPlan, plan_for
from csc_tasks.training.record import (
    BaseRecord,
    DataRecord,
    Evaluated,
    TrainingRecord,
    last_checkpoint,
    read_record,
    versions,
    write_record,
)

__all__ = ["Prepared", "Trained", "check", "prepare", "train"]

logger = logging.getLogger(__name__)

_MAY_DIFFER = ("output", "resume", "keep_checkpoints", "report_to")
"""What may be another in the configuration of a training that goes on: no weight depends on it."""

Say = Callable[[str], None]


class Trained(NamedTuple):
    """The output folder and what its record says."""

    output: Path
    record: TrainingRecord


class Prepared(NamedTuple):
    """All that is known before weights are loaded."""

    found: Any
    data: Any
    plan: TrainingPlan
    bf16: bool

    def __str__(self) -> str:
        record, plan = self.data.record, self.plan
        return (
            f"{record.examples:,} examples, {record.tokens:,} tokens, {record.learnt_tokens:,} of them answers; the "
            f"longest {record.longest:,}; a step has {plan.batch} examples ({plan.processes} × {plan.passes} × "
            f"{plan.at_once}), an epoch {plan.epoch:,} steps; {plan.steps:,} steps, a checkpoint every "
            f"{plan.save_every:,}; computed in {'bfloat16' if self.bf16 else 'float32'}"
        )


def prepare(config: TrainingConfig, keep: bool = True, say: Say = logger.info) -> Prepared:
    """Find the model, write out the examples and plan the steps, before any weights are loaded.

    Args:
        config: of the training.
        keep: examples that are made of a source, in the output folder.
        say: is told where this takes a while.

    Raises:
        ConfigError: the model is not there, examples are too long, a package is missing, or the like.
        DataError: the data is damaged, or has conversations in it that models are evaluated on.
    """
    import datasets
    import torch

    from csc_tasks.training.base_model import computes_in_bf16, find_base
    from csc_tasks.training.tokenized import tokenize

    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes == 1 and torch.cuda.device_count() > 1:
        raise ConfigError(
            f"{torch.cuda.device_count()} GPUs are visible to one process: start with accelerate launch -m "
            "csc_tasks.training CONFIG.yaml, or make one visible with CUDA_VISIBLE_DEVICES=0"
        )
    datasets.disable_progress_bars()
    found = find_base(config)
    with data_folder(config, keep) as folder:
        data = tokenize(folder, found.tokenizer, config, found.window, say)
    return Prepared(found, data, plan_for(config, data.record, processes), computes_in_bf16(config.precision))


def train(config: TrainingConfig, say: Say = logger.info, console: Console | None = None) -> Trained:
    """Tune a model.

    The output folder gets ``checkpoint-N`` every so many steps, and in the end the model itself, that of the best
    checkpoint where the training evaluated and of the last where it did not, with ``csconv_training.json``. The same
    call goes on where an earlier one was stopped; the weights are those of a training that was not.

    Args:
        config: of the training.
        say: is told what a user should know, on the first process alone.
        console: where the bar stands.

    Raises:
        ConfigError: see :func:`prepare`; or the output folder has another training's checkpoints.
        DataError: see :func:`prepare`.
        CSConvError: memory ended, or the loss is no number.
    """
    first = os.environ.get("RANK", "0") == "0"
    tell: Say = say if first else lambda _: None
    with _quiet():
        prepared = prepare(config, say=tell)
        for note in prepared.data.notes:
            tell(f"note: {note}")
        tell(str(prepared))
        before = _earlier(config, prepared)
        if before is not None and before.finished:
            tell(f"{config.output} is finished: step {before.step} of {before.steps}")
            return Trained(config.output, before)
        checkpoint = last_checkpoint(config.output) if before is not None else None
        if checkpoint is not None and before is not None:
            tell(f"goes on from {checkpoint}")
        return _run(
            config, prepared, before, checkpoint, tell, console or Console(stderr=True, quiet=not first)
        )


def check(config: TrainingConfig, say: Say) -> None:
    """Say what a training would come to, as far as can be told without weights.

    Raises:
        ConfigError, DataError: see :func:`prepare`.
    """
    with _quiet():
        prepared = prepare(config, keep=False, say=say)
        for note in prepared.data.notes:
            say(f"note: {note}")
        say(str(prepared))
        _earlier(config, prepared)


def _earlier(config: TrainingConfig, prepared: Prepared) -> TrainingRecord | None:
    """The record to go on from: of a finished training, or of the last whole checkpoint.

    Raises:
        ConfigError: it is another training's, or is not to be gone on with.
    """
    output = config.output
    checkpoint = last_checkpoint(output)
    finished = read_record(output)
    before = finished or (read_record(checkpoint) if checkpoint else None)
    if before is None:
        return None
    if config.resume is Resume.NEVER:
        raise ConfigError(
            f"{output}: has a training in it, and resume is never: remove it, or name another output"
        )
    if unlike := _unlike(before, config, prepared):
        raise ConfigError(
            f"{output}: has another training in it, which differs in {', '.join(unlike)}: name another output, or "
            "remove this one"
        )
    return before


def _unlike(before: TrainingRecord, config: TrainingConfig, prepared: Prepared) -> list[str]:
    now = config.model_dump(mode="json")
    found = [
        name
        for name in now
        if name not in (*_MAY_DIFFER, "model", "data", "adapter") and before.config.get(name) != now[name]
    ]
    base = prepared.found.record
    known = BaseRecord.model_fields.keys() - {"name", "adapter"}
    if any(getattr(before.base, name) != getattr(base, name) for name in known):
        found.append(f"base (of {printable(before.base.name)})")
    if before.data.train_sha256 != prepared.data.record.train_sha256:
        found.append(f"data (of {printable(before.data.source)})")
    if before.processes != prepared.plan.processes:
        found.append(f"processes ({before.processes}, and now {prepared.plan.processes})")
    return found


def _run(
    config: TrainingConfig,
    prepared: Prepared,
    before: TrainingRecord | None,
    checkpoint: Path | None,
    say: Say,
    console: Console,
) -> Trained:
    from transformers import PrinterCallback, TrainerState

    from csc_tasks.training.base_model import load_weights
    from csc_tasks.training.callbacks import CheckpointKeeper, Shown, bring_out
    from csc_tasks.training.evaluation import EvaluationBetweenSteps, best_of
    from csc_tasks.training.trainers import AnswersTrainer, PreferencesTrainer

    found, data = prepared.found, prepared.data
    evaluation = None
    earlier = list(before.evaluations) if before else []
    if config.evaluation is not None:
        evaluation = EvaluationBetweenSteps(
            config.evaluation, copy.deepcopy(found.tokenizer), data.chat, earlier, say
        )

    def record(state: Any, **more: Any) -> TrainingRecord:
        return _record(config, prepared, state, evaluation.done if evaluation else [], **more)

    shown = Shown(console, say)
    keeper = CheckpointKeeper(config.output, found.tokenizer, record)
    kind = AnswersTrainer if config.method is Method.SFT else PreferencesTrainer
    trainer = kind(
        model=load_weights(found, config, prepared.bf16),
        args=_arguments(config, prepared),
        train_dataset=data.train,
        eval_dataset=data.validation,
        processing_class=copy.deepcopy(found.tokenizer),
        peft_config=_adapter(config),
        callbacks=[*([evaluation] if evaluation else []), keeper, shown],
    )
    trainer.remove_callback(PrinterCallback)
    if evaluation is not None:
        evaluation.trainer = trainer
    if checkpoint is not None and evaluation is not None and evaluation.exhausted:
        # It had ended, and was stopped before its model was brought out.
        trainer.state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
    else:
        try:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        finally:
            shown.stop()
    trainer.accelerator.wait_for_everyone()
    evaluations: list[Evaluated] = [each for each in (evaluation.done if evaluation else []) if each.step > 0]
    step = best_of(evaluations).step if evaluations else trainer.state.global_step
    chosen = config.output / f"checkpoint-{step}"
    if not chosen.is_dir():  # keep_checkpoints has let it go
        chosen = last_checkpoint(config.output) or chosen
    made = record(trainer.state, checkpoint=chosen.name, finished=True)
    if evaluation is not None and best_of(evaluation.done).step == 0:
        say("note: no checkpoint has a higher strategy_acc than the model had before")
    if trainer.accelerator.is_main_process:
        if not bring_out(chosen, config.output):
            say(
                f"note: {chosen} has its weights in shards alone: bring them together with accelerate merge-weights, "
                "or DeepSpeed's zero_to_fp32.py"
            )
        write_record(config.output, made)
    trainer.accelerator.wait_for_everyone()
    return Trained(config.output, made)


def _record(
    config: TrainingConfig, prepared: Prepared, state: Any, evaluations: list[Evaluated], **more: Any
) -> TrainingRecord:
    data: DataRecord = prepared.data.record
    plan = prepared.plan
    history = state.log_history
    last = {
        name: float(value)
        for entry in history
        for name, value in entry.items()
        if isinstance(value, (int, float)) and math.isfinite(value) and name not in ("step", "epoch")
    }
    return TrainingRecord(
        base=prepared.found.record,
        method=config.method,
        tuning=config.tuning,
        config=config.model_dump(mode="json"),
        data=data,
        prompt=data.prompt,
        seed=config.seed,
        step=state.global_step,
        steps=plan.steps,
        batch=plan.batch,
        processes=plan.processes,
        losses=[(entry["step"], entry["loss"]) for entry in history if "loss" in entry],
        evaluations=list(evaluations),
        metrics=last,
        notes=list(prepared.data.notes),
        versions=versions(),
        **more,
    )


def _adapter(config: TrainingConfig) -> Any:
    """A new adapter's configuration; ``None`` where there is none to make."""
    if config.tuning is Tuning.FULL or config.adapter is not None:
        return None
    from peft import LoraConfig

    lora = config.lora
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.targets,
        task_type="CAUSAL_LM",
    )


def _arguments(config: TrainingConfig, prepared: Prepared) -> Any:
    import torch
    from trl import DPOConfig, SFTConfig

    plan = prepared.plan
    accelerated = torch.cuda.is_available()
    checkpointing = accelerated if config.gradient_checkpointing == "auto" else config.gradient_checkpointing
    of_method = {"beta": config.beta} if config.method is Method.DPO else {"completion_only_loss": None}
    kind = DPOConfig if config.method is Method.DPO else SFTConfig
    return kind(
        output_dir=str(config.output),
        # Lengths were held to the limit before: nothing is cut here.
        max_length=None,
        per_device_train_batch_size=plan.at_once,
        per_device_eval_batch_size=plan.at_once,
        gradient_accumulation_steps=plan.passes,
        max_steps=plan.steps,
        learning_rate=config.rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=math.ceil(config.warmup * plan.steps),
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        bf16=prepared.bf16,
        fp16=False,
        use_cpu=not accelerated,
        gradient_checkpointing=bool(checkpointing),
        save_strategy="steps",
        save_steps=plan.save_every,
        save_total_limit=config.keep_checkpoints,
        eval_strategy="no" if prepared.data.validation is None else "steps",
        eval_steps=plan.save_every,
        logging_strategy="steps",
        logging_steps=1 if plan.steps <= 1000 else 10,
        # A loss that is no number would be logged as the mean of those before it.
        logging_nan_inf_filter=False,
        seed=config.seed,
        data_seed=config.seed,
        report_to=list(config.report_to) or "none",
        disable_tqdm=True,
        ddp_timeout=86_400,
        ddp_find_unused_parameters=False,
        **of_method,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the libraries' own words: what matters of it is said here.

    Raises:
        ConfigError: they are not installed.
    """
    with needs_extra("csconv train", "train"):
        import accelerate  # noqa: F401
        import peft  # noqa: F401
        import torch  # noqa: F401
        import trl  # noqa: F401
        from transformers.utils import logging as said

    level = said.get_verbosity()
    loggers = [logging.getLogger(name) for name in ("trl", "accelerate", "peft", "datasets")]
    levels = [logger.level for logger in loggers]
    said.set_verbosity_error()
    said.disable_progress_bar()
    for each in loggers:
        each.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        said.set_verbosity(level)
        said.enable_progress_bar()
        for each, old in zip(loggers, levels, strict=True):
            each.setLevel(old)
