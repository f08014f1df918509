"""Playing the shipped case against a stand-in for a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.roleplay.card_sets import shipped_card_set
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.model_customer.config import CustomerConfig
from csc_tasks.roleplay.model_customer.simulator import ModelSimulator
from csc_tasks.roleplay.playing import Played, play
from csc_tasks.roleplay.scripted_supporters import ScriptedSupporter, SupporterKind
from csc_tasks.roleplay.transcript import CustomerTurn, SupporterTurn
from tests.chat_server import Reply
from tests.customer_server import CustomerServer

__all__ = ["CARD", "answered", "case_of", "good", "said", "simulator", "turns_of"]

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")
CARD = next(card for card in shipped_card_set().cards if card.id == "lost-bag-bus")
PATIENCE = {"retries": 0, "backoff": 0.01, "timeout": 60.0}


def case_of(trial: int = 0) -> CaseInPlay:
    return CaseInPlay(CARD, CaseInPlay.key_of(CARD, trial, 7))


def simulator(server: CustomerServer, folder: Path, **more: Any) -> ModelSimulator:
    fields = {"model": "m", "base_url": server.url, "cache": folder / "answers.sqlite", **PATIENCE, **more}
    return ModelSimulator(CustomerConfig(**fields))


def good(played_by: ModelSimulator, trial: int = 0, kind: SupporterKind = SupporterKind.GOOD) -> Played:
    case = case_of(trial)
    return play(case, ScriptedSupporter(kind, case).say, played_by.customer(case))


def turns_of(played: Played) -> list[CustomerTurn]:
    return [heard for _, heard in played.turns if heard is not None]


def said(*texts: str) -> list[SupporterTurn]:
    return [SupporterTurn(text, None) for text in texts]


def answered(**fields: Any) -> Reply:
    return Reply(json.dumps(fields, ensure_ascii=False))
