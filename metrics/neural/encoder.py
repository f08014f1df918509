"""A text encoder as BERTScore uses one: the token vectors of one layer, of unit length."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from csc_tasks.metrics.base import ModelError
from csc_tasks.metrics.neural.batches import Batches
from csc_tasks.metrics.neural.vector_store import Vectors

__all__ = ["Encoder", "first_line", "load_encoder", "on_device", "pick_device", "whole"]

logger = logging.getLogger(__name__)


def whole(text: str) -> str:
    """A text as tokenizers take it: half a surrogate pair, which is no character, becomes the one for what is none."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def pick_device(name: str) -> str:
    """The device to compute on: ``auto`` is the GPU of this process where there is one, else the CPU.

    Raises:
        ModelError: no such device on this machine.
    """
    import torch

    if name == "auto":
        if not torch.cuda.is_available():
            return "cpu"
        local = int(os.environ.get("LOCAL_RANK", "0"))
        return f"cuda:{local if local < torch.cuda.device_count() else 0}"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        first = str(error).strip().splitlines()[0]
        raise ModelError(f"device {name!r} cannot be used here ({first}); give cpu or auto") from None
    return name


@contextlib.contextmanager
def on_device(model: Any, device: str) -> Iterator[None]:
    """The model on a device for as long as it is needed: before and after, a GPU's memory is the evaluated model's."""
    model.to(device)
    try:
        yield
    finally:
        model.to("cpu")


@dataclass(frozen=True, eq=False)
class Encoder:
    """A loaded encoder.

    ``fingerprint`` is that of weights and tokenizer, the same for one model from whatever place or file
    format; ``max_tokens`` what its positions allow; ``unweighted`` the token ids that have vectors but
    no weight of their own in a mean.
    """

    model: Any
    tokenizer: Any
    max_tokens: int
    fingerprint: str
    unweighted: frozenset[int]

    def token_ids(self, texts: Sequence[str]) -> tuple[list[list[int]], int]:
        """Ids with the special tokens, of an empty text only those; and how many texts were cut to ``max_tokens``."""
        if not texts:
            return [], 0
        extra = {}
        if type(self.tokenizer).__name__.startswith(("GPT2", "Roberta")):
            extra["add_prefix_space"] = True  # as bert-score has it
        encoded = self.tokenizer(list(texts), truncation=True, max_length=self.max_tokens, **extra)
        rows = [list(row) for row in encoded["input_ids"]]
        if encoded.encodings is None:  # a tokenizer in Python does not tell
            return rows, sum(len(row) >= self.max_tokens for row in rows)
        return rows, sum(bool(encoding.overflowing) for encoding in encoded.encodings)

    def embed(self, rows: Sequence[Sequence[int]], batches: Batches, device: str) -> list[Vectors]:
        """Vectors (tokens, width) of unit length, float32, for each row of ids; the model must be on ``device``."""
        import torch

        def forward(indices: list[int]) -> list[Vectors]:
            with torch.inference_mode():
                ids = torch.tensor([rows[i] for i in indices], dtype=torch.long, device=device)
                hidden = self.model(input_ids=ids, attention_mask=torch.ones_like(ids))[0]
                unit = hidden / hidden.norm(dim=-1, keepdim=True)
                array: Vectors = unit.to("cpu").numpy()
            if not np.isfinite(array).all():
                raise ModelError("the encoder gives numbers that are not finite")
            return list(array)

        return batches.run(rows, forward, on_cpu=device == "cpu")


@lru_cache(maxsize=2)
def load_encoder(name: str, layer: int) -> Encoder:
    """The first ``layer`` layers of an encoder, in float32 on the CPU.

    bert-score's own loader is not used: it reads a folder with "t5" anywhere in its path as a T5 model,
    says nothing of weights that are missing and hence random, and computes in half precision where the
    file is in half precision.

    Args:
        name: a local folder, or a model of the hub.
        layer: 0 for the input embeddings, at most the number of layers.

    Raises:
        ModelError: it cannot be had, is damaged, or has no such layer.
    """
    import torch
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    folder = Path(name).expanduser()
    local = folder.is_dir()
    if not local and (folder.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1):
        raise ModelError(f"{name}: no such folder")
    source = str(folder.resolve()) if local else name
    try:
        config = AutoConfig.from_pretrained(source)
        if not 0 <= layer <= config.num_hidden_layers:
            raise ModelError(f"{name} has layers 0 to {config.num_hidden_layers}, not {layer}")
        tokenizer = _tokenizer(AutoTokenizer, source, name)
        with _quietly():
            model, info = AutoModel.from_pretrained(
                source, num_hidden_layers=layer, dtype=torch.float32, output_loading_info=True
            )
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"{name} cannot be loaded: {first_line(error)}") from error
    missing = sorted(
        k for k in info["missing_keys"] if not k.startswith("pooler.") and "position_ids" not in k
    )
    if missing or info.get("mismatched_keys"):
        what = missing or [str(key[0]) for key in info["mismatched_keys"]]
        raise ModelError(f"{name} lacks weights that the model needs, {what[0]} and {len(what) - 1} more")
    if config.is_encoder_decoder:
        model = model.get_encoder()
    model.eval()
    return Encoder(
        model=model,
        tokenizer=tokenizer,
        max_tokens=_max_tokens(model, tokenizer),
        fingerprint=_fingerprint(model, tokenizer),
        unweighted=frozenset(i for i in (tokenizer.cls_token_id, tokenizer.sep_token_id) if i is not None),
    )


def _tokenizer(loader: Any, source: str, name: str) -> Any:
    try:
        tokenizer = loader.from_pretrained(source)
    except Exception as error:
        raise ModelError(f"{name} has no tokenizer that can be loaded: {first_line(error)}") from error
    # A folder without tokenizer files still gives an object, with a vocabulary of special tokens only.
    if len(tokenizer) < 100 or not tokenizer("客服 a")["input_ids"]:
        raise ModelError(
            f"{name} has no tokenizer files: copy tokenizer.json or vocab.txt beside config.json"
        )
    return tokenizer


def _max_tokens(model: Any, tokenizer: Any) -> int:
    limits = [int(tokenizer.model_max_length)]  # 10³⁰ where the tokenizer does not say
    positions = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    if positions is not None:
        # RoBERTa and its kin number positions from the padding id on.
        offset = positions.padding_idx
        limits.append(int(positions.num_embeddings) - (0 if offset is None else offset + 1))
    else:
        limits.append(int(getattr(model.config, "max_position_embeddings", 0) or 512))
    return min(limits)


def _fingerprint(model: Any, tokenizer: Any) -> str:
    digest = hashlib.sha256()
    for key, tensor in sorted(model.state_dict().items()):
        if not key.startswith("pooler."):
            digest.update(key.encode())
            digest.update(tensor.contiguous().numpy().data)
    vocabulary = getattr(tokenizer, "backend_tokenizer", None)
    text = vocabulary.to_str() if vocabulary is not None else repr(sorted(tokenizer.get_vocab().items()))
    digest.update(text.encode())
    return digest.hexdigest()[:8]


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without transformers' bar, and its report on the weights of the layers that are left out on purpose."""
    from transformers.utils import logging as transformers_logging

    level, bar = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bar:
            transformers_logging.enable_progress_bar()


def first_line(error: BaseException) -> str:
    """An error's kind and the first line of its message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
