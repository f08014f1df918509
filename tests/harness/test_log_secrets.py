"""A key is in no log, file or terminal, whatever goes wrong at the endpoint."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import HarnessError
from csc_tasks.harness.log_secrets import hide_secrets_in_logs
from csc_tasks.harness.registration import configs_folder
from tests.chat_server import ChatServer, Reply
from tests.running import evaluate

pytest.importorskip("aiohttp", reason="needs lm-eval[api]")
pytest.importorskip("tenacity", reason="needs lm-eval[api]")
KEY = "canary-7f3a91c2e5"


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        yield running


def echoing(status: int) -> Reply:
    """As servers do that repeat the key they do not like."""
    words = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}"}}).encode()
    return Reply(status=status, body=words)


FAULTS = {
    "refused key": lambda *_: echoing(401),
    "server error": lambda *_: echoing(500),
    "error with status 200": lambda *_: echoing(200),
    "broken connection": lambda *_: Reply(fate="reset"),
    "short answer": lambda *_: Reply("好", fate="short"),
    "no JSON": lambda *_: Reply(body=f"<html>{KEY}</html>".encode()),
}


@pytest.mark.parametrize("task", ["csconv_mini_response", "csconv_mini_dialogue"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("concurrent", [1, 4])
def test_no_fault_of_an_endpoint_logs_the_key(
    server: ChatServer,
    task: str,
    fault: str,
    concurrent: int,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.behave = FAULTS[fault]
    arguments = f"model=m,base_url={server.url}/chat/completions,num_concurrent={concurrent},max_retries=1"
    try:
        evaluate("local-chat-completions", [task], model_args=arguments, apply_chat_template=True, limit=1)
    except HarnessError as error:
        caplog.records.append(logging.makeLogRecord({"msg": str(error)}))
    assert any(KEY in head for head in server.headers)  # it was sent
    formatter = logging.Formatter()
    assert KEY not in "\n".join(map(formatter.format, caplog.records))
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["refused key", "server error", "no JSON"])
def test_the_command_prints_no_key_and_writes_none(server: ChatServer, fault: str, tmp_path: Path) -> None:
    server.behave = FAULTS[fault]
    model = f"model=m,base_url={server.url}/chat/completions,num_concurrent=4,max_retries=1"
    command = [
        *(sys.executable, "-m", "lm_eval", "run", "--model", "local-chat-completions", "--model_args", model),
        *("--apply_chat_template", "--tasks", "csconv_mini_response", "--limit", "3"),
        *("--include_path", str(configs_folder()), "--output_path", "out", "--log_samples"),
    ]
    environment = {**os.environ, "OPENAI_API_KEY": KEY}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 1
    assert "the model failed" in done.stderr
    assert KEY not in done.stdout + done.stderr
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("message", "arguments", "shown"),
    [
        (
            "headers=%s",
            ({"x-api-key": "abc", "Host": "h"},),
            "headers={'x-api-key': '(secret)', 'Host': 'h'}",
        ),
        ("('Authorization', 'Token abc')", (), "('Authorization', '(secret)')"),
        ('{"api_key": "abc", "n": "1"}', (), '{"api_key": "(secret)", "n": "1"}'),
        ("Bearer abcdef", (), "(secret)"),
        ("https://me:pw@host/v1", (), "https://host/v1"),
        ("%d of %d turns", (1, 2), "1 of 2 turns"),
        ("'eos_token': '</s>'", (), "'eos_token': '</s>'"),
    ],
)
def test_secrets_are_taken_out_of_a_record_and_nothing_else(
    message: str, arguments: tuple[Any, ...], shown: str, caplog: pytest.LogCaptureFixture
) -> None:
    hide_secrets_in_logs()
    logging.getLogger("lm_eval.anything").warning(message, *arguments)
    assert caplog.messages == [shown]


def test_a_traceback_loses_its_secrets_too(caplog: pytest.LogCaptureFixture) -> None:
    hide_secrets_in_logs()
    try:
        raise RuntimeError("{'Authorization': 'Bearer abc'}")
    except RuntimeError:
        logging.getLogger("lm_eval.anything").exception("it failed")
    assert "abc" not in caplog.text
    assert "RuntimeError: {'Authorization': '(secret)'}" in caplog.text
