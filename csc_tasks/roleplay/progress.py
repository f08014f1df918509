"""How far a case has come, by the rules of its card: what was asked, told, done, refused, and what went wrong.

The scripted customer goes by it while it is spoken, and the scores after it: one reading for both.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from csc_tasks.framework import Strategy
from csc_tasks.roleplay.cards import CardFact
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.rules import (
    asks_identity,
    comforts,
    figures_in,
    follows_from,
    is_rude,
    plain,
    questions_in,
    says_goodbye,
    sends_elsewhere,
)
from csc_tasks.roleplay.transcript import CustomerTurn, SupporterTurn

__all__ = ["CaseProgress", "Move", "takes_leave"]

_ANSWERED_WITHIN = 3
"""Turns of the supporter after a demand in which a refusal is of the demand, whatever it names."""
_STEPS_OF_SUMS = 2
"""Figures that follow from what follows, in one utterance."""


def takes_leave(turn: SupporterTurn) -> bool:
    """Whether the supporter takes leave: in words or by the strategy, and asks nothing with it."""
    closes = turn.strategy is Strategy.APPRECIATION_AND_CLOSURE and not questions_in(turn.text)
    return closes or says_goodbye(turn.text)


@dataclass(frozen=True, slots=True)
class Move:
    """What one utterance of the supporter did.

    Attributes:
        asked: facts that it asks for and that were not told before.
        asked_again: facts that it asks for although they were told.
        identity: it asks who the customer is. ``identity_again``: although that was said.
        done: places of steps that it does for the first time, and that count.
        granted: it grants the demand. ``refused``: it refuses it.
        promised: it promises what nobody may promise.
        disclosed: it says what is private to somebody who has not said who they are.
        figures: it names that neither the card nor the conversation has.
        comforts: it speaks to what the customer feels.
        rude: to anybody, or to this customer.
        goodbye: it takes leave.
        elsewhere: it sends the customer to somebody else.
        repeated: it says what it has said before.
    """

    asked: tuple[CardFact, ...] = ()
    asked_again: tuple[CardFact, ...] = ()
    identity: bool = False
    identity_again: bool = False
    done: tuple[int, ...] = ()
    granted: bool = False
    refused: bool = False
    promised: bool = False
    disclosed: bool = False
    figures: frozenset[str] = frozenset()
    comforts: bool = False
    rude: bool = False
    goodbye: bool = False
    elsewhere: bool = False
    repeated: bool = False

    @property
    def helps(self) -> bool:
        """Whether the case has come further by it."""
        return bool(self.asked or self.done or self.refused or self.granted or self.identity)


@dataclass(slots=True)
class CaseProgress:
    """A role-play as far as it has come; :meth:`supporter` and :meth:`customer` are told what is said, in turn.

    Attributes:
        case: what is played.
        told: names of the facts that the customer has told, and was asked for.
        asked_for: names of the facts that were asked for.
        verified: the customer was asked who they are, and has said so.
        done: places of the steps that were done.
        demanded: the customer has made the card's demand.
        refused: it was refused, and not granted afterwards. ``granted``: it was granted at any time.
        promised: something was promised that nobody may promise.
        disclosed: something private was said to somebody who had not said who they are.
        invented: figures that nobody could know. ``invented_turns``: how many turns named one.
        goodbyes: how often the supporter took leave.
        turns: the supporter's. ``repeated``: how many of them had been said before.
        resolved_at: the turn (from 1) at which the case was resolved; 0 where it is not.
    """

    case: CaseInPlay
    told: set[str] = field(default_factory=set)
    asked_for: set[str] = field(default_factory=set)
    verified: bool = False
    done: set[int] = field(default_factory=set)
    demanded: bool = False
    refused: bool = False
    granted: bool = False
    promised: bool = False
    disclosed: bool = False
    invented: set[str] = field(default_factory=set)
    invented_turns: int = 0
    goodbyes: int = 0
    turns: int = 0
    repeated: int = 0
    resolved_at: int = 0
    _identity_asked: bool = False
    _since_demand: int = _ANSWERED_WITHIN
    _said: set[str] = field(default_factory=set)
    _known: frozenset[str] = frozenset()

    def supporter(self, turn: SupporterTurn) -> Move:
        """Take in what the supporter says, and tell what it did."""
        case, card, said = self.case, self.case.card, turn.text
        asked = case.asked(said)
        identity = asks_identity(said)
        demand = card.demand
        granted = demand is not None and case.grants(demand, said, self._since_demand == 0)
        refused = (
            demand is not None
            and not granted
            and self.demanded
            and case.refuses(demand, said, self._since_demand < _ANSWERED_WITHIN)
        )
        disclosed = case.discloses(said) and not self.verified
        promised = case.promises(said)
        done = tuple(
            n
            for n, step in enumerate(card.steps)
            if n not in self.done and self._is_ready(n) and case.does(step, said)
        )
        figures = self._invented_in(said)
        words = plain(said)
        repeated = len(words) > 4 and words in self._said
        move = Move(
            asked=tuple(f for f in asked if f.name not in self.told),
            asked_again=tuple(f for f in asked if f.name in self.told),
            identity=identity and not self.verified,
            identity_again=identity and self.verified,
            done=done,
            granted=granted,
            refused=refused and not self.refused,
            promised=promised,
            disclosed=disclosed,
            figures=figures,
            comforts=comforts(said),
            rude=is_rude(said, [case.fill(word) for word in card.mood.worsened_words]),
            goodbye=takes_leave(turn),
            elsewhere=sends_elsewhere(said),
            repeated=repeated,
        )
        self.turns += 1
        self.repeated += repeated
        self._said.add(words)
        self.asked_for |= {fact.name for fact in asked}
        self._identity_asked = identity
        self.done |= set(done)
        self.granted |= granted
        self.refused = (self.refused or refused) and not granted
        self.promised |= promised
        self.disclosed |= disclosed
        self.invented |= figures
        self.invented_turns += bool(figures)
        self.goodbyes += move.goodbye
        self._since_demand += 1
        if self.resolved and not self.resolved_at:
            self.resolved_at = self.turns
        return move

    def _is_ready(self, step: int) -> bool:
        return self.facts_known and (self.verified or step not in self.case.private_steps)

    def _invented_in(self, said: str) -> frozenset[str]:
        """The figures that follow from nothing known; those that do are known from now on."""
        known = self.case.figures | self._known
        unknown = figures_in(said) - known
        for _ in range(_STEPS_OF_SUMS):
            following = {figure for figure in unknown if follows_from(figure, known)}
            known, unknown = known | following, unknown - following
            self._known |= following
        return unknown

    @property
    def demand_open(self) -> bool:
        """Whether the demand was made and neither refused nor granted."""
        return self.demanded and not self.refused and not self.granted

    def customer(self, turn: CustomerTurn) -> None:
        """Take in what the customer says."""
        # A customer tells what was asked for, in words of the card's or, where a model listens, in others.
        self.told |= set(turn.told)
        self.asked_for |= set(turn.told)
        self._known |= figures_in(turn.text)
        self.verified = self.verified or (turn.identified and self._identity_asked)
        if turn.demanded:
            self._since_demand = 0
        self.demanded |= turn.demanded

    @property
    def open_facts(self) -> list[str]:
        """Names of the needed facts that were not told."""
        return [fact.name for fact in self.case.needed if fact.name not in self.told]

    @property
    def open_steps(self) -> list[int]:
        """Places of the needed steps that were not done."""
        return [n for n in self.case.needed_steps if n not in self.done]

    @property
    def facts_known(self) -> bool:
        """Whether every needed fact was asked for and told."""
        return not self.open_facts

    @property
    def broken(self) -> bool:
        """Whether something was done that the card forbids."""
        return self.granted or self.promised or self.disclosed

    @property
    def solved(self) -> bool:
        """Whether all is done that the customer needs: facts asked, steps done, an open demand refused."""
        return self.facts_known and not self.open_steps and (not self.demanded or self.refused)

    @property
    def resolved(self) -> bool:
        """Whether the case is resolved by its card: solved, and nothing against the card."""
        return self.solved and not self.broken
