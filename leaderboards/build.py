"""Building a leaderboard from results files: who may be compared, with what uncertainty, in which place."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

from csc_tasks._version import __version__
from csc_tasks.errors import DataError
from csc_tasks.leaderboards.board import (
    Board,
    BrowsedConversation,
    BrowsedReply,
    InputProblem,
)
from csc_tasks.leaderboards.browsed import KEPT, BrowsedCase, BrowsedRolePlay
from csc_tasks.leaderboards.customers import with_customers
from csc_tasks.leaderboards.names import model_names
from csc_tasks.leaderboards.pairs import with_pairs
from csc_tasks.leaderboards.reading.checks import mismatch
from csc_tasks.leaderboards.reading.choose import ModelSection, choose_runs
from csc_tasks.leaderboards.reading.contests import pairwise_tables
from csc_tasks.leaderboards.reading.remarks import Remarks, remarks_of
from csc_tasks.leaderboards.reading.replicates import Replicates, replicates_of
from csc_tasks.leaderboards.reading.runs import find_runs
from csc_tasks.leaderboards.reading.texts import Texts
from csc_tasks.leaderboards.table_builder import TableBuilder
from csc_tasks.leaderboards.wordings import with_wordings
from csc_tasks.metrics.comparison import LEVEL
from csc_tasks.metrics.uncertainty import RESAMPLES, SEED
from csc_tasks.protocol.signature import Protocol
from csc_tasks.sentences import Sentence

__all__ = ["build_board", "reported_results"]


_REPORTED_BY = Sentence(
    "reported.source",
    "main results table of arXiv 2508.04423, as published in the image of the upstream README "
    "(aliyun/qwen-dianjin, DianJin-CSC/images/eval.png)",
)


def reported_results() -> dict[str, Any]:
    """The paper's table, as published."""
    table: dict[str, Any] = json.loads(
        files("csc_tasks.leaderboards").joinpath("paper_table.json").read_text(encoding="utf-8")
    )
    return {"source": _REPORTED_BY, **table}


def build_board(
    paths: Iterable[Path],
    workers: int = 1,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    cache: Path | None = None,
    fresh: bool = False,
    browse: int | None = KEPT,
) -> Board:
    """The leaderboard of everything below these folders.

    Args:
        paths: folders, or results files.
        workers: processes that read logs.
        on_progress: called with the number of logs read and of all.
        cache: folder where what was read is kept; by default csconv's.
        fresh: read every log, whatever is kept of it.
        browse: how many conversations, or role-plays, of each log people may read; ``None`` for all.

    Raises:
        DataError: a path does not exist, or no csconv result was found.
    """
    paths = list(paths)
    found = find_runs(paths)
    chosen, problems = choose_runs(found.runs)
    # Whatever ties, ties in the same way wherever the files lie.
    chosen.sort(key=lambda model: (model.identity.key, model.section, str(model.protocol)))
    runs = [run for model in chosen for run in model.all_runs]
    contests, damaged = pairwise_tables(paths)
    problems += damaged
    read = replicates_of(runs, workers, lambda done: on_progress(done, len(runs)), cache, fresh, browse)
    sources: dict[int, Replicates] = {}
    reasons: dict[int, str] = {}
    for run, summary in zip(runs, read, strict=True):
        if isinstance(summary, DataError):
            reasons[id(run)] = str(summary)
            problems.append(InputProblem(str(run.path), _without_intervals(summary, run.task)))
        elif reason := mismatch(run, summary.sample_hash, summary.scores):
            reasons[id(run)] = reason
            problems.append(InputProblem(str(run.samples), _without_intervals(reason)))
        else:
            sources[id(run)] = summary
    classes: dict[Protocol, list[ModelSection]] = {}
    for model in chosen:
        classes.setdefault(model.protocol, []).append(model)
    # The largest class first, of equal ones the newer benchmark: the others are told apart from it.
    order = sorted(sorted(classes, key=str), key=lambda f: (_size(classes[f]), f.version), reverse=True)
    tables, builders, texts = [], [], _Browser()
    # A model has one name in all tables.
    names = model_names(model.identity for model in chosen)
    for number, facts in enumerate(order, 1):
        builder = TableBuilder(facts, classes[facts], sources, reasons, names)
        tables.append(builder.table(f"t{number}", order[0] if number > 1 else None))
        builders.append(builder)
        texts.add(builder, f"t{number}")
    return Board(
        built=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        package=__version__,
        resamples=RESAMPLES,
        seed=SEED,
        level=LEVEL,
        tables=tuple(with_pairs(builders, with_customers(builders, with_wordings(builders, tables)))),
        reported=reported_results(),
        problems=(*found.problems, *problems, *texts.problems),
        ignored=found.ignored,
        conversations=tuple(texts.conversations[k] for k in sorted(texts.conversations)),
        replies=texts.replies,
        cases={table: tuple(cases[k] for k in sorted(cases)) for table, cases in texts.cases.items()},
        role_plays=texts.role_plays,
        remarks=texts.remarks,
        pairwise=tuple(contests),
    )


def _without_intervals(reason: DataError | str, task: str = "") -> Sentence:
    if not task:
        return Sentence("run.listed", "{reason}; listed without intervals", reason=reason)
    return Sentence("run.unread", "{task}: listed without intervals: {reason}", task=task, reason=str(reason))


class _Browser:
    """The conversations and cases that people may read, and what every model made of them."""

    def __init__(self) -> None:
        self.conversations: dict[str, BrowsedConversation] = {}
        self.replies: dict[str, dict[str, dict[str, tuple[BrowsedReply | None, ...]]]] = {}
        self.cases: dict[str, dict[tuple[str, int], BrowsedCase]] = {}
        self.role_plays: dict[str, dict[str, dict[str, BrowsedRolePlay]]] = {}
        self.remarks: dict[str, dict[str, Remarks]] = {}
        self.problems: list[InputProblem] = []

    def add(self, builder: TableBuilder, table: str) -> None:
        """Take in the texts of the models of a table, which is named by its id."""
        for model in builder.members:
            source = builder.averages.get((model.identity.key, model.section))
            if source is None:
                continue
            row = builder.row_ids[model.identity.key]
            self._remark(builder, model, row, source.texts)
            if source.texts.role_plays:
                self.role_plays.setdefault(row, {})[model.section] = source.texts.role_plays
                cases = self.cases.setdefault(table, {})
                for case in source.texts.cases:
                    cases.setdefault((case.card, case.trial), case)
            if not source.texts.replies:
                continue
            self.replies.setdefault(row, {})[model.section] = source.texts.replies
            for conversation in source.texts.conversations:
                before = self.conversations.get(conversation.id)
                if before is None or _known(conversation) > _known(before):
                    self.conversations[conversation.id] = conversation

    def _remark(self, builder: TableBuilder, model: ModelSection, row: str, texts: Texts) -> None:
        """Take in what was said of these texts, which are of one seed."""
        sources = [(repeat, builder.sources.get(id(repeat.run))) for repeat in model.repeats]
        added = [repeat.added for repeat, own in sources if own is not None and own.texts is texts]
        remarks, unread = remarks_of(added[0] if added else (), {*texts.replies, *texts.role_plays})
        if remarks:
            self.remarks.setdefault(row, {})[model.section] = remarks
        for error in unread:
            path, _, why = str(error).partition(": ")
            self.problems.append(InputProblem(path, why))


def _size(members: list[ModelSection]) -> int:
    return len({model.identity.key for model in members})


def _known(conversation: BrowsedConversation) -> int:
    """How many utterances are known: a log that was cut short has not all of them."""
    return sum(bool(turn.reference) + bool(turn.customer) for turn in conversation.turns)
