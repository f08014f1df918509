"""A low score comes with its reason: in the log, the results file, the table and the page."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance

from csc_tasks.harness.registration import configs_folder
from tests.door import csconv
from tests.paths import ROOT
from tests.running import FunctionLM, evaluate, gold

TASK = "csconv_mini_response"


def signs(results: dict[str, Any], task: str = TASK) -> dict[str, Any]:
    found: dict[str, Any] = results["configs"][task]["metadata"]["csconv_report"]["signs"]
    return found


@pytest.mark.parametrize(
    ("reply", "sign", "example"),
    [
        ("客服说的话", "prompt_words", "“客服说的话”"),
        ("[提供建议]", "no-text", "“[提供建议]”"),
        ("<think>嗯", "unclosed-thinking", "“<think>嗯”"),
        ("[安抚] 您先别着急。", "unknown-label", "“[安抚] 您先别着急。”"),
        ("您先别着急。", "no-label", "“您先别着急。”"),
        ("[提供建议] Please wait a moment, sir.", "other_language", "Please wait"),
        ("[提供建议] 您先重启一下光猫。", "identical", "您先重启一下光猫"),
        (None, "failed", "--use_cache"),
    ],
)
@pytest.mark.parametrize("task", [TASK, "csconv_mini_dialogue"])
def test_what_a_tenth_of_the_replies_have_is_a_warning_with_examples(
    task: str, reply: str | None, sign: str, example: str, caplog: pytest.LogCaptureFixture
) -> None:
    def some(request: Instance) -> Any:
        return reply if request.doc["turn"] % 3 else gold(request)

    limit = 1 if task.endswith("dialogue") else 15
    with caplog.at_level(logging.INFO):
        found = signs(evaluate(FunctionLM(some), [task], limit=limit), task)
    assert found["counts"][sign] > found["read"] / 10
    (line,) = [r for r in caplog.records if f"replies: {_words(sign)}" in r.getMessage()]
    assert line.levelno == logging.WARNING
    assert example in line.getMessage()


def _words(sign: str) -> str:
    from csc_tasks.protocol.reply_counts import SIGNS

    return SIGNS[sign]


def test_what_fewer_have_is_a_remark(caplog: pytest.LogCaptureFixture) -> None:
    def one(request: Instance) -> Any:
        return "您先别着急。" if request.doc["turn"] == 3 else gold(request)

    with caplog.at_level(logging.INFO):
        found = signs(evaluate(FunctionLM(one), [TASK], limit=12))
    assert found["counts"] == {"no-label": 1}
    (line,) = [r for r in caplog.records if "no strategy named" in r.getMessage()]
    assert line.levelno == logging.INFO


@pytest.mark.slow
def test_table_page_and_markdown_say_what_was_wrong_with_the_replies(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(
        "from lm_eval.api.registry import register_model\n"
        "from tests.running import FunctionLM, gold\n"
        "import lm_eval.models, sys\n"
        "from lm_eval.__main__ import cli_evaluate\n"
        "@register_model('echo')\n"
        "class Echo(FunctionLM):\n"
        "    def __init__(self, **_):\n"
        "        super().__init__(lambda r: '[提供建议]' if r.doc['turn'] % 2 else gold(r))\n"
        "cli_evaluate()\n"
    )
    command = [
        *(sys.executable, "model.py", "run", "--model", "echo", "--tasks", TASK, "--limit", "40"),
        *("--include_path", str(configs_folder()), "--output_path", "out", "--log_samples"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    (path,) = tmp_path.rglob("results_*.json")
    counts = json.loads(path.read_text())["configs"][TASK]["metadata"]["csconv_report"]["signs"]["counts"]
    text = f"{counts['no-text']} of 40 replies: a strategy and no utterance"
    assert counts["no-text"] > 10
    assert text in " ".join(csconv("table", "out", cwd=tmp_path).out.split())
    every = " ".join(csconv("table", "out", "--all", cwd=tmp_path).out.split())
    assert every.count(text) == 2
    assert csconv("leaderboard", "out", "--out", "site", cwd=tmp_path).code == 0
    assert text in (tmp_path / "site" / "index.html").read_text()
    assert text in (tmp_path / "site" / "leaderboard.md").read_text()
