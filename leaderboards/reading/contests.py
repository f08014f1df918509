"""Results of ``csconv judge --pairwise``: which of two models' replies a judge prefers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from csc_tasks.errors import first_fault
from csc_tasks.leaderboards.board import InputProblem
from csc_tasks.leaderboards.pairwise import PairwisePair, PairwiseRating, PairwiseTable
from csc_tasks.outside import parse_json, read_file, require_shallow
from csc_tasks.protocol.signature_parts import Text
from csc_tasks.results.records import MANY, Lenient
from csc_tasks.sentences import Sentence

__all__ = ["pairwise_tables"]


def _known(value: Any) -> float:
    """A number; NaN where there is none, which JSON has no word for."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan


_Number = Annotated[float, BeforeValidator(_known)]
_Count = Annotated[int, Field(ge=0, lt=MANY)]


class _Judge(Lenient):
    line: Text = ""


class _Pairing(Lenient):
    first: Text
    second: Text
    pairs: _Count = 0
    wins: _Count = 0
    ties: _Count = 0
    losses: _Count = 0
    win_rate: _Number = math.nan
    low: _Number = math.nan
    high: _Number = math.nan
    flips: _Number = math.nan
    withheld: Text = ""


class _Ratings(Lenient):
    models: tuple[Text, ...]
    rating: tuple[_Number, ...]
    low: tuple[_Number, ...]
    high: tuple[_Number, ...]

    @model_validator(mode="after")
    def _even(self) -> _Ratings:
        if len({len(self.models), len(self.rating), len(self.low), len(self.high)}) != 1:
            raise ValueError("as many ratings and ends of intervals as models are needed")
        return self


class _Contest(Lenient):
    task: Text
    judge: _Judge = _Judge()
    sample: _Count | None = None
    pairings: tuple[_Pairing, ...]
    ratings: _Ratings | None = None


def pairwise_tables(paths: Iterable[Path]) -> tuple[list[PairwiseTable], list[InputProblem]]:
    """The results of contests below the given folders, each once, by task and judge; and those that are damaged."""
    tables: list[PairwiseTable] = []
    problems: list[InputProblem] = []
    for path in _files(paths):
        try:
            content = parse_json(read_file(path).decode(), twins=False)
            require_shallow(content)
            found = _Contest.model_validate(content)
        except ValidationError as error:
            problems.append(_damaged(path, first_fault(error)))
        except (OSError, ValueError) as error:
            problems.append(_damaged(path, str(error)))
        else:
            tables.append(_table(path, found))
    return sorted(tables, key=lambda table: (table.task, table.judge, table.source)), problems


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    seen = set()
    for folder in paths:
        for path in sorted(folder.rglob("pairwise_*.json")) if folder.is_dir() else []:
            if path.is_file() and path.resolve() not in seen:
                seen.add(path.resolve())
                yield path


def _damaged(path: Path, reason: str) -> InputProblem:
    message = Sentence("contest.damaged", "not results of csconv judge --pairwise ({reason})", reason=reason)
    return InputProblem(str(path), message)


def _table(path: Path, found: _Contest) -> PairwiseTable:
    def known(value: float) -> float | None:
        return value if math.isfinite(value) else None

    ratings = found.ratings
    rated = zip(ratings.models, ratings.rating, ratings.low, ratings.high, strict=True) if ratings else ()
    return PairwiseTable(
        task=found.task,
        judge=found.judge.line,
        sample=found.sample,
        source=path.name,
        pairs=tuple(
            PairwisePair(
                p.first,
                p.second,
                p.pairs,
                p.wins,
                p.ties,
                p.losses,
                known(p.win_rate),
                known(p.low),
                known(p.high),
                known(p.flips),
                p.withheld,
            )
            for p in found.pairings
        ),
        ratings=tuple(
            PairwiseRating(model, known(value), known(low), known(high))
            for model, value, low, high in sorted(rated, key=lambda r: -r[1] if math.isfinite(r[1]) else 0)
        ),
    )
