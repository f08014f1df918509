"""The tiny BLEURT checkpoint, and ways to change and to damage a copy of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.paths import FIXTURES

TINY = FIXTURES / "bleurt_tiny"


def read_bin(folder: Path) -> dict[str, Any]:
    import torch

    weights: dict[str, Any] = torch.load(folder / "pytorch_model.bin", weights_only=True)
    return weights


def write_bin(folder: Path, weights: object) -> None:
    import torch

    torch.save(weights, folder / "pytorch_model.bin")


def write_safetensors(folder: Path, weights: dict[str, Any]) -> None:
    from safetensors.torch import save_file

    save_file({name: w.clone() for name, w in weights.items()}, folder / "model.safetensors")


def edit(path: Path, **changes: object) -> None:
    """Change fields of a JSON file; ``...`` takes one out."""
    content = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    path.write_text(json.dumps({k: v for k, v in content.items() if v is not ...}), encoding="utf-8")


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
