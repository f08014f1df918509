"""The files of a BLEURT-20 checkpoint: where they are, and reading each with an error that names it."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor
    from torch import Tensor

__all__ = [
    "CONFIG",
    "PIECES",
    "WEIGHTS",
    "CheckpointConfig",
    "checkpoint_folder",
    "read_config",
    "read_pieces",
    "read_weights",
]

CONFIG, _TOKENIZER_CONFIG, PIECES = "config.json", "tokenizer_config.json", "spm.model"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""The first that is there is read; the hub is asked for the second only if it has no first."""


@dataclass(frozen=True)
class CheckpointConfig:
    """The fields of ``config.json`` that say what the network is, under the names they have there."""

    vocab_size: int
    embedding_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int
    pad_token_id: int
    layer_norm_eps: float
    hidden_act: str


def checkpoint_folder(model: str) -> Path:
    """The folder of a checkpoint: itself, or the copy of the hub's.

    Raises:
        OSError: there is none.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise NotADirectoryError(f"{model} is a file; name the folder that holds {CONFIG} and {PIECES}")
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise FileNotFoundError(f"there is no folder {model}")
    return _download(model)


def _download(model: str) -> Path:
    from huggingface_hub import snapshot_download

    # The environment is read here and not left to huggingface_hub, which reads it once at import.
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    wanted = [CONFIG, _TOKENIZER_CONFIG, PIECES, WEIGHTS[0]]
    while True:
        try:
            folder = Path(
                snapshot_download(
                    model,
                    allow_patterns=wanted,
                    local_files_only=offline,
                    cache_dir=os.environ.get("HF_HUB_CACHE"),
                )
            )
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise FileNotFoundError(
                f"no BLEURT model {model!r}: there is no such folder, and "
                f"{'the cache of the hub' if offline else 'the hub'} did not give it ({reason}). "
                f"Fetch lucadiliello/BLEURT-20 elsewhere and name its folder"
            ) from error
        if (folder / WEIGHTS[0]).is_file() or WEIGHTS[1] in wanted:
            return folder
        wanted = [WEIGHTS[1]]


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is not a JSON object")
    return content


def read_config(folder: Path) -> CheckpointConfig:
    """Read ``config.json``.

    Raises:
        OSError: it is missing.
        ValueError: it is not of a network of the BLEURT-20 family.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise FileNotFoundError(f"{folder}: {CONFIG} is missing")
    content = _read_json(path)
    kind = content.get("model_type")
    if kind != "bleurt":
        raise ValueError(
            f"{path}: model_type is {kind!r}, not 'bleurt'; this is no bleurt-pytorch checkpoint"
        )
    if "embedding_size" in content and content["embedding_size"] is None:
        raise ValueError(
            f"{path}: embedding_size is null, as in BLEURT before BLEURT-20, which is not supported"
        )
    kinds: dict[str, Any] = {"int": int, "float": (int, float), "str": str}
    fields = dataclasses.fields(CheckpointConfig)
    if wrong := [f.name for f in fields if not isinstance(content.get(f.name), kinds[str(f.type)])]:
        raise ValueError(f"{path}: missing or of the wrong type: {', '.join(wrong)}")
    return CheckpointConfig(**{f.name: content[f.name] for f in fields})


def read_pieces(folder: Path, config: CheckpointConfig) -> SentencePieceProcessor:
    """Read the sentencepiece model.

    Raises:
        OSError: it is missing.
        ValueError: it cannot be read, or does not fit the configuration.
    """
    from sentencepiece import SentencePieceProcessor

    path = folder / PIECES
    if not path.is_file():
        older = ", only that of BLEURT before BLEURT-20" if (folder / "vocab.txt").is_file() else ""
        raise FileNotFoundError(f"{folder}: the tokenizer, {PIECES}, is missing{older}")
    settings = folder / _TOKENIZER_CONFIG
    content = _read_json(settings) if settings.is_file() else {}
    for key in ("do_lower_case", "split_by_punct", "sp_model_kwargs"):
        if content.get(key):
            raise ValueError(f"{settings}: {key} is {content[key]!r}, which is not supported")
    pieces = SentencePieceProcessor()
    try:
        pieces.load(str(path))
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{path} is truncated or corrupt, or no sentencepiece model ({error})") from error
    if pieces.get_piece_size() > config.vocab_size:
        raise ValueError(
            f"{path} has {pieces.get_piece_size()} pieces, "
            f"more than vocab_size in {CONFIG}, {config.vocab_size}"
        )
    if absent := [t for t in ("[CLS]", "[SEP]") if pieces.id_to_piece(pieces.piece_to_id(t)) != t]:
        raise ValueError(f"{path} has no piece {' and no piece '.join(absent)}")
    return pieces


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """The weights by their published names.

    Raises:
        ValueError: the file cannot be read.
    """
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            weights = load_file(path)
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can bring about anything
        # torch's message advises to load without weights_only: it is the cause, and not repeated.
        raise ValueError(
            f"{path} is truncated or corrupt, or holds other things than tensors ({type(error).__name__})"
        ) from error
    if not isinstance(weights, Mapping) or not all(torch.is_tensor(w) for w in weights.values()):
        raise ValueError(f"{path} does not map names to tensors")
    return weights
