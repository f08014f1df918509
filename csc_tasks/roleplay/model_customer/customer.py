"""A customer whom a model plays: for each turn a director is asked, then the customer, and rules hold both.

What a rule decides is the same for every model: the first words, when a demand is due at the latest, that nobody ends
on the turn that only confirms, and that a second goodbye ends a role-play.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from csc_tasks.chat.messages import AnswerSchema, AnswerStatus, ChatAnswer, Message
from csc_tasks.roleplay.asking.prompts import Framed, object_schema
from csc_tasks.roleplay.cards import CardFact
from csc_tasks.roleplay.customer_words import asks_anything_else, says_who
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.leaks import tells
from csc_tasks.roleplay.model_customer.information import CaseItem, CustomerRole
from csc_tasks.roleplay.model_customer.prompts import CustomerPrompts
from csc_tasks.roleplay.model_customer.reading import (
    ENDS,
    Direction,
    NotPlayed,
    read_direction,
    read_utterance,
)
from csc_tasks.roleplay.model_customer.scene import Scene
from csc_tasks.roleplay.progress import CaseProgress, Move
from csc_tasks.roleplay.rules import figures_in, questions_in
from csc_tasks.roleplay.scripted_customer import LATEST_DEMAND
from csc_tasks.roleplay.transcript import CustomerFault, CustomerTurn, End, SupporterTurn

__all__ = ["PROCEDURE", "AsksRoles", "CustomerLost", "ModelCustomer"]

PROCEDURE = 1
"""Raised when the rules of this module, or how an answer is read, change what a customer says."""
_OPENS = "说明为什么打来电话"
_LEAVES = "对方又一次告别"
Got = TypeVar("Got")


class CustomerLost(Exception):
    """No answer can be had, whatever is asked: the server, the key or the budget is the reason."""


class AsksRoles(Protocol):
    """Whatever gets an answer of a role."""

    def ask(
        self,
        role: CustomerRole,
        messages: tuple[Message, ...],
        schema: AnswerSchema,
        key: str,
        attempt: int,
    ) -> ChatAnswer:
        """The answer to the n-th attempt, from 0, at a question of the case of this key.

        Raises:
            CustomerLost: there is none.
        """


class ModelCustomer:
    """A customer who plays one case; :meth:`answer` is called with each utterance of the supporter, in turn.

    Args:
        case: what is played; its key decides what a seed could.
        prompts: what the roles are told.
        attempts: answers that are asked for one that can be used.
        line: who answers.
    """

    def __init__(self, case: CaseInPlay, prompts: CustomerPrompts, attempts: int, line: AsksRoles) -> None:
        self.case = case
        self._prompts, self._attempts, self._line = prompts, attempts, line
        self._progress = CaseProgress(case)
        self._scene = Scene(case, prompts, self._progress, case.card.mood.start)
        self._again: list[CustomerFault] = []
        self._count = 0
        self._was_solved = False
        """The customer has spoken since the case was solved."""

    def answer(self, said: SupporterTurn) -> CustomerTurn:
        """What the customer says to it."""
        move = self._progress.supporter(said)
        self._scene.say("客服", said.text)
        self._count += 1
        self._again = []
        try:
            turn = self._answer(said, move)
        except NotPlayed as error:
            self._again.pop()  # what is asked no more is the turn's own
            return self._fault(error.fault)
        except CustomerLost:
            return self._fault(CustomerFault.OWN_ERROR)
        self._scene.say("客户", turn.text)
        self._scene.told += [name for name in turn.told if name not in self._scene.told]
        self._progress.customer(turn)
        self._was_solved = self._progress.solved
        return turn

    def recall(self, said: Iterable[tuple[str, str]]) -> None:
        """Take in a conversation that others had, of which the next answer is to go on, and to which it may add.

        Args:
            said: who (``客服`` or ``客户``) says what, the supporter's utterance left out that is answered next.
        """
        for speaker, text in said:
            self._scene.say(speaker, text)
            self._count += speaker == "客户"
        self._count = max(self._count, 1)
        self._scene.free = True
        self._scene.told = [fact.name for fact in self.case.card.facts]

    def _fault(self, fault: CustomerFault) -> CustomerTurn:
        return CustomerTurn("", End.FAULT, mood=self._scene.mood, fault=fault, again=tuple(self._again))

    def _answer(self, said: SupporterTurn, move: Move) -> CustomerTurn:
        if self._count == 1:
            return self._open(move)
        scene = self._scene
        if move.goodbye and self._progress.goodbyes >= 2:
            end = End.RESOLVED if self._was_solved or scene.content else End.GOODBYES
            text = self.case.write(self._prompts.leaves, "leaves")
            return CustomerTurn(text, end, mood=scene.mood, direction=_LEAVES)
        if not (self._progress.solved or scene.content):
            helped = move.helps and not move.rude
            scene.in_vain = 0 if helped else scene.in_vain + (2 if move.rude else 1)
        found = self._direct()
        asked = self._asked(said, move, found)
        if asked and not move.rude:
            scene.in_vain = 0
        scene.mood = found.mood
        demand = self._demands(found)
        end = self._end(found, said, move, demand)
        scene.content = found.end is End.RESOLVED and not demand
        return self._speak(said, move, found, asked, demand, end)

    def _open(self, move: Move) -> CustomerTurn:
        """The card's first words as they stand, so that every model begins alike, with what is asked already."""
        parts = [self.case.identity] if move.identity else []
        parts += [self.case.opening, *map(self.case.tells, move.asked)]
        told = tuple(fact.name for fact in move.asked)
        return CustomerTurn(
            "".join(parts), told=told, mood=self._scene.mood, direction=_OPENS, identified=move.identity
        )

    def _direct(self) -> Direction:
        names = [fact.name for fact in self.case.card.facts]
        schema = object_schema(
            CustomerRole.DIRECTOR,
            {
                "asked": {
                    "type": "array",
                    "items": {"type": "string", "enum": names},
                    "maxItems": len(names),
                },
                "direction": {"type": "string", "minLength": 1},
                "mood": {"type": "integer", "enum": [1, 2, 3, 4, 5]},
                "demand": {"type": "boolean"},
                "end": {"type": "string", "enum": [str(end) for end in ENDS]},
            },
        )
        everything = self._scene.for_director()
        return self._ask(
            CustomerRole.DIRECTOR, everything, schema, lambda text: read_direction(text, self.case)
        )

    def _asked(self, said: SupporterTurn, move: Move, found: Direction) -> tuple[CardFact, ...]:
        """What the supporter's last utterance asks for, by the rules, or by the director where it asks at all."""
        names = {fact.name for fact in (*move.asked, *move.asked_again)}
        if questions_in(said.text):
            names |= set(found.asked)
        return tuple(fact for fact in self.case.card.facts if fact.name in names)

    def _demands(self, found: Direction) -> bool:
        """Whether the demand is made now: the director says so, all is told, or it is high time."""
        if self.case.card.demand is None or self._progress.demanded or self._progress.granted:
            return False
        # A director that does not know better makes it at once, before anybody knows what the matter is.
        wanted = found.demand and bool(self._scene.told)
        return wanted or self._progress.facts_known or self._count >= LATEST_DEMAND

    def _end(self, found: Direction, said: SupporterTurn, move: Move, demand: bool) -> End:
        """How it ends, if it does; a director's finding alone does not end a role-play."""
        if found.end is End.RESOLVED:
            # Never on the turn that only confirms: the customer has spoken since all was done, or is asked for more.
            confirmed = self._was_solved or self._scene.content
            asked_for_more = move.goodbye or asks_anything_else(said.text)
            owed = demand or move.asked or move.identity  # who is asked something answers first
            return End.RESOLVED if (confirmed or asked_for_more) and not owed else End.NONE
        if found.end is End.GAVE_UP:  # nobody's patience ends before half of it is used up
            return End.GAVE_UP if 2 * self._scene.in_vain >= self.case.card.patience else End.NONE
        if found.end is End.OUT_OF_SCOPE:
            return End.OUT_OF_SCOPE if move.elsewhere and not move.helps and not demand else End.NONE
        return End.NONE

    def _speak(
        self,
        said: SupporterTurn,
        move: Move,
        found: Direction,
        asked: tuple[CardFact, ...],
        demand: bool,
        end: End,
    ) -> CustomerTurn:
        scene, case = self._scene, self.case
        names = {*scene.told, *(fact.name for fact in asked)}
        facts = [fact for fact in case.card.facts if fact.name in names]
        untold = [fact for fact in case.needed if fact.name not in names]
        ending = "content" if scene.content and end is End.NONE else str(end)
        everything = scene.for_customer(facts, found.step, ending, move.identity, demand)
        may_tell = figures_in(everything[CaseItem.MAY_TELL].text) | figures_in(everything[CaseItem.WHO].text)
        text = self._ask(
            CustomerRole.CUSTOMER,
            everything,
            object_schema(CustomerRole.CUSTOMER, {"text": {"type": "string", "minLength": 1}}),
            lambda text: read_utterance(text, scene, said.text, found.step, may_tell, untold),
        )
        told = tuple(fact.name for fact in asked if tells(text, case.tells(fact)))
        if demand and case.card.demand and not case.names_demand(case.card.demand, text):
            text += scene.demand_words  # every supporter of a case has to answer it
        return CustomerTurn(
            text,
            end,
            told,
            scene.mood,
            found.step,
            demanded=demand,
            identified=move.identity and says_who(text),
            again=tuple(self._again),
        )

    def _ask(
        self,
        role: CustomerRole,
        everything: Mapping[CaseItem, Framed],
        schema: AnswerSchema,
        read: Callable[[str], Got],
    ) -> Got:
        """A role's answer as it is read; one that cannot be used is asked for again.

        Raises:
            NotPlayed: none of the attempts brought one.
            CustomerLost: no answer can be had.
        """
        messages = self._prompts.messages(role, everything)
        attempt = 0
        while True:
            answer = self._line.ask(role, messages, schema, self.case.key, attempt)
            try:
                if answer.status is AnswerStatus.REFUSED:
                    raise NotPlayed(CustomerFault.REFUSED, "declined")
                return read(answer.text)
            except NotPlayed as error:
                self._again.append(error.fault)
                attempt += 1
                if attempt >= self._attempts:
                    raise
