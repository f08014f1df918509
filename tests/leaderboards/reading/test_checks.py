"""Whether a log is all there, and whether it is of its results file."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from csc_tasks.leaderboards.reading.checks import Seen, is_complete, mismatch
from csc_tasks.results.results_file import Origin, ResultsFile, TaskRun


@pytest.fixture
def run(old_results: Path) -> TaskRun:
    """A run of 12 conversations and 60 turns."""
    (path,) = (old_results / "judged" / "org__good").glob("results_2*.json")
    found = ResultsFile.read(path).run("csconv_response")
    assert found is not None
    return replace(found, values={"rouge_l": 0.5, "bleu_2": math.nan}, samples_hash="a")


@pytest.mark.parametrize(
    ("seen", "limited", "complete"),
    [
        (Seen(12, 60, 60), False, True),
        (Seen(12, 60, 60), True, True),  # a limit that cut nothing off
        (Seen(12, 59, 60), False, False),  # a turn is missing
        (Seen(11, 55, 55), False, False),  # a conversation is missing
        (Seen(13, 65, 65), False, False),  # not this data
        (None, False, True),  # no log: believed
        (None, True, False),
    ],
)
def test_a_run_is_complete_if_every_turn_of_every_conversation_is_there(
    run: TaskRun, seen: Seen | None, limited: bool, complete: bool
) -> None:
    assert is_complete(replace(run, limited=limited), seen) is complete


@pytest.mark.parametrize(
    ("sample_hash", "scores", "words"),
    [
        ("a", {"rouge_l": 0.5}, ""),
        ("a", {"rouge_l": 0.5 + 1e-10}, ""),  # sums in another order
        ("a", {"rouge_l": 0.5 + 1e-8}, "gives rouge_l"),
        ("a", {"rouge_l": math.nan}, ""),  # not known is no contradiction
        ("a", {"bleu_2": 0.5}, ""),
        ("a", {"bleu_4": 0.5}, ""),
        ("", {}, ""),  # a judge's verdicts have no hash
        ("b", {"rouge_l": 0.5}, "another hash, or lines are missing"),
    ],
)
def test_a_log_with_another_hash_or_score_is_not_of_the_run(
    run: TaskRun, sample_hash: str, scores: dict[str, float], words: str
) -> None:
    found = mismatch(run, sample_hash, scores)
    assert words in found
    assert bool(words) is bool(found)


def test_what_was_scored_again_has_no_hash_of_its_own(run: TaskRun) -> None:
    assert mismatch(replace(run, origin=Origin.RESCORED), "b", {}) == ""
