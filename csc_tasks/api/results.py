"""Results of models from Python: what ``csconv table``, ``compare`` and ``gate`` show, as objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csc_tasks.leaderboards.board import Board
from csc_tasks.leaderboards.build import build_board
from csc_tasks.leaderboards.comparing.compare import Comparison
from csc_tasks.leaderboards.comparing.compare import compare as compared
from csc_tasks.leaderboards.comparing.gate import GateReport, evaluate
from csc_tasks.leaderboards.comparing.loading import load_model_results
from csc_tasks.leaderboards.comparing.model_results import ModelResults
from csc_tasks.leaderboards.comparing.rules import Rules
from csc_tasks.leaderboards.rendering.export import FlatRow, flat_rows

if TYPE_CHECKING:
    import pandas

__all__ = ["Results", "compare", "gate", "load_results"]

Paths = str | Path | Sequence[str | Path]


@dataclass(frozen=True, slots=True)
class Results:
    """Results of one or more models; ``board`` is all that any rendering of them knows.

    ``rows`` has one entry a model, task, context and metric; fractions stay fractions, and ``None`` is what is
    not known. ``notes`` say what could not be used.
    """

    board: Board

    @property
    def rows(self) -> list[FlatRow]:
        """Every score with interval, rank and signature."""
        return flat_rows(self.board)

    @property
    def notes(self) -> list[str]:
        """What could not be used, or was used with a reservation."""
        return [f"{problem.path}: {problem.message}" for problem in self.board.problems]

    def to_dataframe(self) -> pandas.DataFrame:
        """:attr:`rows` as a table, a column a field."""
        import pandas

        columns = list(FlatRow.__dataclass_fields__)
        return pandas.DataFrame([asdict(row) for row in self.rows], columns=columns)


def load_results(paths: Paths, workers: int = 1) -> Results:
    """Everything that lm-eval, ``csconv score`` and ``csconv judge`` wrote below some folders.

    Args:
        paths: a folder or results file, or several.
        workers: processes that read logs.

    Raises:
        DataError: a path does not exist, or there is no csconv result; a damaged file is a note, and costs itself.
    """
    return Results(build_board(_paths(paths), workers))


def compare(first: Paths | ModelResults, second: Paths | ModelResults, by: str | None = None) -> Comparison:
    """What differs between two models: paired by turn, clustered by conversation, corrected for many tests.

    Args:
        first: a folder or file with results of one model, or a baseline file.
        second: the same of the other; every difference is ``first`` minus ``second``.
        by: the metric that decides which turns changed most; by default BERTScore, ROUGE-L or accuracy.

    Raises:
        DataError: they may not be compared; the message says what differs.
        ConfigError: one of them has results of several models.
    """
    return compared(_model(first), _model(second), by)


def gate(
    results: Paths | ModelResults, baseline: Paths | ModelResults, rules: Mapping[str, Any] | None = None
) -> GateReport:
    """Whether a model got worse than a baseline, noise aside; ``.exit`` is the exit code of ``csconv gate``.

    Args:
        results: a folder or file with results of one model.
        baseline: the same, or a baseline file.
        rules: as in a rules file, for instance ``{"max_drop": {"strategy_acc": 0.01}}``; without any, no headline
            score may drop.

    Raises:
        DataError: there are no results.
        ConfigError: a rule is wrong, or there are several models.
    """
    chosen = Rules().adding("rules", **dict(rules or {}))
    return evaluate(_model(results), _model(baseline), chosen)


def _paths(paths: Paths) -> list[Path]:
    return [Path(paths)] if isinstance(paths, (str, Path)) else [Path(path) for path in paths]


def _model(given: Paths | ModelResults) -> ModelResults:
    return given if isinstance(given, ModelResults) else load_model_results(_paths(given))
