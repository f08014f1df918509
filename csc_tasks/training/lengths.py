"""Lengths of examples in the tokens of the model that is to be trained, so that none is cut without a word."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from csc_tasks.chat.messages import Message
from csc_tasks.errors import ConfigError, DataError, needs_extra
from csc_tasks.storage import at_home
from csc_tasks.training.data_card import TokenReport
from csc_tasks.training.examples import Example, chat_of

__all__ = ["Lengths", "load_chat_tokenizer"]

_QUANTILES = (0.5, 0.9, 0.95, 0.99, 1.0)
_BARS = 16
"""Of a histogram at most, and one more."""
_NAMED = 20
"""Examples that are named of those that something is wrong with."""


def load_chat_tokenizer(name: str) -> Any:
    """The tokenizer of a model, from a folder or the local cache; nothing is downloaded, and no code of it is run.

    Raises:
        ConfigError: transformers is not installed, there is no such tokenizer, or it has no chat template.
    """
    with needs_extra("--tokenizer", "hf"):
        from transformers import AutoTokenizer
    path = at_home(name)
    if path.exists() and not path.is_dir():
        raise ConfigError(f"--tokenizer {name}: a file; name the folder that it is in")
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(path) if path.is_dir() else name, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ConfigError(
            f"--tokenizer {name}: no tokenizer there ({first:.200}); name the model's folder, or fetch it first: "
            "hf download NAME"
        ) from None
    if not getattr(tokenizer, "chat_template", None):
        raise ConfigError(
            f"--tokenizer {name}: it has no chat template, and the examples are chats; take the tokenizer of the "
            "model's instruct version, or put a chat_template.jinja into its folder"
        )
    return tokenizer


class Lengths:
    """Measures examples as they are written.

    Args:
        name: of the tokenizer, as :func:`load_chat_tokenizer` takes it.
        limit: tokens of an example at most, or no limit.
        drop: leave longer ones out; else :meth:`refuse_longer` names them.

    Raises:
        ConfigError: there is no such tokenizer, or it has no chat template.
    """

    def __init__(self, name: str, limit: int | None = None, drop: bool = False) -> None:
        self._tokenizer = load_chat_tokenizer(name)
        self._name = name
        self._limit = limit
        self._drop = drop
        self._lengths = array("q")
        self._total = 0
        self._longer = 0
        self._longest = 0
        self._longer_ids: list[str] = []
        self._strange = 0
        self._strange_ids: list[str] = []

    def keep(self, examples: Sequence[Example], in_training: Sequence[bool]) -> list[bool]:
        """Measure some examples; of each whether it is to be written.

        Args:
            examples: n of them.
            in_training: of each (n) whether it is for the training file.

        Raises:
            ConfigError: the chat template refuses a message.
        """
        texts = [self._rendered(e.messages) for e in examples]
        lengths = self._count(texts)
        rejected = [
            (i, self._rendered((*e.messages[:-1], Message("assistant", e.rejected))))
            for i, e in enumerate(examples)
            if e.rejected is not None
        ]
        for (i, _), length in zip(rejected, self._count([text for _, text in rejected]), strict=True):
            lengths[i] = max(lengths[i], length)
        self._check_answers(examples, texts)
        kept = []
        for example, length, trains in zip(examples, lengths, in_training, strict=True):
            self._longest = max(self._longest, length)
            too_long = self._limit is not None and length > self._limit
            if too_long:
                self._longer += 1
                if len(self._longer_ids) < _NAMED:
                    self._longer_ids.append(f"{example.id} ({length:,})")
            kept.append(not (too_long and self._drop))
            if kept[-1]:
                self._lengths.append(length)
                self._total += length * trains
        return kept

    def _rendered(self, messages: Sequence[Message]) -> str:
        from jinja2 import TemplateError

        try:
            text = self._tokenizer.apply_chat_template(chat_of(messages), tokenize=False)
        except (TemplateError, TypeError, ValueError) as error:
            raise ConfigError(
                f"--tokenizer {self._name}: its chat template refuses an example ({error!s:.200}); a system "
                "message is what most of such templates refuse (--system-instruction)"
            ) from None
        return str(text)

    def _count(self, texts: Sequence[str]) -> list[int]:
        if not texts:
            return []
        found = self._tokenizer(
            list(texts), add_special_tokens=False, return_attention_mask=False, verbose=False
        )
        return [len(ids) for ids in found["input_ids"]]

    def _check_answers(self, examples: Sequence[Example], texts: Sequence[str]) -> None:
        """Count the answers that the template changes, or that come back from the tokens as another text."""
        answers = [(e, answer, text) for e, text in zip(examples, texts, strict=True) for answer in e.answers]
        ids = self._tokenizer([a for _, a, _ in answers], add_special_tokens=False)["input_ids"]
        back = self._tokenizer.batch_decode(
            ids, skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        for (example, answer, text), read in zip(answers, back, strict=True):
            # Some tokenizers put a space before the first word, which stands for no character.
            if read.removeprefix(" ") != answer.removeprefix(" ") or answer.strip() not in text:
                self._strange += 1
                if len(self._strange_ids) < _NAMED and example.id not in self._strange_ids:
                    self._strange_ids.append(example.id)

    def refuse_longer(self) -> None:
        """Refuse to write what would be cut.

        Raises:
            DataError: an example is longer than the limit, and longer ones are not dropped; the message names them.
        """
        if not self._longer or self._drop:
            return
        more = ", …" if self._longer > len(self._longer_ids) else ""
        raise DataError(
            f"{self._longer:,} examples are longer than --max-length {self._limit:,}, the longest has "
            f"{self._longest:,} tokens, and a trainer would cut them without a word: {', '.join(self._longer_ids)}"
            f"{more}. Take --max-length {self._longest}, or leave them out with --drop-longer; nothing was written"
        )

    def report(self) -> TokenReport:
        """What was measured of the examples that are written."""
        lengths = np.frombuffer(self._lengths, dtype=np.int64) if self._lengths else np.zeros(0, np.int64)
        longest = int(lengths.max(initial=0))
        step = 16
        while step * _BARS < longest:
            step *= 2
        bars = Counter((-(-lengths // step) * step).tolist())
        template = self._tokenizer.chat_template
        return TokenReport(
            tokenizer=Path(self._name).name if at_home(self._name).is_dir() else self._name,
            chat_template_sha256=hashlib.sha256(str(template).encode()).hexdigest(),
            max_length=longest,
            total=self._total,
            quantiles={
                f"{q:g}": int(np.quantile(lengths, q, method="higher")) if longest else 0 for q in _QUANTILES
            },
            step=step,
            histogram={int(edge): bars[edge] for edge in sorted(bars)},
            not_round_trip=self._strange,
            not_round_trip_ids=tuple(self._strange_ids),
            limit=self._limit,
            dropped=self._longer,
        )
