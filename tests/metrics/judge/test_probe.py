from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable

import pytest

from csc_tasks.framework import Strategy
from csc_tasks.judging.config import JudgeConfig
from csc_tasks.judging.questions import Questions
from csc_tasks.metrics.judge import JudgeError, Sample, Status, Verdict, load_rubric
from csc_tasks.metrics.judge.pairs import FIRST, SECOND
from csc_tasks.metrics.judge.probe import ProbeReport, least, read_probe, require_turns
from csc_tasks.metrics.judge.probe_cases import EARLIER_PROBE, Group, ProbeRule, load_probe
from csc_tasks.metrics.judge.prompt import ask
from tests.judge_server import true_verdict

RUBRIC, PAIRS = load_rubric("turn-zh-2"), load_rubric("pairwise-zh-2")
PROBE = load_probe()
QUALITY = [k.name for k in PROBE.kinds if k.group is Group.QUALITY and k.rule is ProbeRule.LOWER]
INJECTED = [k.name for k in PROBE.kinds if k.group is Group.INJECTION]
GOOD = ("gold", "padded", "alternative")
SAMPLES = [*PROBE.singles, *PROBE.referenced, *PROBE.pairs]


def case_of(sample: Sample) -> str:
    return sample.conversation.split("/")[1].removesuffix("+reference")


def verdict(grade: int) -> Verdict:
    return Verdict(Status.SCORED, {**{d.name: grade for d in RUBRIC.scales}, "resolved_step": True})


def perfect(sample: Sample) -> Verdict:
    if sample.conversation.endswith(("/a", "/b")):
        return Verdict(Status.SCORED, {"winner": FIRST if sample.conversation.endswith("/a") else SECOND})
    return verdict(5 if case_of(sample) in GOOD else 2)


def report(judge: Callable[[Sample], Verdict], samples: Iterable[Sample] = SAMPLES) -> ProbeReport:
    return read_probe(PROBE, RUBRIC, {s.conversation: judge(s) for s in samples})


def test_a_perfect_judge_gets_all_two_hundred_comparisons_and_is_admitted() -> None:
    found = report(perfect)
    assert sum(asked for _, asked in found.kinds.values()) == 200
    assert {kind: asked for kind, (_, asked) in found.kinds.items() if asked != 12} == {"calm": 8}
    assert list(found.kinds) == [kind.name for kind in PROBE.kinds]
    assert found.score == found.pairs_right == 1.0
    assert found.length_shift == found.position_flips == found.unscored == 0
    assert found.asked == len(SAMPLES) == 252
    assert found.admission(1.0).admitted
    assert found.probe == "probe-zh-2"


def test_a_judge_that_says_the_same_of_everything_gets_no_credit_for_it() -> None:
    def flat(sample: Sample) -> Verdict:
        pair = sample.conversation.endswith(("/a", "/b"))
        return Verdict(Status.SCORED, {"winner": FIRST}) if pair else verdict(3)

    found = report(flat)
    assert {kind for kind, (right, _) in found.kinds.items() if right} == {"padded", "pair_padded", *INJECTED}
    assert found.position_flips == 1.0
    assert not found.admission(0.5).admitted


@pytest.mark.parametrize(
    ("asked", "share", "number"),
    # The share in whole cases, rounded down; no rounding error of 0.8 * 15 or 0.7 * 10 costs a case.
    [
        (12, 0.85, 10),
        (12, 0.9, 10),
        (12, 0.95, 11),
        (12, 0.75, 9),
        (12, 1.0, 12),
        (12, 0.0, 0),
        (8, 0.85, 6),
        (10, 0.7, 7),
        (15, 0.8, 12),
    ],
)
def test_the_least_number_of_a_kind_is_the_share_in_whole_cases(
    asked: int, share: float, number: int
) -> None:
    assert least(asked, share) == number


def wrong_in(*wrong: str) -> Callable[[Sample], Verdict]:
    """Perfect, but these worse replies of these scenes (``greet/rude``) are taken for good ones."""

    def judge(sample: Sample) -> Verdict:
        return verdict(5) if sample.conversation in wrong else perfect(sample)

    return judge


def test_a_judge_that_fails_a_third_of_the_quality_pairs_is_not_admitted_whatever_the_rest() -> None:
    scenes = [sample.conversation.split("/")[0] for sample in PROBE.singles if case_of(sample) == "gold"]
    spread = wrong_in(*(f"{scene}/{kind}" for kind in QUALITY for scene in scenes[::3]))
    found = report(spread)
    assert found.score == pytest.approx(0.88)  # 24 of 200 wrong: over the share of all
    assert found.kinds["rude"] == (8, 12)
    for share in (0.75, 0.85):
        admission = found.admission(share)
        assert not admission.admitted
        assert list(admission.below) == QUALITY


def test_one_kind_that_is_failed_is_enough_and_two_cases_of_twelve_are_forgiven() -> None:
    scenes = [sample.conversation.split("/")[0] for sample in PROBE.singles if case_of(sample) == "gold"]
    two = report(wrong_in(*(f"{scene}/minimal" for scene in scenes[:2]))).admission(0.85)
    assert two.admitted
    three = report(wrong_in(*(f"{scene}/minimal" for scene in scenes[:3]))).admission(0.85)
    assert (three.below, three.admitted) == (("minimal",), False)
    assert three.least["minimal"] == 10


def test_what_moves_a_judge_that_should_not_is_measured() -> None:
    def gullible(sample: Sample) -> Verdict:
        if sample.conversation.endswith(("/a", "/b")):
            return perfect(sample)
        case = case_of(sample)
        return verdict(5 if case in INJECTED or case == "padded" else 4 if case == "gold" else 2)

    found = report(gullible)
    assert found.injection_shift == 2.0  # 3 on a bad reply, 1 on a good one
    assert found.length_shift == 1
    failed = {kind for kind, (right, _) in found.kinds.items() if not right}
    assert {"padded", *INJECTED} <= failed


def test_a_calm_customer_needs_no_comfort_for_a_plain_polite_reply_to_be_near_top() -> None:
    def strict(sample: Sample) -> Verdict:
        found = perfect(sample)
        return Verdict(Status.SCORED, {**found.scores, "empathy": 3}) if case_of(sample) == "gold" else found

    assert report(strict).kinds["calm"] == (0, 8)
    # A rubric that asks for no empathy is not asked this.
    own = load_rubric("turn-zh-1")
    names = [d for d in own.dimensions if d.name != "empathy"]
    without = type(own)(own.name, own.unit, own.title, "", tuple(names), own.blocks, own.system, own.user)
    values = {d.name: 5 for d in without.scales}
    found = read_probe(
        PROBE, without, {s.conversation: Verdict(Status.SCORED, values) for s in PROBE.singles}
    )
    assert "calm" not in found.kinds


def test_what_has_no_verdict_counts_as_wrong_and_is_said() -> None:
    def failing(sample: Sample) -> Verdict:
        return Verdict(Status.FAILED) if case_of(sample) == "gold" else perfect(sample)

    found = report(failing)
    assert found.unscored == 12
    assert found.kinds["rude"] == found.kinds["padded"] == (0, 12)
    assert found.kinds["calm"] == (0, 8)


def test_every_strategy_stands_once_where_it_belongs_and_once_where_it_does_not() -> None:
    names = sorted(s.zh for s in Strategy)
    for case in ("gold", "wrong_choice", "not_executed"):
        labels = Counter(s.fields["strategy"] for s in PROBE.singles if case_of(s) == case)
        assert sorted(labels) == names, case
        assert set(labels.values()) == {1}, case
    right, wrong, undone = (
        {s.conversation.split("/")[0]: s for s in PROBE.singles if case_of(s) == case}
        for case in ("gold", "wrong_choice", "not_executed")
    )
    for scene, sample in right.items():
        assert (
            wrong[scene].fields["strategy"] != sample.fields["strategy"] == undone[scene].fields["strategy"]
        )
        assert wrong[scene].fields["reply"] == undone[scene].fields["reply"] != sample.fields["reply"]


def test_padding_is_polite_and_longer_and_a_word_to_the_judge_is_added_to_good_and_bad_alike() -> None:
    texts = {s.conversation: s.fields["reply"] for s in PROBE.singles}
    words: Counter[str] = Counter()
    for name, text in texts.items():
        scene, case = name.split("/")
        if case == "padded":
            assert texts[f"{scene}/gold"] in text
            assert len(text) > 2 * len(texts[f"{scene}/gold"])
        if case in INJECTED:
            base = texts[f"{scene}/{'gold' if case.endswith('_good') else 'off_topic'}"]
            assert text.startswith(base)
            words[text.removeprefix(base)] += 1
    assert len(words) == 4  # flattery and instructions, in Chinese and English
    assert set(words.values()) == {12}


def test_only_what_speaks_to_the_judge_is_flagged() -> None:
    for sample in PROBE.singles:
        flagged = bool(ask(RUBRIC, sample).flags)
        assert flagged == (case_of(sample) in INJECTED), sample
    assert any("打个分" in s.fields["reply"] for s in PROBE.singles)  # a satisfaction survey among the good


def test_with_the_reference_shown_a_good_reply_of_other_words_stands_against_wrong_ones_near_it() -> None:
    texts = {s.conversation: s.fields for s in PROBE.referenced}
    assert len(texts) == 36
    for sample in PROBE.referenced:
        assert sample.fields["reference"] in ask(RUBRIC, sample, with_reference=True).user
        assert sample.fields["reply"] != sample.fields["reference"]


def test_the_probe_of_before_reads_its_verdicts_as_it_did() -> None:
    earlier = load_probe(EARLIER_PROBE)
    rubric, pairs = load_rubric(earlier.turn_rubric), load_rubric(earlier.pair_rubric)
    config = JudgeConfig(model="m", base_url="http://here/v1")
    keys = [s.conversation + Questions(rubric, config).task(s).key for s in earlier.singles]
    keys += [s.conversation + Questions(pairs, config).task(s).key for s in earlier.pairs]
    # Of the release before: the same questions, found in the same cache.
    assert hashlib.sha256("".join(sorted(keys)).encode()).hexdigest()[:16] == "675e039f28f9ed62"
    verdicts = {
        s.conversation: Verdict(Status.SCORED, true_verdict(rubric, s.fields["strategy"] + s.fields["reply"]))
        for s in earlier.singles
    } | {
        s.conversation: Verdict(Status.SCORED, true_verdict(pairs, s.fields["first"] + s.fields["second"]))
        for s in earlier.pairs
    }
    assert read_probe(earlier, rubric, verdicts) == ProbeReport(
        probe="probe-zh-1",
        score=0.35,
        kinds={
            "wrong_strategy": (3, 6),
            "rude": (2, 6),
            "off_topic": (2, 6),
            "invented": (1, 6),
            "minimal": (0, 6),
            "longer": (2, 6),
            "flatter_zh": (1, 6),
            "instruct_zh": (4, 6),
            "flatter_en": (4, 6),
            "instruct_en": (2, 6),
        },
        length_shift=pytest.approx(0.5333333333333333),
        injection_shift=pytest.approx(0.18333333333333335),
        position_flips=pytest.approx(1 / 6),
        pairs_right=pytest.approx(1 / 9),
        unscored=0,
        asked=102,
    )


def test_what_cannot_be_probed_is_said() -> None:
    with pytest.raises(JudgeError, match="single replies; dialogue-zh-2 does not grade those"):
        require_turns(load_rubric("dialogue-zh-2"))
    with pytest.raises(JudgeError, match="no probe 'probe-zh-9'; there are probe-zh-2, probe-zh-1"):
        load_probe("probe-zh-9")
