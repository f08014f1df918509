"""A case card while it is played: its values are chosen, and with them what each side knows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from csc_tasks.roleplay.cards import CardFact, CaseCard, Demand, Lookup, SolutionStep, sentences_of
from csc_tasks.roleplay.pen import Pen
from csc_tasks.roleplay.rules import (
    affirms,
    commits,
    consents,
    denied,
    figures_in,
    plain,
    questions_in,
    refuses_flatly,
    warns_of,
)

__all__ = ["CaseInPlay"]

_RUN = 6
"""Characters in a row that two texts share where one of them has the words of the other."""
_READ_AS_QUESTION, _READ_OUT = 0.6, 0.5
"""Shares of a lookup, and of all of them, that nobody says who has anything of their own to say."""
_SENTENCES = re.compile("(?<=[。！？；])")
_IDENTITY = "我叫[姓名]，登记的手机号是[手机号码]。"


class CaseInPlay(Pen):
    """A card whose values the key has chosen. The same key plays the same case.

    Args:
        card: the case.
        key: decides values and wordings; of a role-play :meth:`key_of`.
    """

    def __init__(self, card: CaseCard, key: str) -> None:
        super().__init__(card, key)
        self.key = key

    @staticmethod
    def key_of(card: CaseCard, trial: int, seed: int = 0) -> str:
        """The key of a card's trial, from 0. Evaluations have seed 0, whoever plays the customer."""
        return f"{card.id}/{trial}/{seed}"

    @cached_property
    def system_information(self) -> tuple[str, ...]:
        """What the supporter can look up, a line each: name and finding. The goal is nowhere in it."""
        return tuple(
            f"{self.write((each.name,), f'lookup {n}')}：{self._finding(each, n)}"
            for n, each in enumerate(self.card.lookups)
        )

    def _finding(self, lookup: Lookup, number: int) -> str:
        return self.write((lookup.finds,), f"finds {number}")

    @cached_property
    def goal(self) -> str:
        """What the customer wants, which is for the customer alone."""
        return self.write((self.card.goal,), "goal")

    @cached_property
    def opening(self) -> str:
        """The customer's first words."""
        return self.write(self.card.opening, "opening")

    @cached_property
    def identity(self) -> str:
        """What the customer says when asked who they are."""
        return self.write(self.card.identity, "identity") or _IDENTITY

    def tells(self, fact: CardFact) -> str:
        """What the customer says of a fact."""
        return self.write(fact.says, f"tells {fact.name}")

    @property
    def needed(self) -> tuple[CardFact, ...]:
        """The facts without which the case cannot be resolved."""
        return tuple(fact for fact in self.card.facts if not fact.optional)

    @property
    def needed_steps(self) -> tuple[int, ...]:
        """The places of the steps without which it is not resolved: those whose doing can be told."""
        return tuple(n for n, step in enumerate(self.card.steps) if step.done_by and not step.optional)

    @cached_property
    def figures(self) -> frozenset[str]:
        """Every figure that somebody who knows the whole card could name, in any of its wordings."""
        # Alternatives apart, so that no figure is made of two of them.
        texts = [
            s.text.replace("|", "\n").replace("(", "\n").replace(")", "\n") for s in sentences_of(self.card)
        ]
        return figures_in(
            self.fill("\n".join([*texts, self.card.who, self.card.scenario, self.card.satisfied]))
        )

    def asked(self, said: str) -> tuple[CardFact, ...]:
        """The facts that something said asks for; a statement with the same words asks for none.

        A lookup that is turned into a question asks for none either.
        """
        found = self.asked_by_words(said)
        if not found:
            return ()
        return () if self._reads_as_question(said) else found

    def _reads_as_question(self, said: str) -> bool:
        """Whether its questions are a lookup read out: 请问您的情况是…，还是…吗."""
        asking = "".join(part for part in _SENTENCES.split(plain(said)) if questions_in(part))
        read = _runs(asking)
        return any(_share(runs, read) >= _READ_AS_QUESTION for runs in self._lookup_runs)

    def asked_by_words(self, said: str) -> tuple[CardFact, ...]:
        """The facts whose words are in a question of something said, whoever wrote the question."""
        question = questions_in(said)
        return tuple(
            fact
            for fact in self.card.facts
            if any(plain(self.fill(word)) in question for word in fact.asked_by)
        )

    def does(self, step: SolutionStep, said: str) -> bool:
        """Whether something said does a step; to read all lookups out does none."""
        if not step.done_by or not all(self._says(said, words) for words in step.done_by):
            return False
        if affirms(said, [self.fill(word) for word in step.not_with]) or self._reads_as_question(said):
            return False
        return len(self._lookup_runs) < 2 or _share(self._all_runs, _runs(plain(said))) < _READ_OUT

    @cached_property
    def _lookup_runs(self) -> tuple[frozenset[str], ...]:
        return tuple(_runs(plain(line)) for line in self.system_information)

    @cached_property
    def _all_runs(self) -> frozenset[str]:
        return frozenset().union(*self._lookup_runs)

    @cached_property
    def private_steps(self) -> frozenset[int]:
        """The places of the steps whose own words are of what nobody may hear who has not said who they are."""
        shown = [plain(self.fill(word)) for each in self.card.lookups for word in each.shown_by]
        return frozenset(
            n
            for n, step in enumerate(self.card.steps)
            if any(
                word in other or other in word
                for words in step.done_by
                for word in map(plain, map(self.fill, words))
                for other in shown
            )
        )

    def _says(self, said: str, words: Sequence[str]) -> bool:
        """Whether it affirms one of the words, or denies one that has a ``!`` before it: ``!公证`` is 不用公证."""
        filled = [self.fill(word) for word in words]
        return affirms(said, [word for word in filled if not word.startswith("!")]) or any(
            denied(said, [word[1:]]) for word in filled if word.startswith("!")
        )

    def discloses(self, said: str) -> bool:
        """Whether it says what nobody may hear who has not said who they are."""
        text = plain(said)
        return any(plain(self.fill(word)) in text for each in self.card.lookups for word in each.shown_by)

    @property
    def has_private(self) -> bool:
        """Whether there is anything of that kind."""
        return any(each.shown_by for each in self.card.lookups)

    def promises(self, said: str) -> bool:
        """Whether it promises what nobody may promise in this case."""
        return commits(said, [self.fill(word) for word in self.card.never])

    def names_demand(self, demand: Demand, said: str) -> bool:
        """Whether it speaks of the demand."""
        text = plain(said)
        return any(plain(self.fill(word)) in text for word in demand.about)

    def grants(self, demand: Demand, said: str, answers: bool) -> bool:
        """Whether it grants a demand; ``answers`` says that the customer has just made it."""
        if commits(said, [self.fill(word) for word in demand.granted_by]):
            return True
        about = [self.fill(word) for word in demand.about]
        # Advice against something else takes no consent back.
        refused = refuses_flatly(said) or warns_of(said, about, in_clause=True)
        return answers and consents(said, about) and not refused

    def refuses(self, demand: Demand, said: str, answers: bool) -> bool:
        """Whether it refuses a demand; ``answers`` says that the customer has made it and waits for an answer."""
        if commits(said, [self.fill(word) for word in demand.granted_by]):
            return False
        flatly = refuses_flatly(said) and (answers or self.names_demand(demand, said))
        return flatly or warns_of(said, [self.fill(word) for word in demand.about])


def _runs(text: str) -> frozenset[str]:
    return frozenset(text[n : n + _RUN] for n in range(len(text) - _RUN + 1))


def _share(of: frozenset[str], found: frozenset[str]) -> float:
    return len(of & found) / len(of) if of else 0.0
