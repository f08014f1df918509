"""Runs against a server of roles: nothing is paid twice, nothing vanishes, and what stops a run is said."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[synthesis]")

from csc_tasks.synthesis.playing.roleplay import ROLES
from csc_tasks.synthesis.steps import Role
from tests.chat_server import Reply
from tests.door import Done, csconv
from tests.role_server import GOAL, RoleServer, role_of
from tests.synthesis.faults import FaultyServer
from tests.synthesis.plays import configured, conversations, lines_of


@pytest.fixture
def server() -> Iterator[RoleServer]:
    with RoleServer() as running:
        yield running


def roleplay(folder: Path, server: RoleServer, *more: object, n: int = 6, **fields: Any) -> Done:
    config = configured(folder, server, **fields)
    options = ("--out", folder / "out", "--config", config, "--n", n, *more)
    return csconv("synthesize", "roleplay", *map(str, options))


def test_every_answer_is_kept_and_none_is_asked_for_twice(tmp_path: Path, server: RoleServer) -> None:
    assert roleplay(tmp_path, server).code == 0
    asked = len(server.requests)
    assert max(Counter(map(json.dumps, server.requests)).values()) == 1
    answers = [line for line in lines_of(tmp_path / "out") if "case" in line]
    assert len(answers) == asked
    assert all(line["usable"] for line in answers)
    assert len(conversations(tmp_path / "out")) == 6
    assert roleplay(tmp_path, server).code == 0
    assert len(server.requests) == asked, "what is there is not asked for again"


def test_more_conversations_are_added_to_those_that_are_there(tmp_path: Path, server: RoleServer) -> None:
    assert roleplay(tmp_path, server, n=3).code == 0
    before = conversations(tmp_path / "out")
    assert roleplay(tmp_path, server, n=6).code == 0
    after = conversations(tmp_path / "out")
    assert len(after) == 6
    assert {case: after[case] for case in before} == before


def test_no_request_to_the_supporter_or_the_customer_has_the_goal(tmp_path: Path) -> None:
    with FaultyServer(("leaks",), share=0.4) as server:
        assert roleplay(tmp_path, server).code == 0
        told = Counter(role_of(r) for r in server.requests if GOAL in json.dumps(r, ensure_ascii=False))
        assert set(told) == {Role.CUSTOMER_ASSISTANT}


@pytest.mark.slow
def test_faults_of_all_kinds_end_in_a_conversation_or_a_reason(tmp_path: Path) -> None:
    with FaultyServer() as server:
        assert roleplay(tmp_path, server, n=20).code == 0
    over = conversations(tmp_path / "out")
    assert len(over) == 20
    assert all(bool(dropped) is not bool(made) for dropped, made in over.values())
    kept = Counter((line["case"], line["step"]) for line in lines_of(tmp_path / "out") if line.get("usable"))
    assert set(kept.values()) == {1}


@pytest.mark.slow
def test_the_order_in_which_answers_come_changes_no_conversation(tmp_path: Path) -> None:
    found = []
    for number, at_once in enumerate((1, 16)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with FaultyServer() as server:
            assert roleplay(folder, server, n=4, concurrency=at_once).code == 0
        found.append(conversations(folder / "out"))
    assert found[0] == found[1]


def test_a_question_is_put_again_with_another_seed_until_the_attempts_are_used_up(tmp_path: Path) -> None:
    def fails(_: str, __: int, request: dict[str, Any]) -> Reply | None:
        customer = role_of(request) is Role.CUSTOMER
        return Reply("不想说") if customer and "：重" not in request["messages"][1]["content"] else None

    with RoleServer(fails) as server:
        done = roleplay(tmp_path, server, n=1, attempts=3)
    assert done.code == 0
    (over,) = conversations(tmp_path / "out").values()
    assert over == ("customer: no JSON object", None)
    seeds = [r["seed"] for r in server.requests if role_of(r) is Role.CUSTOMER]
    assert [seed - seeds[0] for seed in seeds] == [0, 1, 2]


def test_a_server_that_is_gone_stops_the_run_and_the_same_command_goes_on(tmp_path: Path) -> None:
    def gone(_: str, __: int, ___: dict[str, Any]) -> Reply | None:
        return Reply(status=503) if len(server.requests) > 100 else None

    with RoleServer(gone) as server:
        done = roleplay(tmp_path, server, n=12, retries=1)
        assert done.code == 1
        assert "requests failed (HTTP 503" in done.err
        assert "run the same command again" in done.err
        paid = server.paid.copy()
        server.behave = lambda *_: None
        assert roleplay(tmp_path, server, n=12, retries=1).code == 0
        assert len(conversations(tmp_path / "out")) == 12
        assert all(server.paid[question] == times for question, times in paid.items())


def test_a_wrong_key_stops_at_once_and_says_which_role(tmp_path: Path) -> None:
    with RoleServer(lambda *_: Reply(status=401)) as server:
        done = roleplay(tmp_path, server)
    assert done.code == 1
    assert "planner: HTTP 401" in done.err


def test_models_whose_answers_cannot_be_used_are_left_alone_after_twenty(tmp_path: Path) -> None:
    with RoleServer(lambda *_: Reply("我不会输出 JSON")) as server:
        done = roleplay(tmp_path, server, n=100, concurrency=64, attempts=2)
        assert done.code == 4
        assert "none of its first 20 answers can be used (20 × no JSON object)" in done.err
        assert "我不会输出 JSON" in done.err
        assert len(server.requests) == 20


def test_a_budget_is_not_exceeded_and_the_same_command_goes_on(tmp_path: Path, server: RoleServer) -> None:
    prices = {"input_price": 1000.0, "output_price": 1000.0, "max_tokens": 100}
    server.usage = {"prompt_tokens": 300, "completion_tokens": 40}
    done = roleplay(tmp_path, server, "--budget", "30", n=4, **prices)
    assert done.code == 3
    assert "the budget is used up" in done.err
    spent = sum(line["cost"] for line in lines_of(tmp_path / "out") if "case" in line)
    assert 15 < spent <= 30
    asked = len(server.requests)
    assert roleplay(tmp_path, server, n=4, **prices).code == 0
    assert max(Counter(map(json.dumps, server.requests)).values()) == 1
    assert len(server.requests) > asked


def test_a_budget_needs_prices_of_every_role(tmp_path: Path, server: RoleServer) -> None:
    prices = {"input_price": 1.0, "output_price": 1.0}
    free = {"customer": {"model": "other", "input_price": None}}
    done = roleplay(tmp_path, server, "--budget", "1", **prices, roles=free)
    assert done.code == 1
    assert "input_price and output_price in synthesis.yaml" in done.err
    assert not server.requests


def test_each_role_may_have_a_model_of_its_own(tmp_path: Path, server: RoleServer) -> None:
    roles = {"planner": {"model": "big"}, "customer": {"model": "small", "temperature": 1.2}}
    assert roleplay(tmp_path, server, n=1, roles=roles).code == 0
    asked = {role_of(r): (r["model"], r["temperature"]) for r in server.requests}
    assert asked == {
        **dict.fromkeys(ROLES, ("m", 0.8)),
        Role.PLANNER: ("big", 0.8),
        Role.CUSTOMER: ("small", 1.2),
        Role.CRITIC: ("m", 0.0),
    }


@pytest.mark.parametrize(
    ("fields", "differs"),
    [({"model": "another"}, "models.critic.model"), ({"temperature": 0.1}, "models.critic.temperature")],
)
def test_a_folder_goes_on_only_as_it_began(
    tmp_path: Path, server: RoleServer, fields: dict[str, Any], differs: str
) -> None:
    assert roleplay(tmp_path, server, n=2).code == 0
    asked = len(server.requests)
    done = roleplay(tmp_path, server, n=3, **fields)
    assert done.code == 1
    assert differs in done.err
    assert "merge" in done.err
    assert len(server.requests) == asked


def test_a_server_that_moved_and_another_speed_change_nothing_that_was_made(tmp_path: Path) -> None:
    with RoleServer() as first:
        assert roleplay(tmp_path, first, n=2).code == 0
    with RoleServer() as second:
        assert roleplay(tmp_path, second, n=3, concurrency=2, timeout=50).code == 0
        assert len(conversations(tmp_path / "out")) == 3


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path, server: RoleServer) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.docx").write_text("…")
    done = roleplay(tmp_path, server)
    assert done.code == 1
    assert "holds thesis.docx and no journals of csconv" in done.err


def test_a_line_that_was_cut_off_costs_its_answer_alone(tmp_path: Path, server: RoleServer) -> None:
    assert roleplay(tmp_path, server, n=1).code == 0
    whole = conversations(tmp_path / "out")
    asked = len(server.requests)
    journal = tmp_path / "out" / "journals" / "main.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:10]) + lines[10][:40])
    assert roleplay(tmp_path, server, n=1).code == 0
    assert conversations(tmp_path / "out") == whole
    assert len(server.requests) == 2 * asked - 9  # the first ten lines have the run's head and nine answers


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"roles": {"boss": {}}}, "no such role 'boss'"),
        ({"roles": {"critic": {"modell": "x"}}}, "'modell' is no field of a role"),
        ({"roles": {"critic": {"currency": "CNY"}}}, "'currency' is no field of a role"),
        ({"roles": {"critic": {"temperature": 9}}}, "critic: "),
        ({"roles": ["critic"]}, "must be roles with fields"),
        ({"attempts": 0}, "attempts: "),
    ],
)
def test_what_is_wrong_in_the_configuration_is_named(
    tmp_path: Path, server: RoleServer, fields: dict[str, Any], said: str
) -> None:
    done = roleplay(tmp_path, server, **fields)
    assert done.code == 1
    assert said in done.err
    assert not server.requests


def test_a_request_that_a_stop_cut_short_uses_up_no_attempt(tmp_path: Path) -> None:
    for reply in (Reply(status=503), Reply(body=b"<html>")):
        with RoleServer(lambda *_, reply=reply: reply) as server:
            for _ in range(3):
                assert roleplay(tmp_path, server, n=30, retries=3, concurrency=8).code == 1
        assert not [line for line in lines_of(tmp_path / "out") if "run" not in line]


@pytest.mark.parametrize("how", ["removed", "moved"])
def test_a_folder_that_goes_while_it_is_written_to_stops_the_run_and_loses_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def goes(_: str, __: int, ___: dict[str, Any]) -> Reply | None:
        if len(server.requests) == 150 and how == "removed":
            shutil.rmtree(out)
        elif len(server.requests) == 150:
            out.rename(tmp_path / "elsewhere")
        return None

    with RoleServer(goes) as server:
        done = roleplay(tmp_path, server, n=20)
        assert done.code == 1
        assert "it was moved or removed while answers were written to it" in done.err
        assert not out.exists()
        assert len(server.requests) < 200
        (rescued,) = tmp_path.glob("csconv_synthesis_*.jsonl")
        if how == "moved":
            (tmp_path / "elsewhere").rename(out)
        (out / "journals").mkdir(parents=True, exist_ok=True)
        rescued.rename(out / "journals" / rescued.name)
        assert roleplay(tmp_path, server, n=20).code == 0
        assert set(server.paid.values()) == {1}
    assert len(conversations(out)) == 20


def test_a_journal_whose_first_line_was_cut_off_says_again_what_the_run_is(
    tmp_path: Path, server: RoleServer
) -> None:
    journal = tmp_path / "out" / "journals" / "main.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text('{"format": 1, "run": {"kind": "rolep')
    assert roleplay(tmp_path, server, n=1).code == 0
    done = roleplay(tmp_path, server, n=2, model="another")
    assert done.code == 1
    assert "models.critic.model" in done.err


def test_a_journal_of_another_run_beside_ones_own_is_named(tmp_path: Path, server: RoleServer) -> None:
    (tmp_path / "other").mkdir()
    assert roleplay(tmp_path, server, n=1).code == 0
    assert roleplay(tmp_path / "other", server, n=1, model="another").code == 0
    journals = tmp_path / "out" / "journals"
    shutil.copy(tmp_path / "other" / "out" / "journals" / "main.jsonl", journals / "other.jsonl")
    done = roleplay(tmp_path, server, n=2)
    assert done.code == 1
    assert "other.jsonl: of a run with another models.critic.model" in done.err


def test_a_pipe_among_the_journals_is_an_error_and_not_waited_for(tmp_path: Path, server: RoleServer) -> None:
    (tmp_path / "out" / "journals").mkdir(parents=True)
    os.mkfifo(tmp_path / "out" / "journals" / "main.jsonl")
    done = roleplay(tmp_path, server)
    assert done.code == 1
    assert "main.jsonl: cannot be read" in done.err


def test_a_cost_that_leaves_out_a_role_is_none(tmp_path: Path, server: RoleServer) -> None:
    priced = {"planner": {"input_price": 100.0, "output_price": 100.0}}
    done = roleplay(tmp_path, server, n=1, roles=priced)
    assert done.code == 0
    assert "what it cost is not known: supporter_assistant, supporter, customer_assistant, " in done.out
    assert json.loads((tmp_path / "out" / "info.json").read_text("utf-8"))["run"]["cost"] == {}
    assert "| Cost | not known |" in (tmp_path / "out" / "README.md").read_text("utf-8")
    free = {"input_price": 0.0, "output_price": 0.0}
    assert roleplay(tmp_path, server, n=1, **free, roles=priced).code == 0
    assert json.loads((tmp_path / "out" / "info.json").read_text("utf-8"))["run"]["cost"]["USD"] > 0


def test_fewer_cases_than_are_asked_for_are_said_to_be_fewer(tmp_path: Path, server: RoleServer) -> None:
    profiles = tmp_path / "profiles.jsonl"
    profiles.write_text(
        json.dumps({"text": "你四十岁，在镇上开一家面馆，说话直。"}, ensure_ascii=False) + "\n"
    )
    for more in (("--dry-run",), ()):
        done = roleplay(tmp_path, server, "--profiles", profiles, *more, n=8)
        assert done.code == 0, done.err
        assert "8 are asked for and there are 7 cases" in done.out


@pytest.mark.slow
def test_what_is_not_made_because_the_shares_are_met_is_not_promised(
    tmp_path: Path, server: RoleServer
) -> None:
    for _ in range(2):
        done = roleplay(tmp_path, server, "--balance", "0.3", n=60)
        assert done.code == 0, done.err
        assert "cases are not over and not needed: the shares are met (--balance)" in done.out
        assert "the same command" not in done.out


def test_a_key_that_somebody_put_into_extra_body_stands_in_no_file(
    tmp_path: Path, server: RoleServer
) -> None:
    body = {"api_key": "sk-canary-0123456789", "options": [{"auth_token": "canary-too"}], "top_k": 3}
    done = roleplay(tmp_path, server, n=1, extra_body=body)
    assert done.code == 0, done.err
    assert server.requests[0]["api_key"] == body["api_key"], "it is sent"
    assert server.requests[0]["top_k"] == 3
    written = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert len(written) > 5
    assert not [p for p in written if b"canary" in p.read_bytes()]
    assert "canary" not in done.output
    assert roleplay(tmp_path, server, n=1, extra_body={**body, "top_k": 4}).code == 1


def test_attempts_are_counted_over_all_runs(tmp_path: Path) -> None:
    def behave(_: str, __: int, request: dict[str, Any]) -> Reply | None:
        if role_of(request) is not Role.CUSTOMER:
            return None
        asked = sum(role_of(r) is Role.CUSTOMER for r in server.requests)
        return Reply(status=401) if asked == 3 else Reply("不想说")

    with RoleServer(behave) as server:
        assert roleplay(tmp_path, server, n=1, attempts=3).code == 1
        assert roleplay(tmp_path, server, n=1, attempts=3).code == 0
        assert sum(role_of(r) is Role.CUSTOMER for r in server.requests) == 4
    (over,) = (line["ended"] for line in lines_of(tmp_path / "out") if "ended" in line)
    assert (over["dropped"], over["provenance"]["not_usable"]) == ("customer: no JSON object", 3)


def test_what_the_server_never_takes_is_dropped_and_the_others_go_on(tmp_path: Path) -> None:
    def behave(_: str, __: int, request: dict[str, Any]) -> Reply | None:
        refused = role_of(request) is Role.CUSTOMER and "（第0位）" in json.dumps(request, ensure_ascii=False)
        return Reply(status=400) if refused else None

    profiles = tmp_path / "profiles.jsonl"
    texts = (f"你开一家面馆，说话直。（第{i}位）" for i in range(3))
    profiles.write_text("".join(json.dumps({"text": t}, ensure_ascii=False) + "\n" for t in texts), "utf-8")
    with RoleServer(behave) as server:
        assert roleplay(tmp_path, server, "--profiles", profiles, n=3, retries=2).code == 0
    dropped = [why for why, _ in conversations(tmp_path / "out").values()]
    assert dropped[0] == "customer: HTTP 400"
    assert dropped[1:] == ["", ""]
