"""What is shipped with the package: the mini conversations, and a tiny model to try the ``hf`` path with offline."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from csc_tasks.data.splits import Split

__all__ = ["mini_file", "tiny_model"]


_MINI = {Split.EVALUATION: "csconv_mini.json", Split.TRAINING: "csconv_mini_train.json"}


def _folder() -> Path:
    return Path(str(resources.files("csc_tasks.data")))


def mini_file(split: Split = Split.EVALUATION) -> Path:
    """The conversations that we wrote ourselves."""
    return _folder() / _MINI[split]


def tiny_model() -> Path:
    """The Hugging Face folder of the tiny model, for ``--model_args pretrained=…``: to test with, not a good model."""
    return _folder() / "tiny_model"
