"""Playing a case to its end, outside of an evaluation: with a supporter of whom it is known what to expect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.progress import CaseProgress, Move, takes_leave
from csc_tasks.roleplay.transcript import MOST_TURNS, CustomerTurn, End, SupporterTurn

__all__ = ["Customer", "Played", "play"]


class Customer(Protocol):
    """Whoever plays the customer of one case."""

    def answer(self, said: SupporterTurn) -> CustomerTurn:
        """What the customer says to the supporter's next utterance; may take as long as a server takes."""


@dataclass(slots=True)
class Played:
    """A role-play: ``turns`` are the supporter's utterances, each with what the customer said to it.

    The last one has no answer where the supporter has said goodbye to a customer who was done.
    """

    case: CaseInPlay
    turns: list[tuple[SupporterTurn, CustomerTurn | None]] = field(default_factory=list)
    broken_off: str = ""
    """What kept it from going on: ``supporter_failed`` or ``not_played``; '' where nothing did."""

    @property
    def last(self) -> CustomerTurn | None:
        """What the customer said last."""
        return next((heard for _, heard in reversed(self.turns) if heard is not None), None)

    @property
    def end(self) -> End:
        """How it ended; :data:`End.NONE` while it goes on."""
        if self.broken_off:
            return End.FAULT
        last = self.last
        if last is not None and (last.fault is not None or last.end is not End.NONE):
            return End.FAULT if last.fault is not None else last.end
        return End.LIMIT if len(self.turns) >= MOST_TURNS else End.NONE

    @property
    def fault(self) -> str:
        """What kept it from being played to its end, as logs and results call it; '' where nothing did."""
        last = self.last
        if last is not None and last.fault is not None:
            return str(last.fault)
        return self.broken_off or ("not_played" if self.end is End.NONE else "")

    @property
    def awaits_customer(self) -> bool:
        """Whether the customer is to speak next."""
        return bool(self.turns) and self.turns[-1][1] is None and self.end is End.NONE

    @property
    def over(self) -> bool:
        """Whether nobody is to speak any more. To a customer who ends content the supporter says goodbye, once."""
        if self.awaits_customer or self.end is End.NONE:
            return False
        if self.end is End.FAULT:
            return True
        said, heard = self.turns[-1]
        due = self.end is End.RESOLVED and heard is not None and not takes_leave(said)
        return not due or len(self.turns) >= MOST_TURNS

    def read(self) -> tuple[CaseProgress, list[Move]]:
        """The whole of it by the rules of the card, and what each turn of the supporter did."""
        progress, moves = CaseProgress(self.case), []
        for said, heard in self.turns:
            moves.append(progress.supporter(said))
            if heard is not None:
                progress.customer(heard)
        return progress, moves

    def progress(self) -> CaseProgress:
        """How far it came."""
        return self.read()[0]


def play(
    case: CaseInPlay, supporter: Callable[[CustomerTurn | None], SupporterTurn], customer: Customer
) -> Played:
    """Play a case until nobody has anything to say, or for :data:`MOST_TURNS` turns."""
    played, heard = Played(case), None
    while not played.over:
        said = supporter(heard)
        played.turns.append((said, None))
        if played.awaits_customer:
            heard = customer.answer(said)
            played.turns[-1] = said, heard
    return played
