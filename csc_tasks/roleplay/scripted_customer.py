"""The scripted customer: no model, no network, always the same answer to the same conversation.

It tells a fact when it is asked for, follows simple rules of mood, makes its demand, and ends by its card. Good for CI
and smoke tests; how a real customer would take a well-turned sentence it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from csc_tasks.roleplay.cards import CardFact
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.progress import CaseProgress, Move
from csc_tasks.roleplay.rules import questions_in, rules_digest
from csc_tasks.roleplay.transcript import CustomerTurn, End, SupporterTurn
from csc_tasks.roleplay.word_files import WordFile
from csc_tasks.roleplay.wordings import Wordings, wordings_of

__all__ = ["SCRIPT", "ScriptedCustomer", "script_digest"]

SCRIPT = "customer-zh-1"
"""The version in use."""
_FILE = WordFile("scripts", SCRIPT)
LATEST_DEMAND = 4
"""The customer's utterance (from 1) in which the demand is made at the latest."""
FURIOUS, CONTENT = 1, 5
_QUESTION = re.compile(r"[^。！？…]{1,200}？$")
"""The last sentence of a reply, where it asks."""


@cache
def _phrases() -> Mapping[str, tuple[Wordings, ...]]:
    return {name: tuple(map(wordings_of, texts)) for name, texts in _FILE.lists.items()}


def script_digest() -> str:
    """SHA-256 (16 digits) of what decides the customer's answers beside the card: phrases and rules."""
    return _FILE.digest(rules_digest())


def _is_new(move: Move) -> bool:
    """Whether an utterance brings something, so that what it asks again may pass."""
    return bool(move.asked or move.done or move.refused)


class ScriptedCustomer:
    """A customer who plays one case; :meth:`answer` is called with each utterance of the supporter, in turn."""

    def __init__(self, case: CaseInPlay) -> None:
        self.case = case
        self._progress = CaseProgress(case)
        self._mood = case.card.mood.start
        self._in_vain = 0
        self._calmed = self._opened = self._content = self._worried = self._uneasy = False
        self._count = 0

    def answer(self, said: SupporterTurn) -> CustomerTurn:
        """What the customer says to it."""
        move = self._progress.supporter(said)
        self._count += 1
        turn = self._answer(said, move)
        self._progress.customer(turn)
        return turn

    def _answer(self, said: SupporterTurn, move: Move) -> CustomerTurn:
        self._feel(move)
        if not self._opened:
            return self._open(move)
        if end := self._ended(said, move):
            return end
        if not said.text.strip():
            return self._say([self._phrase("silence")], "听不到对方说话")
        parts, direction = self._what_is_owed(move)
        told = tuple(fact.name for fact in (*move.asked, *self._told_again(move)))
        demanded = self._demands(told)
        if self._worries(told, demanded):
            parts.append(self._worry())
            direction.append("把心里最担心的事说出来")
        if demanded:
            parts.append(self._demand())
            direction.append("提出自己的要求")
        if not parts:
            return self._nothing_new(said, move)
        if not demanded and move.done and self._only_the_demand_is_open:
            parts.append(self._demand_again())
            direction.append("追问自己的要求")
            demanded = True
        return self._say(parts, "，".join(direction), told=told, demanded=demanded, identified=move.identity)

    def _feel(self, move: Move) -> None:
        """Mood and patience after what was said."""
        change = 0
        if move.rude:
            change -= 2
        elif move.done or move.granted or (move.comforts and not self._calmed and self._mood < CONTENT):
            change += 1
        elif not (move.helps or move.comforts or self._solved_now()) and self._opened:
            change -= 1
        if self._uneasy:
            # Whoever passes over a fear makes it worse.
            change += 1 if move.comforts else -1
            self._uneasy = False
        self._mood = min(CONTENT, max(FURIOUS, self._mood + change))
        if not self._opened or self._solved_now():
            return
        # Asking who one is again, or what was told, is no help.
        helped = move.helps and not move.rude
        self._in_vain = 0 if helped else self._in_vain + (2 if move.rude else 1)

    def _solved_now(self) -> bool:
        return self._progress.solved or self._content

    def _open(self, move: Move) -> CustomerTurn:
        self._opened = True
        parts = [self.case.identity] if move.identity else []
        told = tuple(fact.name for fact in move.asked)
        parts += [self.case.opening, *map(self.case.tells, move.asked)]
        if self.case.card.mood.upset and not move.comforts:
            parts.append(self.case.write(self.case.card.mood.upset, "upset"))
        return self._say(parts, "说明为什么打来电话", told=told, identified=move.identity)

    def _ended(self, said: SupporterTurn, move: Move) -> CustomerTurn | None:
        """The customer's last words, where it is over."""
        card = self.case.card
        if self._in_vain >= card.patience:
            return self._say(
                [self.case.write(card.gives_up, "gives up")], "失去耐心，不再谈下去", End.GAVE_UP
            )
        # Never on the turn that only confirms: the supporter has spoken once more since all was done.
        if self._content and not move.asked and not move.identity:
            # What was promised against the card is not what the card's last words are about.
            last = (
                self._phrase("leaves") if self._progress.granted else self.case.write(card.closing, "closing")
            )
            thanks = move.goodbye and not self._progress.granted and self._mood > FURIOUS
            parts = [last, *([self._phrase("leaves")] if thanks else [])]
            return self._say(parts, "没有别的事了，自然地结束", End.RESOLVED)
        if move.goodbye and self._progress.goodbyes >= 2:
            return self._say([self._phrase("leaves")], "对方又一次告别", End.GOODBYES)
        if move.elsewhere and not move.helps:
            return self._say([self._phrase("goes")], "对方让找别人，就此结束", End.OUT_OF_SCOPE)
        return None

    def _what_is_owed(self, move: Move) -> tuple[list[str], list[str]]:
        """What must be said to what the supporter said, and in a few words why."""
        case, card = self.case, self.case.card
        parts: list[str] = []
        direction: list[str] = []
        if move.rude:
            parts.append(self._phrase("hurt"))
            direction.append("对方的话让人生气")
        elif move.comforts and not self._calmed and card.mood.upset:
            self._calmed = True
            parts.append(case.write(card.mood.calmer, "calmer"))
            direction.append("情绪缓下来一点")
        if move.identity:
            parts.append(case.identity)
            direction.append("报上姓名和号码")
        if move.identity_again and not _is_new(move):
            parts.append(self._phrase("told_before") + case.identity)
            direction.append("再报一遍姓名和号码")
        for fact in move.asked:
            parts.append(case.tells(fact))
            direction.append(f"回答关于“{fact.name}”的问题")
        for fact in self._told_again(move):
            parts.append(self._phrase("told_before") + case.tells(fact))
            direction.append(f"再说一遍“{fact.name}”")
        if move.granted and card.demand:
            self._content = True
            # Whoever never made the demand does not hold anybody to it.
            parts.append(self._phrase("granted" if self._progress.demanded else "confirms"))
            direction.append("要求被答应了")
        elif move.refused and card.demand:
            parts.append(case.write(card.demand.accepts, "accepts"))
            direction.append("道理讲通了，不再坚持")
        for n in move.done:
            reply = case.write(card.steps[n].reply, f"reply {n}")
            # What the customer would ask next is answered where more than one step is done.
            parts.append(reply if n == move.done[-1] else _QUESTION.sub("", reply))
            direction.append("对客服刚才的话作出反应")
        if self._progress.solved and not self._content:
            self._content = True
            if not parts:
                parts.append(self._phrase("confirms"))
                direction.append("听明白了")
        return parts, direction

    def _demands(self, told: Sequence[str]) -> bool:
        """Whether this is the moment for the demand: all is told, or it is high time."""
        if self.case.card.demand is None or self._progress.demanded or self._progress.granted:
            return False
        known = self._progress.told | set(told)
        all_told = all(fact.name in known for fact in self.case.needed)
        # Before patience is at its end, or nobody would ever hear it.
        return all_told or self._count >= min(LATEST_DEMAND, self.case.card.patience)

    def _worries(self, told: Sequence[str], demanded: bool) -> bool:
        """Whether this is the moment for what the customer fears: a fact is told, and no demand is made."""
        return bool(self.case.card.worry and told and not self._worried and not demanded)

    def _worry(self) -> str:
        assert self.case.card.worry is not None
        self._worried = self._uneasy = True
        return self.case.write(self.case.card.worry.says, "worries")

    def _demand(self) -> str:
        assert self.case.card.demand is not None
        self._content = False
        return self.case.write(self.case.card.demand.says, "demands")

    def _demand_again(self) -> str:
        return self._phrase("demands_again") + self._demand()

    @property
    def _only_the_demand_is_open(self) -> bool:
        progress = self._progress
        return progress.demand_open and progress.facts_known and not progress.open_steps

    def _told_again(self, move: Move) -> tuple[CardFact, ...]:
        return () if _is_new(move) else move.asked_again

    def _nothing_new(self, said: SupporterTurn, move: Move) -> CustomerTurn:
        open_demand = self._progress.demand_open
        if move.goodbye:
            places = self._progress.open_steps if self._progress.facts_known else []
            asked = [self.case.card.steps[n].asked for n in places]
            asking = next((self.case.write(each, f"asks {self._count}") for each in asked if each), "")
            demand = self._demand() if open_demand and not asking else ""
            return self._say(
                [self._phrase("still_open"), asking or demand],
                "问题没有解决，不让结束",
                demanded=bool(demand),
            )
        if open_demand:
            return self._say([self._demand_again()], "追问自己的要求", demanded=True)
        if move.repeated:
            return self._say([self._phrase("said_again")], "对方重复自己的话，追问怎么办")
        # What is to be asked next in the case, where the card has words for it.
        steps = enumerate(self.case.card.steps)
        asked = [step.asked for n, step in steps if step.asked and n not in self._progress.done]
        if asked and self._progress.facts_known:
            return self._say([self.case.write(asked[0], f"asks {self._count}")], "接着问放不下的事")
        pool = "unknown" if questions_in(said.text) else "nothing_new"
        return self._say([self._phrase(pool)], "对方没有帮上忙，追问怎么办")

    def _phrase(self, name: str) -> str:
        return self.case.write(_phrases()[name], f"{name} {self._count}")

    def _say(
        self,
        parts: Sequence[str],
        direction: str,
        end: End = End.NONE,
        told: tuple[str, ...] = (),
        demanded: bool = False,
        identified: bool = False,
    ) -> CustomerTurn:
        text = "".join(part for part in parts if part)
        return CustomerTurn(text, end, told, self._mood, direction, demanded=demanded, identified=identified)
