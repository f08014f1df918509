"""Case cards: one customer's case each, as data. docs/roleplay-cards.md has the format."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
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

from csc_tasks.errors import DataError
from csc_tasks.framework import Strategy
from csc_tasks.outside import parse_json, read_file, require_shallow
from csc_tasks.roleplay.card_faults import CardContradiction, CardFault, FaultKind, faults_in
from csc_tasks.roleplay.wordings import Wordings, wordings_of

__all__ = [
    "CARDS",
    "CardFact",
    "CardMood",
    "CaseCard",
    "Demand",
    "ExaminedCards",
    "Lookup",
    "SolutionStep",
    "UnsoundCard",
    "Worry",
    "cards_in",
    "examined_cards",
    "load_cards",
    "read_cards",
    "sentences_of",
]

CARDS = "cards-zh-1"
"""The version that is shipped."""
MANY = 5000
"""Wordings of a question, each of which is looked through for what it asks."""
_ROW = 3
"""Steps of one strategy in a row that are too many."""
_JSON = re.compile(r"\s*(?:\{|\[\s*[\]{])")
_NO_TEXT = ("Cc", "Cs", "Zl", "Zp")
"""Categories of characters that no line of text has: controls, halves of characters, line ends."""


def _strategy(name: object) -> object:
    if not isinstance(name, str):
        return name
    try:
        return Strategy.from_name(name)
    except KeyError:
        raise ValueError(f"{name!r:.40} is none of the twelve strategies") from None


def _one_line(text: str) -> str:
    if not text.strip() or any(unicodedata.category(c) in _NO_TEXT for c in text):
        raise ValueError("must be a line of text")
    return text


def _sentence(text: object) -> object:
    if isinstance(text, Wordings):
        return text
    if not isinstance(text, str):
        raise ValueError("must be a sentence")
    if text.strip():  # an empty one is told so by what reads it
        _one_line(text)
    return wordings_of(text)


Line = Annotated[str, AfterValidator(_one_line)]
Sentence = Annotated[
    Wordings,
    BeforeValidator(_sentence),
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
    not_with: tuple[Line, ...] = ()
    """Words of which an utterance that does it affirms none."""


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
        if faults := list(self._contradictions()):
            raise CardContradiction(faults)
        return self

    def _contradictions(self) -> Iterator[CardFault]:
        yield from self._values_that_do_not_fit()
        for fact in self.facts:
            yield from self._questions_for_something_else(fact)
        acts = [(step.does, step.optional) for step in self.steps]
        if any(_three_in_a_row(acts[n:]) for n in range(len(acts))):
            yield CardFault("steps", FaultKind.THREE_IN_A_ROW)

    def _values_that_do_not_fit(self) -> Iterator[CardFault]:
        used = {slot for sentence in sentences_of(self) for slot in sentence.slots}
        if missing := sorted(used - set(self.values)):
            yield CardFault("", FaultKind.VALUE_MISSING, "、".join(missing))
        if idle := sorted(set(self.values) - used):
            yield CardFault("", FaultKind.VALUE_IDLE, "、".join(idle))
        if bad := [v for options in self.values.values() for v in options if re.search(r"[(){}|]", v)]:
            yield CardFault("", FaultKind.VALUE_BRACKETS, bad[0])

    def _questions_for_something_else(self, fact: CardFact) -> Iterator[CardFault]:
        for asks in fact.asks:
            if asks.count > MANY:
                yield CardFault(f"facts {fact.name}", FaultKind.MANY_WORDINGS, str(MANY))
                continue
            wrong = next((said for said in asks.every() if self.asked_in(said) is not fact), None)
            if wrong is not None:
                yield CardFault(f"facts {fact.name}", FaultKind.QUESTION, wrong)

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


def _three_in_a_row(acts: Sequence[tuple[Strategy, bool]]) -> bool:
    """Whether the first strategy comes three times in a row; steps that are optional (``True``) may be left out."""
    first, count = acts[0][0], 0
    for act, optional in acts:
        if act is first:
            count += 1
            if count == _ROW:
                return True
        elif not optional:
            return False
    return False


@dataclass(frozen=True, slots=True)
class UnsoundCard:
    """A card of a file that cannot be read: which one, for people, and everything that is wrong with it."""

    name: str
    faults: tuple[CardFault, ...]


@dataclass(frozen=True, slots=True)
class ExaminedCards:
    """What is in a file: the cards that can be read, and those that cannot."""

    cards: tuple[CaseCard, ...]
    unsound: tuple[UnsoundCard, ...]


def examined_cards(raw: bytes, place: str) -> ExaminedCards:
    """Everything in the bytes of a file: TOML with ``[[card]]``, or JSON with ``{"card": […]}``.

    Raises:
        DataError: it is neither, or there is no card in it; the message begins with ``place``.
    """
    records = _records_in(raw, place)
    cards: dict[str, CaseCard] = {}
    unsound: list[UnsoundCard] = []
    for number, record in enumerate(records, 1):
        name = record.get("id") if isinstance(record, dict) else None
        shown = f"card {number}" + (f" ({name!r:.60})" if isinstance(name, str) else "")
        try:
            card = CaseCard.model_validate(record)
        except ValidationError as error:
            unsound.append(UnsoundCard(shown, tuple(faults_in(error))))
            continue
        if card.id in cards:
            twin = "there is another card of this id; rename one of them"
            unsound.append(UnsoundCard(shown, (CardFault("", FaultKind.SCHEMA, twin),)))
            continue
        cards[card.id] = card
    return ExaminedCards(tuple(cards.values()), tuple(unsound))


def _records_in(raw: bytes, place: str) -> list[object]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{place}: not UTF-8; save it as UTF-8") from None
    kind = "JSON" if _JSON.match(text) else "TOML"
    try:
        content = parse_json(text.encode(), twins=False) if kind == "JSON" else tomllib.loads(text)
        require_shallow(content)
    except RecursionError:
        raise DataError(f"{place}: no {kind}: nested too deep") from None
    except ValueError as error:
        raise DataError(f"{place}: no {kind}: {error}; is it whole?") from None
    records = content.get("card") if isinstance(content, dict) else None
    if not isinstance(records, list) or not records:
        raise DataError(f"{place}: no [[card]] in it")
    return records


def cards_in(raw: bytes, place: str) -> tuple[CaseCard, ...]:
    """The cards in the bytes of a file: TOML with ``[[card]]``, or JSON with ``{"card": […]}``.

    Raises:
        DataError: it is neither, or a card is not sound: the message names card and field after ``place``.
    """
    examined = examined_cards(raw, place)
    if examined.unsound:
        first = examined.unsound[0]
        count = sum(len(each.faults) for each in examined.unsound)
        more = f" (and {count - 1} more; csconv cards validate lists them)" if count > 1 else ""
        raise DataError(f"{place}: {first.name}: {first.faults[0]}{more}")
    return examined.cards


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
