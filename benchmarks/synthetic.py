#!/usr/bin/env python3
"""Write a conversation file of CSConv's size and shape, for measuring speed; its content means nothing.

    python benchmarks/synthetic.py OUT.json [--conversations N] [--seed K]

By default 1,855 conversations with 25,810 supporter turns. Utterances are put together from clauses
of the mini conversations, so that characters, mixed scripts and lengths are realistic (45 characters
on average, CSConv: 41 to 49).
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Iterator
from pathlib import Path

from csc_tasks.data.conversations import Conversation, Speaker, Utterance
from csc_tasks.data.files import write_conversations
from csc_tasks.data.published import KNOWN_SHARES
from csc_tasks.data.sources import FULL_CONVERSATIONS as CONVERSATIONS
from csc_tasks.data.sources import FULL_TURNS as TURNS
from csc_tasks.data.sources import load
from csc_tasks.data.splits import Split
from csc_tasks.framework import Strategy

SHARES = {known.strategies[0]: known.share for known in KNOWN_SHARES if len(known.strategies) == 1}
"""Those that are published of one strategy; the other strategies share the rest."""


def _clauses(speaker: Speaker) -> list[str]:
    texts = [
        u.text
        for split in Split
        for c in load("mini", split).conversations
        for u in c.utterances
        if u.speaker is speaker
    ]
    return sorted({clause for text in texts for clause in re.findall(r"[^，。！？；]+[，。！？；]", text)})


def _text(clauses: list[str], rng: random.Random) -> str:
    length, parts = rng.triangular(8, 95, 32), ""
    while len(parts) < length:
        parts += rng.choice(clauses)
    return parts


def conversations(count: int = CONVERSATIONS, seed: int = 0) -> Iterator[Conversation]:
    """``count`` conversations whose supporter turns are in proportion to CSConv's."""
    rng = random.Random(seed)
    clauses = {speaker: _clauses(speaker) for speaker in Speaker}
    rest = (1 - sum(SHARES.values())) / (len(Strategy) - len(SHARES))
    weights = [SHARES.get(s, rest) for s in Strategy]
    topics = sorted({c.topic for c in load("mini").conversations})
    turns = TURNS * count // CONVERSATIONS
    lengths = [turns // count + (i < turns % count) for i in range(count)]
    # Unequal lengths with the same sum, as in the original.
    for _ in range(4 * count):
        a, b = rng.randrange(count), rng.randrange(count)
        if a != b and lengths[a] > 7 and lengths[b] < 24:
            lengths[a], lengths[b] = lengths[a] - 1, lengths[b] + 1
    for length in lengths:
        utterances = []
        for strategy in rng.choices(list(Strategy), weights, k=length):
            utterances.append(Utterance(Speaker.SUPPORTER, strategy, _text(clauses[Speaker.SUPPORTER], rng)))
            utterances.append(Utterance(Speaker.CUSTOMER, None, _text(clauses[Speaker.CUSTOMER], rng)))
        yield Conversation.of(rng.choice(topics), utterances)


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--conversations", type=int, default=CONVERSATIONS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    written = list(conversations(options.conversations, options.seed))
    write_conversations(options.out, written)
    print(
        f"{options.out}: {len(written)} conversations, {sum(len(c.supporter_turns) for c in written)} turns"
    )


if __name__ == "__main__":
    main()
