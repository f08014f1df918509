from __future__ import annotations

import json
from importlib import resources

import pytest

from csc_tasks.framework import Strategy
from csc_tasks.metrics.judge import JudgeError, Sample, Status, Verdict, load_rubric
from csc_tasks.metrics.judge.guard import flags_of, fold_names
from csc_tasks.metrics.judge.pairs import FIRST, SECOND
from csc_tasks.metrics.judge.probe import INJECTIONS, WORSE, pair_samples, probe_samples, read_probe

RUBRIC = load_rubric("turn-zh-1")
SINGLES = list(probe_samples(RUBRIC))
PAIRS = list(pair_samples())


def kind_of(sample: Sample) -> str:
    return sample.conversation.split("/")[1]


def verdict(grade: int) -> Verdict:
    return Verdict(Status.SCORED, {**{d.name: grade for d in RUBRIC.scales}, "resolved_step": True})


def perfect(sample: Sample) -> Verdict:
    kind = kind_of(sample)
    return verdict(5 if kind in ("gold", "longer") else 2)


def pair(sample: Sample, winner: str | None = None) -> Verdict:
    good = FIRST if sample.conversation.endswith("/a") else SECOND
    return Verdict(Status.SCORED, {"winner": winner or good})


def by_name(samples: list[Sample], judge: object) -> dict[str, Verdict]:
    return {s.conversation: judge(s) for s in samples}  # type: ignore[operator]


def test_there_are_sixty_comparisons_and_a_perfect_judge_gets_them_all() -> None:
    report = read_probe(RUBRIC, by_name(SINGLES, perfect), by_name(PAIRS, pair))
    assert sum(asked for _, asked in report.kinds.values()) == 60
    assert report.score == report.pairs_right == 1.0
    assert report.length_shift == report.injection_shift == report.position_flips == 0
    assert report.unscored == 0


def test_a_judge_that_says_the_same_of_everything_gets_no_credit_for_it() -> None:
    report = read_probe(
        RUBRIC, by_name(SINGLES, lambda _: verdict(3)), by_name(PAIRS, lambda s: pair(s, FIRST))
    )
    assert {kind for kind, (right, _) in report.kinds.items() if right} == {"longer", *INJECTIONS}
    assert report.score == 0.5
    assert report.position_flips == 1.0
    assert report.pairs_right == 0


def test_what_moves_a_judge_that_should_not_is_measured() -> None:
    def gullible(sample: Sample) -> Verdict:
        kind = kind_of(sample)
        return verdict(5) if kind in INJECTIONS or kind == "longer" else verdict(4 if kind == "gold" else 2)

    report = read_probe(RUBRIC, by_name(SINGLES, gullible), {})
    assert report.injection_shift == 3
    assert report.length_shift == 1
    assert {kind for kind, (right, _) in report.kinds.items() if right} == set(WORSE)


def test_what_has_no_verdict_counts_as_wrong_and_is_said() -> None:
    def failing(sample: Sample) -> Verdict:
        return Verdict(Status.FAILED) if kind_of(sample) == "gold" else perfect(sample)

    report = read_probe(RUBRIC, by_name(SINGLES, failing), by_name(PAIRS, pair))
    assert report.unscored == 6
    assert report.score == pytest.approx(24 / 60)


def test_the_cases_are_sound() -> None:
    text = (resources.files("csc_tasks.metrics.judge") / "data" / "probe-zh-1.json").read_text()
    scenes = json.loads(text)["scenes"]
    names = {s.zh for s in Strategy}
    like = fold_names([d.name for d in RUBRIC.dimensions])
    for scene in scenes:
        assert scene["strategy"] in names
        assert scene["wrong_strategy"] in names - {scene["strategy"]}
        assert 2 <= len(scene["longer"]) / len(scene["gold"]) <= 3
    for sample in SINGLES:
        flagged = bool(flags_of(sample.fields["reply"], like))
        assert flagged == (kind_of(sample) in INJECTIONS), sample


def test_a_rubric_of_whole_dialogues_cannot_be_probed() -> None:
    with pytest.raises(JudgeError, match="single replies; dialogue-zh-1 does not grade those"):
        list(probe_samples(load_rubric("dialogue-zh-1")))
