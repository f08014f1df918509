"""Case cards: one customer's case each, as data. docs/synthesis.md has the format."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from itertools import combinations
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from csc_tasks.errors import DataError, first_fault
from csc_tasks.framework import Strategy
from csc_tasks.outside import parse_json, read_file
from csc_tasks.roleplay.wordings import Wordings, wordings_of

__all__ = [
    "CARDS",
    "CardFact",
    "CardMood",
    "CaseCard",
    "Demand",
    "Lookup",
    "SolutionStep",
    "Worry",
    "cards_in",
    "load_cards",
    "read_cards",
    "sentences_of",
]

CARDS = "cards-zh-1"
"""The version that is shipped."""
MANY = 5000
"""Wordings of a question, each of which is looked through for what it asks."""


def _strategy(name: object) -> object:
    if not isinstance(name, str):
        return name
    try:
        return Strategy.from_name(name)
    except KeyError:
        raise ValueError(f"{name!r:.40} is none of the twelve strategies") from None


def _one_line(text: str) -> str:
    if not text.strip() or "\n" in text:
        raise ValueError("must be a line of text")
    return text


Line = Annotated[str, AfterValidator(_one_line)]
Sentence = Annotated[
    Wordings,
    BeforeValidator(lambda text: wordings_of(text) if isinstance(text, str) else text),
    PlainSerializer(lambda sentence: sentence.text, return_type=str),
]
Sentences = Annotated[tuple[Sentence, ...], Field(min_length=1)]
Optionally = tuple[Sentence, ...]
Act = Annotated[
    Strategy, BeforeValidator(_strategy), PlainSerializer(lambda strategy: strategy.zh, return_type=str)
]


class _CardPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class CardMood(_CardPart):
    """How the customer feels, and what changes it. ``upset`` is said where there is cause for comfort at once."""

    at_first: Line
    upset: Optionally = ()
    eased_by: Line
    worsened_by: Line
    comfort: Sentences
    """What a supporter can say to it."""
    calmer: Sentences
    """What the customer says then."""
    start: Annotated[int, Field(ge=1, le=5)] = 3
    """From 1 (furious) to 5 (content)."""
    worsened_words: tuple[Line, ...] = ()
    """Words that worsen it, beside those that are rude to anybody."""


class Worry(_CardPart):
    """What the customer fears in the middle of the conversation, and the comfort for it."""

    says: Sentences
    comfort: Sentences


class CardFact(_CardPart):
    """Something that the customer tells only when asked: ``asked_by`` are words of which one is in such a question."""

    name: Line
    asked_by: Annotated[tuple[Line, ...], Field(min_length=1)]
    asks: Sentences
    says: Sentences
    optional: bool = False
    """The solution does without it."""


class Lookup(_CardPart):
    """What a supporter can look up."""

    name: Sentence
    finds: Sentence
    shown_by: tuple[Line, ...] = ()
    """Of what is private the words of ``finds`` that nobody may hear who has not said who they are."""


class SolutionStep(_CardPart):
    """A step of the solution: what the customer asks before it, what the supporter says, and how it is taken."""

    does: Act
    asked: Optionally = ()
    says: Sentences
    reply: Sentences
    optional: bool = False
    done_by: tuple[Annotated[tuple[Line, ...], Field(min_length=1)], ...] = ()
    """By what an utterance is known to have done it: of each group it says one of the words, and does not deny it.

    A word with ``!`` before it is to be denied: ``!公证`` is 不用公证.
    """


class Demand(_CardPart):
    """An unreasonable demand, why it must be refused, and how.

    ``about`` are words that name it, ``granted_by`` words that would promise it.
    """

    says: Sentences
    because: Line
    does: Act
    refusal: Sentences
    accepts: Sentences
    about: tuple[Line, ...] = ()
    granted_by: tuple[Line, ...] = ()


class CaseCard(_CardPart):
    """A customer's case.

    Attributes:
        id: lower-case words with hyphens.
        topic: one of CSConv's domains, or one's own.
        company: as the supporter names it in greeting.
        who: the customer, in the second person.
        scenario: what a supporter knows before the first word.
        goal: what the customer wants, which a supporter does not know.
        satisfied: what must have happened for the customer to be content.
        restated: what the matter is, as a clause about 您.
        future: what can be said about later services.
        wish: at the end, after 祝您.
        values: names of values that sentences have in ``{…}``, each with several to choose from.
        identity: what the customer says when asked who they are.
        patience: turns that bring nothing, after which the customer gives up.
        gives_up: what the customer says then.
        never: words that promise what nobody may promise in this case.
        made_from: the id of the conversation that the card was made from.
        does the rest: see the classes of this module.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
    topic: Line
    company: Line
    who: Line
    scenario: Line
    goal: Sentence
    satisfied: Line
    opening: Sentences
    restated: Optionally = ()
    future: Optionally = ()
    wish: Sentence | None = None
    closing: Sentences
    values: Mapping[Line, Annotated[tuple[Line, ...], Field(min_length=1)]] = {}
    mood: CardMood
    worry: Worry | None = None
    facts: Annotated[tuple[CardFact, ...], Field(min_length=1)]
    lookups: tuple[Lookup, ...] = ()
    steps: Annotated[tuple[SolutionStep, ...], Field(min_length=1)]
    demand: Demand | None = None
    identity: Optionally = ()
    patience: Annotated[int, Field(ge=1, le=9)] = 4
    gives_up: Optionally = ()
    never: tuple[Line, ...] = ()
    made_from: Line | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> CaseCard:
        self._check_values()
        self._check_questions()
        self._check_steps()
        return self

    def _check_values(self) -> None:
        used = {slot for sentence in sentences_of(self) for slot in sentence.slots}
        if missing := sorted(used - set(self.values)):
            raise ValueError(f"values has no {'、'.join(missing)}, which a sentence shows")
        if idle := sorted(set(self.values) - used):
            raise ValueError(f"no sentence shows the value {'、'.join(idle)}")
        if bad := [v for options in self.values.values() for v in options if re.search(r"[(){}|]", v)]:
            raise ValueError(f"a value cannot have ( ) {{ }} or |: {bad[0]}")

    def _check_questions(self) -> None:
        for fact in self.facts:
            for asks in fact.asks:
                if asks.count > MANY:
                    raise ValueError(f"facts {fact.name}: a question has more than {MANY} wordings")
                for said in asks.every():
                    if self.asked_in(said) is not fact:
                        raise ValueError(
                            f"facts {fact.name}: no word of asked_by, or one of another fact, is in the question {said}"
                        )

    def _check_steps(self) -> None:
        loose = [i for i, step in enumerate(self.steps) if step.optional]
        for count in range(len(loose) + 1):
            for left_out in combinations(loose, count):
                acts = [step.does for i, step in enumerate(self.steps) if i not in left_out]
                if any(len({*three}) == 1 for three in zip(acts, acts[1:], acts[2:], strict=False)):
                    raise ValueError("steps: three in a row have one strategy")

    def asked_in(self, said: str) -> CardFact | None:
        """The one fact that is asked for in what a supporter said, or ``None``."""
        asked = [fact for fact in self.facts if any(word in said for word in fact.asked_by)]
        return asked[0] if len(asked) == 1 else None


def sentences_of(part: object) -> list[Wordings]:
    """Every sentence of a card, however deep."""
    if isinstance(part, Wordings):
        return [part]
    if isinstance(part, BaseModel):
        return [
            sentence for name in type(part).model_fields for sentence in sentences_of(getattr(part, name))
        ]
    if isinstance(part, tuple):
        return [sentence for each in part for sentence in sentences_of(each)]
    return []


def cards_in(raw: bytes, place: str) -> tuple[CaseCard, ...]:
    """The cards in the bytes of a file: TOML with ``[[card]]``, or JSON with ``{"card": […]}``.

    Raises:
        DataError: it is neither, or a card is not sound: the message names card and field after ``place``.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{place}: not UTF-8; save it as UTF-8") from None
    try:
        content = parse_json(text.encode()) if text.lstrip().startswith("{") else tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{place}: no TOML: {error}") from None
    except ValueError as error:
        raise DataError(f"{place}: no JSON: {error}") from None
    records = content.get("card") if isinstance(content, dict) else None
    if not isinstance(records, list) or not records:
        raise DataError(f"{place}: no [[card]] in it")
    cards: dict[str, CaseCard] = {}
    for number, record in enumerate(records, 1):
        name = record.get("id") if isinstance(record, dict) else None
        shown = f"{place}: card {number}" + (f" ({name!r:.60})" if isinstance(name, str) else "")
        try:
            card = CaseCard.model_validate(record)
        except ValidationError as error:
            raise DataError(f"{shown}: {first_fault(error)}") from None
        if card.id in cards:
            raise DataError(f"{shown}: there is another card of this id; rename one of them")
        cards[card.id] = card
    return tuple(cards.values())


def read_cards(path: Path) -> tuple[CaseCard, ...]:
    """Read one's own cards.

    Raises:
        DataError: the file cannot be read, or a card is not sound: the message names card and field.
    """
    try:
        raw = read_file(path)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    return cards_in(raw, str(path))


@cache
def load_cards(version: str = CARDS) -> Mapping[str, CaseCard]:
    """The shipped cards by id, in the file's order."""
    file = resources.files("csc_tasks.roleplay") / "cards" / f"{version}.toml"
    return {card.id: card for card in cards_in(file.read_bytes(), version)}
