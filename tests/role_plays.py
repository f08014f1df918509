"""Role-plays through the real harness: models that play a scripted supporter, cards and customers as a test wants."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance

from csc_tasks.roleplay.card_sets import CardSet, shipped_card_set
from csc_tasks.roleplay.dialogue import RolePlayDialogue
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.scripted_customer import ScriptedCustomer
from csc_tasks.roleplay.scripted_supporters import ScriptedSupporter, SupporterKind
from csc_tasks.roleplay.simulators import ScriptedSimulator
from csc_tasks.roleplay.transcript import CustomerFault, CustomerTurn, SupporterTurn
from tests.leaderboards.logs import write_run
from tests.running import FunctionLM

ROLE_PLAY = "csconv_mini_roleplay"
COLUMN = "response/roleplay/resolved"
TOPICS = ("物流", "银行", "电信")


def written(strategy: str, text: str) -> str:
    """A reply in the form that the prompt asks for."""
    return f"[{strategy}] {text}"


def supporter(kind: SupporterKind) -> Callable[[Instance], str]:
    """Answers requests of role-plays as a scripted supporter would, whatever was answered before and by whom."""

    def reply(request: Any) -> str:
        dialogue = request.dialogue
        assert isinstance(dialogue, RolePlayDialogue)
        own, heard = ScriptedSupporter(kind, dialogue.played.case), None
        for _, answered in dialogue.played.turns:
            own.say(heard)
            heard = answered
        turn = own.say(heard)
        assert turn.strategy is not None
        return written(turn.strategy.zh, turn.text)

    return reply


def supporter_lm(
    kind: str | SupporterKind, otherwise: str | SupporterKind = SupporterKind.POLITE, skill: float = 1.0
) -> FunctionLM:
    """A model of the harness that is a scripted supporter, on all cards or on a share of them; on the rest another."""
    first, second = supporter(SupporterKind(kind)), supporter(SupporterKind(otherwise))

    def reply(request: Any) -> str:
        return (first if _chance(request.dialogue.played.case.card.id) < skill else second)(request)

    return FunctionLM(reply)


def _chance(name: str) -> float:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) / 2**32


def card_set(count: int = 24, **changed: Any) -> CardSet:
    """So many cards that differ in their names: one that is shipped, with what is ``changed`` of it."""
    card = next(card for card in shipped_card_set().cards if card.id == "lost-bag-bus")
    named = [
        {"id": f"case-{chr(97 + n // 26)}{chr(97 + n % 26)}", "topic": TOPICS[n % 3]} for n in range(count)
    ]
    return CardSet.of("cards", [card.model_copy(update=each | changed) for each in named])


class OtherCustomers(ScriptedSimulator):
    """Customers that pass for a model's: scripted ones of less patience, some of whom cannot be played."""

    def __init__(self, model: str = "org/customer", patience: int = 1, faults: float = 0.0) -> None:
        self._model = model
        self._patience = patience
        self._faults = faults

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"kind": "model", "version": "customer-zh-1", "sha256": "0" * 64, "model": self._model}

    def customer(self, case: CaseInPlay) -> Any:
        if _chance(f"fault {case.key}") < self._faults:
            return _Faulty()
        card = case.card.model_copy(update={"patience": self._patience})
        return ScriptedCustomer(CaseInPlay(card, case.key))


class _Faulty:
    def answer(self, said: SupporterTurn) -> CustomerTurn:
        return CustomerTurn("", fault=CustomerFault.SWAPPED_ROLE)


def write_role_plays(
    folder: Path,
    model: str,
    lm: FunctionLM,
    cards: CardSet | None = None,
    trials: int = 1,
    customers: ScriptedSimulator | None = None,
    date: float = 1.0,
    prompt: str = "zh-2",
    **options: Any,
) -> Path:
    """Evaluate role-plays and save them as the lm_eval command does; the results file."""
    metadata = {"csconv_trials": trials, "csconv_prompt": prompt}
    with pytest.MonkeyPatch.context() as patch:
        # As --metadata csconv_cards=… and csconv_customer=… would, without a second for checking the cards.
        if cards is not None:
            patch.setattr("csc_tasks.tasks.roleplay.chosen_card_set", lambda path: cards)
        if customers is not None:
            patch.setattr("csc_tasks.tasks.roleplay.simulator_of", lambda config: customers)
        return write_run(folder, model, lm, [ROLE_PLAY], date=date, metadata=metadata, **options)
