"""What ``csconv gate`` does: rules gathered, results and baseline read, and a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from csc_tasks.errors import ConfigError, CSConvError, DataError
from csc_tasks.leaderboards.comparing.gate import CheckStatus, GateCheck, GateReport, evaluate
from csc_tasks.leaderboards.comparing.loading import load_model_results
from csc_tasks.leaderboards.comparing.rules import Rules, limits, load_rules
from csc_tasks.leaderboards.reading.asked import Asking

__all__ = ["GateOptions", "report_of_failure", "run_gate"]


@dataclass(frozen=True, slots=True)
class GateOptions:
    """What is held against what, and by which rules.

    ``max_drop`` and ``min`` are pairs ``METRIC=NUMBER``; they and the other rules add to those of the file
    ``rules``. ``allow`` has sides of how a model is asked that may differ. ``None`` stands for what is not given.
    ``model`` and ``base_model`` name one where there are several.
    """

    results: tuple[Path, ...]
    baseline: Path
    rules: Path | None = None
    max_drop: tuple[str, ...] = ()
    min: tuple[str, ...] = ()
    min_coverage: float | None = None
    min_turns: int | None = None
    allow_partial: bool = False
    allow: tuple[Asking, ...] = ()
    model: str | None = None
    base_model: str | None = None

    def all_rules(self) -> Rules:
        """The rules of the file and of the options.

        Raises:
            ConfigError: a rule, a metric or a value that there is not.
        """
        rules = load_rules(self.rules) if self.rules else Rules()
        return rules.adding(
            "options",
            max_drop=limits("--max-drop", self.max_drop),
            min=limits("--min", self.min),
            min_coverage=self.min_coverage,
            min_turns=self.min_turns,
            allow_partial=self.allow_partial or None,
            allow=tuple(dict.fromkeys((*rules.allow, *self.allow))),
        )


def run_gate(options: GateOptions) -> GateReport:
    """Hold results against a baseline; without a limit no headline score of the baseline may drop.

    Raises:
        ConfigError: a wrong rule, or several models and none named.
        DataError: results or baseline are not there, or cannot be read.
    """
    rules = options.all_rules()
    _require(*options.results, options.baseline)
    results = load_model_results(options.results, options.model)
    baseline = load_model_results([options.baseline], options.base_model)
    return evaluate(results, baseline, rules)


def report_of_failure(results: Sequence[Path], baseline: Path, error: CSConvError) -> GateReport:
    """The report of a gate that could not hold anything against anything, and why."""
    status = CheckStatus.WRONG_USE if isinstance(error, ConfigError) else CheckStatus.INCOMPLETE
    source = ", ".join(map(str, results))
    check = GateCheck("gate", "", "", status, str(error))
    return GateReport(source, str(baseline), source, str(baseline), (check,))


def _require(*paths: Path) -> None:
    for path in paths:
        if not path.exists():
            raise DataError(f"{path}: no such file or folder")
