"""Runs of a base and of models that were tuned from it, in both contexts."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lm_eval.api.instance import Instance

from tests.leaderboards import logs

DIALOGUE = "csconv_mini_dialogue"
BOTH = (logs.RESPONSE, DIALOGUE)


def make(folder: Path) -> None:
    """``base``; ``tuned``, better in both contexts; ``lost``, whose gain is gone in one; ``short``: 36 turns."""
    base, tuned = logs.answering(0.2), answering_as_tuned(0.75)
    logs.write_run(folder / "base", "org/base", base, BOTH, date=1.0)
    logs.write_run(folder / "tuned", "org/tuned", tuned, BOTH, date=2.0, metadata={"csconv_base": "org/base"})
    logs.write_run(folder / "short", "org/short", base, date=1.0, limit=36)
    for task, lm in ((logs.RESPONSE, tuned), (DIALOGUE, base)):
        logs.write_run(folder / "lost" / task, "org/lost", lm, (task,), date=3.0)


def answering_as_tuned(skill: float) -> Callable[[Instance], str]:
    """A model that knows more, and now and then says what it said before or that it is a machine."""
    knowing = logs.answering(skill, 7)

    def reply(request: Instance) -> str:
        doc = request.doc
        if doc["turn"] in (5, 6) and logs.chance(doc["conversation"]) < 0.5:
            return "[情感管理] 作为一个人工智能，我很理解您的心情。"
        return knowing(request)

    return reply


def variant(source: Path, folder: Path, model: str, **changes: Any) -> Path:
    """A copy of a run under another name: ``base`` is what the run says of its base, ``args`` more arguments."""
    shutil.copytree(logs.results_file(source).parent, folder)
    results = logs.results_file(folder)

    def edit(content: dict[str, Any]) -> None:
        content["config"]["model"] = "hf"
        content["config"]["model_args"] = {"pretrained": model, **changes.get("args", {})}
        content["date"] += 10
        for config in content["configs"].values():
            config["metadata"].pop("csconv_tuned_from", None)
            config["metadata"].pop("csconv_base", None)
            if "base" in changes:
                config["metadata"]["csconv_tuned_from"] = changes["base"]

    logs.edit(results, edit)
    return results
