"""The interactive task with a model as customer, through the real harness and against a stand-in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import ConfigError
from csc_tasks.roleplay.scripted_supporters import SupporterKind
from tests.chat_server import Reply
from tests.customer_server import CustomerServer
from tests.role_plays import supporter_lm
from tests.running import evaluate, scores

TASK = "csconv_mini_roleplay"


@pytest.fixture
def server() -> Iterator[CustomerServer]:
    with CustomerServer() as running:
        yield running


def run(server: CustomerServer, folder: Path) -> dict[str, Any]:
    path = folder / "customer.yaml"
    path.write_text(
        f"model: m\nbase_url: {server.url}\nretries: 0\ncache: {folder / 'c.sqlite'}\n"
        "extra_body: {api_key: hunter2hunter2}\n",
        encoding="utf-8",
    )
    return evaluate(supporter_lm(SupporterKind.GOOD), [TASK], {"csconv_customer": str(path)})


def test_a_model_plays_the_customers_of_a_run_and_a_second_run_asks_it_nothing(
    server: CustomerServer, tmp_path: Path
) -> None:
    results = run(server, tmp_path)
    found = scores(results, TASK)
    assert (found["resolved"], found["customer_coverage"]) == (1.0, 1.0)
    signature = results["configs"][TASK]["metadata"]["csconv_signature"]
    assert (signature["customer"]["kind"], signature["customer"]["model"]) == ("model", "m")
    assert "|customer:model:m@" in signature["line"]
    assert "hunter2" not in json.dumps(results, default=str)
    assert max(server.paid.values()) == 1
    asked = len(server.requests)
    again = run(server, tmp_path)
    assert len(server.requests) == asked
    assert scores(again, TASK) == found


def test_a_customer_that_cannot_be_had_stops_a_run_before_it_begins(
    server: CustomerServer, tmp_path: Path
) -> None:
    server.behave = lambda *_: Reply(status=404)
    with pytest.raises(ConfigError, match="cannot play customers"):
        run(server, tmp_path)
    assert len(server.requests) == 1
