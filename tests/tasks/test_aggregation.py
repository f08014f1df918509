"""What the log says of metrics without a score: a line a reason."""

from __future__ import annotations

import math

import pytest

from csc_tasks.metrics import metric_named
from csc_tasks.protocol.report import RunReport
from csc_tasks.tasks.aggregation import Aggregation


def aggregate(report: RunReport, **missing: int) -> None:
    """Two items of each metric, of which so many are missing."""
    for name, count in missing.items():
        metric = metric_named(name)
        assert metric is not None
        assert math.isnan(Aggregation(metric, name, report)([None] * count + [1] * (2 - count)))


@pytest.mark.parametrize(
    ("reasons", "missing", "lines"),
    [
        (
            dict.fromkeys(("resolved", "facts_asked", "rude", "repetition"), "too few (own_error 2)"),
            {"resolved": 2, "facts_asked": 2, "repetition": 2},
            [
                "resolved, facts_asked and 2 more are NaN: 2 of 2 role-plays were not scored "
                "(too few (its server failed: 2))"
            ],
        ),
        (
            {"resolved": "a", "facts_asked": "a", "repetition": "b"},
            {"facts_asked": 2, "resolved": 2, "repetition": 1},
            [
                "facts_asked and resolved are NaN: 2 of 2 role-plays were not scored (a)",
                "repetition is NaN: 1 of 2 role-plays were not scored (b)",
            ],
        ),
        (
            {"resolved": "a", "facts_asked": "a"},
            {"resolved": 2, "facts_asked": 1},
            [
                "resolved and facts_asked are NaN: 2 of 2 role-plays were not scored (a)",
                "facts_asked is NaN: 1 of 2 role-plays were not scored (a)",
            ],
        ),
        (
            {},
            {"resolved": 2},
            ["resolved is NaN: 2 of 2 role-plays were not scored (see the log of the other processes)"],
        ),
    ],
)  # fmt: skip
def test_metrics_that_lack_a_score_for_one_reason_share_a_line(
    reasons: dict[str, str], missing: dict[str, int], lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    report = RunReport()
    report.reasons.update(reasons)
    aggregate(report, **missing)
    assert [record.getMessage() for record in caplog.records] == lines
    assert {name: each["turns"] for name, each in report.figures["unscored"].items()} == missing
