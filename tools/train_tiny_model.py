#!/usr/bin/env python3
"""A tiny base model and what the recipe makes of it: two character-level Llamas of 0.65 million parameters.

    python tools/train_tiny_model.py [OUT_DIR] [--steps N] [--epochs N] [--base-only]

The base (OUT_DIR/base) has read the 24 training conversations as plain text, without strategies: it can go on with such
a text and knows nothing of csconv's task. The tuned one (OUT_DIR/tuned) is what `csconv train` makes of it with the
training half. Both are test subjects, not good models. Takes some ten minutes of one core. Seeded; another machine or
another torch gives other last digits.

The tiny model in the package was made before there was a recipe, on four tasks instead of one, and is a little better
at this one. It stays until prompts or training conversations change: then OUT_DIR/tuned takes its place.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from csc_tasks.data.conversations import Conversation, Speaker
from csc_tasks.data.sources import load
from csc_tasks.data.splits import Split
from csc_tasks.framework import Strategy
from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.turns import PromptBook, turn_docs
from csc_tasks.training.config import TrainingConfig, Tuning
from csc_tasks.training.data_card import CARD
from csc_tasks.training.data_format import DataFormat
from csc_tasks.training.data_options import TrainDataOptions
from csc_tasks.training.recipe import train
from csc_tasks.training.write import write_training_data

PAD, UNKNOWN, END = "<pad>", "<unk>", "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
CHAT_TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
KINDS = (TaskKind.RESPONSE, TaskKind.STRATEGY, TaskKind.STRATEGY_MC, TaskKind.RESPONSE_ORACLE)
"""The tasks whose prompts the tokenizer has all characters of."""
SEED = 20250806
WINDOW, BATCH, RATE = 256, 8, 3e-3
"""Of the base's training: characters of a piece, pieces of a step, and the learning rate."""


def character_tokenizer(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """One token a character of ``texts`` and of printable ASCII; other characters are unknown."""
    characters = sorted({*"".join(texts), *map(chr, range(32, 127)), "\n"})
    vocabulary = {t: i for i, t in enumerate((PAD, UNKNOWN, END, *ROLES, *characters))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        unk_token=UNKNOWN,
        eos_token=END,
        additional_special_tokens=list(ROLES),
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        model_max_length=4096,
    )


def tiny_llama(vocabulary: int) -> LlamaForCausalLM:
    """An untrained model; the configuration is the whole description."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=128,
            intermediate_size=512,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=4096,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=2,
            pad_token_id=0,
        )
    )


def all_texts(conversations: Sequence[Conversation]) -> list[str]:
    """Whatever the model will have to read: prompts and answers of every task, and the names of the strategies."""
    texts = load_prompt()
    docs = list(turn_docs(conversations))
    books = {kind: PromptBook(conversations, texts, kind) for kind in KINDS}
    return [
        *(texts.head(kind) + books[kind].question(d) + books[kind].target(d) for kind in KINDS for d in docs),
        *(u.text for c in conversations for u in c.utterances),
        *(s.zh for s in Strategy),
    ]


def plain_text(conversation: Conversation) -> str:
    """A conversation as anybody would write it down: who speaks and what is said, without strategies."""
    names = {Speaker.SUPPORTER: "客服", Speaker.CUSTOMER: "客户"}
    return "".join(
        f"{names[u.speaker]}: {' '.join(u.text.split(chr(10)))}\n" for u in conversation.utterances
    )


def make_base(out: Path, steps: int) -> None:
    """Train the base on plain text and save it."""
    torch.manual_seed(SEED)
    rng = random.Random(SEED)
    conversations = load("mini", Split.TRAINING).conversations
    tokenizer = character_tokenizer(all_texts(conversations))
    ids = [
        [*tokenizer.encode(plain_text(c), add_special_tokens=False), tokenizer.eos_token_id]
        for c in conversations
    ]
    model = tiny_llama(len(tokenizer))
    print(f"base: {sum(p.numel() for p in model.parameters()):,} parameters, {len(tokenizer):,} tokens")
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps, pct_start=0.1)
    started, mean = time.monotonic(), 0.0
    for step in range(steps):
        pieces = []
        for _ in range(BATCH):
            text = rng.choice(ids)
            start = rng.randrange(max(1, len(text) - WINDOW))
            pieces.append(text[start : start + WINDOW])
        longest = max(map(len, pieces))
        batch = torch.tensor([piece + [0] * (longest - len(piece)) for piece in pieces])
        loss = model(batch, labels=batch.masked_fill(batch == 0, -100)).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        mean = loss.item() if step == 0 else 0.98 * mean + 0.02 * loss.item()
        if step % 50 == 49:
            print(f"base: step {step + 1}: loss {mean:.3f}, {time.monotonic() - started:.0f} s", flush=True)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def main() -> None:
    """Make the base, and tune it with the package's own recipe."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", nargs="?", type=Path, default=Path("tiny"))
    parser.add_argument("--steps", type=int, default=600, help="of the base")
    parser.add_argument("--epochs", type=float, default=4.0, help="of the tuning")
    parser.add_argument("--base-only", action="store_true")
    options = parser.parse_args()
    base = options.out / "base"
    if not (base / "model.safetensors").exists():
        make_base(base, options.steps)
    if options.base_only:
        return
    data = options.out / "data"
    if not (data / CARD).exists():
        # Nothing is chosen by validation, and 24 conversations are few enough.
        write_training_data(TrainDataOptions(("mini",), data, DataFormat.PROMPT_COMPLETION, validation=0.0))
    config = TrainingConfig(
        model=str(base),
        data=str(data),
        output=options.out / "tuned",
        tuning=Tuning.FULL,
        learning_rate=2e-3,
        epochs=options.epochs,
        tokens_per_batch=7000,
    )
    print(train(config, lambda text: print(text, file=sys.stderr)).output)


if __name__ == "__main__":
    main()
