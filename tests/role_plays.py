"""Role-plays for tests: models that play supporters of whom it is known how good they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lm_eval.api.instance import Instance

from csc_tasks.roleplay.dialogue import RolePlayDialogue
from csc_tasks.roleplay.scripted_supporters import ScriptedSupporter, SupporterKind
from tests.running import FunctionLM


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


def supporter_lm(kind: SupporterKind) -> FunctionLM:
    """A model of the harness that is a scripted supporter."""
    return FunctionLM(supporter(kind))
