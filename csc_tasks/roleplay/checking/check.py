"""``csconv customer check``: three looks at a customer, with as many connections as it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from csc_tasks.chat.spending import require_prices
from csc_tasks.data.sources import load
from csc_tasks.errors import ConfigError
from csc_tasks.roleplay.card_sets import CardSet, read_card_set, shipped_card_set
from csc_tasks.roleplay.checking.attempts import attempts_on, leak_figures
from csc_tasks.roleplay.checking.record import (
    RECOMMENDED,
    CheckFigures,
    ReplayFigures,
    write_check,
)
from csc_tasks.roleplay.checking.replay import gold_turns, replay_figures
from csc_tasks.roleplay.checking.supporters import FOUR, play_supporter, supporter_figures
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.model_customer.config import load_customer
from csc_tasks.roleplay.model_customer.information import CustomerRole
from csc_tasks.roleplay.model_customer.simulator import ModelSimulator
from csc_tasks.roleplay.simulators import ScriptedSimulator, Simulator
from csc_tasks.roleplay.transcript import CustomerFault, CustomerTurn

__all__ = ["CheckOptions", "CheckUnfinished", "CustomerCheck", "check_customer"]

_SEED = 0
_OUT_OF_ROLE = frozenset({CustomerFault.REFUSED, CustomerFault.SWAPPED_ROLE})
Job = TypeVar("Job")
Got = TypeVar("Got")
OnProgress = Callable[[int, int], None]
"""Hears how much is done, of how much."""


class CheckUnfinished(Exception):
    """The customer's model answers no more; ``budget`` says that its budget is spent. Nothing was kept as a check."""

    def __init__(self, why: str, budget: bool) -> None:
        super().__init__(
            f"{why}; this says nothing of the customer. What was answered is not asked for again"
        )
        self.budget = budget


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What is checked, and with what.

    Attributes:
        config: of the model that plays the customer; ``None`` for the scripted one.
        cards: a file of case cards; by default the shipped ones.
        data: where the gold conversations are from.
        size: how many of those, and of the cards, are used at most.
        budget: what may be spent, in the configuration's currency; by default the configuration's own.
        cache: the file of answers; by default the configuration's.
    """

    config: Path | None
    cards: Path | None = None
    data: str = "mini"
    size: int = 12
    budget: float | None = None
    cache: Path | None = None


@dataclass(frozen=True, slots=True)
class CustomerCheck:
    """What was found: ``shortfalls`` in words, what it cost, and where it is kept (``None``: nowhere)."""

    name: str
    figures: CheckFigures
    shortfalls: tuple[str, ...]
    cost: float
    path: Path | None


def check_customer(options: CheckOptions, on_progress: OnProgress = lambda *_: None) -> CustomerCheck:
    """Check a customer.

    Raises:
        CSConvError: configuration, cards or data are wrong, or no customer can be had at all.
        CheckUnfinished: its model answered no more before it was over.
    """
    cards = shipped_card_set() if options.cards is None else read_card_set(options.cards)
    if options.config is None:
        figures = _Check(ScriptedSimulator(), cards, options.size, on_progress).run()
        return CustomerCheck("scripted", figures, tuple(figures.shortfalls(RECOMMENDED, 0.0)), 0.0, None)
    config = load_customer(options.config)
    changed = {"budget": options.budget, "cache": options.cache}
    config = config.model_copy(update={name: value for name, value in changed.items() if value is not None})
    if config.budget is not None:
        for role in CustomerRole:
            require_prices(config.of(role), str(options.config))
    conversations = load(options.data).conversations
    turns = gold_turns(conversations, options.size)
    if not turns:
        raise ConfigError(f"{options.data}: no conversation has a customer's turn to go on from")
    simulator = ModelSimulator(config, options.config)
    try:
        simulator.try_out()
        check = _Check(simulator, cards, options.size, on_progress, extra=len(turns))
        answers = check.each(turns, lambda turn: turn.answer(simulator))
        figures = check.run(answers, replay_figures(options.data, turns, answers))
        if trouble := simulator.line.trouble:
            raise CheckUnfinished(trouble, simulator.line.over_budget)
        path = write_check(config, simulator.identity, figures)
        short = figures.shortfalls(config.require_check or RECOMMENDED, config.min_coverage)
        return CustomerCheck(config.model, figures, tuple(short), simulator.line.cost, path)
    finally:
        simulator.close()


class _Check:
    """A check under way; ``extra`` jobs come before what every customer is put to."""

    def __init__(
        self, simulator: Simulator, cards: CardSet, size: int, on_progress: OnProgress, extra: int = 0
    ) -> None:
        self._simulator, self._cards, self._on_progress = simulator, cards, on_progress
        chosen = cards.cards[:: max(1, -(-len(cards.cards) // size))][:size]
        self._cases = [CaseInPlay(card, CaseInPlay.key_of(card, 0, _SEED)) for card in chosen]
        self._attempts = attempts_on(self._cases)
        self._total = extra + len(self._attempts) + len(FOUR) * len(self._cases)
        self._done = 0

    def each(self, jobs: Sequence[Job], do: Callable[[Job], Got]) -> list[Got]:
        """What comes of each job, in order, many at once."""
        pool = ThreadPoolExecutor(max(1, self._simulator.connections))
        try:
            found = []
            for got in pool.map(do, jobs):
                found.append(got)
                self._done += 1
                self._on_progress(self._done, self._total)
            return found
        except BaseException:  # whoever still waits for an answer is let go
            self._simulator.close()
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def run(self, before: Iterable[CustomerTurn] = (), replay: ReplayFigures | None = None) -> CheckFigures:
        """Attempts and supporters; ``before`` are turns that the customer had already."""
        answers = self.each(self._attempts, lambda attempt: attempt.answer(self._simulator))
        jobs = [(kind, case) for kind in FOUR for case in self._cases]
        played = self.each(jobs, lambda job: play_supporter(*job, self._simulator))
        turns = [*before, *answers]
        turns += [heard for each in played for _, heard in each.turns if heard is not None]
        out = [any(fault in _OUT_OF_ROLE for fault in (*turn.again, turn.fault)) for turn in turns]
        count = len(self._cases)
        return CheckFigures(
            cards=f"{self._cards.name}@{self._cards.fingerprint[:16]}, {count} of {len(self._cards.cards)}",
            supporters=tuple(
                supporter_figures(kind, played[n * count : (n + 1) * count]) for n, kind in enumerate(FOUR)
            ),
            leaks=leak_figures(self._attempts, answers),
            refusals=sum(out) / len(out) if out else 0.0,
            replay=replay,
        )
