"""Role-plays over an endpoint: no conversation waits for another, and a killed run goes on where it was."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance
from pytest_httpserver import HTTPServer

from csc_tasks.harness.registration import configs_folder
from csc_tasks.results.find_logs import find_logs
from tests.generation.test_endpoints import Endpoint, answer, chat
from tests.running import FunctionLM, evaluate, scores

pytest.importorskip("aiohttp", reason="needs lm-eval[api]")
pytestmark = pytest.mark.slow
TASK = "csconv_mini_roleplay"


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(threaded=True) as http:
        yield http


def last_message(request: Instance) -> str:
    return answer(re.findall(r"<\|user\|>(.*?)<\|end\|>", request.args[0], re.DOTALL)[-1])


def turns(results: dict[str, Any]) -> dict[str, list[str]]:
    return {sample["doc"]["conversation"]: sample["filtered_resps"] for sample in results["samples"][TASK]}


def test_many_connections_play_what_one_process_plays_in_rounds(server: HTTPServer) -> None:
    endpoint = Endpoint(server)
    endpoint.latency = 0.01
    results = chat(endpoint, [TASK], concurrent=16)
    expected = evaluate(FunctionLM(last_message), [TASK], apply_chat_template=True)
    assert turns(results) == turns(expected)
    assert json.dumps(scores(results, TASK)) == json.dumps(scores(expected, TASK))
    assert endpoint.most_at_once > 1


@pytest.mark.parametrize("concurrent", [1, 4])
def test_a_killed_run_goes_on_and_plays_what_an_undisturbed_one_plays(
    server: HTTPServer, tmp_path: Path, concurrent: int
) -> None:
    endpoint = Endpoint(server)
    endpoint.hang_at = 11
    model = f"model=m,base_url={endpoint.url}/chat/completions,num_concurrent={concurrent},max_retries=1"
    command = [
        *(sys.executable, "-m", "lm_eval", "run", "--model", "local-chat-completions", "--model_args", model),
        *("--apply_chat_template", "--tasks", TASK, "--limit", "4", "--use_cache", str(tmp_path / "answers")),
        *("--include_path", str(configs_folder()), "--output_path", str(tmp_path / "out"), "--log_samples"),
    ]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path)
        assert endpoint.hanging.wait(120), (tmp_path / "log").read_text()
        # lm-eval's cache is written by a thread of its own: an answer is on disk a moment after it came.
        threading.Event().wait(1.0)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    endpoint.released.set()
    before, endpoint.prompts = endpoint.prompts, []
    endpoint.hang_at = sys.maxsize
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert set(before).isdisjoint(endpoint.prompts)
    (log_file,) = find_logs([tmp_path / "out"])
    expected = evaluate(FunctionLM(last_message), [TASK], apply_chat_template=True, limit=4)
    assert len(before) + len(endpoint.prompts) == sum(map(len, turns(expected).values()))
    played = {play.card: [record["text"] for record, _ in play.turns] for play in log_file.role_plays()}
    assert played == {card: [json.loads(t)["text"] for t in each] for card, each in turns(expected).items()}
