"""Supporters who say everything at once, read the system out or agree to all of it resolve next to nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from csc_tasks.framework import Strategy
from csc_tasks.roleplay.card_sets import shipped_card_set
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.playing import Played, play
from csc_tasks.roleplay.scripted_customer import ScriptedCustomer
from csc_tasks.roleplay.transcript import CustomerTurn, SupporterTurn

CARDS = shipped_card_set().cards
REFUSAL = "这个我们不能办理，无法做到，很抱歉。"
FLOOD = (
    "请问您的姓名、手机号是多少？请问是什么时候的事，哪天几点，多久了，在哪里，哪个门店，哪条线，什么型号，什么颜色，多少钱，"
    "什么原因，怎么付的，转账了没有，有没有截图，有没有报警，身份证丢过没有，几岁，什么关系，怎么分，有没有遗嘱，身高体重，"
    "什么材质的门，多厚，有没有天地钩，还要几天，哪种单，金额，名目，去新店用过没有，什么提示，什么格式，用手机还是电脑？"
)
FEW = "请问您的姓名和手机号？请问是什么时候，几点，在哪里，多少钱，什么原因，什么方式，多久了，多大，以前有过没有？"


def turned_into_questions(case: CaseInPlay) -> list[str]:
    turned = (line.replace("；", "，还是").replace("。", "，") for line in case.system_information)
    return [f"请问您的情况是{line}吗？" for line in turned]


def all_of_it(case: CaseInPlay) -> str:
    return "；".join(case.system_information)


def words_of_the_steps(case: CaseInPlay) -> str:
    return "，".join(case.fill(word) for s in case.card.steps for words in s.done_by for word in words)


CHEATS: dict[str, Callable[[CaseInPlay], list[str]]] = {
    "asks everything, then reads": lambda case: [FLOOD, *[*case.system_information, REFUSAL] * 4],
    "asks everything, then reads it all": lambda case: [FLOOD, *[all_of_it(case) + REFUSAL] * 9],
    "does everything each turn": lambda case: [FLOOD + all_of_it(case) + REFUSAL] * 9,
    "asks what it reads": lambda case: [
        *turned_into_questions(case),
        *[*case.system_information, REFUSAL] * 4,
    ],
    "asks some, then reads it all": lambda case: [
        FEW,
        *turned_into_questions(case),
        *[all_of_it(case) + REFUSAL] * 9,
    ],
    "knows the card's words": lambda case: [f"请问{words_of_the_steps(case)}？{REFUSAL}"] * 9,
    "agrees": lambda case: (
        ["没问题，马上给您办。", "可以的，按规定给您照办。", "好的，这就给您办，一律免费。"] * 4
    ),
    "refuses": lambda case: [REFUSAL, "实在对不起，这个确实不行。"] * 5,
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_cheat_resolves_at_most_a_twentieth_of_the_cards(cheat: str) -> None:
    resolved = [card.id for card in CARDS if cheated(card.id, CHEATS[cheat]).progress().resolved]
    assert len(resolved) <= len(CARDS) // 20, resolved


def cheated(card: str, said: Callable[[CaseInPlay], list[str]]) -> Played:
    case = CaseInPlay(next(each for each in CARDS if each.id == card), f"{card}/0/0")
    utterances = iter(["您好，请问有什么可以帮您？", *said(case), *["再见。"] * 30])

    def supporter(heard: CustomerTurn | None) -> SupporterTurn:
        return SupporterTurn(next(utterances), Strategy.OTHERS)

    return play(case, supporter, ScriptedCustomer(case))
