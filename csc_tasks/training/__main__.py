"""``accelerate launch -m csc_tasks.training CONFIG.yaml``: the recipe on several devices or machines."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.console import Console

from csc_tasks.errors import CSConvError
from csc_tasks.printable import printable_lines
from csc_tasks.training.config import load_training
from csc_tasks.training.recipe import train


def main(arguments: list[str]) -> int:
    """Run the recipe in this process, one of several; only the first of them says anything but errors."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write("usage: accelerate launch -m csc_tasks.training CONFIG.yaml\n")
        return 2

    def say(text: str) -> None:
        sys.stderr.write(f"{printable_lines(text)}\n")

    try:
        done = train(load_training(Path(arguments[0])), say, None)
    except CSConvError as error:
        if os.environ.get("CSCONV_DEBUG"):
            raise
        rank = os.environ.get("RANK", "0")
        say(f"csconv: {error}" if rank == "0" else f"csconv (process {rank}): {error}")
        return 1
    if os.environ.get("RANK", "0") == "0":
        Console(highlight=False).print(printable_lines(str(done.output)), markup=False, soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
