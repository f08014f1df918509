"""The commands that read results, as the tests with spoilt ones run them, and what is wrong with how one ended."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from tests.door import Done

FOLDERS = ("models", "judged")
GOOD, POOR = "models/org__good", "models/org__poor"
LONGEST = 10
"""Seconds that a command may take."""
MODELS = ("org/good", "org/poor")


class Command(NamedTuple):
    """A command that reads results, and the exit codes that its documentation names."""

    arguments: tuple[str, ...]
    codes: tuple[int, ...]


READ, WRITE, GATE, JUDGE = (0,), (0, 1), (0, 1, 2, 3, 4), (0, 1, 3, 4)
COMMANDS = {
    "table": Command(("table", *FOLDERS, "--all"), READ),
    "leaderboard": Command(("leaderboard", *FOLDERS, "--out", "site", "--workers", "1"), READ),
    "csv": Command(("export", *FOLDERS, "--out", "x.csv"), READ),
    "parquet": Command(("export", *FOLDERS, "--out", "x.parquet", "--format", "parquet"), READ),
    "card": Command(
        ("export", *FOLDERS, "--out", "x.yaml", "--format", "model-index", "--model", "org/poor"), WRITE
    ),
    "compare": Command(("compare", GOOD, POOR, "--all"), (0, 1, 3)),
    "enhance-report": Command(("enhance-report", GOOD, POOR), (0, 1)),
    "compare as json": Command(("compare", GOOD, POOR, "--format", "json"), (0, 1, 3)),
    "gate with a file": Command(("gate", "judged", "--baseline", "baseline.json", "--json", "-"), GATE),
    "gate with a folder": Command(
        ("gate", POOR, "--baseline", GOOD, "--junit", "j.xml", "--markdown", "j.md"), GATE
    ),
    "power": Command(("gate", "power", "--baseline", "baseline.json"), GATE),
    "score": Command(("score", "models"), WRITE),
    "compress": Command(("logs", "compress", "models", "--keep"), WRITE),
    "judge": Command(("judge", "judged", "--config", "judge.yaml", "--dry-run"), JUDGE),
    "pairs": Command(("judge", GOOD, POOR, "--config", "judge.yaml", "--dry-run", "--pairwise"), JUDGE),
}
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]")
"""What must not reach a terminal."""


class Hangs(BaseException):
    """A command took too long; no handler of the command's own takes it for something else."""


@contextmanager
def in_time() -> Iterator[None]:
    """End what computes for longer than :data:`LONGEST` seconds, or waits for several times that."""

    def end(*_: Any) -> None:
        raise Hangs

    before = [(number, signal.signal(number, end)) for number in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, LONGEST)  # of this process, whatever else the machine does
    signal.alarm(6 * LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for number, handler in before:
            signal.signal(number, handler)


def faults(done: Done, command: Command) -> list[str]:
    """What is wrong with how a command ended."""
    found = []
    if "Traceback" in done.output:
        found.append(done.output[-800:])
    if done.code not in command.codes:
        found.append(f"exit code {done.code}: {done.output[-300:]}")
    if "Warning" in done.output:
        found.append(done.output[-300:])
    if seen := UNSEEN.search(done.output):
        found.append(f"{seen[0]!r} on the terminal")
    if command.arguments[0] == "table" and "note:" not in done.err:
        found += [f"{model} is gone without a word" for model in MODELS if model not in done.out]
    return found
