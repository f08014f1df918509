"""The tiny model shipped for trying the ``hf`` path offline: a test subject, not a good model."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

__all__ = ["folder"]


def folder() -> Path:
    """The Hugging Face folder of the tiny model, for ``--model_args pretrained=…``."""
    return Path(str(resources.files("csc_tasks.data"))) / "tiny_model"
