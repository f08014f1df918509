"""Role-plays for tests: a pipeline, an output folder, and what stands in its journals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from csc_tasks.synthesis.journal import ended_in
from csc_tasks.synthesis.playing.roleplay import ROLES, Roleplay, Setting
from csc_tasks.synthesis.prompts import load_prompts
from csc_tasks.synthesis.steps import Case, CaseOutcome, Pipeline, Step
from tests.chat_server import ChatServer

__all__ = ["PROFILE", "configured", "conversations", "lines_of", "played", "playing"]

PROFILE = "你四十岁，在镇上开一家面馆，说话直，最怕手续麻烦，手机用得不熟，上个月的账单一直没有看明白。"


def playing(count: int = 1, seed: int = 0, profile: str = PROFILE) -> Roleplay:
    """A pipeline of so many cases."""
    topics = ("产品咨询", "账户和交易管理", "投诉与纠纷解决")
    settings = [Setting(f"{profile}（第{i}位）", topics[i % 3]) for i in range(count)]
    return Roleplay(settings, load_prompts("roleplay-zh-1", ROLES), seed, {"profiles": count})


def configured(folder: Path, server: ChatServer, **fields: Any) -> Path:
    """A configuration that asks a server, quickly."""
    path = folder / "synthesis.yaml"
    known = {"model": "m", "base_url": server.url, "concurrency": 16, "backoff": 0.01, "max_backoff": 0.05}
    path.write_text("".join(f"{name}: {json.dumps(v)}\n" for name, v in {**known, **fields}.items()))
    return path


def played(pipeline: Pipeline, case: Case, answer: Callable[[Step], str]) -> tuple[CaseOutcome, list[Step]]:
    """A case played by hand: what it came to, and what was asked."""
    machine = pipeline.machine(case)
    asked = [next(machine)]
    try:
        while True:
            asked.append(machine.send(asked[-1].read(answer(asked[-1]))))
    except StopIteration as ended:
        return ended.value, asked


def conversations(folder: Path) -> dict[str, tuple[str, Any]]:
    """Of each case that is over why it was dropped, and its conversation."""
    return {e.case: (e.dropped, e.conversation and e.conversation.record()) for e in ended_in(folder)}


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """What stands in all journals."""
    files = sorted((folder / "journals").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
