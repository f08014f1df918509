"""Building a leaderboard from results files: who may be compared, with what uncertainty, in which place."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from csc_tasks._version import __version__
from csc_tasks.errors import DataError
from csc_tasks.leaderboards.board import (
    Board,
    BoardTable,
    BrowsedConversation,
    BrowsedReply,
    Cell,
    Column,
    Gold,
    InputProblem,
    Row,
    Section,
    SectionFigures,
)
from csc_tasks.leaderboards.reading.choose import ModelSection, choose_runs
from csc_tasks.leaderboards.reading.replicates import Replicates, replicates_of
from csc_tasks.leaderboards.reading.runs import Protocol, TaskRun, find_runs
from csc_tasks.leaderboards.reading.sums import has_sums
from csc_tasks.leaderboards.rendering.headings import heading
from csc_tasks.metrics import Metric, reported_metrics
from csc_tasks.metrics.comparison import LEVEL, interval, ranks
from csc_tasks.metrics.judge.scores import known_columns
from csc_tasks.metrics.uncertainty import RESAMPLES, SEED
from csc_tasks.protocol.task_kind import TaskKind

__all__ = ["build_board", "reported_results"]

_SECTIONS = [
    (kind.value, context)
    for kind in (TaskKind.RESPONSE, TaskKind.RESPONSE_ORACLE, TaskKind.STRATEGY, TaskKind.STRATEGY_MC)
    for context in ("reference", "generated")
]
_TITLES = {
    TaskKind.RESPONSE.value: "Response",
    TaskKind.RESPONSE_ORACLE.value: "Response, gold strategy given",
    TaskKind.STRATEGY.value: "Strategy",
    TaskKind.STRATEGY_MC.value: "Strategy, multiple choice",
}
_SAME = 1e-9
"""How far a score may be from what its own samples give before they are not believed to be of one run."""


def reported_results() -> dict[str, Any]:
    """The paper's table, as published."""
    table: dict[str, Any] = json.loads(
        files("csc_tasks.leaderboards").joinpath("paper_table.json").read_text(encoding="utf-8")
    )
    return table


def build_board(
    paths: Iterable[Path],
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
    cache: Path | None = None,
) -> Board:
    """The leaderboard of everything below these folders.

    Args:
        paths: folders, or results files.
        workers: processes that read logs.
        progress: called with the number of logs read and of all.
        cache: folder where what was read is kept; by default csconv's.

    Raises:
        DataError: a path does not exist, or no csconv result was found.
    """
    found = find_runs(paths)
    chosen, problems = choose_runs(found.runs)
    # Whatever ties, ties in the same way wherever the files lie.
    chosen.sort(key=lambda model: (model.identity.key, model.section, str(model.facts)))
    runs = [run for model in chosen for run in model.all_runs]
    read = replicates_of(runs, workers, lambda done: progress(done, len(runs)), cache)
    sources: dict[int, Replicates] = {}
    reasons: dict[int, str] = {}
    for run, summary in zip(runs, read, strict=True):
        if isinstance(summary, DataError):
            reasons[id(run)] = str(summary)
            problems.append(InputProblem(str(run.path), f"{run.task}: listed without intervals: {summary}"))
        elif mismatch := _mismatch(run, summary):
            reasons[id(run)] = mismatch
            problems.append(InputProblem(str(run.samples), f"{mismatch}; listed without intervals"))
        else:
            sources[id(run)] = summary
    classes: dict[Protocol, list[ModelSection]] = {}
    for model in chosen:
        classes.setdefault(model.facts, []).append(model)
    # The largest class first: the others are told apart from it.
    order = sorted(classes, key=lambda f: (-len({m.identity.key for m in classes[f]}), str(f)))
    tables, browse = [], _Browser()
    for number, facts in enumerate(order, 1):
        builder = _TableBuilder(facts, classes[facts], sources, reasons)
        tables.append(builder.table(f"t{number}", order[0] if number > 1 else None))
        browse.add(builder)
    return Board(
        built=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        package=__version__,
        resamples=RESAMPLES,
        seed=SEED,
        level=LEVEL,
        tables=tuple(tables),
        reported=reported_results(),
        problems=(*found.problems, *problems),
        ignored=found.ignored,
        conversations=tuple(browse.conversations[k] for k in sorted(browse.conversations)),
        replies=browse.replies,
    )


def _mismatch(run: TaskRun, summary: Replicates) -> str:
    """In words why the samples cannot be those of the results file; '' if they can."""
    if run.samples_hash and summary.sample_hash and not run.about and run.samples_hash != summary.sample_hash:
        return f"{run.samples.name} is not the log of {run.path.name} (another hash, or lines are missing)"
    for name, score in summary.scores.items():
        told = run.values.get(name, math.nan)
        if not math.isnan(told) and not math.isnan(score) and abs(told - score) > _SAME * max(1, abs(told)):
            return f"{run.samples.name} gives {name} {score:.6g}, {run.path.name} says {told:.6g}: not of one run"
    return ""


@dataclass(frozen=True, slots=True)
class _Score:
    """One metric of one model, and the file that it can be resampled from."""

    value: float
    signature: str
    run: TaskRun
    source: Replicates | None
    why: str


class _TableBuilder:
    """One comparability class."""

    def __init__(
        self,
        facts: Protocol,
        members: Sequence[ModelSection],
        sources: dict[int, Replicates],
        reasons: dict[int, str],
    ) -> None:
        self.facts = facts
        self.members = members
        self.sources = sources
        self.reasons = reasons
        self.models = {m.identity.key: m.identity for m in members}
        self.row_ids = {key: sha256(repr((key, facts)).encode()).hexdigest()[:12] for key in self.models}
        present = {m.section for m in members}
        self.sections = [f"{k}/{c}" for k, c in _SECTIONS if f"{k}/{c}" in present]
        self.sections += sorted(present - set(self.sections))
        self.scores = {(m.identity.key, m.section): self._scores(m) for m in members}
        self.complete = {(m.identity.key, m.section): self._is_complete(m) for m in members}

    def _scores(self, model: ModelSection) -> dict[tuple[str, str], _Score]:
        """By metric and signature; what was scored again later counts before the run's own."""
        scores: dict[tuple[str, str], _Score] = {}
        for run in (*model.added, model.run):
            source = self.sources.get(id(run))
            for name, value in run.values.items():
                signature = str(run.signature["metrics"].get(name, ""))
                why = self.reasons.get(id(run), "")
                if source is not None and name not in source.replicates:
                    why = "" if has_sums(name) else "a figure of all turns together, not resampled"
                if math.isnan(value):
                    told = (run.report.get("unscored") or {}).get(name) or {}
                    why = str(told.get("reason") or run.about.get("withheld") or "undefined for these turns")
                known = source if source is not None and name in source.replicates else None
                scores.setdefault((name, signature), _Score(value, signature, run, known, why))
        return scores

    def _is_complete(self, model: ModelSection) -> bool:
        source = self.sources.get(id(model.run))
        asked = int(model.run.signature["data"]["conversations"])
        if source is None or not source.sample_hash:
            return not model.run.limited
        return source.clusters == asked and source.turns == source.expected

    def table(self, name: str, first: Protocol | None) -> BoardTable:
        """The class as a table; ``first`` is the class that it is told apart from."""
        columns, names = self._columns()
        cells: dict[tuple[str, ...], dict[str, Cell]] = {key: {} for key in self.models}
        for column in columns:
            for key, cell in self._cells(column, names[column.id]).items():
                cells[key][column.id] = cell
        order = self._order(columns)
        rows = [self._row(key, cells[key]) for key in self.models]
        better = next((c.better for c in columns if c.id == order), 1)

        def place(row: Row) -> tuple[bool, bool, float, str]:
            value = row.cells[order].value if order in row.cells else None
            return row.floor, bool(row.incomplete), math.inf if value is None else -better * value, row.model

        partial = [s for s in self.sections if not self._anyone_complete(s)]
        titles = {s.id: s.title for s in self._sections()}
        return BoardTable(
            id=name,
            title=f"CSConv {self.facts.data.split(' ')[0]}, prompt {self.facts.prompt.split(' ')[0]}",
            facts=self.facts.named(),
            apart=self.facts.against(first) if first else "",
            partial=f"no model has all turns of: {'; '.join(titles[s] for s in partial)}" if partial else "",
            order=order,
            sections=self._sections(),
            columns=columns,
            rows=tuple(sorted(rows, key=place)),
            gold=self._gold(),
        )

    def _sections(self) -> tuple[Section, ...]:
        return tuple(
            Section(
                section,
                f"{_TITLES.get(task, task)}, {context} context",
                task,
                context,
            )
            for section in self.sections
            for task, _, context in [section.partition("/")]
        )

    def _columns(self) -> tuple[tuple[Column, ...], dict[str, tuple[str, str]]]:
        columns: list[Column] = []
        names: dict[str, tuple[str, str]] = {}
        for section in self.sections:
            pairs = {
                pair for (_, where), scores in self.scores.items() if where == section for pair in scores
            }
            known: dict[str, Metric] = {**reported_metrics(), **known_columns({n for n, _ in pairs})}
            for name, metric in known.items():
                signatures = sorted(s for n, s in pairs if n == name)
                for signature in signatures:
                    several = len(signatures) > 1
                    digest = (
                        "#" + sha256(signature.encode("utf-8", "surrogatepass")).hexdigest()[:6]
                        if several
                        else ""
                    )
                    full = f"{name} {signature}" if metric.info.model else name
                    title = heading(full, metric)
                    if several and not metric.info.model:
                        title += f" ({signature})"
                    column = Column(
                        id=f"{section}/{name}{digest}",
                        section=section,
                        metric=name,
                        title=title,
                        summary=metric.info.summary,
                        signature=signature,
                        better=metric.info.better,
                        percent=metric.info.percent,
                        headline=metric.info.headline,
                        ranked=bool(metric.info.better) and has_sums(name),
                    )
                    columns.append(column)
                    names[column.id] = (name, signature)
        return tuple(columns), names

    def _anyone_complete(self, section: str) -> bool:
        return any(
            self.complete[key, section]
            for key, identity in self.models.items()
            if (key, section) in self.complete and not identity.is_floor
        )

    def _cells(self, column: Column, pair: tuple[str, str]) -> dict[tuple[str, ...], Cell]:
        name = column.metric
        cells: dict[tuple[str, ...], Cell] = {}
        groups: dict[str, list[tuple[tuple[str, ...], Replicates]]] = {}
        anyone = self._anyone_complete(column.section)
        for key, identity in self.models.items():
            score = self.scores.get((key, column.section), {}).get(pair)
            if score is None:
                continue
            value = None if math.isnan(score.value) else score.value
            source = score.source
            if value is None or source is None:
                turns = source.turns if source else int(score.run.report.get("turns") or 0)
                why = score.why or "no interval"
                cells[key] = Cell(value, turns=turns, why=why)
                continue
            low, high = interval(source.replicates[name], source.clusters)
            known = not math.isnan(low)
            why = "" if known else "too few conversations for an interval"
            complete = self.complete[key, column.section]
            if not complete:
                why = why or "not all turns"
            cells[key] = Cell(value, low if known else None, high if known else None, source.turns, why=why)
            if column.ranked and known and not identity.is_floor and (complete or not anyone):
                groups.setdefault(source.digest, []).append((key, source))
        if groups:
            # Where turns differ, the largest set of models with the same ones is ranked.
            ranked = max(groups.values(), key=lambda g: (g[0][1].turns, len(g)))
            self._rank(cells, ranked, name, column.better)
        return cells

    def _rank(
        self,
        cells: dict[tuple[str, ...], Cell],
        ranked: Sequence[tuple[tuple[str, ...], Replicates]],
        name: str,
        better: int,
    ) -> None:
        scores = np.array([source.scores[name] for _, source in ranked])
        replicates = np.stack([source.replicates[name] for _, source in ranked])
        places = ranks(scores, replicates, ranked[0][1].clusters, better)
        for (key, _), low, high in zip(ranked, places.low.tolist(), places.high.tolist(), strict=True):
            cells[key] = replace(cells[key], rank=low, rank_low=low, rank_high=high)

    def _order(self, columns: Sequence[Column]) -> str:
        wanted = ("strategy_acc", "strategy_f1_macro", "bleu_4", "rouge_l", "bleu_2")
        ranked = [c for c in columns if c.ranked]
        return next(
            (
                c.id
                for section in self.sections
                for m in wanted
                for c in ranked
                if c.section == section and c.metric == m
            ),
            ranked[0].id if ranked else columns[0].id if columns else "",
        )

    def _row(self, key: tuple[str, ...], cells: dict[str, Cell]) -> Row:
        identity = self.models[key]
        mine = [m for m in self.members if m.identity.key == key]
        figures = {m.section: self._figures(m) for m in mine}
        missing = [
            f"{section}: {f.turns} of {f.expected_turns or 'all'} turns"
            for section, f in figures.items()
            if not f.complete and self._anyone_complete(section)
        ]
        twins = [
            i
            for k, i in self.models.items()
            if k != key and (i.name, i.revision) == (identity.name, identity.revision)
        ]
        notes = [f"{k}: {v}" for k, v in identity.settings if any((k, v) not in t.settings for t in twins)]
        notes += sorted({r for m in mine for run in m.all_runs if (r := self.reasons.get(id(run)))})
        return Row(
            id=self.row_ids[key],
            model=identity.name,
            revision=identity.revision,
            step=identity.step,
            shots=identity.shots,
            floor=identity.is_floor,
            date=max(m.run.date for m in mine),
            cells=cells,
            figures=figures,
            incomplete="" if identity.is_floor else "; ".join(missing),
            notes=tuple(notes),
        )

    def _figures(self, model: ModelSection) -> SectionFigures:
        source = self.sources.get(id(model.run))
        strategies = source.strategies if source else None
        table: list[list[int]] | None = model.run.report.get("confusion")
        if strategies is not None:
            table = strategies.confusion.tolist()
        costs = [c for run in model.added if isinstance(c := run.about.get("cost"), (int, float))]
        fraction = source is not None and source.clusters == int(model.run.signature["data"]["conversations"])
        return SectionFigures(
            signature=str(model.run.signature["line"]),
            sources=tuple(run.path.name for run in model.all_runs),
            turns=source.turns if source else int(model.run.report.get("turns") or 0),
            # Of conversations that were never seen nobody knows how long they are.
            expected_turns=source.expected if source is not None and fraction else None,
            conversations=source.clusters if source else 0,
            complete=self.complete[model.identity.key, model.section],
            confusion=_matrix(table),
            transitions=_matrix(strategies.transitions.tolist()) if strategies else None,
            depth=dict(source.depth) if source else {},
            seconds=model.run.seconds,
            cost=sum(costs) if costs else None,
        )

    def _gold(self) -> dict[str, Gold]:
        gold: dict[str, tuple[int, Gold]] = {}
        for model in self.members:
            source = self.sources.get(id(model.run))
            if source is None or source.strategies is None:
                continue
            if model.section not in gold or source.turns > gold[model.section][0]:
                matrix = _matrix(source.strategies.gold_transitions.tolist())
                assert matrix is not None
                gold[model.section] = source.turns, Gold(matrix, tuple(source.strategies.gold.tolist()))
        return {section: value for section, (_, value) in gold.items()}


def _matrix(rows: Sequence[Sequence[int]] | None) -> tuple[tuple[int, ...], ...] | None:
    return tuple(tuple(map(int, row)) for row in rows) if rows else None


class _Browser:
    """The conversations that people may read, and every model's turns in them."""

    def __init__(self) -> None:
        self.conversations: dict[str, BrowsedConversation] = {}
        self.replies: dict[str, dict[str, dict[str, tuple[BrowsedReply | None, ...]]]] = {}

    def add(self, builder: _TableBuilder) -> None:
        """Take in the texts of a table's models."""
        for model in builder.members:
            source = builder.sources.get(id(model.run))
            if source is None or not source.texts.replies:
                continue
            row = builder.row_ids[model.identity.key]
            self.replies.setdefault(row, {})[model.section] = source.texts.replies
            for conversation in source.texts.conversations:
                before = self.conversations.get(conversation.id)
                if before is None or _told(conversation) > _told(before):
                    self.conversations[conversation.id] = conversation


def _told(conversation: BrowsedConversation) -> int:
    """How many utterances are known: a log that was cut short has not all of them."""
    return sum(bool(turn.reference) + bool(turn.customer) for turn in conversation.turns)
