#!/usr/bin/env python3
"""Memory and time of `csconv train-data` over a file of RoleCS's size and shape, in each form of file and format.

    python benchmarks/train_data.py [--conversations N]

The file is synthetic: utterances as benchmarks/synthetic.py puts them together, each Han character replaced by another,
so that nothing overlaps with evaluation data. Every row is a process of its own; its peak is that of the resident
memory. No tokenizer is named: tokens are counted 256 examples at a time, whatever the file's size.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from csc_tasks.data.conversations import Conversation
from csc_tasks.data.files import write_conversations
from synthetic import conversations

CONVERSATIONS = 11_232
"""Of RoleCS, with 137,405 supporter turns and 66 MB."""
_FIRST, _COUNT, _SHIFT = 0x4E00, 0x5000, 0x2A31


def _other(text: str) -> str:
    """The text in other characters, the same for the same."""
    return "".join(
        chr(_FIRST + (ord(c) - _FIRST + _SHIFT) % _COUNT) if _FIRST <= ord(c) < _FIRST + _COUNT else c
        for c in text
    )


def _strange(count: int) -> Iterator[Conversation]:
    for each in conversations(count):
        yield Conversation.of(each.topic, (replace(u, text=_other(u.text)) for u in each.utterances))


def _measure(source: Path, form: str, out: Path) -> tuple[float, float]:
    """Seconds, and MB of resident memory at the peak."""
    before = time.monotonic()
    command = [sys.executable, "-m", "csc_tasks.commands", "train-data", str(source), "--format", form]
    subprocess.run(
        [*command, "--out", str(out)], check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    return time.monotonic() - before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    """Measure and print; the peak of all children so far is the largest, so small rows come first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--conversations", type=int, default=CONVERSATIONS)
    options = parser.parse_args()
    table = Table("file", "MB", "format", "seconds", "peak MB so far", box=None)
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            (options.conversations // 8, ".json", "prompt-completion"),
            (options.conversations, ".json", "messages"),
            (options.conversations, ".json", "prompt-completion"),
            (options.conversations, ".jsonl", "prompt-completion"),
            (options.conversations, ".parquet", "prompt-completion"),
        ]
        for number, (count, suffix, form) in enumerate(rows):
            source = Path(folder) / f"synthetic_{count}{suffix}"
            if not source.exists():
                write_conversations(source, _strange(count))
            seconds, peak = _measure(source, form, Path(folder) / str(number))
            size = source.stat().st_size / 1e6
            table.add_row(source.name, f"{size:.0f}", form, f"{seconds:.0f}", f"{peak:.0f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
