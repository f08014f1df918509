from __future__ import annotations

from functools import partial
from typing import Any

import lm_eval.__main__
import lm_eval.tasks
import pytest

from csc_tasks.harness import run as own_tasks


@pytest.mark.parametrize(
    ("arguments", "alone"),
    [
        (["run", "--tasks", "csconv_mini_strategy,csconv_mini"], True),
        (["run", "--tasks", "csconv_mini,arc_easy"], False),
        (["run", "--tasks", "csconv_mini", "--include_path", "mine"], False),
        (["run", "--tasks", "csconv_mini", "--include_path=mine"], False),
        (["run", "--tasks=csconv_mini"], False),  # in doubt all of them
        (["run"], False),
    ],
)
def test_lm_evals_own_tasks_are_left_out_only_where_nobody_asks_for_them(
    arguments: list[str], alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    every, managers = lm_eval.tasks.TaskManager, list[Any]()
    monkeypatch.setattr("sys.argv", [])
    monkeypatch.setattr(lm_eval.__main__, "cli_evaluate", lambda: managers.append(lm_eval.tasks.TaskManager))
    own_tasks.lm_eval(arguments)
    assert isinstance(managers[0], partial) is alone
    assert lm_eval.tasks.TaskManager is every
    known = managers[0](include_path=str(own_tasks.configs_folder())).all_tasks if alone else ["csconv_mini"]
    assert "csconv_mini" in known
    assert all(task.startswith("csconv") for task in known)
