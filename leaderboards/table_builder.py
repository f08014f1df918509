"""One table of a leaderboard: the cells, ranks and figures of models that may be compared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np

from csc_tasks.leaderboards import remarks
from csc_tasks.leaderboards.board import BoardTable, Cell, Column, DataName, Gold, Row, SectionFigures
from csc_tasks.leaderboards.columns import section_columns, sections_in_order
from csc_tasks.leaderboards.comparing.floor_marks import Entrant, floor_marks
from csc_tasks.leaderboards.names import names_of, training_run_names
from csc_tasks.leaderboards.reading.checks import Seen, is_complete
from csc_tasks.leaderboards.reading.choose import ModelSection, Repeat
from csc_tasks.leaderboards.reading.identity import hub_id
from csc_tasks.leaderboards.reading.provenance import provenance_of
from csc_tasks.leaderboards.reading.repeats import alike, averaged, mean_score, spread
from csc_tasks.leaderboards.reading.replicates import Replicates
from csc_tasks.leaderboards.reading.signs import notes_on_replies
from csc_tasks.metrics import additive_metric, has_sums
from csc_tasks.metrics.comparison import Interval, ranks
from csc_tasks.metrics.intervals import score_interval
from csc_tasks.protocol.signature import Protocol
from csc_tasks.protocol.task_kind import units_of
from csc_tasks.results.results_file import TaskRun
from csc_tasks.results.role_play_log import faults_in_words
from csc_tasks.sentences import Sentence

__all__ = ["TableBuilder"]


@dataclass(frozen=True, slots=True)
class _Score:
    """One metric of one model, over its seeds, and what it can be resampled from."""

    value: float
    run: TaskRun
    source: Replicates | None
    why: str
    seeds: int = 1
    spread: float | None = None


class TableBuilder:
    """One comparability class.

    Args:
        protocol: what its models agree in.
        members: its models, a section each.
        sources: what was read of a run's file, by the run's ``id``.
        reasons: why nothing was, by the same.
        names: what models are called, by what their runs called them.
    """

    def __init__(
        self,
        protocol: Protocol,
        members: Sequence[ModelSection],
        sources: dict[int, Replicates],
        reasons: dict[int, str],
        names: Mapping[str, str],
    ) -> None:
        self.protocol = protocol
        self.members = members
        self.sources = sources
        self.reasons = reasons
        self.models = {m.identity.key: m.identity for m in members}
        self.named = dict(zip(self.models, names_of(list(self.models.values()), names), strict=True))
        self.training_runs = training_run_names(self.models.values())
        self.row_ids = {key: sha256(repr((key, protocol)).encode()).hexdigest()[:12] for key in self.models}
        self.sections = sections_in_order({m.section for m in members})
        self.customer = members[0].run.signature.customer
        self._known: dict[tuple[int, ...], Replicates] = {}
        self.averages = {(m.identity.key, m.section): self._average(m) for m in members}
        self.scores = {(m.identity.key, m.section): self._scores(m) for m in members}
        self.complete = {(m.identity.key, m.section): self._is_complete(m) for m in members}

    def _average(self, model: ModelSection) -> Replicates | None:
        """The seeds' own logs as one, of those that have the same turns."""
        sources = [s for repeat in model.repeats if (s := self.sources.get(id(repeat.run))) is not None]
        return self._together(alike(sources, _turns)) if sources else None

    def _scores(self, model: ModelSection) -> dict[tuple[str, str], _Score]:
        """By metric and signature, the mean over seeds."""
        by_seed = [self._of_seed(repeat) for repeat in model.repeats]
        return {
            pair: self._mean([scores[pair] for scores in by_seed if pair in scores])
            for pair in dict.fromkeys(pair for scores in by_seed for pair in scores)
        }

    def _of_seed(self, repeat: Repeat) -> dict[tuple[str, str], _Score]:
        """What was scored again later counts before the run's own."""
        scores: dict[tuple[str, str], _Score] = {}
        for run in (*repeat.added, repeat.run):
            source = self.sources.get(id(run))
            for name, value in run.values.items():
                signature = run.signature.metrics[name]
                why = self.reasons.get(id(run), "")
                if source is not None and name not in source.replicates:
                    why = "" if has_sums(name) else remarks.NOT_RESAMPLED
                if math.isnan(value):
                    why = faults_in_words(run.reason_unscored(name)) or remarks.UNDEFINED
                known = source if source is not None and name in source.replicates else None
                scores.setdefault((name, signature), _Score(value, run, known, why))
        return scores

    def _mean(self, seeds: Sequence[_Score]) -> _Score:
        """The seeds' scores of a metric as one: of those that have it of the same turns, and can be resampled."""
        scored = [score for score in seeds if not math.isnan(score.value)]
        if len(seeds) == 1 or not scored:
            return seeds[0]
        kept = alike([score.source for score in scored if score.source is not None], _turns)
        if kept:
            scored = [score for score in scored if any(score.source is source for source in kept)]
        values = [score.value for score in scored]
        first = scored[0]
        source = self._together(kept) if kept else None
        return _Score(mean_score(values), first.run, source, first.why, len(scored), spread(values))

    def _together(self, sources: Sequence[Replicates]) -> Replicates:
        """The same sources as one, which many metrics are made from."""
        key = tuple(map(id, sources))
        if key not in self._known:
            self._known[key] = averaged(sources)
        return self._known[key]

    def _is_complete(self, model: ModelSection) -> bool:
        source = self.averages[model.identity.key, model.section]
        # A judge's verdicts do not say how many turns there were to judge.
        if source is None or not source.sample_hash:
            return is_complete(model.run, None)
        return is_complete(model.run, Seen(source.clusters, source.turns, source.expected))

    def table(self, name: str, first: Protocol | None) -> BoardTable:
        """The class as a table; ``first`` is the class that it is told apart from."""
        columns = self._columns()
        cells: dict[tuple[str, ...], dict[str, Cell]] = {key: {} for key in self.models}
        for column in columns:
            for key, cell in self._cells(column).items():
                cells[key][column.id] = cell
        for (column_id, key), mark in floor_marks(self._entrants(columns)).items():
            cells[key][column_id] = replace(
                cells[key][column_id],
                beats_floor=mark.beats,
                best_floor=self.row_ids[mark.best],
                floor_why=mark.why,
            )
        order = self._order(columns)
        rows = [self._row(key, cells[key]) for key in self.models]
        better = next((c.better for c in columns if c.id == order), 1)

        def place(row: Row) -> tuple[bool, bool, float, str, tuple[str, ...]]:
            value = row.cells[order].value if order in row.cells else None
            worth = math.inf if value is None else -better * value
            return row.floor, bool(row.incomplete), worth, row.model, row.words

        partial = [s for s in self.sections if not self._anyone_complete(s.id)]
        signature = self.members[0].run.signature
        named = self.protocol.data
        data = DataName(
            *(named.name, named.fingerprint, self.protocol.subset, signature.data.conversations),
            unit="card" if self.customer else "conversation",
        )
        return BoardTable(
            id=name,
            title=remarks.title(data, signature.prompt.version, self.customer),
            facts=self.protocol.named(),
            apart=self.protocol.against(first) if first else "",
            partial=remarks.partial(units_of(self.sections[0].id).turns, partial),
            order=order,
            sections=self.sections,
            columns=columns,
            rows=tuple(sorted(rows, key=place)),
            gold=self._gold(),
            data=data,
            caution=remarks.caution(data, self.customer),
        )

    def _columns(self) -> tuple[Column, ...]:
        return tuple(
            column
            for section in self.sections
            for column in section_columns(
                section.id,
                [list(scores) for (_, where), scores in self.scores.items() if where == section.id],
                self.customer.trials if self.customer else 0,
            )
        )

    def _anyone_complete(self, section: str) -> bool:
        # Floors count where role-plays are: of replies, boards have always told what no model has.
        return any(
            self.complete[key, section]
            for key, identity in self.models.items()
            if (key, section) in self.complete and (self.customer or not identity.is_floor)
        )

    def _cells(self, column: Column) -> dict[tuple[str, ...], Cell]:
        name = column.metric
        cells: dict[tuple[str, ...], Cell] = {}
        candidates: list[tuple[tuple[str, ...], Replicates]] = []
        anyone = self._anyone_complete(column.section)
        for key, identity in self.models.items():
            if (score := self.score(key, column)) is None:
                continue
            value = None if math.isnan(score.value) else score.value
            source = score.source
            if value is None or source is None:
                turns = source.turns if source else score.run.report.turns
                why = score.why or remarks.NO_INTERVAL
                cells[key] = Cell(value, turns=turns, why=why, seeds=score.seeds, spread=score.spread)
                continue
            low, high = self._interval(name, score.value, source)
            known = not math.isnan(low)
            units = units_of(column.section)
            why = "" if known else remarks.too_few(units.clusters)
            if not (complete := self.complete[key, column.section]):
                why = why or remarks.not_all(units.turns)
            cells[key] = Cell(
                value,
                low if known else None,
                high if known else None,
                source.turns,
                why=why,
                seeds=score.seeds,
                spread=score.spread,
            )
            if column.ranked and known and not identity.is_floor and (complete or not anyone):
                candidates.append((key, source))
        if candidates:
            # Where turns differ, the largest set of models with the same ones is ranked.
            self._rank(cells, alike(candidates, lambda c: _turns(c[1])), name, column.better)
        return cells

    def _entrants(self, columns: Sequence[Column]) -> dict[str, tuple[int, list[Entrant]]]:
        """By column of which one end is the better one, who has a score in it."""
        found = {}
        for column in columns:
            entrants = [
                Entrant(key, identity.is_floor, column.metric, score.value, score.source, score.why)
                for key, identity in self.models.items()
                if (score := self.score(key, column)) is not None and not math.isnan(score.value)
            ]
            if column.better:
                found[column.id] = column.better, entrants
        return found

    def score(self, key: tuple[str, ...], column: Column) -> _Score | None:
        """A model's score of the metric and signature of a column, of this table or another."""
        return self.scores.get((key, column.section), {}).get((column.metric, column.signature))

    def _interval(self, name: str, value: float, source: Replicates) -> Interval:
        turns, version = source.observations.get(name, math.nan), self.protocol.version
        return score_interval(
            *(additive_metric(name), value, source.replicates[name], source.clusters, turns),
            benchmark=version,
        )

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
        wanted = (
            *("strategy_acc", "strategy_f1_macro", "bleu_4_norm", "bleu_4"),
            *("rouge_l_norm", "rouge_l", "bleu_2_norm", "bleu_2"),
        )
        ranked = [c for c in columns if c.ranked]
        return next(
            (
                c.id
                for section in self.sections
                for m in wanted
                for c in ranked
                if c.section == section.id and c.metric == m
            ),
            ranked[0].id if ranked else columns[0].id if columns else "",
        )

    def _row(self, key: tuple[str, ...], cells: dict[str, Cell]) -> Row:
        identity = self.models[key]
        mine = [m for m in self.members if m.identity.key == key]
        figures = {m.section: self._figures(m) for m in mine}
        missing = [
            (section, f)
            for section in self.sections
            if (f := figures.get(section.id)) is not None
            and not f.complete
            and self._anyone_complete(section.id)
        ]
        notes = [*self._short_of_seeds(mine)]
        notes += [
            Sentence("row.note", "{section}: {text}", section=m.section, text=text)
            for m in mine
            for text, serious in notes_on_replies(m.run.report.signs)
            if serious and not identity.is_floor
        ]
        notes += sorted({r for m in mine for run in m.all_runs if (r := self.reasons.get(id(run)))})
        return Row(
            id=self.row_ids[key],
            model=self.named[key].model,
            revision=identity.revision,
            step=identity.step,
            shots=identity.shots,
            floor=identity.is_floor,
            date=max(run.date for m in mine for run in (repeat.run for repeat in m.repeats)),
            cells=cells,
            figures=figures,
            incomplete="" if identity.is_floor else remarks.incomplete(missing),
            notes=tuple(notes),
            settings=identity.settings,
            words=self.named[key].words,
            adapter=identity.adapter,
            seeds=max(len(m.repeats) for m in mine),
            hub=hub_id(mine[0].run.model, identity),
            training_run=self.training_runs.get(key, ""),
        )

    def _short_of_seeds(self, members: Iterable[ModelSection]) -> Iterator[str]:
        """Which scores are the mean of fewer seeds than were run, and why they may be."""
        for model in members:
            ran = len(model.repeats)
            counts: dict[int, list[str]] = {}
            for (name, _), score in self.scores[model.identity.key, model.section].items():
                if score.seeds < ran:
                    counts.setdefault(score.seeds, []).append(name)
            yield from remarks.short_of_seeds(model.section, ran, counts)

    def _figures(self, model: ModelSection) -> SectionFigures:
        source = self.averages[model.identity.key, model.section]
        strategies = source.strategies if source else None
        table = model.run.report.confusion
        if strategies is not None:
            table = strategies.confusion.tolist()
        costs = [run.judging.cost for run in model.all_runs if run.judging and run.judging.cost is not None]
        times = [repeat.run.seconds for repeat in model.repeats if repeat.run.seconds is not None]
        fraction = source is not None and source.clusters == model.run.signature.data.conversations
        return SectionFigures(
            signature=model.run.signature.line,
            sources=tuple(run.path.name for run in model.all_runs),
            turns=source.turns if source else model.run.report.turns,
            # Of conversations that were never seen nobody knows how long they are.
            expected_turns=source.expected if source is not None and fraction else None,
            conversations=source.clusters if source else 0,
            complete=self.complete[model.identity.key, model.section],
            confusion=_matrix(table),
            transitions=_matrix(strategies.transitions.tolist()) if strategies else None,
            depth=dict(source.depth) if source else {},
            seconds=sum(times) if times else None,
            cost=sum(costs) if costs else None,
            made=provenance_of(repeat.run for repeat in model.repeats),
            signs=tuple(text for text, _ in notes_on_replies(model.run.report.signs)),
        )

    def _gold(self) -> dict[str, Gold]:
        gold: dict[str, tuple[int, Gold]] = {}
        for model in self.members:
            source = self.averages[model.identity.key, model.section]
            if source is None or source.strategies is None:
                continue
            if model.section not in gold or source.turns > gold[model.section][0]:
                matrix = _matrix(source.strategies.gold_transitions.tolist())
                assert matrix is not None
                gold[model.section] = source.turns, Gold(matrix, tuple(source.strategies.gold.tolist()))
        return {section: value for section, (_, value) in gold.items()}


def _turns(source: Replicates) -> tuple[int, str]:
    return source.turns, source.digest


def _matrix(rows: Sequence[Sequence[int]] | None) -> tuple[tuple[int, ...], ...] | None:
    return tuple(tuple(map(int, row)) for row in rows) if rows else None
