"""The columns of a table: which sections and metrics there are, in which order, and what each is called."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from hashlib import sha256

from csc_tasks.leaderboards.board import Column, Section
from csc_tasks.metrics import Metric, has_sums, headlines, reported_metrics
from csc_tasks.metrics.judge.scores import known_columns
from csc_tasks.protocol.task_kind import ROLE_PLAY_SECTION, TaskKind, in_order
from csc_tasks.sentences import Sentence

__all__ = ["heading", "section_columns", "sections_in_order"]

_TITLES = {
    TaskKind.RESPONSE.value: Sentence("section.task.response", "Response"),
    TaskKind.RESPONSE_ORACLE.value: Sentence("section.task.response_oracle", "Response, gold strategy given"),
    TaskKind.STRATEGY.value: Sentence("section.task.strategy", "Strategy"),
    TaskKind.STRATEGY_MC.value: Sentence("section.task.strategy_mc", "Strategy, multiple choice"),
}
_CONTEXTS = {
    "reference": Sentence("section.context.reference", "reference"),
    "generated": Sentence("section.context.generated", "generated"),
}

_COVERAGE = frozenset(("judge_coverage", "human_coverage", "customer_coverage"))
"""Metrics that say how much of what was asked the others are of."""


def sections_in_order(present: Collection[str]) -> tuple[Section, ...]:
    """Sections by their ids (``response/reference``), the paper's task first and unknown ones last."""
    return tuple(
        Section(section, _title(section, task, context), task, context)
        for section in in_order(present)
        for task, _, context in [section.partition("/")]
    )


def _title(section: str, task: str, context: str) -> str:
    if section == ROLE_PLAY_SECTION:
        return Sentence("section.roleplay", "Role-play")
    told = {"task": _TITLES.get(task, task), "context": _CONTEXTS.get(context, context)}
    return Sentence("section.title", "{task}, {context} context", **told)


def section_columns(
    section: str, models: Collection[Collection[tuple[str, str]]], trials: int = 0
) -> Iterator[Column]:
    """The columns of a section, in table order: one for each metric and way to compute it.

    Args:
        section: its id.
        models: (reported name, signature) of every score that each model has in it.
        trials: of role-plays how often each card is played, which is the k of pass^k; 0 where nothing is played.
    """
    scores = {pair for each in models for pair in each}
    # A score that only some have does not take the place of one that others are compared by.
    short = {name for each in models for name in headlines([name for name, _ in each])}
    known: dict[str, Metric] = {**reported_metrics(), **known_columns({name for name, _ in scores})}
    for name, metric in known.items():
        signatures = sorted(signature for other, signature in scores if other == name)
        for signature in signatures:
            several = len(signatures) > 1
            digest = sha256(signature.encode("utf-8", "surrogatepass")).hexdigest()[:6]
            title = heading(f"{name} {signature}" if metric.info.model else name, metric)
            if trials and name == "pass_k":
                title = f"pass^{trials}"
            if several and not metric.info.model:
                title += f" ({signature})"
            yield Column(
                id=f"{section}/{name}#{digest}" if several else f"{section}/{name}",
                section=section,
                metric=name,
                title=title,
                summary=metric.info.summary,
                signature=signature,
                better=metric.info.better,
                percent=metric.info.percent,
                headline=name in short,
                # How much could be judged or played is no achievement of the model.
                ranked=bool(metric.info.better) and has_sums(name) and name not in _COVERAGE,
            )


def heading(name: str, metric: Metric) -> str:
    """The title of a metric reported under ``name``, which of a network's score ends in its signature."""
    title = metric.info.title
    suffix = name.removeprefix(metric.info.name)
    if metric.info.model:
        # The network is told in full elsewhere; here what tells two columns apart.
        suffix = suffix.removeprefix(f"_{metric.info.variant}") if metric.info.variant else suffix
        network = next((part for part in suffix.split(", ") if "@" in part), suffix).split("@", 1)[0]
        suffix = ", ".join(part.strip() for part in (network, metric.info.variant) if part.strip())
    return title + (f" ({suffix.lstrip('_')})" if suffix else "")
