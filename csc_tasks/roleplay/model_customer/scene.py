"""What a model customer's two roles are shown of a case, as it stands in their prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from csc_tasks.roleplay.asking.prompts import Framed
from csc_tasks.roleplay.cards import CardFact
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.model_customer.information import CaseItem
from csc_tasks.roleplay.model_customer.prompts import CustomerPrompts
from csc_tasks.roleplay.progress import CaseProgress
from csc_tasks.roleplay.rules import figures_in

__all__ = ["Scene"]

HEARD = 1000
"""Characters that the customer hears of an utterance: a supporter without an end must not overflow a model."""


@dataclass
class Scene:
    """A case as it has come: what was said, what was told, how the customer feels.

    Attributes:
        case: what is played. ``prompts``: how it is put.
        progress: by the rules of the card.
        mood: from 1 to 5. ``in_vain``: the supporter's turns, one after the other, that brought nothing.
        free: nothing is known of the case but what was said, and the customer may add to it.
        content: the director found, when it was last asked, that the customer is.
        told: names of the facts that the customer has told.
        figures: that the conversation has.
    """

    case: CaseInPlay
    prompts: CustomerPrompts
    progress: CaseProgress
    mood: int
    in_vain: int = 0
    content: bool = False
    free: bool = False
    told: list[str] = field(default_factory=list)
    figures: set[str] = field(default_factory=set)
    _lines: list[Framed] = field(default_factory=list)

    def say(self, speaker: str, text: str) -> None:
        """Take down what ``客服`` or ``客户`` says, in one line whatever is in it."""
        self.figures |= figures_in(text)
        line = " ".join(text.split())
        line = line if len(line) <= HEARD else f"{line[:HEARD]}…"
        self._lines.append(Framed.of(f"{speaker}: {line or self.prompts.line('silence')}"))

    def for_director(self) -> Mapping[CaseItem, Framed]:
        """Everything that is known before the director is asked."""
        card, case = self.case.card, self.case
        temper = self.prompts.line(
            "temper",
            at_first=card.mood.at_first,
            eased_by=case.fill(card.mood.eased_by),
            worsened_by=case.fill(card.mood.worsened_by),
            patience=card.patience,
        )
        demand = self.prompts.line("no_demand")
        if card.demand:
            because = case.fill(card.demand.because)
            demand = self.prompts.line("demand", says=self.demand_words, because=because)
        texts = {
            CaseItem.GOAL: case.goal,
            CaseItem.SATISFIED: case.fill(card.satisfied),
            CaseItem.TEMPER: temper,
            CaseItem.DEMAND: demand,
            CaseItem.FACT_NAMES: "、".join(fact.name for fact in card.facts),
            CaseItem.SO_FAR: "\n".join(self._so_far()),
        }
        return {**self._shared(), **{item: Framed.of(text) for item, text in texts.items()}}

    def for_customer(
        self, facts: Sequence[CardFact], step: str, ending: str, identity: bool, demand: bool
    ) -> Mapping[CaseItem, Framed]:
        """What is known before the customer is asked.

        Args:
            facts: that were told or are asked now; of no others anything is said.
            step: what the director says.
            ending: one of the prompts' ``endings``.
            identity: it was asked who the customer is.
            demand: it is made now.
        """
        line = self.prompts.line
        may_tell = [line("fact", name=fact.name, says=self.case.tells(fact)) for fact in facts]
        if identity:
            may_tell.append(line("identity", says=self.case.identity))
        if demand:
            may_tell.append(line("demand_now", says=self.demand_words))
        texts = {
            CaseItem.MAY_TELL: "\n".join(may_tell or [line("nothing_to_tell")]),
            CaseItem.MOOD: self.prompts.moods[self.mood],
            CaseItem.DIRECTION: step,
            CaseItem.ENDING: self.prompts.endings[ending],
        }
        return {**self._shared(), **{item: Framed.of(text) for item, text in texts.items()}}

    @property
    def demand_words(self) -> str:
        """What the customer says who makes the demand; '' where the card has none."""
        demand = self.case.card.demand
        return self.case.write(demand.says, "demands") if demand else ""

    def _shared(self) -> dict[CaseItem, Framed]:
        card = self.case.card
        return {
            CaseItem.WHO: Framed.of(self.case.fill(card.who)),
            CaseItem.SCENARIO: Framed.of(self.case.fill(card.scenario)),
            CaseItem.HISTORY: Framed.lines(self._lines),
        }

    def _so_far(self) -> list[str]:
        line, progress = self.prompts.line, self.progress
        names = [fact.name for fact in self.case.card.facts]
        told = "、".join(name for name in names if name in self.told)
        untold = "、".join(name for name in names if name not in self.told)
        found = [
            line("told", names=told or line("none")),
            line("untold", names=untold or line("none")),
            line("mood", mood=self.mood),
            line("in_vain", count=self.in_vain),
        ]
        if self.case.card.demand:
            found.append(
                line("demand_refused") if progress.refused
                else line("demand_made") if progress.demanded
                else line("demand_not_yet")
            )  # fmt: skip
        return [*found, line("content")] if self.content else found
