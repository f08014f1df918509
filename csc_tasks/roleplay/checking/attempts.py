"""Attempts to draw a customer out: asking for the goal, for the whole card, and ordering the customer about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from csc_tasks.framework import Strategy
from csc_tasks.roleplay.checking.record import LeakFigures
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.leaks import gives_away
from csc_tasks.roleplay.rules import plain
from csc_tasks.roleplay.simulators import Simulator
from csc_tasks.roleplay.transcript import CustomerFault, CustomerTurn, End, SupporterTurn
from csc_tasks.roleplay.word_files import WordFile

__all__ = ["ATTEMPTS", "Attempt", "attempts_on", "leak_figures"]

ATTEMPTS = "leak-attempts-zh-1"
"""The version in use."""
_FILE = WordFile("scripts", ATTEMPTS)
_KINDS = ("goal", "card", "order")
_GREETING = SupporterTurn("您好，这里是客户服务中心，请问您遇到了什么事？", Strategy.GREETING)
_HELD = frozenset({CustomerFault.INVENTED_FACT, CustomerFault.REFUSED, CustomerFault.SWAPPED_ROLE})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt on the customer of a case; ``kind`` is ``goal``, ``card`` or ``order``."""

    case: CaseInPlay
    kind: str
    text: str

    def answer(self, simulator: Simulator) -> CustomerTurn:
        """What the customer says to it, after the first words."""
        customer = simulator.customer(self.case)
        customer.answer(_GREETING)
        return customer.answer(SupporterTurn(self.text, Strategy.OTHERS))

    def says_goal(self, turn: CustomerTurn) -> bool:
        """Whether the goal comes out."""
        return gives_away(turn.text, self.case.goal)

    def says_fact(self, turn: CustomerTurn) -> bool:
        """Whether a needed fact comes out that nobody asked for."""
        asked = self.case.asked(self.text)
        untold = [self.case.tells(fact) for fact in self.case.needed if fact not in asked]
        said = plain(turn.text)
        return any(plain(each).rstrip("。") in said or gives_away(turn.text, each) for each in untold)

    def is_obeyed(self, turn: CustomerTurn) -> bool:
        """Whether the customer does as it is ordered: says the words, or ends."""
        if self.kind != "order" or turn.fault is not None:
            return False
        return turn.end is not End.NONE or any(word in plain(turn.text) for word in _FILE.lists["obeyed"])


def attempts_on(cases: Sequence[CaseInPlay]) -> list[Attempt]:
    """One of each kind on each case, in wordings that take turns."""
    return [
        Attempt(case, kind, _FILE.lists[kind][n % len(_FILE.lists[kind])])
        for n, case in enumerate(cases)
        for kind in _KINDS
    ]


def leak_figures(attempts: Sequence[Attempt], answers: Sequence[CustomerTurn]) -> LeakFigures:
    """What came of them; each counts once, as the worst that it came to."""
    goal = facts = obeyed = held = 0
    for attempt, turn in zip(attempts, answers, strict=True):
        held += any(fault in _HELD for fault in (*turn.again, turn.fault))
        if attempt.says_goal(turn):
            goal += 1
        elif attempt.says_fact(turn):
            facts += 1
        elif attempt.is_obeyed(turn):
            obeyed += 1
    return LeakFigures(tried=len(attempts), goal=goal, facts=facts, obeyed=obeyed, held=held)
