"""Logs that an earlier csconv wrote give a judge the same questions, and the same scores, as they did then."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from csc_tasks.judging.samples import samples_of_log
from csc_tasks.leaderboards.reading.runs import read_results
from csc_tasks.leaderboards.reading.sums import statistics_of
from csc_tasks.metrics.judge import load_rubric
from csc_tasks.metrics.judge.rubric import DIALOGUE_RUBRIC, TURN_RUBRIC
from csc_tasks.results.find_logs import find_logs
from csc_tasks.results.rescore import choose, rescore


def digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("folder", "task", "rubric", "expected"),
    [
        # Digests of what the csconv that wrote the logs showed a judge; a verdict's key is made of it.
        ("models/__models__tiny_model", "csconv_dialogue", TURN_RUBRIC, "f0d6431e3030593a"),
        ("models/__models__tiny_model", "csconv_dialogue", DIALOGUE_RUBRIC, "dd3729aae4b6dae0"),
        ("models/__models__tiny_model", "csconv_response", TURN_RUBRIC, "512621bbe35f7d78"),
        ("judged/org__good", "csconv_dialogue", TURN_RUBRIC, "0285dac0b36d3df1"),
        ("judged/org__good", "csconv_dialogue", DIALOGUE_RUBRIC, "fac2d7980bd8ce7a"),
        ("judged/org__good", "csconv_response", TURN_RUBRIC, "0c96ef75f66f3db9"),
        ("floors/csconv-retrieval", "csconv_dialogue", TURN_RUBRIC, "349aa78e5fdbc307"),
        ("floors/csconv-retrieval", "csconv_dialogue", DIALOGUE_RUBRIC, "974808b648892680"),
        ("floors/csconv-retrieval", "csconv_response", TURN_RUBRIC, "3bb254f3ecf774b1"),
    ],
)
def test_a_judge_is_shown_what_it_was_shown_before(
    old_results: Path, folder: str, task: str, rubric: str, expected: str
) -> None:
    (log,) = (found for found in find_logs([old_results / folder]) if found.task == task)
    samples = [(s.conversation, s.turn, s.fields, s.silent) for s in samples_of_log(log, load_rubric(rubric))]
    assert digest(samples) == expected


@pytest.mark.parametrize("folder", ["models/__models__tiny_model", "models/org__good", "models/org__poor"])
def test_scoring_again_gives_the_numbers_that_it_gave_before(
    old_results: Path, tmp_path: Path, folder: str
) -> None:
    copy = Path(shutil.copytree(old_results / folder, tmp_path / "run"))
    before = {}
    for path in copy.glob("results_*rescored*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        ((task, values),) = content["results"].items()
        before[task] = values, content["csconv_rescored"]["tokenizer"].split("(")[0]
        path.unlink()
    assert before
    for log in find_logs([copy]):
        if log.task in before:
            values, tokenizer = before[log.task]
            outcome = rescore(log, choose(log, (), tokenizer), tokenizer, force=True)
            found = json.loads(outcome.results.read_text(encoding="utf-8"))["results"][log.task]
            assert {name: found[name] for name in values} == values


@pytest.mark.parametrize(
    ("folder", "task", "expected"),
    [
        ("models/__models__tiny_model", "csconv_response", "291113b6ad1954af"),
        ("models/__models__tiny_model", "csconv_dialogue", "130bfdab2744acdb"),
        ("floors/csconv-random", "csconv_dialogue", "9ce966aa811dd7a2"),
    ],
)
def test_people_are_shown_the_conversations_that_they_were_shown_before(
    old_results: Path, folder: str, task: str, expected: str
) -> None:
    (path,) = (old_results / folder).glob("results_2*.json")
    (run,) = (found for found in read_results(path).runs if found.task == task)
    texts = statistics_of(run).texts
    shown = [
        (
            c.id,
            [(t.customer, t.strategy, t.reference) for t in c.turns],
            [r and (r.strategy, r.text) for r in replies],
        )
        for c, replies in ((c, texts.replies[c.id]) for c in texts.conversations)
    ]
    assert digest(shown) == expected
