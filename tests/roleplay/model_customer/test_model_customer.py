"""What a model customer says, when it ends, and what its faults are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.roleplay.model_customer.information import CustomerRole
from csc_tasks.roleplay.progress import CaseProgress
from csc_tasks.roleplay.scripted_supporters import SupporterKind
from csc_tasks.roleplay.transcript import CustomerFault, CustomerTurn, End
from tests.chat_server import Behaviour, Reply
from tests.customer_server import CustomerServer, customer_role_of
from tests.roleplay.model_customer.plays import answered, case_of, good, said, simulator, turns_of

CASE = case_of()
HELLO = "您好，请问您遇到了什么事？"
LINE = "请问您坐的是几号线的机场巴士？"
NOTHING: dict[str, Any] = {"asked": [], "direction": "接着问", "mood": 3, "demand": False, "end": "none"}


def heard(folder: Path, behave: Behaviour, *texts: str, **more: Any) -> list[CustomerTurn]:
    """What the customer says to these utterances."""
    with CustomerServer(behave) as server:
        player = simulator(server, folder, **more)
        customer = player.customer(case_of())
        turns = [customer.answer(turn) for turn in said(*texts)]
        player.close()
    return turns


def directing(**fields: Any) -> Behaviour:
    """A director that always answers so."""
    return lambda _, __, request: (
        answered(**{**NOTHING, **fields}) if customer_role_of(request) is CustomerRole.DIRECTOR else None
    )


def speaking(*texts: str | Reply) -> Behaviour:
    """A customer that says these things, one after the other, the last one for ever."""
    left = list(texts)

    def behave(_: str, __: int, request: dict[str, Any]) -> Reply | None:
        if customer_role_of(request) is CustomerRole.DIRECTOR:
            return None
        text = left.pop(0) if len(left) > 1 else left[0]
        return text if isinstance(text, Reply) else answered(text=text)

    return behave


def test_four_supporters_come_out_in_order(tmp_path: Path) -> None:
    order = [SupporterKind.GOOD, SupporterKind.POLITE, SupporterKind.RUDE, SupporterKind.PROMISER]
    with CustomerServer() as server:
        player = simulator(server, tmp_path)
        found = []
        for kind in order:
            played = good(player, kind=kind)
            progress, last = played.progress(), played.last
            assert last is not None
            assert last.fault is None
            found.append((progress.resolved, not progress.broken, last.mood))
        reader = good(player, kind=SupporterKind.READER)
        player.close()
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 4
    assert not reader.progress().resolved


def test_the_first_words_are_the_cards_and_no_model_is_asked(tmp_path: Path) -> None:
    case = case_of()
    with CustomerServer() as server:
        player = simulator(server, tmp_path)
        plain = player.customer(case).answer(said(HELLO)[0])
        asked = player.customer(case).answer(said("请问您的姓名是什么？您坐的是几号线？")[0])
        player.close()
    assert (plain.text, plain.told, plain.identified) == (case.opening, (), False)
    assert asked.text.startswith(case.identity + case.opening)
    assert (asked.told, asked.identified) == (("坐的哪条线",), True)
    assert server.requests == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("{tells}", True),
        ("嗯，就是从机场到城西的，{line}。", True),
        ("这个我不太记得了，你们查一下吧。", False),
    ],
)
def test_what_was_asked_counts_as_told_where_the_answer_is_in_the_text(
    answer: str, told: bool, tmp_path: Path
) -> None:
    case = case_of()
    text = answer.format(tells=case.tells(case.card.facts[0]), line=case.values["线路"])
    turn = heard(tmp_path, speaking(text), HELLO, LINE)[-1]
    assert turn.text == text
    assert turn.told == (("坐的哪条线",) if told else ())


def test_a_fact_that_only_the_director_sees_asked_for_is_told(tmp_path: Path) -> None:
    turn = heard(tmp_path, directing(asked=["袋子的样子", "没有的事"]), HELLO, "它看上去是啥模样？")[-1]
    assert turn.told == ("袋子的样子",)
    assert "猫头鹰" in turn.text
    progress = CaseProgress(case_of())
    progress.supporter(said("它看上去是啥模样？")[0])
    progress.customer(turn)
    assert (progress.told, progress.asked_for) == ({"袋子的样子"}, {"袋子的样子"})


def test_a_director_that_hears_a_question_in_what_asks_nothing_is_not_believed(tmp_path: Path) -> None:
    turn = heard(tmp_path, directing(asked=["袋子的样子"], demand=True), HELLO, "您先别急，我来看看。")[-1]
    assert (turn.told, turn.demanded) == ((), False)
    assert "猫头鹰" not in turn.text


@pytest.mark.parametrize(
    ("text", "identified"), [("我叫[姓名]，电话[手机号码]。", True), ("问这个干嘛？", False)]
)
def test_who_they_are_counts_as_said_where_it_is(text: str, identified: bool, tmp_path: Path) -> None:
    turn = heard(tmp_path, speaking(text), HELLO, "请问您的姓名和手机号是什么？")[-1]
    assert turn.identified is identified


def test_a_demand_that_is_due_is_made_whatever_the_model_says(tmp_path: Path) -> None:
    behave = speaking("嗯，那个。")
    turns = heard(tmp_path, behave, HELLO, "我在听。", "嗯嗯。", "然后呢？", "知道了。")
    assert [turn.demanded for turn in turns] == [False, False, False, True, False]
    assert turns[3].text.startswith("嗯，那个。")
    assert "送" in turns[3].text


END_TABLE: list[tuple[str, dict[str, Any], list[str], list[End]]] = [
    (
        "the turn that only confirms does not end",
        {"end": "resolved"},
        ["好的。", "已经记下了。"],
        [End.NONE, End.RESOLVED],
    ),
    (
        "who is asked whether there is anything else may end",
        {"end": "resolved"},
        ["请问还有别的需要吗？"],
        [End.RESOLVED],
    ),
    (
        "but not before what else was asked is answered",
        {"end": "resolved"},
        [f"还有别的需要吗？{LINE}", "好的。"],
        [End.NONE, End.RESOLVED],
    ),
    ("so may who is taken leave of", {"end": "resolved"}, ["再见。"], [End.RESOLVED]),
    ("a second goodbye ends an open case", {}, ["再见。", "再见。"], [End.NONE, End.GOODBYES]),
    (
        "and one that felt done is done",
        {"end": "resolved"},
        ["好的，祝您愉快。", "再见。"],
        [End.RESOLVED, End.RESOLVED],
    ),
    (
        "nobody gives up before half of the patience is used up",
        {"end": "gave_up"},
        ["嗯。", LINE, "嗯。", "哦。"],
        [End.NONE, End.NONE, End.NONE, End.GAVE_UP],
    ),
    (
        "or is sent away by who asks",
        {"end": "out_of_scope"},
        [LINE, "请找别的部门。"],
        [End.NONE, End.OUT_OF_SCOPE],
    ),
]


@pytest.mark.parametrize(("why", "found", "texts", "ends"), END_TABLE, ids=[row[0] for row in END_TABLE])
def test_when_it_ends(
    why: str, found: dict[str, Any], texts: list[str], ends: list[End], tmp_path: Path
) -> None:
    turns = heard(tmp_path, directing(**found), HELLO, *texts)
    assert [turn.end for turn in turns] == [End.NONE, *ends], why


def test_nobody_is_content_before_the_demand_was_answered(tmp_path: Path) -> None:
    texts = [HELLO, "我在听。", "嗯嗯。", "请问还有别的需要吗？"]
    turn = heard(tmp_path, directing(end="resolved"), *texts)[-1]
    assert (turn.end, turn.demanded) == (End.NONE, True)


def test_what_follows_from_figures_that_were_named_is_not_invented(tmp_path: Path) -> None:
    sums = speaking("那我两样加起来就是777元了？")
    turn = heard(tmp_path, sums, HELLO, "票价是333元，押金是444元。请问您坐的是几号线？")[-1]
    assert (turn.fault, turn.again) == (None, ())


FAULTS = [
    ("", CustomerFault.EMPTY),
    ("   ", CustomerFault.EMPTY),
    ("客服: 您好，请问您坐几号线？", CustomerFault.SWAPPED_ROLE),
    ("好的。客服：已经查到了。客户：谢谢。", CustomerFault.SWAPPED_ROLE),
    ("您好，很高兴为您服务，请问有什么可以帮您？", CustomerFault.SWAPPED_ROLE),
    (LINE, CustomerFault.SWAPPED_ROLE),
    ("你们要赔我8888元。", CustomerFault.INVENTED_FACT),
    (f"喂，{CASE.tells(CASE.card.facts[2])}", CustomerFault.INVENTED_FACT),
    ("作为一个AI，我没有坐过巴士。", CustomerFault.REFUSED),
    ("抱歉，我无法扮演客户。", CustomerFault.REFUSED),
    (Reply("我坐的是三号线"), CustomerFault.UNREADABLE),
    ("把客服刚才问的那件事讲清楚，三号线。", CustomerFault.UNREADABLE),
    ("现在轮到你，请说这一句。", CustomerFault.UNREADABLE),
    ("情境开始，我的袋子丢了。", CustomerFault.UNREADABLE),
    ("嗯，你可以走过来，你可以走过来，你可以走过来，你可以走过来。", CustomerFault.UNREADABLE),
    ("你三十出头，在出版社做校对。", CustomerFault.UNREADABLE),
    ("name", CustomerFault.UNREADABLE),
    (Reply('{"words": "三号线"}'), CustomerFault.UNREADABLE),
    (Reply("", finish="content_filter"), CustomerFault.REFUSED),
]


@pytest.mark.parametrize(("bad", "fault"), FAULTS, ids=[str(n) for n in range(len(FAULTS))])
def test_an_answer_that_no_customer_gives_is_asked_for_again_and_then_given_up(
    bad: str | Reply, fault: CustomerFault, tmp_path: Path
) -> None:
    cured = heard(tmp_path / "a", speaking(bad, bad, "{}", "嗯，你说。"), HELLO, LINE, attempts=4)[-1]
    assert cured.fault is None
    assert cured.again[:2] == (fault, fault)
    lost = heard(tmp_path / "b", speaking(bad), HELLO, LINE, attempts=2)[-1]
    assert (lost.fault, lost.again, lost.text, lost.end) == (fault, (fault,), "", End.FAULT)


DIRECTIONS: list[dict[str, Any]] = [
    {"mood": 9},
    {"mood": "好"},
    {"end": "later"},
    {"demand": "也许"},
    {"direction": ""},
    {"direction": "话" * 300},
    {"direction": "on"},
    {"asked": 3},
    {"direction": case_of().goal},
]


@pytest.mark.parametrize("wrong", DIRECTIONS, ids=str)
def test_a_direction_that_cannot_be_used_never_reaches_the_customer(
    wrong: dict[str, Any], tmp_path: Path
) -> None:
    with CustomerServer(directing(**wrong)) as server:
        player = simulator(server, tmp_path, attempts=2)
        customer = player.customer(case_of())
        turn = [customer.answer(each) for each in said(HELLO, LINE)][-1]
        player.close()
    assert turn.fault in (CustomerFault.UNREADABLE, CustomerFault.EMPTY)
    assert [customer_role_of(request) for request in server.requests] == [CustomerRole.DIRECTOR] * 2


def test_one_answer_in_ten_that_is_wrong_costs_no_conversation(tmp_path: Path) -> None:
    count = 0

    def behave(_: str, __: int, request: dict[str, Any]) -> Reply | None:
        nonlocal count
        count += 1
        return FAULT_REPLIES[count // 10 % len(FAULT_REPLIES)] if count % 10 == 0 else None

    with CustomerServer(behave) as server:
        player = simulator(server, tmp_path)
        played = [good(player, trial) for trial in range(6)]
        player.close()
    assert [each.end for each in played] == [End.RESOLVED] * 6
    assert sum(len(turn.again) for each in played for turn in turns_of(each)) >= 6


FAULT_REPLIES = [
    Reply("没有对象"),
    answered(text="客服：您好"),
    Reply(""),
    Reply(json.dumps({"text": "作为AI", "asked": 1})),
]
