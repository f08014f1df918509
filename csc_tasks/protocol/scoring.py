"""From replies to metric items: the one path that the run and every later re-scoring share.

Nothing here raises because of a reply or because a metric fails: ten hours of generation must not be
lost to scoring. A metric that fails has no items (``None``), a reason, and a NaN score.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from csc_tasks.framework import Strategy
from csc_tasks.metrics import (
    NO_MODELS,
    UNREADABLE,
    Metric,
    Models,
    Needs,
    TurnMetric,
    Turns,
    column_name,
    metrics_for,
)
from csc_tasks.metrics.depth import AtDepth
from csc_tasks.metrics.roleplay import role_play_metrics
from csc_tasks.protocol.replies import Problem, Reply, read_reply
from csc_tasks.protocol.task_kind import Context, TaskKind
from csc_tasks.protocol.thinking import ThinkingFormat, leaves_in_thought
from csc_tasks.protocol.turns import TurnDoc, gold_strategy
from csc_tasks.system.memory import without_collecting

__all__ = [
    "Scored",
    "TurnRecord",
    "gold_ranks",
    "metrics_of_task",
    "read_choice",
    "read_replies",
    "score_replies",
]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """What is known about one turn after scoring: the reply as read and an item for each metric.

    ``left_out`` is how many of the oldest utterances were cut from its history to fit the model's window;
    ``truncated`` whether the backend cut the prompt in a way of its own, as far as that is known.
    """

    reply: Reply
    items: dict[str, Any]
    left_out: int = 0
    truncated: bool = False

    def __str__(self) -> str:
        # lm-eval logs what a filter returns through str(): make that a JSON object.
        record = self.reply.record()
        if self.left_out:
            record["left_out"] = self.left_out
        if self.truncated:
            record["truncated"] = True
        return json.dumps(record, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Scored:
    """All turns of a task on this process, scored.

    ``columns`` has the items of each metric, in the order of the turns; ``failures`` gives the reason for each that
    failed.
    """

    records: list[TurnRecord]
    columns: dict[str, list[Any]]
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def problems(self) -> Counter[Problem]:
        """How many replies lack what, by reason."""
        return Counter(r.reply.problem for r in self.records if r.reply.problem)


def metrics_of_task(
    kind: TaskKind,
    context: Context,
    tokenizer: str,
    models: Models = NO_MODELS,
    labelled: bool = True,
    benchmark: int | None = None,
) -> tuple[Metric, ...]:
    """The metrics that a task of this kind reports, in table order; with networks only those of ``models``.

    In role-plays those of role-plays, and no others: there is nothing gold. In generated context also those of a
    dialogue: by depth, and truncation. Without labels none that compares with a gold strategy. Of an earlier
    ``benchmark`` version also those that only it had.
    """
    if context is Context.ROLE_PLAY:
        return tuple(role_play_metrics().values())
    needs = {
        TaskKind.STRATEGY: {Needs.STRATEGY, Needs.ANSWERS, Needs.BACKEND},
        TaskKind.STRATEGY_MC: {Needs.STRATEGY, Needs.RANKS},
        TaskKind.RESPONSE: {Needs.STRATEGY, Needs.TEXT, Needs.ANSWERS, Needs.BACKEND},
        TaskKind.RESPONSE_ORACLE: {Needs.TEXT, Needs.ANSWERS, Needs.BACKEND},
    }[kind]
    wanted = needs | {Needs.DIALOGUE} if context is Context.GENERATED else needs
    return tuple(
        m for m in metrics_for(wanted, tokenizer, models, benchmark) if labelled or not _needs_gold(m)
    )


def _needs_gold(metric: Metric) -> bool:
    """Whether a metric compares with gold strategies."""
    inner = metric.metric if isinstance(metric, AtDepth) else metric
    return inner.info.needs in (Needs.STRATEGY, Needs.RANKS)


@dataclass(frozen=True, slots=True)
class Choice:
    """A multiple-choice answer: the strategy ranked first, and the rank (1–12) of the gold one."""

    reply: Reply
    gold_rank: int


def read_choice(log_likelihoods: Sequence[float], gold: Strategy | None) -> Choice:
    """Read the log-likelihoods of the twelve options A–L.

    Ties go to the earlier letter, and against the gold strategy in the rank, so that a model that
    gives all options the same likelihood gains nothing from it. A NaN makes the answer unreadable.
    """
    assert gold is not None  # the task takes labelled data only
    values = np.asarray(log_likelihoods, dtype=float)
    if len(values) != len(Strategy) or np.isnan(values).any():
        return Choice(Reply(None, "", Problem.UNKNOWN_LABEL), len(Strategy))
    rank = int((values >= values[gold.index]).sum())
    return Choice(Reply(Strategy.from_index(int(values.argmax())), ""), rank)


def read_replies(
    kind: TaskKind,
    docs: Sequence[TurnDoc],
    answers: Sequence[object],
    prompts: Sequence[object] | None = None,
    formats: Sequence[ThinkingFormat] = (),
) -> list[Reply]:
    """Read every answer, once.

    Args:
        kind: what was asked.
        docs: n turns.
        answers: n raw replies (text or ``None``), or for multiple choice n sequences of twelve
            log-likelihoods.
        prompts: the n prompts that were sent, where some may open the thinking that the reply begins with.
        formats: of thinking, beside those that are known.
    """
    if kind is TaskKind.STRATEGY_MC:
        choices = [read_choice(a, gold_strategy(d)) for a, d in zip(answers, docs, strict=True)]  # type: ignore[arg-type]
        return [choice.reply for choice in choices]
    sent = prompts or [""] * len(answers)
    with without_collecting():
        return [
            read_reply(a, kind, leaves_in_thought(p, formats), formats)
            for a, p in zip(answers, sent, strict=True)
        ]


def gold_ranks(docs: Sequence[TurnDoc], answers: Sequence[Any]) -> npt.NDArray[np.int64]:
    """The ranks (n,) of the gold strategies, 1 to 12, in n sequences of twelve log-likelihoods."""
    ranks = [read_choice(a, gold_strategy(d)).gold_rank for a, d in zip(answers, docs, strict=True)]
    return np.array(ranks, dtype=np.int64)


def score_replies(
    docs: Sequence[TurnDoc],
    replies: Sequence[Reply],
    tokenizer: str,
    metrics: Sequence[Metric],
    ranks: npt.NDArray[np.int64] | None = None,
    left_out: Sequence[int] | None = None,
    truncated: Sequence[bool] | None = None,
) -> Scored:
    """Compute every metric's items.

    Args:
        docs: n turns.
        replies: n replies, from :func:`read_replies`.
        tokenizer: name of the tokenizer of the text metrics.
        metrics: those to compute.
        ranks: (n,) from :func:`gold_ranks`, for multiple choice.
        left_out: in generated context n numbers: how many utterances were cut from a turn's history.
        truncated: n flags, whether any were, where only that is known.
    """
    golds = [gold_strategy(doc) for doc in docs]
    if truncated is None and left_out is not None:
        truncated = [number > 0 for number in left_out]
    turns = Turns(
        conversations=[doc["conversation"] for doc in docs],
        positions=np.array([doc["turn"] for doc in docs], dtype=np.int64),
        gold=np.array([g.index if g else UNREADABLE for g in golds], dtype=np.int64),
        predicted=np.array([r.strategy.index if r.strategy else UNREADABLE for r in replies], dtype=np.int64),
        hypotheses=[r.text for r in replies],
        references=[doc["reference"] for doc in docs],
        answered=np.array([r.answered for r in replies], dtype=bool),
        failed=np.array([r.failed for r in replies], dtype=bool),
        ranks=ranks,
        totals=np.array([doc["turns"] for doc in docs], dtype=np.int64),
        truncated=None if truncated is None else np.array(truncated, dtype=bool),
        tokenizer=tokenizer,
    )
    cut = left_out or [0] * len(docs)
    with without_collecting():
        columns, failures = _columns(turns, metrics)
        names = list(columns)
        rows = zip(*columns.values(), strict=True) if columns else ([] for _ in docs)
        records = [
            TurnRecord(reply, dict(zip(names, row, strict=True)), number)
            for reply, row, number in zip(replies, rows, cut, strict=True)
        ]
    return Scored(records, columns, failures)


def _columns(turns: Turns, metrics: Sequence[Metric]) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """The items of every metric by the name of its column, and why there are none of those that failed."""
    columns: dict[str, list[Any]] = {}
    failures: dict[str, str] = {}
    for metric in metrics:
        if not isinstance(metric, TurnMetric):
            continue  # a judge's items are added by the judge, for whom all replies are needed first
        name = column_name(metric, turns.tokenizer)
        try:
            columns[name] = metric.items(turns)
        except Exception as error:
            logger.exception("%s failed; it is NaN in the results, the replies are in the sample log", name)
            failures[name] = f"{type(error).__name__}: {error}"
            columns[name] = [None] * len(turns)
    return columns, failures
