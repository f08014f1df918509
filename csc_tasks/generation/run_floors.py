"""Evaluating floors as a user would: lm-eval's own command, once for each."""

from __future__ import annotations

import os
from collections.abc import Sequence

from csc_tasks.generation.floors import MODEL_NAME, Floor, FloorLM, register
from csc_tasks.harness.run import lm_eval

__all__ = ["run_floors"]


def run_floors(
    floors: Sequence[str],
    tasks: str,
    output_path: str | None = None,
    train: str | None = None,
    seed: int = 0,
    further: Sequence[str] = (),
) -> None:
    """Evaluate floors, one after the other, in this process.

    Args:
        floors: values of :class:`~csc_tasks.generation.floors.Floor`.
        tasks: as lm_eval takes them.
        output_path: a folder for results and samples.
        train: training conversations, by default ``mini`` for the mini tasks alone, else ``hub``.
        seed: of the random draws.
        further: arguments of lm_eval's.

    Raises:
        CSConvError: there is no such floor, or the training data cannot be had; nothing was evaluated.
    """
    if train is None:
        train = "mini" if all(t.startswith("csconv_mini") for t in tasks.split(",")) else "hub"
    # Refuses an unknown floor, and training data that cannot be had, before lm-eval starts and not after.
    models = [FloorLM(f"csconv-{floor}", train, seed) for floor in floors]
    _ = [model.training for model in models if model.floor is not Floor.SHUFFLE]
    os.environ.setdefault("HF_HUB_OFFLINE", "0" if "hub" in (train, os.environ.get("CSCONV_DATA")) else "1")
    register()
    for model in models:
        name = f"model=csconv-{model.floor.value},train={train},seed={seed}"
        arguments = ["--model", MODEL_NAME, "--model_args", name, "--tasks", tasks]
        if output_path:
            arguments += ["--output_path", output_path, "--log_samples"]
        lm_eval(["run", *arguments, *further])
