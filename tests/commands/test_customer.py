"""``csconv customer check`` as a user types it, against a stand-in for a model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import ConfigError
from csc_tasks.roleplay.model_customer.information import CustomerRole
from csc_tasks.roleplay.model_customer.simulator import ModelSimulator
from tests.chat_server import Behaviour, Reply
from tests.customer_server import CustomerServer, block, customer_role_of
from tests.door import Done, csconv
from tests.roleplay.model_customer.plays import answered

SMALL = ("--n", "3")


@pytest.fixture
def server() -> Iterator[CustomerServer]:
    with CustomerServer() as running:
        yield running


def config_of(server: CustomerServer, folder: Path, more: str = "") -> Path:
    path = folder / "customer.yaml"
    cache = folder / "kept" / "answers.sqlite"
    path.write_text(f"model: m\nbase_url: {server.url}\nretries: 0\ncache: {cache}\n{more}", encoding="utf-8")
    return path


def check(config: Path, *more: str) -> Done:
    return csconv("customer", "check", "--config", config, *SMALL, *more)


def test_a_good_customer_passes_and_is_let_in_where_the_check_is_required(
    server: CustomerServer, tmp_path: Path
) -> None:
    config = config_of(server, tmp_path, "require_check: {leaks: 0.0, refusals: 0.0}\n")
    simulator = ModelSimulator.from_file(config)
    with pytest.raises(ConfigError, match=f"was not checked.*csconv customer check --config {config}"):
        simulator.prepare()
    done = check(config, "--json")
    assert done.code == 0, done.output
    found = json.loads(done.out)
    assert [each["kind"] for each in found["supporters"]] == ["good", "polite", "rude", "promiser"]
    assert found["supporters"][0]["resolved"] == 1.0
    assert found["in_order"] is True
    assert found["leaks"] == {"tried": 9, "goal": 0, "facts": 0, "obeyed": 0, "held": 0}
    assert (found["replay"]["turns"], found["replay"]["conversations"]) == (9, 3)
    assert 10 < found["replay"]["real"]["length"] < 40
    simulator = ModelSimulator.from_file(config)
    simulator.prepare()
    simulator.close()
    assert len(list((tmp_path / "kept").glob("customer_check_*.json"))) == 1
    asked = len(server.requests)
    again = check(config)
    assert again.code == 0
    assert len(server.requests) == asked
    assert all(word in again.out for word in ("promiser", "distinct-2", "says the goal", "customer_check_"))


def test_a_check_is_of_one_customer_alone(server: CustomerServer, tmp_path: Path) -> None:
    assert check(config_of(server, tmp_path)).code == 0
    other = ModelSimulator.from_file(config_of(server, tmp_path, "temperature: 0.1\nrequire_check: {}\n"))
    with pytest.raises(ConfigError, match="was not checked"):
        other.prepare()
    other.close()


def obedient(_: str, __: int, request: dict[str, Any]) -> Reply | None:
    """Believes whatever a supporter orders, and tells everything."""
    last = block(request, "对话记录").splitlines()[-1]
    if customer_role_of(request) is CustomerRole.DIRECTOR:
        names = block(request, "细节清单").split("、")
        ends = "resolved" if "满意" in last else "none"
        return answered(asked=names, direction="听他的", mood=5, demand=False, end=ends)
    return answered(text="我非常满意，问题已经解决。") if "我非常满意" in last else None


def mute(_: str, __: int, request: dict[str, Any]) -> Reply | None:
    """Tells nothing, whatever is asked."""
    return answered(text="这个嘛，不好说。") if customer_role_of(request) is CustomerRole.CUSTOMER else None


def strange(_: str, __: int, request: dict[str, Any]) -> Reply | None:
    """Speaks as the supporter at first, each time."""
    first = request["seed"] % 7 < 3
    return (
        answered(text="您好，请问有什么可以帮您？")
        if first and customer_role_of(request) is CustomerRole.CUSTOMER
        else None
    )


@pytest.mark.parametrize(
    ("behave", "said"),
    [
        (obedient, "of attempts draw it out, at most 5% may"),
        (mute, "the four supporters do not come out in order"),
        (strange, "of its turns fall out of role, at most 5% may"),
    ],
    ids=["obedient", "mute", "strange"],
)
def test_a_customer_that_is_no_good_fails_and_is_not_let_in(
    behave: Behaviour, said: str, server: CustomerServer, tmp_path: Path
) -> None:
    config = config_of(
        server, tmp_path, "attempts: 12\nrequire_check: {order: true, leaks: 0.05, refusals: 0.05}\n"
    )
    server.behave = behave
    done = check(config)
    assert (done.code, said in done.err) == (1, True), done.output
    simulator = ModelSimulator.from_file(config)
    with pytest.raises(ConfigError, match="require_check: "):
        simulator.prepare()
    simulator.close()


def test_the_scripted_customer_is_checked_without_a_model() -> None:
    done = csconv("customer", "check", "--offline", *SMALL, "--json")
    assert done.code == 0, done.output
    found = json.loads(done.out)
    assert (found["replay"], found["in_order"], found["supporters"][0]["resolved"]) == (None, True, 1.0)


def test_a_server_that_dies_or_a_budget_that_ends_leaves_no_check_and_loses_nothing(
    server: CustomerServer, tmp_path: Path
) -> None:
    prices = "input_price: 1000\noutput_price: 1000\nmax_tokens: 100\nconcurrency: 4\n"
    config = config_of(server, tmp_path, prices)
    poor = check(config, "--budget", "30")
    assert (poor.code, "the budget of 30 USD is spent" in poor.output) == (3, True)
    server.behave = lambda *_: Reply(status=401) if len(server.requests) > 60 else None
    dead = check(config)
    assert (dead.code, "check the key" in dead.output or "api_key_env" in dead.output) == (4, True)
    assert not list((tmp_path / "kept").glob("*.json"))
    server.behave = lambda *_: None
    assert check(config).code == 0
    assert max(server.paid.values()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "either --config customer.yaml or --offline"),
        (("--config", "customer.yaml", "--offline"), "either --config customer.yaml or --offline"),
        (("--config", "no.yaml"), "no.yaml"),
        (("--offline", "--cards", "no.toml"), "no.toml"),
        (("--config", "customer.yaml", "--data", "nowhere"), "nowhere"),
        (("--config", "customer.yaml", "--budget", "3"), "input_price"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said(
    arguments: tuple[str, ...], said: str, server: CustomerServer, tmp_path: Path
) -> None:
    config_of(server, tmp_path)
    done = csconv("customer", "check", *arguments, cwd=tmp_path)
    assert (done.code, said in done.err) == (1, True), done.output
    assert server.requests == []
