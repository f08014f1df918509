"""Between the steps: lm-eval asks the model as it stands, and the training may end for it."""

from __future__ import annotations

import io
import logging
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from typing import Any

import numpy as np
import torch
from transformers import TrainerCallback

from csc_tasks.errors import ConfigError
from csc_tasks.harness.registration import configs_folder
from csc_tasks.metrics.intervals import score_interval
from csc_tasks.metrics.strategy import StrategyAccuracy, StrategyInvalid
from csc_tasks.metrics.uncertainty import bootstrap_scores, resample_counts, sums_of
from csc_tasks.training.config import EvaluationConfig
from csc_tasks.training.record import Evaluated

__all__ = ["EvaluationBetweenSteps", "best_of"]


class EvaluationBetweenSteps(TrainerCallback):  # type: ignore[misc]
    """Evaluates before the first step and every few, on the first process; the others wait.

    What chance gives to the training is the same with and without it. A step that was evaluated is a checkpoint.
    """

    def __init__(
        self,
        config: EvaluationConfig,
        tokenizer: Any,
        chat: bool,
        before: list[Evaluated],
        say: Callable[[str], None],
    ) -> None:
        self.done = list(before)
        self._config, self._tokenizer, self._chat, self._say = config, tokenizer, chat, say
        self.trainer: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        """Evaluate the base, where this is the beginning."""
        accelerator = self.trainer.accelerator
        if self.trainer.is_fsdp_enabled or getattr(accelerator.state.deepspeed_plugin, "zero_stage", 0) == 3:
            raise ConfigError(
                "evaluation between the steps needs a whole model on one device, and FSDP and DeepSpeed's stage 3 "
                "share it out: leave evaluation out, and evaluate the checkpoints with lm_eval"
            )
        if not self.done:
            self._evaluate(0)
        return control

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        """Evaluate where it is time to, and end the training where it gains no more."""
        if state.global_step % self._config.every and state.global_step < state.max_steps:
            return control
        self._evaluate(state.global_step)
        control.should_save = True
        # The trainer keeps the checkpoint of this step, however few it may keep.
        state.best_global_step = best_of(self.done).step or None
        if self.exhausted:
            self._say(
                f"no gain of strategy_acc in {self._config.patience} evaluations: the training ends here"
            )
            control.should_training_stop = True
        return control

    @property
    def exhausted(self) -> bool:
        """Whether as many evaluations as patience allows have brought no gain."""
        patience = self._config.patience
        if patience is None or not self.done:
            return False
        return len(self.done) - 1 - self.done.index(best_of(self.done)) >= patience

    def _evaluate(self, step: int) -> None:
        accelerator = self.trainer.accelerator
        found = [self._ask(step)] if accelerator.is_main_process else [None]
        if accelerator.num_processes > 1:
            torch.distributed.broadcast_object_list(found, src=0)
        self.done.append(found[0])  # type: ignore[arg-type]
        self._say(f"step {step}: strategy_acc {found[0]} on {self._config.task_name}")

    def _ask(self, step: int) -> Evaluated:
        from lm_eval import simple_evaluate
        from lm_eval.models.huggingface import HFLM
        from lm_eval.tasks import TaskManager

        config, task = self._config, self._config.task_name
        model = self.trainer.accelerator.unwrap_model(self.trainer.model)
        with _as_it_was(model), _quiet():
            lm = HFLM(pretrained=model, tokenizer=self._tokenizer, batch_size=config.batch_size)
            results = simple_evaluate(
                lm,
                tasks=[task],
                task_manager=TaskManager(include_path=str(configs_folder()), include_defaults=False),
                apply_chat_template=self._chat,
                gen_kwargs={"max_gen_toks": config.max_gen_toks},
                limit=config.limit,
                bootstrap_iters=0,
                log_samples=True,
            )
        return _evaluated(step, task, results["samples"][task])


def _evaluated(step: int, task: str, samples: Sequence[Mapping[str, Any]]) -> Evaluated:
    """Strategy accuracy with its interval, of lm-eval's samples of a task."""
    metric, unread = StrategyAccuracy(), StrategyInvalid()
    clusters = [sample["doc"]["conversation"] for sample in samples]
    sums = sums_of(metric, [sample["strategy_acc"] for sample in samples], clusters)
    value = float(metric.from_sums(sums.sum(axis=0)))
    replicates = bootstrap_scores(metric, sums, resample_counts(len(sums)))
    ends = score_interval(metric, value, replicates, len(sums), metric.observations(sums))
    low, high = (None if math.isnan(end) else end for end in ends)
    return Evaluated(
        step=step,
        task=task,
        strategy_acc=value,
        low=low,
        high=high,
        turns=len(samples),
        strategy_invalid=unread.score([sample["strategy_invalid"] for sample in samples]),
    )


def best_of(evaluations: list[Evaluated]) -> Evaluated:
    """The evaluation of the highest strategy accuracy, the first of equals."""
    return max(evaluations, key=lambda each: each.strategy_acc)


@contextmanager
def _as_it_was(model: Any) -> Iterator[None]:
    """Ask a model in training, and leave it and chance as they were: lm-eval seeds every generator anew."""
    training, cache = model.training, model.config.use_cache
    state, numbers = random.getstate(), np.random.get_state()
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        model.eval()
        model.config.use_cache = True
        try:
            yield
        finally:
            model.train(training)
            model.config.use_cache = cache
            random.setstate(state)
            np.random.set_state(numbers)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without lm-eval's own words and bars, of which a training's evaluations would have a screen each."""
    loggers = [logging.getLogger(name) for name in ("lm_eval", "csc_tasks")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
