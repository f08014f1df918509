"""A judge's verdicts held against what people said of the same replies: by question, and by strategy."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from csc_tasks.chat.journal import read_journal
from csc_tasks.human.kinds import RatingKind
from csc_tasks.human.reading.collected import RaterAnswers
from csc_tasks.human.reading.figures import rubric_of
from csc_tasks.human.reading.grid import RatingGrid, grid_of
from csc_tasks.human.sheet.items import WINNER
from csc_tasks.human.study import RatedValue, StudyItem, StudyKey
from csc_tasks.metrics.judge.agreement import Agreement, Place, agreement, read_verdicts
from csc_tasks.metrics.judge.errors import JudgeError
from csc_tasks.metrics.judge.pairs import outcome_of
from csc_tasks.metrics.judge.verdict import SILENT, Status, Verdict
from csc_tasks.metrics.reliability import clustered_kappa
from csc_tasks.results.log_file import log_stem
from csc_tasks.results.role_play_log import card_of

__all__ = ["JudgeAgreement", "PairAgreement", "judges_of"]


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Which of two is better: a judge (in both orders) against people.

    ``items`` pairs were decided by both, ``ratings`` answers of people are compared, ``same`` is the share of them
    that the judge gave, too; ``kappa`` is Cohen's with quadratic weights over lost, tie and won, ``error`` its standard
    error over conversations; ``confusion`` has a row for each of people's values and a column for each of the judge's.
    """

    items: int
    ratings: int
    same: float
    kappa: float
    error: float
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class JudgeAgreement:
    """One judge. ``overall`` is by question, of pairs ``pairs``; ``strategies`` the same by gold strategy."""

    judge: str
    overall: tuple[Agreement, ...] = ()
    strategies: Mapping[str, tuple[Agreement, ...]] | None = None
    pairs: PairAgreement | None = None
    pair_strategies: Mapping[str, PairAgreement] | None = None


def judges_of(
    key: StudyKey, logs: Sequence[Path | None], raters: Sequence[RaterAnswers]
) -> list[JudgeAgreement]:
    """Every judge whose verdicts under the rubric of a study lie beside its logs.

    Args:
        key: of the study.
        logs: of its runs in order, where they are now; ``None`` where that is not known.
        raters: whose answers count.
    """
    return list(
        _of_pairs(key, logs, raters) if key.kind is RatingKind.PAIR else _of_grades(key, logs, raters)
    )


def _journals(key: StudyKey, path: Path, pattern: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The journals beside a log that are of a study's rubric, by the judge's digest."""
    rubric = f"{key.rubric.name}@{key.rubric.sha256}"
    for journal in sorted(path.parent.glob(pattern)):
        records = [r for r in read_journal(journal) if str(r.get("rubric", "")) == rubric]
        if records:
            yield journal.stem.rpartition("_")[2], records


def _name(digest: str, models: Counter[str]) -> str:
    return f"{models.most_common(1)[0][0] if models else 'judge'}@{digest}"


def _of_grades(
    key: StudyKey, logs: Sequence[Path | None], raters: Sequence[RaterAnswers]
) -> Iterator[JudgeAgreement]:
    verdicts: dict[str, dict[Place, Verdict]] = defaultdict(dict)
    models: dict[str, Counter[str]] = defaultdict(Counter)
    for run, path in enumerate(logs):
        if path is None:
            continue
        for digest, records in _journals(key, path, f"verdicts_{log_stem(path)}_*.jsonl"):
            for place, verdict in read_verdicts(records).items():
                verdicts[digest][place[0], place[1], run] = verdict
                models[digest].update([verdict.model] if verdict.model else ())
    grid = grid_of(key, raters)
    rubric = rubric_of(key)
    for digest, of_judge in sorted(verdicts.items()):
        try:
            overall = agreement(rubric, of_judge, _ratings(grid, raters, grid.items))
        except JudgeError:  # nothing in common: the judge saw other turns
            continue
        by_strategy = {}
        for strategy, items in _by_strategy(grid.items).items():
            try:
                by_strategy[strategy] = tuple(agreement(rubric, of_judge, _ratings(grid, raters, items)))
            except JudgeError:
                continue
        yield JudgeAgreement(_name(digest, models[digest]), tuple(overall), by_strategy)


def _by_strategy(items: Sequence[StudyItem]) -> Mapping[str, list[StudyItem]]:
    found: dict[str, list[StudyItem]] = defaultdict(list)
    for item in items:
        if item.strategy:
            found[item.strategy].append(item)
    return found


def _ratings(
    grid: RatingGrid, raters: Sequence[RaterAnswers], items: Sequence[StudyItem]
) -> dict[str, dict[Place, dict[str, str]]]:
    """As ``csconv judge agreement`` reads them."""
    names = [q.name for q in grid.questions]
    return {
        f"rater {rater.number}": {
            (item.conversation, item.turn, item.runs[0]): {
                name: _written(answer.scores[name]) for name in names if name in answer.scores
            }
            for item in items
            if (answer := rater.answers.get(item.id)) is not None
        }
        for rater in raters
    }


def _written(value: RatedValue) -> str:
    return str(int(value)) if isinstance(value, (bool, int)) else value


def _of_pairs(
    key: StudyKey, logs: Sequence[Path | None], raters: Sequence[RaterAnswers]
) -> Iterator[JudgeAgreement]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for folder in {path.parent: path for path in logs if path is not None}.values():
        for digest, records in _journals(key, folder, f"verdicts_pairwise_{key.task}_*.jsonl"):
            found[digest] += records
    grid = grid_of(key, raters)
    for digest, records in sorted(found.items()):
        decided = _outcomes(key, records)
        pairs = _pair_agreement(grid, range(len(grid.items)), decided)
        if not pairs.items:
            continue
        places = {item.id: at for at, item in enumerate(grid.items)}
        by_strategy = {
            strategy: of_strategy
            for strategy, items in _by_strategy(grid.items).items()
            if (of_strategy := _pair_agreement(grid, [places[i.id] for i in items], decided)).items
        }
        models = Counter(str(r["model"]) for r in records if r.get("model"))
        yield JudgeAgreement(_name(digest, models), pairs=pairs, pair_strategies=by_strategy)


_Pair = tuple[str, int | None, int, int]


def _outcomes(key: StudyKey, records: Sequence[dict[str, Any]]) -> dict[_Pair, float]:
    """What the judge's verdicts in both orders come to for the run with the lower number, by place and runs."""
    runs = {run.model: number for number, run in enumerate(key.runs)}
    by_pair: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        pair = runs.get(str(record.get("first"))), runs.get(str(record.get("second")))
        if pair[0] is not None and pair[1] is not None:
            by_pair[pair[0], pair[1]].append(record)
    outcomes: dict[_Pair, float] = {}
    for (first, second), those in by_pair.items():
        verdicts = read_verdicts(those)
        for place, forward in verdicts.items():
            (conversation, _, order), turn = place[0].rpartition("/"), place[1]
            backward = verdicts.get((f"{conversation}/b", turn))
            if order != "a" or backward is None or _unasked(forward) or _unasked(backward):
                continue
            decided = outcome_of(forward, backward)
            if decided is not None:
                won = decided[0].value
                low, high = sorted((first, second))
                outcomes[conversation, turn, low, high] = won if first == low else 1 - won
    return outcomes


def _unasked(verdict: Verdict) -> bool:
    return verdict.status is not Status.SCORED or SILENT in verdict.flags or WINNER not in verdict.scores


def _pair_agreement(grid: RatingGrid, places: Sequence[int], decided: Mapping[_Pair, float]) -> PairAgreement:
    pairs: list[tuple[int, int]] = []
    clusters: list[str] = []
    shared: set[int] = set()
    for at in places:
        item = grid.items[at]
        low, high = sorted(item.runs)
        judged = decided.get((item.conversation, item.turn, low, high))
        if judged is None:
            continue
        for value in grid.ratings[:, at, 0]:
            if not np.isnan(value):
                pairs.append((round(2 * value), round(2 * judged)))
                clusters.append(card_of(item.conversation))
                shared.add(at)
    confusion = np.zeros((3, 3), dtype=int)
    for human, judge in pairs:
        confusion[human, judge] += 1
    kappa, error = clustered_kappa(pairs, clusters, 3, ordered=True) if pairs else (float("nan"),) * 2
    same = sum(a == b for a, b in pairs) / len(pairs) if pairs else float("nan")
    rows = tuple(tuple(int(n) for n in row) for row in confusion)
    return PairAgreement(len(shared), len(pairs), same, kappa, error, rows)
