"""Answers of a customer's model: asked for once, kept at once, and none lost when the server or the user goes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import ConfigError
from csc_tasks.roleplay.model_customer.simulator import ModelSimulator
from csc_tasks.roleplay.transcript import CustomerFault, End
from tests.chat_server import Reply
from tests.customer_server import CustomerServer
from tests.roleplay.model_customer.plays import answered, case_of, good, said, simulator, turns_of


@pytest.fixture
def server() -> Iterator[CustomerServer]:
    with CustomerServer() as running:
        yield running


def talk(player: ModelSimulator, trial: int = 0) -> list[str]:
    return [turn.text for turn in turns_of(good(player, trial))]


def test_the_same_seeds_give_the_same_conversations_and_others_do_not(
    server: CustomerServer, tmp_path: Path
) -> None:
    texts = []
    for folder, trial in (("a", 0), ("b", 0), ("c", 1)):
        player = simulator(server, tmp_path / folder)
        texts.append(talk(player, trial))
        player.close()
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_a_repeated_run_asks_for_nothing_even_where_there_is_no_server_any_more(
    server: CustomerServer, tmp_path: Path
) -> None:
    player = simulator(server, tmp_path)
    player.prepare()
    before = talk(player)
    player.close()
    asked = len(server.requests)
    server.die()
    again = simulator(server, tmp_path)
    again.prepare()
    assert talk(again) == before
    again.close()
    assert len(server.requests) == asked


def test_a_server_that_dies_in_the_middle_costs_nothing_that_was_answered(
    server: CustomerServer, tmp_path: Path
) -> None:
    whole = simulator(server, tmp_path / "whole")
    expected = talk(whole)
    whole.close()
    server.requests.clear()
    server.asked.clear()
    server.paid.clear()
    server.behave = lambda *_: Reply(fate="reset") if len(server.requests) > 7 else None
    player = simulator(server, tmp_path)
    played = good(player)
    player.close()
    assert (played.end, turns_of(played)[-1].fault) == (End.FAULT, CustomerFault.OWN_ERROR)
    server.behave = lambda *_: None
    resumed = simulator(server, tmp_path)
    assert talk(resumed) == expected
    resumed.close()
    assert set(server.paid.values()) == {1}


def test_unusable_answers_are_kept_like_others(server: CustomerServer, tmp_path: Path) -> None:
    server.behave = lambda *_: answered(text="客服：您好", asked=1)
    for _ in range(2):
        player = simulator(server, tmp_path)
        turn = [player.customer(case_of()).answer(each) for each in said("您好。")][-1]
        customer = player.customer(case_of())
        turn = [customer.answer(each) for each in said("您好。", "嗯。")][-1]
        player.close()
        assert turn.fault is CustomerFault.UNREADABLE
    assert len(server.requests) == 3


def test_another_seed_model_or_prompt_is_another_question(server: CustomerServer, tmp_path: Path) -> None:
    counts = []
    for more in ({}, {"model": "n"}, {"temperature": 0.1}, {"seed": 3}, {"attempts": 5}, {"timeout": 9.0}):
        player = simulator(server, tmp_path, **more)
        good(player)
        player.close()
        counts.append(len(server.requests))
    steps = [b - a for a, b in zip([0, *counts], counts, strict=False)]
    assert all(steps[:4])
    assert not any(steps[4:])


def test_many_threads_play_at_once_and_one_file_holds_two_runs(
    server: CustomerServer, tmp_path: Path
) -> None:
    alone = simulator(server, tmp_path / "alone")
    expected = [talk(alone, trial) for trial in range(8)]
    alone.close()
    server.latency = 0.02
    players = [simulator(server, tmp_path, concurrency=4) for _ in range(2)]
    assert [player.connections for player in players] == [4, 4]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda trial: talk(players[trial % 2], trial), range(8)))
    for player in players:
        player.close()
    assert found == expected
    assert 2 < server.most_at_once <= 8


@pytest.mark.parametrize("trial", range(2))
def test_a_wrong_key_is_noticed_once_and_nothing_more_is_asked(
    trial: int, server: CustomerServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.behave = lambda *_: Reply(status=401)
    player = simulator(server, tmp_path)
    with caplog.at_level(logging.WARNING):
        ends = [good(player, n).end for n in range(4)]
    player.close()
    assert ends == [End.FAULT] * 4
    assert len(server.requests) == 1
    assert len([r for r in caplog.records if "asked nothing more" in r.message]) == 1
    assert "api_key_env" in caplog.text


def test_a_server_that_goes_on_failing_is_left_alone(
    server: CustomerServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.behave = lambda *_: Reply(status=500)
    player = simulator(server, tmp_path, concurrency=2)
    ends = {good(player, trial).end for trial in range(30)}
    player.close()
    assert ends == {End.FAULT}
    assert len(server.requests) == 10
    assert "run the same command again" in caplog.text


def test_a_budget_is_kept_and_what_it_bought_too(
    server: CustomerServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    prices: dict[str, Any] = {"input_price": 1000.0, "output_price": 1000.0, "max_tokens": 100}
    player = simulator(server, tmp_path, budget=6.0, **prices)
    ends = [good(player, trial).end for trial in range(3)]
    assert 0 < player.line.cost <= 6.0
    player.close()
    assert ends == [End.FAULT] * 3
    assert "the budget of 6 USD is spent" in caplog.text
    asked = len(server.requests)
    again = simulator(server, tmp_path, budget=6.0, **prices)
    good(again)
    again.close()
    assert max(server.paid.values()) == 1
    assert len(server.requests) > asked


def test_whoever_waits_is_let_go_when_the_run_ends(server: CustomerServer, tmp_path: Path) -> None:
    begun = threading.Event()

    def behave(*_: Any) -> Reply:
        begun.set()
        return Reply(fate="hang")

    server.behave = behave
    player = simulator(server, tmp_path, timeout=60.0)
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(good, player, trial) for trial in range(3)]
        assert begun.wait(5)
        player.close()
        assert [future.result(5).end for future in waiting] == [End.FAULT] * 3
    assert good(player).end is End.FAULT
    player.close()


CURES = [
    (Reply("我不是对象"), "json_schema: on"),
    (Reply(status=401), "api_key_env"),
    (Reply(status=404), "check model and base_url"),
    (Reply(status=500), "HTTP 500"),
    (Reply(""), "max_tokens"),
]


@pytest.mark.parametrize(("reply", "cure"), CURES, ids=[cure for _, cure in CURES])
def test_before_a_run_it_is_known_whether_customers_can_be_had(
    reply: Reply, cure: str, server: CustomerServer, tmp_path: Path
) -> None:
    server.behave = lambda *_: reply
    player = simulator(server, tmp_path)
    with pytest.raises(ConfigError, match="cannot play customers") as error:
        player.prepare()
    player.close()
    assert cure in str(error.value)
    assert "customer.yaml" in str(error.value)


def test_a_file_of_another_kind_is_no_cache_and_is_left_as_it_is(
    server: CustomerServer, tmp_path: Path
) -> None:
    (tmp_path / "answers.sqlite").write_bytes(b"not a database, " * 100)
    player = simulator(server, tmp_path)
    with pytest.raises(ConfigError, match="not a sound SQLite file"):
        player.prepare()
    player.close()
    assert (tmp_path / "answers.sqlite").read_bytes().startswith(b"not a database")
    assert server.requests == []
