"""lm_eval with csconv's tasks and no others: ``python -m csc_tasks.harness.run run …``.

At every start lm-eval reads the 14,000 task files that it ships, which takes longer than evaluating a small
model. Where only csconv's tasks are asked for, nobody needs them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from itertools import pairwise, takewhile
from typing import Any

from csc_tasks.harness.lm_eval import bear_any_console
from csc_tasks.harness.registration import configs_folder
from csc_tasks.system.workers import end_with_owner

__all__ = ["lm_eval", "metadata_of"]


def lm_eval(arguments: Sequence[str]) -> None:
    """Run lm-eval's command line in this process, with csconv's task files.

    Args:
        arguments: as after ``lm_eval``; with an ``--include_path`` of their own, or tasks that are not
            csconv's, lm-eval reads all it has.

    Raises:
        SystemExit: as lm-eval itself ends.
    """
    from lm_eval.__main__ import cli_evaluate

    bear_any_console()
    ours = not any(a.startswith("--include") for a in arguments) and all(
        task.startswith("csconv") for task in _tasks(arguments)
    )
    # First, so that a folder of the caller's own counts.
    included = [*arguments[:1], "--include_path", str(configs_folder()), *arguments[1:]]
    sys.argv = ["lm_eval", *included]
    with _own_tasks_alone() if ours else nullcontext():
        cli_evaluate()


def _tasks(arguments: Sequence[str]) -> list[str]:
    after = [value for option, value in pairwise(arguments) if option == "--tasks"]
    return after[-1].split(",") if after else [""]


def metadata_of(arguments: Sequence[str]) -> dict[str, Any]:
    """What ``--metadata`` says in lm-eval's arguments: ``key=value`` pairs, or a JSON object.

    What lm-eval itself will refuse is passed over.
    """
    from lm_eval.utils import simple_parse_args_string

    said: dict[str, Any] = {}
    for index, argument in enumerate(arguments):
        option, equals, first = argument.partition("=")
        if option != "--metadata":
            continue
        values = [first] if equals else takewhile(lambda a: not a.startswith("--"), arguments[index + 1 :])
        for value in values:
            if value.lstrip().startswith("{"):
                try:
                    said |= json.loads(value)
                except (ValueError, TypeError):
                    continue
            else:
                said |= simple_parse_args_string(value)
    return said


@contextmanager
def _own_tasks_alone() -> Iterator[None]:
    from lm_eval import tasks

    every = tasks.TaskManager
    tasks.TaskManager = partial(every, include_defaults=False)
    try:
        yield
    finally:
        tasks.TaskManager = every


if __name__ == "__main__":
    end_with_owner()
    lm_eval(sys.argv[1:])
