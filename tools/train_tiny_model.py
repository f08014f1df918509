#!/usr/bin/env python3
"""Train the tiny model that the package ships: a character-level Llama of 0.7 million parameters.

    python tools/train_tiny_model.py [OUT_DIR] [--steps N]

It learns the 24 training conversations in the form of the csconv prompts, nothing else, so that
`lm_eval --model hf` can be tried offline. It is a test subject, not a good model. Takes about five
minutes on two cores. Seeded; another machine or another torch gives other last digits.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from csc_tasks.data.shipped import tiny_model
from csc_tasks.data.sources import load
from csc_tasks.data.splits import Split
from csc_tasks.framework import Strategy
from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.turns import PromptBook, turn_docs

PAD, UNKNOWN, END = "<pad>", "<unk>", "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
CHAT_TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
KINDS = {TaskKind.RESPONSE: 5, TaskKind.STRATEGY: 3, TaskKind.STRATEGY_MC: 1, TaskKind.RESPONSE_ORACLE: 1}
"""How often each task is practised."""
SEED = 20250806


def character_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
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


def example(book: PromptBook, head: str, doc: object, gap: str, chat: bool) -> tuple[str, str]:
    """Prompt and answer of a turn, as text or as chat messages."""
    prompt, answer = head + book.question(doc), book.target(doc)  # type: ignore[arg-type]
    if chat:
        return f"<|user|>{prompt}<|end|><|assistant|>", answer + END
    return prompt + gap.rstrip(" "), gap + answer + END


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, default=tiny_model())
    parser.add_argument("--steps", type=int, default=900)
    options = parser.parse_args()
    torch.manual_seed(SEED)
    rng = random.Random(SEED)
    conversations, texts = load("mini", Split.TRAINING).conversations, load_prompt()
    docs = list(turn_docs(conversations))
    books = {kind: PromptBook(conversations, texts, kind) for kind in KINDS}
    tokenizer = character_tokenizer(
        [
            *(
                texts.head(kind) + books[kind].question(d) + books[kind].target(d)
                for kind in KINDS
                for d in docs
            ),
            *(u.text for c in conversations for u in c.utterances),
            *(s.zh for s in Strategy),
        ]
    )
    model = tiny_llama(len(tokenizer))
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(tokenizer)} tokens")
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.98), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, options.steps, pct_start=0.1)
    started, mean = time.monotonic(), 0.0
    for step in range(options.steps):
        # The instruction is most of a prompt and always the same: for the first part the model sees
        # only the dialogue, which is several times as fast; then whole prompts.
        whole = step >= options.steps * 2 // 3
        loss = torch.zeros(())
        for _ in range(4):
            kind = rng.choices(list(KINDS), weights=list(KINDS.values()))[0]
            doc = rng.choice(docs)
            head = texts.head(kind) if whole else ""
            prompt, answer = example(books[kind], head, doc, texts.answer_gap, chat=rng.random() < 0.3)
            question = tokenizer.encode(prompt, add_special_tokens=False)
            ids = torch.tensor([question + tokenizer.encode(answer, add_special_tokens=False)])
            # The dialogue is learnt too, at a fifth of the weight of the answer; the instruction is not.
            logits = model(ids).logits[0, :-1]
            losses = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none")
            start = len(question) - 1
            dialogue = losses[min(len(head), start) : start]
            loss = loss + losses[start:].mean() + 0.2 * (dialogue.mean() if len(dialogue) else 0.0)
        optimizer.zero_grad()
        (loss / 4).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        mean = loss.item() / 4 if step == 0 else 0.98 * mean + 0.02 * loss.item() / 4
        if step % 50 == 49:
            print(f"step {step + 1}: loss {mean:.3f}, {time.monotonic() - started:.0f} s", flush=True)
    # Half the size on disk; the configuration says float32, so that every machine computes in that.
    model.half().save_pretrained(options.out)
    model.config.dtype = "float32"
    model.config.save_pretrained(options.out)
    tokenizer.save_pretrained(options.out)
    size = sum(p.stat().st_size for p in options.out.iterdir())
    print(f"saved {size / 1e6:.2f} MB in {options.out}")


if __name__ == "__main__":
    main()
