"""A role-play inside an evaluation: the model under test is the supporter, and a customer answers back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from csc_tasks.data.conversations import Speaker, Utterance
from csc_tasks.generation.dialogue import Dialogue
from csc_tasks.protocol.prompt import Prompt
from csc_tasks.protocol.replies import Reply
from csc_tasks.protocol.thinking import ThinkingFormat
from csc_tasks.protocol.turns import TurnDoc
from csc_tasks.results.role_play_log import name_of
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.playing import Customer, Played
from csc_tasks.roleplay.supporter_texts import system_information
from csc_tasks.roleplay.transcript import MOST_TURNS, CustomerFault, SupporterTurn

__all__ = ["RolePlayDialogue", "slots_of"]

logger = logging.getLogger(__name__)

_CURABLE = {
    CustomerFault.OWN_ERROR: "the customer's server failed",
    "supporter_failed": "the supporter's endpoint failed",
    "not_played": "the customer could not be played; the log says why",
}
"""Faults that the same command may not meet again."""


def slots_of(case: CaseInPlay, trial: int) -> list[TurnDoc]:
    """A document for each turn that the supporter may have in a trial of a card.

    Nothing of them is gold; how many will be asked is not known before. The conversation's name tells trials apart;
    what the customer says before a turn is added when it is known.
    """
    return [
        TurnDoc(
            conversation=name_of(case.card.id, trial),
            topic=case.card.topic,
            turn=turn,
            turns=MOST_TURNS,
            customer="",
            strategy=None,
            reference="",
            customers=[],
        )
        for turn in range(MOST_TURNS)
    ]


class RolePlayDialogue(Dialogue):
    """A role-play while it is spoken; ``played`` is what was said so far.

    Args:
        case: what is played.
        trial: which trial of the card, from 0.
        customer: who plays it.
        listeners: how many customers may be waited for at once.
        on_stop: called when the run ends before the role-play.
        texts, render, formats: as for every dialogue.
    """

    def __init__(
        self,
        case: CaseInPlay,
        trial: int,
        customer: Customer,
        listeners: int,
        on_stop: Callable[[], None],
        texts: Prompt,
        render: Callable[[str, TurnDoc], Any],
        formats: Sequence[ThinkingFormat] = (),
    ) -> None:
        super().__init__(slots_of(case, trial), texts, render, formats, before=system_information(case))
        self.trial = trial
        self.played = Played(case)
        self._customer = customer
        self._listeners = listeners
        self._on_stop = on_stop

    @property
    def listeners(self) -> int:
        """As the simulator says."""
        return self._listeners

    @property
    def over(self) -> bool:
        """Whether nobody has anything to say any more."""
        return self.played.over

    @property
    def unfinished(self) -> str:
        """That a server failed, on either side: asked again, it may answer."""
        return _CURABLE.get(self.played.fault, "") if self.played.over else ""

    def hear(self) -> None:
        """Have the customer answer the supporter's last utterance."""
        if not self.played.awaits_customer:
            return
        said, _ = self.played.turns[-1]
        try:
            heard = self._customer.answer(said)
        except Exception:
            # One role-play must not cost all the others.
            logger.exception("%s: the customer could not be played", self.played.case.key)
            self.played.broken_off = "not_played"
            return
        self.played.turns[-1] = said, heard
        if heard.fault is not None:
            return
        self._add_line(Utterance(Speaker.CUSTOMER, None, heard.text))
        if len(self.played.turns) < len(self.turns):
            following = self.turns[len(self.played.turns)]
            following["customer"], following["customers"] = heard.text, [heard.text]

    def add_reply(self, reply: Reply) -> None:
        """Add the model's turn to history and role-play; an error in its place ends that, for nobody said it."""
        super().add_reply(reply)
        self.played.turns.append((SupporterTurn(reply.text, reply.strategy), None))
        if reply.failed:
            self.played.broken_off = "supporter_failed"

    def stop(self) -> None:
        """Let go of the customer, whom nobody will hear any more."""
        self._on_stop()
