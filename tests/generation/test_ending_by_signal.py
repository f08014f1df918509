"""SIGTERM, SIGHUP and Ctrl-C in the middle of a generation: what was answered is kept, the shell sees which it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance

from csc_tasks.harness.registration import configs_folder
from csc_tasks.system.signals import Terminated
from tests.chat_server import ChatServer, Reply
from tests.door import surroundings
from tests.running import FunctionLM, evaluate, gold, scores

RESPONSE, DIALOGUE = "csconv_mini_response", "csconv_mini_dialogue"
SIGNALS = [signal.SIGTERM, signal.SIGHUP]


class AskedToEnd(FunctionLM):
    """Gives gold answers, and is asked to end in the middle of its second call."""

    def __init__(self, *signals: signal.Signals) -> None:
        super().__init__(gold)
        self.signals = signals
        self.calls = 0

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[Any]:
        self.calls += 1
        if self.calls == 2 or len(requests) > 100:
            for request in requests[:5]:
                self.cache_hook.add_partial("generate_until", request.args, self.reply(request))
            for number in self.signals:
                signal.raise_signal(number)
        return super().generate_until(requests, disable_tqdm)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("task", [RESPONSE, DIALOGUE])
def test_what_was_answered_before_a_signal_is_not_asked_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    number: signal.Signals,
    task: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = [signal.getsignal(each) for each in (signal.SIGINT, *SIGNALS)]
    with pytest.raises(Terminated) as ended:
        evaluate(AskedToEnd(number), [task])
    assert ended.value.code == 128 + number
    assert [signal.getsignal(each) for each in (signal.SIGINT, *SIGNALS)] == before
    (rescued,) = tmp_path.glob("csconv_rescue_*_rank0.db")
    name = rescued.name.removesuffix("_rank0.db")
    assert f"stopped by {number.name}" in caplog.text
    assert f"the same command with --use_cache {name} goes on from there" in caplog.text
    results = evaluate(FunctionLM(gold), [task], use_cache=name)
    # In reference context two conversations that begin alike get the same answer back, as in lm-eval's own cache.
    assert scores(results, task)["rouge_l"] > 0.9


def test_a_terminal_that_is_closed_sends_its_signal_twice_and_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Terminated):
        evaluate(AskedToEnd(signal.SIGHUP, signal.SIGHUP), [RESPONSE])
    assert len(list(tmp_path.glob("csconv_rescue_*_rank0.db"))) == 1


def test_the_second_signal_waits_until_what_the_first_has_left_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from csc_tasks.generation.response_cache import KeptAnswers

    monkeypatch.chdir(tmp_path)
    genuine = KeptAnswers.rescue

    def disturbed(self: KeptAnswers) -> str:
        signal.raise_signal(signal.SIGINT)
        return genuine(self)

    monkeypatch.setattr(KeptAnswers, "rescue", disturbed)
    with pytest.raises((Terminated, KeyboardInterrupt)):
        evaluate(AskedToEnd(signal.SIGTERM), [RESPONSE])
    assert len(list(tmp_path.glob("csconv_rescue_*_rank0.db"))) == 1


@pytest.fixture
def server() -> Iterator[ChatServer]:
    pytest.importorskip("aiohttp", reason="needs lm-eval[api]")
    with ChatServer() as running:
        running.good = lambda request: Reply("[提供建议] 您先重启一下光猫。")  # type: ignore[method-assign]
        yield running


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "number"), [(RESPONSE, signal.SIGTERM), (DIALOGUE, signal.SIGHUP), (DIALOGUE, signal.SIGINT)]
)
@pytest.mark.parametrize("nohup", [False, True])
def test_an_evaluation_that_is_asked_to_end_pays_for_nothing_twice(
    server: ChatServer, tmp_path: Path, task: str, number: signal.Signals, nohup: bool
) -> None:
    if nohup and number is not signal.SIGHUP:
        return  # nohup is about SIGHUP
    hang_at, hanging = 19, threading.Event()

    def behave(text: str, before: int, request: dict[str, Any]) -> Reply | None:
        if sum(server.paid.values()) >= hang_at and not hanging.is_set():
            hanging.set()
        return Reply(fate="hang") if hanging.is_set() and hang_at < 1000 else None

    server.behave = behave
    model = f"model=m,base_url={server.url}/chat/completions,num_concurrent=4,max_retries=1"
    command = [
        *(sys.executable, "-m", "lm_eval", "run", "--model", "local-chat-completions", "--model_args", model),
        *("--apply_chat_template", "--tasks", task, "--limit", "30" if task == RESPONSE else "4"),
        *("--include_path", str(configs_folder()), "--output_path", str(tmp_path / "out")),
    ]
    ignoring = ["nohup"] if nohup else []
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*ignoring, *command],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            cwd=tmp_path,
            env=surroundings(),
        )
        assert hanging.wait(120), (tmp_path / "log").read_text()
        time.sleep(0.5)
        os.kill(process.pid, number)
        if nohup:
            time.sleep(1)
            assert process.poll() is None
            os.kill(process.pid, signal.SIGTERM)
        code = process.wait(60)
    said = (tmp_path / "log").read_text()
    # Python ends itself by SIGINT where nothing catches it, and a shell calls that 130.
    assert code == {signal.SIGINT: -signal.SIGINT}.get(number, 128 + (signal.SIGTERM if nohup else number)), (
        said
    )
    (rescued,) = tmp_path.glob("csconv_rescue_*_rank0.db")
    paid = dict(server.paid)
    assert sum(paid.values()) >= hang_at
    hang_at = 10**9
    hanging.clear()
    again = [*command, "--use_cache", str(rescued).removesuffix("_rank0.db")]
    done = subprocess.run(
        again, capture_output=True, text=True, check=False, cwd=tmp_path, env=surroundings()
    )
    assert done.returncode == 0, done.stderr[-2000:]
    twice = sum(server.paid[q] > paid[q] for q in paid)
    # Conversations that a supporter opens begin with the same prompt.
    assert twice <= (task == DIALOGUE), [q for q in paid if server.paid[q] > paid[q]]
