"""What a set of made conversations is like, counted in one pass: shares beside CSConv's, variety, endings, rules."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csc_tasks.data.conversations import Conversation, Speaker
from csc_tasks.data.published import KNOWN_SHARES
from csc_tasks.data.sources import FULL_CONVERSATIONS, FULL_TURNS, FULL_UTTERANCES, Corpus
from csc_tasks.data.statistics import DataStatistics, Summary, summarise
from csc_tasks.framework import Strategy
from csc_tasks.metrics.variety import Distinct
from csc_tasks.printable import printable
from csc_tasks.synthesis.construction import ConstructionRule, broken_rules
from csc_tasks.synthesis.output.stock_phrases import StockPhrases, UsedPhrase

__all__ = ["BeforeAfter", "Quality", "QualityFigures", "ShareBeside"]

_PHRASES = 15
_BATCH = 2000
"""Utterances whose tokens are counted at a time."""
_KINDS = 30
"""Ways to end, and the like, that are told apart; a pipeline has a handful, and a hostile one is bounded here."""


@dataclass(frozen=True, slots=True)
class ShareBeside:
    """A share of the supporter's utterances (0 to 1) beside CSConv's; ``csconv`` is ``None`` where it is not known."""

    name: str
    share: float
    csconv: float | None


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """Pairs of one supporter utterance and the next that have a stage, and how many go back to an earlier one."""

    pairs: int
    back: int


@dataclass(frozen=True, slots=True)
class QualityFigures:
    """What :class:`Quality` counted.

    Attributes:
        statistics: conversations, turns, topics, strategies, stages, lengths.
        known: the shares that are published, beside them.
        strategies: all twelve, beside CSConv's where it is on this machine.
        distinct: distinct-1 and distinct-2 (0 to 1) by speaker; NaN without a text.
        phrases: stock phrases by speaker.
        closed: conversations in which the supporter's last utterance is 感谢与告别.
        endings: by what conversations ended, as their pipeline says.
        longest_run: utterances in the longest run of one strategy of each conversation: mean and largest.
        broken: how many conversations break which construction rule of CSConv.
        stage_order: how often the stages go back.
    """

    statistics: DataStatistics
    known: tuple[ShareBeside, ...]
    strategies: tuple[ShareBeside, ...]
    distinct: Mapping[Speaker, tuple[float, float]]
    phrases: Mapping[Speaker, tuple[UsedPhrase, ...]]
    closed: int
    endings: Mapping[str, int]
    longest_run: tuple[float, int]
    broken: Mapping[str, int]
    stage_order: BeforeAfter

    def record(self) -> dict[str, Any]:
        """As a JSON object; what is undefined is null."""
        return {
            "shares_beside_csconv": [
                {"strategies": s.name, "share": _number(s.share), "csconv": s.csconv} for s in self.known
            ],
            "strategies_beside_csconv": [
                {"strategy": s.name, "share": _number(s.share), "csconv": s.csconv} for s in self.strategies
            ],
            "csconv_means": MEANS,
            "distinct": {
                s.value: {"distinct_1": _number(one), "distinct_2": _number(two)}
                for s, (one, two) in self.distinct.items()
            },
            "stock_phrases": {s.value: [p._asdict() for p in found] for s, found in self.phrases.items()},
            "end_with_closure": self.closed,
            "ended_by": dict(self.endings),
            "longest_run": {"mean": _number(self.longest_run[0]), "largest": self.longest_run[1]},
            "broken_rules": dict(self.broken),
            "stage_order": {"pairs": self.stage_order.pairs, "back": self.stage_order.back},
        }


MEANS = {
    "utterances": round(FULL_UTTERANCES / FULL_CONVERSATIONS, 2),
    "supporter_turns": round(FULL_TURNS / FULL_CONVERSATIONS, 2),
}
"""Of a conversation of CSConv."""


class Quality:
    """Counts conversations one after the other; no text but stock phrases is kept."""

    def __init__(self) -> None:
        self._summary = Summary()
        self._distinct = {s: (_TextBatches(Distinct(1)), _TextBatches(Distinct(2))) for s in Speaker}
        self._phrases = {speaker: StockPhrases() for speaker in Speaker}
        self._endings: Counter[str] = Counter()
        self._broken: Counter[str] = Counter()
        self._closed = self._pairs = self._back = self._runs = self._longest = 0

    def add(self, conversation: Conversation, provenance: Mapping[str, Any]) -> None:
        """Count one more."""
        self._summary.add(conversation)
        for speaker in Speaker:
            texts = [u.text for u in conversation.utterances if u.speaker is speaker]
            self._phrases[speaker].add(texts)
            for each in self._distinct[speaker]:
                each.add(texts)
        ended = printable(str(provenance.get("ended") or "not said"), 60)
        self._endings[ended if ended in self._endings or len(self._endings) < _KINDS else "other"] += 1
        said = [u.strategy for u in conversation.utterances if u.strategy]
        longest = max((len(list(run)) for _, run in itertools.groupby(said)), default=0)
        self._runs += longest
        self._longest = max(self._longest, longest)
        closed = bool(said) and said[-1] is Strategy.APPRECIATION_AND_CLOSURE
        self._closed += closed
        self._broken.update({each.rule for each in broken_rules(conversation)})
        stages = [s.stage.number for s in said if s.stage]
        self._pairs += max(len(stages) - 1, 0)
        self._back += sum(after < before for before, after in itertools.pairwise(stages))

    def figures(self, csconv: Corpus | None = None) -> QualityFigures:
        """Of all that were added, beside CSConv where it is at hand."""
        found = self._summary.statistics()
        beside = _shares(summarise(csconv.conversations).strategies) if csconv else None
        shares = _shares(found.strategies)
        return QualityFigures(
            statistics=found,
            known=tuple(
                ShareBeside(known.name, sum(shares[s] for s in known.strategies), known.share)
                for known in KNOWN_SHARES
            ),
            strategies=tuple(
                ShareBeside(s.zh, shares[s], round(beside[s], 4) if beside else None) for s in Strategy
            ),
            distinct={s: (one.score(), two.score()) for s, (one, two) in self._distinct.items()},
            phrases={s: tuple(each.most_used(_PHRASES)) for s, each in self._phrases.items()},
            closed=self._closed,
            endings=dict(self._endings.most_common()),
            longest_run=(
                self._runs / found.conversations if found.conversations else math.nan,
                self._longest,
            ),
            broken={rule.value: self._broken[rule] for rule in ConstructionRule},
            stage_order=BeforeAfter(self._pairs, self._back),
        )


class _TextBatches:
    """A set metric over texts that are added a conversation at a time and counted many at once."""

    def __init__(self, metric: Distinct) -> None:
        self._fold = metric.fold()
        self._texts: list[str] = []

    def add(self, texts: Sequence[str]) -> None:
        self._texts += texts
        if len(self._texts) >= _BATCH:
            self._count()

    def score(self) -> float:
        self._count()
        return self._fold.score()

    def _count(self) -> None:
        if self._texts:
            self._fold.add(self._texts)
            self._texts = []


def _shares(counts: Mapping[Strategy, int]) -> dict[Strategy, float]:
    total = sum(counts.values())
    return {s: counts.get(s, 0) / total if total else math.nan for s in Strategy}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
