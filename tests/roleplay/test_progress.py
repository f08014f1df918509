"""How far a case has come: how long a demand waits, what counts without an identity, which figures are known."""

from __future__ import annotations

import json
from typing import Any

import pytest

from csc_tasks.framework import Strategy
from csc_tasks.roleplay.card_sets import shipped_card_set
from csc_tasks.roleplay.cards import CaseCard
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.progress import CaseProgress, Move, takes_leave
from csc_tasks.roleplay.scripted_customer import ScriptedCustomer
from csc_tasks.roleplay.transcript import CustomerTurn, End, SupporterTurn

BUS = next(card for card in shipped_card_set().cards if card.id == "lost-bag-bus")
NEUTRAL = "我正在看您的情况。"


def said(text: str, strategy: Strategy = Strategy.OTHERS) -> SupporterTurn:
    return SupporterTurn(text, strategy)


def after_the_demand(*utterances: str) -> tuple[CaseProgress, Move]:
    progress = CaseProgress(CaseInPlay(BUS, "x"))
    progress.supporter(said("您好。"))
    progress.customer(CustomerTurn("能不能给我送到家来？", demanded=True))
    moves = []
    for text in utterances:
        moves.append(progress.supporter(said(text)))
        progress.customer(CustomerTurn("嗯。"))
    return progress, moves[-1]


@pytest.mark.parametrize(
    ("utterances", "granted", "refused"),
    [
        (("没问题，马上给您办。",), True, False),
        (("可以的，按规定给您照办。",), True, False),
        (("没问题，马上给您办，不建议您自己跑。",), True, False),
        (("没问题，请您提供订单号。",), False, False),
        ((NEUTRAL, "没问题，马上给您办。"), False, False),
        (("很抱歉，这个我们做不到。",), False, True),
        ((NEUTRAL, NEUTRAL, "很抱歉，这个我们做不到。"), False, True),
        ((NEUTRAL, NEUTRAL, NEUTRAL, "很抱歉，这个我们做不到。"), False, False),
        ((NEUTRAL, NEUTRAL, NEUTRAL, "很抱歉，不能给您送到家。"), False, True),
        (("您必须先说清楚，请您不要着急。",), False, False),
    ],
)
def test_a_demand_waits_for_an_answer(utterances: tuple[str, ...], granted: bool, refused: bool) -> None:
    progress, move = after_the_demand(*utterances)
    assert (move.granted, move.refused) == (granted, refused)
    assert progress.demand_open is not (granted or refused)


def test_the_scripted_customer_asks_again_for_what_was_passed_over() -> None:
    case = CaseInPlay(BUS, "x")
    customer = ScriptedCustomer(case)
    heard = customer.answer(said("您好。"))
    for fact in case.needed:
        heard = customer.answer(said(case.write(fact.asks, "asks")))
    assert heard.demanded
    customer.answer(said("您别着急。"))  # which calms, once
    assert customer.answer(said(NEUTRAL)).demanded
    assert customer.answer(said("感谢您的来电，再见。")).end is End.NONE


def test_who_takes_leave_asks_nothing() -> None:
    closure = Strategy.APPRECIATION_AND_CLOSURE
    assert takes_leave(said("感谢您的来电，再见。"))
    assert takes_leave(said("就这样。", closure))
    assert not takes_leave(said("感谢您的来电，请问您坐的是几号线？", closure))


def changed(**fields: Any) -> CaseCard:
    record = json.loads(BUS.model_dump_json(exclude_defaults=True))
    record["steps"][0].update(fields)
    return CaseCard.model_validate(record)


def test_a_step_is_not_done_with_words_that_it_is_not_to_have() -> None:
    done_by = [["城西总站"]]
    case = CaseInPlay(changed(done_by=done_by, not_with=["随便谁"]), "x")
    step = case.card.steps[0]
    assert case.does(step, "在城西总站领取。")
    assert not case.does(step, "在城西总站领取，随便谁去都行。")
    assert case.does(step, "在城西总站领取，不是随便谁都行。")


def test_only_steps_of_what_is_private_wait_for_the_identity() -> None:
    for card in shipped_card_set().cards:
        case = CaseInPlay(card, "x")
        assert case.has_private or not case.private_steps
    case = CaseInPlay(next(c for c in shipped_card_set().cards if c.id == "car-loan-balloon"), "x")
    assert case.private_steps != frozenset(range(len(case.card.steps)))


def test_a_figure_that_was_worked_out_is_known() -> None:
    progress = CaseProgress(CaseInPlay(BUS, "x"))
    progress.supporter(said("您好。"))
    progress.customer(CustomerTurn("一共7001元，付了2003元。"))
    assert not progress.supporter(said("还剩4998元。")).figures
    assert progress.supporter(said("赔您999999999999,999,999,999,999元，或者38417元。")).figures >= {
        "38417元"
    }
    assert not progress.supporter(said("4998元加2003元，再加4998元，共11999元。")).figures
