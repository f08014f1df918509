"""The folder of ``csconv cards build``: the cards, what was dropped and why, and what there is to know of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from csc_tasks.data.sources import Corpus
from csc_tasks.errors import DataError
from csc_tasks.outside import json_bytes
from csc_tasks.printable import inline, printable
from csc_tasks.roleplay.card_report import CARDS_FILE
from csc_tasks.roleplay.card_sets import CardSet
from csc_tasks.roleplay.cards import CaseCard
from csc_tasks.roleplay.soundness import unplayable_cards
from csc_tasks.storage import write_file
from csc_tasks.synthesis.cards.writer import MADE, card_record
from csc_tasks.synthesis.ended import Ended
from csc_tasks.synthesis.output.outputs import OutputRules, RunFacts
from csc_tasks.synthesis.product import Product

__all__ = ["README", "cards_product", "file_of", "table"]

DROPPED, README = "dropped.jsonl", "README.md"
OUTDATED = "sound when it was written, and not by the checks of this csconv"


@dataclass(slots=True)
class _Gathered:
    """What the cases came to."""

    cards: list[CaseCard] = field(default_factory=list)
    dropped: list[Mapping[str, Any]] = field(default_factory=list)
    drafts: Counter[int] = field(default_factory=Counter)
    invented: Counter[str] = field(default_factory=Counter)

    @property
    def reasons(self) -> Mapping[str, int]:
        """Why there is no card, the most frequent first."""
        return dict(Counter(str(each["dropped"]) for each in self.dropped).most_common())


@dataclass(frozen=True, slots=True)
class WrittenCards:
    """What was written where; ``unfinished`` cases are not over."""

    folder: Path
    cards: int
    reasons: Mapping[str, int]
    unfinished: int

    def lines(self) -> list[str]:
        """For a terminal, each fit for it."""
        where = printable(str(self.folder))
        if self.cards:
            lines = [f"wrote {self.cards:,} cards to {where}: {CARDS_FILE}, {DROPPED}, {README}"]
        else:
            lines = [f"NO CARD TO WRITE: of {sum(self.reasons.values()):,} conversations none came to one"]
        if self.reasons:
            lines.append(
                f"{sum(self.reasons.values()):,} conversations came to no card; see {where}/{DROPPED}:"
            )
            lines += [f"{count:7,}  {printable(reason, 160)}" for reason, count in self.reasons.items()]
        if self.unfinished:
            lines.append(
                f"{self.unfinished:,} conversations are not over: the same command goes on with them"
            )
        if self.cards:
            lines.append(f"nobody has read these cards yet: csconv cards review {where} --out sheet.csv")
        return lines


def cards_product(corpus: Corpus) -> Product:
    """Cards, as what a run makes."""
    return Product("cards", lambda _: None, partial(_write, corpus), MADE)


def _write(
    corpus: Corpus, folder: Path, ended: Callable[[], Iterator[Ended]], facts: RunFacts, _: OutputRules
) -> WrittenCards:
    """Write what there is, in the order of the conversations."""
    gathered = _gathered(ended())
    name = f"{corpus.name} {corpus.fingerprint}"
    try:
        if gathered.cards:
            write_file(folder / CARDS_FILE, file_of(name, gathered.cards))
        else:
            (folder / CARDS_FILE).unlink(missing_ok=True)
        lines = (json.dumps(each, ensure_ascii=False) for each in gathered.dropped)
        write_file(folder / DROPPED, "".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))
        write_file(folder / README, "\n".join(_readme(corpus, gathered, facts)).encode("utf-8", "replace"))
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error.strerror})") from None
    return WrittenCards(folder, len(gathered.cards), gathered.reasons, facts.unfinished)


def file_of(version: str, cards: Sequence[CaseCard]) -> bytes:
    """A file that ``read_card_set`` reads."""
    return json_bytes({"version": version, "card": [card_record(card) for card in cards]})


def _gathered(ended: Iterator[Ended]) -> _Gathered:
    found = _Gathered()
    made: dict[str, tuple[CaseCard, Ended]] = {}
    for each in ended:
        if each.dropped != MADE:
            found.dropped.append(_dropped(each, each.dropped, each.provenance.get("faults", ())))
            continue
        found.drafts[int(each.provenance["drafts"])] += 1
        found.invented.update(each.provenance["invented"])
        try:
            card = CaseCard.model_validate(each.provenance["card"])
        except ValidationError as error:
            found.dropped.append(_dropped(each, OUTDATED, [str(error)]))
        else:
            made[card.id] = card, each
    unplayable = unplayable_cards(card for card, _ in made.values())
    for name, (card, each) in made.items():
        if name in unplayable:
            found.dropped.append(_dropped(each, OUTDATED, [str(fault) for fault in unplayable[name]]))
        else:
            found.cards.append(card)
    return found


def _dropped(each: Ended, reason: str, faults: Sequence[str]) -> dict[str, Any]:
    kept = ("conversation", "topic", "drafts", "draft", "card")
    told = {name: each.provenance[name] for name in kept if name in each.provenance}
    return {"case": each.case, "dropped": reason, "faults": list(faults), **told}


def _readme(corpus: Corpus, gathered: _Gathered, facts: RunFacts) -> Iterator[str]:
    cards = gathered.cards
    yield "# Case cards, unreviewed\n"
    yield (
        f"**{len(cards):,} case cards for `csconv_roleplay`, written by a model and read by nobody.** Each can be "
        "played by the rules of this csconv: every needed fact can be asked for, every step can be done, the demand "
        "can be refused, and supporters who are only polite, rude or full of promises do not resolve it.\n"
    )
    yield "Not checked, and for people to judge (`csconv cards review`, docs/roleplay-cards.md):\n"
    yield "- whether the case is like the conversation, is fair, and is one that a call centre has;"
    yield "- whether the words (`asked_by`, `done_by`, `granted_by`) find what good supporters say in other words;"
    yield "- whether the demand must really be refused;"
    yield "- names of people and companies that a model made up or left in.\n"
    if cards:
        yield f"Fingerprint of the set: `{CardSet.of('', cards).fingerprint}`\n"
    yield from table("Topic", Counter(card.topic for card in cards))
    yield from table("Demand", Counter("a demand to refuse" if c.demand else "none" for c in cards))
    yield from table("Drafts until sound", {str(n): count for n, count in sorted(gathered.drafts.items())})
    yield from table("Conversations that came to no card, by the first fault", gathered.reasons)
    yield "## How they were made\n"
    rows: dict[str, object] = {
        "Source": f"{corpus.name}, {len(corpus.conversations):,} conversations",
        "SHA-256 of the source": corpus.sha256,
        "Fingerprint of its conversations": corpus.fingerprint,
        "Prompts": facts.prompts,
        "Seed": facts.seed,
        "Most drafts": facts.signature.get("drafts"),
        "Cases that are not over": facts.unfinished,
        **{f"Model ({role})": _models(counts) for role, counts in facts.models.items()},
        "Asked with": json.dumps(facts.signature.get("models"), ensure_ascii=False),
        "Requests": sum(facts.requests.values()),
        "Tokens": f"{sum(facts.prompt_tokens.values()):,} of prompts, {sum(facts.answer_tokens.values()):,} of answers",
        **{f"Cost, {currency}": f"{cost:,.2f}" for currency, cost in facts.cost.items()},
        "Personal data replaced before anything was sent": _listed(facts.redacted or {}),
        "Personal data replaced in cards": _listed(gathered.invented),
    }
    yield "| | |\n|---|---|"
    yield from (f"| {name} | {inline(str(value), 400)} |" for name, value in rows.items())
    yield "\nThe terms of the conversations hold for what is made of them."
    yield "Cards of evaluation conversations are for evaluating: do not play them to make training data.\n"


def _models(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{model or 'not said'} ({count:,})" for model, count in counts.items())


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} {count:,}" for kind, count in counts.items()) or "none"


def table(head: str, counts: Mapping[str, int]) -> Iterator[str]:
    """A Markdown table of counts; nothing where there are none."""
    if not counts:
        return
    yield f"| {head} | cards |\n|---|---:|" if "came to no" not in head else f"| {head} | |\n|---|---:|"
    yield from (f"| {inline(name, 160)} | {count:,} |" for name, count in counts.items())
    yield ""
