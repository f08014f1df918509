"""What one model's results prove: sums by conversation for each section and metric, of each seed.

A comparison and a gate read this, wherever it comes from: logs, a judge's file, a baseline file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from csc_tasks.leaderboards.names import telling_words, title_of
from csc_tasks.leaderboards.reading.asked import Asked
from csc_tasks.leaderboards.reading.identity import Identity
from csc_tasks.leaderboards.reading.repeats import over_seeds
from csc_tasks.metrics import additive_metric
from csc_tasks.metrics.base import Floats
from csc_tasks.metrics.uncertainty import bootstrap_scores
from csc_tasks.protocol.named_data import NamedData, common_names
from csc_tasks.protocol.signature import Protocol
from csc_tasks.results.results_file import TaskRun

__all__ = ["MetricResults", "ModelResults", "SectionResults", "titles"]


@dataclass(frozen=True, slots=True)
class MetricResults:
    """One metric: ``sums`` has (c, d) of the ``conversations`` (c,) for each seed, or is empty with the reason ``why``.

    ``value`` is the mean of the seeds' scores and ``spread`` their standard deviation; ``digest`` is of the set
    of turns, and ``turns`` how many they are.
    """

    name: str
    signature: str
    value: float
    conversations: tuple[str, ...] = ()
    digest: str = ""
    turns: int = 0
    sums: tuple[Floats, ...] = ()
    why: str = ""
    spread: float | None = None

    def replicates(self, weights: Floats) -> Floats:
        """The score on each resample of conversations, (resamples,): the mean of the seeds'.

        Args:
            weights: (resamples, c), how often each conversation is drawn.
        """
        metric = additive_metric(self.name)
        return over_seeds([bootstrap_scores(metric, sums, weights) for sums in self.sums])


@dataclass(frozen=True, slots=True)
class SectionResults:
    """One task in one context; ``asked`` conversations are what the subset has, ``whole`` that all turns are there.

    ``how`` is how the model was asked, ``None`` where the file does not say; ``seeds`` are those of its runs,
    and ``runs`` what it was read from, one a seed; a baseline file has none.
    """

    section: str
    signature: str
    turns: int
    conversations: int
    asked: int
    whole: bool
    digest: str
    metrics: dict[str, MetricResults] = field(default_factory=dict)
    how: Asked | None = None
    seeds: tuple[str, ...] = ()
    runs: tuple[TaskRun, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelResults:
    """One model under one protocol; ``source`` says in words where it comes from.

    ``identity`` is all that can change its answers, ``None`` in a baseline file of before that was written.
    """

    model: str
    revision: str
    protocol: Protocol
    source: str
    date: float
    sections: dict[str, SectionResults]
    notes: tuple[str, ...] = ()
    identity: Identity | None = None

    @property
    def seeds(self) -> int:
        """How many runs that differ in their seed alone this is the mean of, at most."""
        return max((len(section.seeds) for section in self.sections.values()), default=1)


def titles(first: ModelResults, second: ModelResults) -> tuple[str, str]:
    """What two models are called side by side: name, revision, what tells them apart, and several seeds."""
    known = [model for model in (first, second) if model.identity is not None]
    words = telling_words([(m.model, settings) for m, settings in zip(known, _settings(known), strict=True)])
    told = {id(model): found for model, found in zip(known, words, strict=True)}
    return _title(first, told.get(id(first), ())), _title(second, told.get(id(second), ()))


def _settings(models: Sequence[ModelResults]) -> list[dict[str, str]]:
    """The models' settings, data of one content under one name in all of them."""
    settings = [dict(model.identity.settings) for model in models if model.identity is not None]
    shown = [NamedData.read(each["examples"]) for each in settings if "examples" in each]
    names = common_names(shown)
    return [
        {**each, "examples": str(NamedData.read(each["examples"]).called(names))}
        if "examples" in each
        else each
        for each in settings
    ]


def _title(model: ModelResults, words: tuple[str, ...]) -> str:
    seeds = [f"({model.seeds} seeds)"] if model.seeds > 1 else []
    return title_of(model.model, model.revision, [*words, *seeds])
