#!/usr/bin/env python3
"""What a full run costs in requests and tokens, with and without a server's prefix caching.

    python benchmarks/cost.py TOKENIZER [--conversations N]

TOKENIZER is a Hugging Face tokenizer folder or id. The data is the synthetic file of CSConv's size and
shape; answers are counted at the gold length. Each line of a prompt is tokenised once and the counts are added up:
a sample of whole prompts says how far that is off.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from itertools import accumulate

from rich.console import Console
from rich.table import Table

from csc_tasks.data.conversations import Conversation
from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.turns import PromptBook, gold_strategy, turn_docs
from synthetic import CONVERSATIONS, conversations


def cost(data: list[Conversation], kind: TaskKind, count: Callable[[str], int]) -> tuple[int, int, int, int]:
    """Requests, prompt tokens, prompt tokens that an ideal prefix cache does not hold yet, answer tokens."""
    texts = load_prompt()
    head = count(texts.head(kind))
    requests = sent = answers = 0
    new = head
    for conversation in data:
        lines = [count(texts.line(u)) for u in conversation.utterances]
        before = list(accumulate(lines, initial=0))
        known = 0
        for doc, position in zip(turn_docs([conversation]), conversation.supporter_turns, strict=True):
            cue = count(texts.cue(kind, gold_strategy(doc)))
            requests += 1
            sent += head + before[position] + cue
            new += before[position] - known + cue
            known = before[position]
            answers += count(texts.target(kind, gold_strategy(doc), doc["reference"])) + 1
    return requests, sent, new, answers


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("tokenizer")
    parser.add_argument("--conversations", type=int, default=CONVERSATIONS)
    options = parser.parse_args()
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(options.tokenizer)

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False))

    data = list(conversations(options.conversations))
    title = f"{len(data):,} conversations, tokens of {type(tokenizer).__name__} {options.tokenizer}"
    table = Table(
        "task", "requests", "prompt tokens", "with prefix caching", "answer tokens", title=title, box=None
    )
    totals = [0, 0, 0, 0]
    # A dialogue asks what the response task asks, with the model's own lines, counted at the gold length, before it.
    for name, kind in (
        ("strategy", TaskKind.STRATEGY),
        ("response", TaskKind.RESPONSE),
        ("dialogue", TaskKind.RESPONSE),
    ):
        row = cost(data, kind, count)
        totals = [a + b for a, b in zip(totals, row, strict=True)]
        table.add_row(f"csconv_{name}", *(f"{n:,}" for n in row))
    table.add_row("csconv (all three)", *(f"{n:,}" for n in totals))
    console = Console(width=140)
    console.print(table)
    book = PromptBook(data, load_prompt(), TaskKind.RESPONSE)
    head = load_prompt().head(TaskKind.RESPONSE)
    sample = random.Random(0).sample(list(turn_docs(data)), min(100, 10 * len(data)))
    whole = sum(count(head + book.question(doc)) for doc in sample)
    ends = count(head) + count("客服:")
    parts = sum(ends + sum(map(count, book.history(doc).splitlines(keepends=True))) for doc in sample)
    console.print(
        f"{len(sample)} whole prompts: {whole:,} tokens, by lines {parts:,} ({parts / whole - 1:+.2%})"
    )


if __name__ == "__main__":
    main()
