"""BLEURT-20 (Pu et al. 2021) from its published PyTorch checkpoints, without bleurt-pytorch.

``lucadiliello/BLEURT-20`` and its distilled D12, D6 and D3 were saved by bleurt-pytorch, which cannot be
imported beside transformers 5. :func:`load_bleurt` reads the same files and gives the same scores.

*The network* is RemBERT with a regression head, layer for layer, so it is transformers' own
``RemBertForSequenceClassification``; two prefixes of the weights' names differ (see ``_PREFIXES``).

*The tokens* come from sentencepiece itself. transformers 5 rebuilds a sentencepiece model in its own
library, with another normalisation: on 20 of the 25 pairs of ``tests/fixtures/bleurt_tiny`` its
``DebertaV2Tokenizer``, whose transformers 4 namesake the original is, gives other ids.

*Known of the published files*, from bleurt-pytorch's code and pages of the hub: the file name ``spm.model``
and the weights' names; BLEURT-20's ``tokenizer_config.json``; D12's ``config.json`` as a derived model
repeats it (embeddings of 128 in a network of 1024, 512 positions, gelu). *Not known*, as no published
weights could be had where this was written: BLEURT-20's own ``config.json`` and those of D6 and D3; whether
the weights are ``pytorch_model.bin``, as those of the older checkpoints, or ``model.safetensors`` (both are
read); whether ``spm.model`` has a piece for each of [PAD], [UNK] and [MASK] as it must for [CLS] and [SEP].
Such a word in a text, where there is no piece for it, is text here and an id outside the embeddings in the
original. The tests compare a tiny random checkpoint of that layout; to check a real one,
``load_bleurt(...).score`` of the references "a bird chirps by the window", "this is a random sentence" and
the hypotheses "a bird chirps by the window", "this looks like a random sentence" is, by their READMEs,
0.99905, 0.79302 for BLEURT-20, 0.96044, 0.80801 for D12 and 0.96369, 0.78955 for D6.

torch, transformers and sentencepiece are imported when a model is loaded, not before.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from csc_tasks.metrics.neural.bleurt_files import (
    CONFIG,
    PIECES,
    WEIGHTS,
    CheckpointConfig,
    checkpoint_folder,
    read_config,
    read_pieces,
    read_weights,
)

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor
    from torch import Tensor

__all__ = ["Batch", "BleurtNetwork", "Encoded", "load_bleurt"]

_PACKAGES = ("torch", "transformers", "sentencepiece", "safetensors")

_SPECIAL = ("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]")
_PREFIXES = (
    ("rembert.encoder.embedding_hidden_mapping_in.", "bleurt.encoder.embedding_projection."),
    ("rembert.", "bleurt."),
)
_BUFFERS = {"bleurt.embeddings.position_ids", "bleurt.embeddings.token_type_ids"}
"""Saved beside the weights, but constants: 0, 1, 2, … and 0, 0, 0, …"""

_NAMED = 20
"""Problems that one message names; another network altogether has hundreds."""


class Encoded(NamedTuple):
    """Token ids of n pairs, and their types: 0 up to the first [SEP], 1 after it."""

    ids: list[list[int]]
    types: list[list[int]]


class Batch(NamedTuple):
    """What the network takes, each (n, longest pair); the mask is 1 for a token and 0 for padding."""

    ids: Tensor
    types: Tensor
    mask: Tensor


class BleurtNetwork:
    """A loaded checkpoint.

    ``fingerprint`` is 16 hex digits of the SHA-256 over the configuration, the sentencepiece model and the
    weights as numbers: equal for the two forms of weight file, different for any other change.
    """

    def __init__(
        self, config: CheckpointConfig, pieces: SentencePieceProcessor, network: Any, fingerprint: str
    ) -> None:
        self.fingerprint = fingerprint
        self.max_length = config.max_position_embeddings
        self.pad_id = config.pad_token_id
        self._pieces = pieces
        self.network = network
        self._special = {t: i for t in _SPECIAL if pieces.id_to_piece(i := pieces.piece_to_id(t)) == t}
        self._split = re.compile("(" + "|".join(map(re.escape, self._special)) + ")").split

    def encode(self, references: Sequence[str], hypotheses: Sequence[str]) -> Encoded:
        """``[CLS] reference [SEP] hypothesis [SEP]`` of each pair, in ``max_length`` tokens at most.

        A pair that is too long loses tokens from the end of the longer text, or of the hypothesis when both
        are equally long, one at a time.
        """
        cls, sep = self._special["[CLS]"], self._special["[SEP]"]
        encoded = Encoded([], [])
        for reference, hypothesis in zip(references, hypotheses, strict=True):
            first, second = self._tokens(reference), self._tokens(hypothesis)
            of_first, of_second = _kept(len(first), len(second), self.max_length - 3)
            encoded.ids.append([cls, *first[:of_first], sep, *second[:of_second], sep])
            encoded.types.append([0] * (of_first + 2) + [1] * (of_second + 1))
        return encoded

    def pad(self, encoded: Encoded) -> Batch:
        """Pairs of unequal lengths as one batch, on the network's device."""
        import torch

        width = max(map(len, encoded.ids))
        device = self.network.device
        return Batch(
            torch.tensor([ids + [self.pad_id] * (width - len(ids)) for ids in encoded.ids], device=device),
            torch.tensor([types + [0] * (width - len(types)) for types in encoded.types], device=device),
            torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids in encoded.ids], device=device),
        )

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor) -> Tensor:
        """The scores (n,) of a batch; about 0 to 1 from a trained model, but nothing holds them there."""
        import torch

        network = self.network
        with torch.inference_mode():
            hidden = network.rembert(input_ids=ids, token_type_ids=types, attention_mask=mask)[0]
            # The head works on one row a pair. Given many at once it adds up in another order, and a
            # score would depend in its last digits on the pairs beside it.
            pooled = (network.rembert.pooler(row.unsqueeze(0)) for row in hidden)
            return torch.cat([network.classifier(row).flatten() for row in pooled])

    def score(self, references: Sequence[str], hypotheses: Sequence[str]) -> list[float]:
        """The score of each pair, computed as one batch."""
        encoded = self.encode(references, hypotheses)
        if not encoded.ids:
            return []
        scores: list[float] = self.forward(*self.pad(encoded)).tolist()
        return scores

    def _tokens(self, text: str) -> list[int]:
        tokens: list[int] = []
        # sentencepiece takes no lone surrogates. A special token's name in the text is that token, as in
        # the original; the parts between are tokenised on their own.
        for part in self._split(text.encode("utf-8", "replace").decode("utf-8")):
            if part in self._special:
                tokens.append(self._special[part])
            elif part:
                tokens += self._pieces.piece_to_id(self._pieces.encode(part, out_type=str))
        return tokens


def load_bleurt(model: str) -> BleurtNetwork:
    """Load a checkpoint of the BLEURT-20 family from a folder or, by its id, from the hub or its cache.

    Raises:
        ModuleNotFoundError: a package that it needs is not installed.
        OSError: there is no such model, or one of its files is missing.
        ValueError: a file cannot be read or does not fit the others; the message names it.
    """
    if absent := [name for name in _PACKAGES if importlib.util.find_spec(name) is None]:
        raise ModuleNotFoundError(f"BLEURT needs {', '.join(absent)}: pip install {' '.join(absent)}")
    folder = checkpoint_folder(model)
    config = read_config(folder)
    pieces = read_pieces(folder, config)
    path = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if path is None:
        raise FileNotFoundError(f"{folder}: no weights, neither {' nor '.join(WEIGHTS)}")
    network = _network(config, read_weights(path), path)
    digest = hashlib.sha256(json.dumps(dataclasses.asdict(config)).encode())
    digest.update((folder / PIECES).read_bytes())
    for name, weight in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(weight.numpy())
    return BleurtNetwork(config, pieces, network, digest.hexdigest()[:16])


def _kept(first: int, second: int, budget: int) -> tuple[int, int]:
    """How many tokens of two texts of these lengths remain of ``budget``."""
    half = budget // 2
    return min(first, max(budget - half, budget - second)), min(second, max(half, budget - first))


def _network(config: CheckpointConfig, weights: Mapping[str, Tensor], path: Path) -> Any:
    import torch
    from transformers import RemBertConfig, RemBertForSequenceClassification

    settings = dataclasses.asdict(config)
    settings["input_embedding_size"] = settings.pop("embedding_size")
    try:
        with torch.device("meta"):  # the weights come from the file: neither memory nor random numbers
            network = RemBertForSequenceClassification(
                RemBertConfig(**settings, num_labels=1, bos_token_id=None, eos_token_id=None)
            )
    except (ArithmeticError, AssertionError, KeyError, RuntimeError, ValueError) as error:
        raise ValueError(f"{path.parent / CONFIG} describes no network: {error}") from error
    published = {_published(name): name for name in network.state_dict()}
    shapes = {name: tuple(network.state_dict()[ours].shape) for name, ours in published.items()}
    problems = [f"missing {name}" for name in shapes if name not in weights]
    problems += [f"unexpected {name}" for name in weights if name not in shapes and name not in _BUFFERS]
    problems += [
        f"{name} is {tuple(weights[name].shape)} and should be {shape}"
        for name, shape in shapes.items()
        if name in weights and tuple(weights[name].shape) != shape
    ]
    if problems:
        more = f"; and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        raise ValueError(f"{path} does not fit {CONFIG}: {'; '.join(problems[:_NAMED])}{more}")
    network.load_state_dict(
        {ours: weights[name].float().contiguous() for name, ours in published.items()}, assign=True
    )
    network.rembert.embeddings.position_ids = torch.arange(config.max_position_embeddings).expand((1, -1))
    return network.requires_grad_(False).eval()


def _published(name: str) -> str:
    """The name that a weight of RemBERT has in the published files."""
    for ours, theirs in _PREFIXES:
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    return name
