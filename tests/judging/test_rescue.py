"""Paid verdicts that no file takes: they are put somewhere, and whoever paid is told where."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")

from csc_tasks.errors import ChatError
from csc_tasks.judging.config import JudgeConfig
from csc_tasks.judging.engine import Engine, Stop
from csc_tasks.judging.keeper import open_cache
from csc_tasks.judging.questions import Questions
from csc_tasks.metrics.judge import Sample, load_rubric
from tests.judge_server import JudgeServer


def test_paid_verdicts_that_no_file_took_are_told_of_when_ctrl_c_came_first(
    server: JudgeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    interrupted = threading.Event()

    def behave(text: str, before: int, request: dict[str, Any]) -> None:
        # Once a request is under way; the full disk then does not take its answer.
        if not interrupted.is_set():
            interrupted.set()
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)

    server.behave = behave
    config = JudgeConfig(model="m", base_url=server.url, concurrency=4)
    cache = open_cache(tmp_path / "cache.sqlite")
    engine = Engine(Questions(load_rubric("turn-zh-2"), config), cache, Path("/dev/full"), None)
    said = {"history": "客户: 在吗\n", "strategy": "信息传达", "reference": ""}
    with pytest.raises(ChatError, match=r"^\d+ paid verdicts were saved in .*csconv_verdicts_"):
        engine.run([Sample("c", i, {**said, "reply": f"第{i}件"}) for i in range(20)], lambda *_: None)
    cache.close()
    assert engine.progress.stopped is Stop.INTERRUPTED
