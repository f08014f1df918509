"""What a run is: stands at the head of each of its journals, and must be the same for it to go on."""

from __future__ import annotations

import json
from typing import Any

from csc_tasks.synthesis.config import SynthesisConfig
from csc_tasks.synthesis.steps import Pipeline

__all__ = ["SCRIPTED", "head_of_run"]

SCRIPTED = "scripted"
"""Stands there in the place of models where scripts answer."""


def head_of_run(pipeline: Pipeline, config: SynthesisConfig | None, seed: int) -> dict[str, Any]:
    """What a pipeline, who is asked and a seed make a run, as it comes back from a journal."""
    head = {
        "kind": pipeline.kind,
        "seed": seed,
        **pipeline.signature,
        "models": config.identity(pipeline.roles) if config else SCRIPTED,
    }
    return dict(json.loads(json.dumps(head)))
