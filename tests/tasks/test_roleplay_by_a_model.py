"""The interactive task with customers that a model plays: a stand-in server on a real socket, the real harness."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import ConfigError
from csc_tasks.roleplay.card_sets import shipped_card_set
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.scripted_supporters import SupporterKind
from tests.chat_server import Reply
from tests.customer_server import CustomerServer
from tests.role_plays import supporter_lm
from tests.running import evaluate, scores

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")
TASK = "csconv_mini_roleplay"
CARDS = shipped_card_set().cards


@pytest.fixture
def server() -> Iterator[CustomerServer]:
    with CustomerServer() as running:
        yield running


def customers(server: CustomerServer, folder: Path, name: str = "answers", **more: Any) -> dict[str, Any]:
    """The options for a model customer whose answers are kept in a folder."""
    fields = {"model": "stand-in", "base_url": server.url, "cache": str(folder / f"{name}.sqlite"), **more}
    path = folder / f"customer-{name}.yaml"
    path.write_text("".join(f"{k}: {json.dumps(v)}\n" for k, v in fields.items()), encoding="utf-8")
    return {"csconv_customer": str(path)}


def turns(results: dict[str, Any]) -> list[Any]:
    return [(s["doc"]["conversation"], s["filtered_resps"]) for s in results["samples"][TASK]]


def test_four_supporters_come_out_in_their_order_with_a_model_customer_too(
    server: CustomerServer, tmp_path: Path
) -> None:
    metadata = customers(server, tmp_path)
    found = {
        kind: scores(evaluate(supporter_lm(kind), [TASK], metadata, limit=12), TASK)
        for kind in (SupporterKind.GOOD, SupporterKind.POLITE, SupporterKind.RUDE, SupporterKind.PROMISER)
    }
    good, polite, rude, promiser = found.values()
    assert good["customer_coverage"] == 1.0
    assert good["resolved"] > 0.7
    assert polite["resolved"] == rude["resolved"] == promiser["resolved"] == 0.0
    assert polite["customer_mood"] > rude["customer_mood"]
    assert polite["promises_broken"] == rude["promises_broken"] == 0.0 < promiser["promises_broken"]


def test_two_runs_are_the_same_role_plays_and_the_second_asks_the_customer_nothing(
    server: CustomerServer, tmp_path: Path
) -> None:
    metadata = customers(server, tmp_path)
    first = evaluate(supporter_lm(SupporterKind.GOOD), [TASK], metadata, limit=4)
    paid = server.paid.total()
    again = evaluate(supporter_lm(SupporterKind.GOOD), [TASK], metadata, limit=4)
    assert turns(again) == turns(first)
    # Two questions find out whether customers can be had; they are kept as well.
    assert server.paid.total() == paid
    signature = first["configs"][TASK]["metadata"]["csconv_signature"]
    assert signature["customer"]["kind"] == "model"
    assert "|customer:model:stand-in@" in signature["line"]


def test_a_customers_server_that_dies_costs_no_answer_of_either_side(
    server: CustomerServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    undisturbed = evaluate(
        supporter_lm(SupporterKind.GOOD), [TASK], customers(server, tmp_path, "undisturbed"), limit=4
    )
    needed, server.paid = server.paid.copy(), type(server.paid)()
    count = 0

    def dies(about: str, before: int, request: dict[str, Any]) -> Reply | None:
        nonlocal count
        count += 1
        return Reply(status=503) if count > 20 else None

    server.behave = dies
    metadata = customers(server, tmp_path, "dying", retries=0)
    first = supporter_lm(SupporterKind.GOOD)
    broken = evaluate(first, [TASK], metadata, limit=4)
    assert scores(broken, TASK)["customer_coverage"] < 1.0
    server.behave = lambda *_: None
    (rescued,) = tmp_path.glob("csconv_rescue_*_rank0.db")
    second = supporter_lm(SupporterKind.GOOD)
    results = evaluate(second, [TASK], metadata, limit=4, use_cache=str(rescued).removesuffix("_rank0.db"))
    assert turns(results) == turns(undisturbed)
    assert {r.args[0] for r in first.requests}.isdisjoint(r.args[0] for r in second.requests)
    assert server.paid == needed, "each answer of the customer was paid for once"


def test_the_goal_is_in_no_prompt_of_the_supporter_and_the_systems_information_in_none_of_the_customer(
    server: CustomerServer, tmp_path: Path
) -> None:
    lm = supporter_lm(SupporterKind.GOOD)
    evaluate(lm, [TASK], customers(server, tmp_path), limit=6)
    supporters = "\n".join(r.args[0] for r in lm.requests)
    sent = "\n".join(m["content"] for request in server.requests for m in request["messages"])
    for card in CARDS[:6]:
        case = CaseInPlay(card, CaseInPlay.key_of(card, 0))
        assert case.goal not in supporters
        assert all(line not in sent for line in case.system_information if len(line) > 30)


def test_a_customer_that_cannot_be_had_stops_a_run_before_the_supporter_is_asked(
    server: CustomerServer, tmp_path: Path
) -> None:
    server.behave = lambda *_: Reply(status=404)
    lm = supporter_lm(SupporterKind.GOOD)
    with pytest.raises(
        ConfigError, match=r"customer-answers\.yaml: stand-in cannot play customers: .*check model"
    ):
        evaluate(lm, [TASK], customers(server, tmp_path))
    assert (lm.requests, len(server.requests)) == ([], 1)


def test_a_task_can_be_evaluated_again_as_training_loops_do(server: CustomerServer, tmp_path: Path) -> None:
    from lm_eval import evaluator
    from lm_eval.tasks import get_task_dict

    from tests.running import manager

    tasks = get_task_dict([TASK], manager(**customers(server, tmp_path)))
    found = []
    for limit in (2, 4):  # the second asks its customers for more than the first has kept
        results = evaluator.evaluate(supporter_lm(SupporterKind.GOOD), tasks, limit=limit, bootstrap_iters=0)
        found.append(scores(results, TASK))
    assert found[0]["customer_coverage"] == found[1]["customer_coverage"] == 1.0
