"""Evaluating floors as a user would: lm-eval's own command, once for each."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from csc_tasks.data.sources import evaluation_corpus, training_source
from csc_tasks.data.splits import Subset
from csc_tasks.generation.floors import MODEL_NAME, Floor, FloorLM, register
from csc_tasks.harness.run import lm_eval, metadata_of

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
        train: training conversations, by default those of few-shot examples
            (:func:`~csc_tasks.data.sources.training_source`).
        seed: of the random draws.
        further: arguments of lm_eval's.

    Raises:
        CSConvError: there is no such floor, or the training data cannot be had; nothing was evaluated.
    """
    # Refuses an unknown floor, and training data that cannot be had, before lm-eval starts and not after.
    asked = [FloorLM(f"csconv-{floor}").floor for floor in floors]
    mini = all(task.startswith("csconv_mini") for task in tasks.split(","))
    source = train or "mini"
    if learning := [floor for floor in asked if floor is not Floor.SHUFFLE]:
        metadata = metadata_of(further)
        subset = Subset.MINI if mini else Subset.FULL
        named = train or metadata.get("csconv_train")
        evaluation = None if named or mini else evaluation_corpus(subset, metadata.get("csconv_data"))
        source = training_source(subset, named, evaluation)
        _ = [FloorLM(f"csconv-{floor.value}", source, seed).training for floor in learning]
    if mini and source == "mini":
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    register()
    for floor in asked:
        # As JSON: a path may have a comma in it.
        settings = json.dumps({"model": f"csconv-{floor.value}", "train": source, "seed": seed})
        arguments = ["--model", MODEL_NAME, "--model_args", settings, "--tasks", tasks]
        if output_path:
            arguments += ["--output_path", output_path, "--log_samples"]
        lm_eval(["run", *arguments, *further])
