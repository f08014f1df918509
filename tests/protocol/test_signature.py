"""A signature from its making to what a judge and a re-scoring make of it, and back from files of any version."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from csc_tasks._version import __version__
from csc_tasks.data.sources import load
from csc_tasks.data.splits import Subset
from csc_tasks.errors import DataError
from csc_tasks.metrics import all_metrics
from csc_tasks.protocol.named_data import NamedData, common_names
from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.protocol.signature import Protocol, Signature
from csc_tasks.protocol.signature_parts import DataSignature, JudgeSignature
from csc_tasks.protocol.task_kind import Context, TaskKind

ZH = "zh(sacrebleu-"
METRICS = [m for m in all_metrics() if m.info.name in ("strategy_acc", "bleu_4")]
JUDGE = JudgeSignature.of("turn-zh-1", "a" * 16, False, {"model": "fake", "seed": 0})


def made(judge: JudgeSignature | None = None) -> Signature:
    corpus = load("mini")
    data = DataSignature.of(corpus, Subset.MINI, 32)
    return Signature.of(TaskKind.RESPONSE, Context.REFERENCE, load_prompt(), data, "zh", METRICS, judge)


def old_signatures(folder: Path) -> list[dict[str, Any]]:
    return [
        config["metadata"]["csconv_signature"]
        for path in sorted(folder.rglob("results_*.json"))
        for config in json.loads(path.read_text(encoding="utf-8"))["configs"].values()
    ]


def test_every_old_signature_is_read_and_written_as_it_was(old_results: Path) -> None:
    old = old_signatures(old_results)
    assert len(old) == 22
    assert any("|judge:" in each["line"] for each in old)
    assert any("|tok:char|" in each["line"] for each in old)
    for each in old:
        assert Signature.read(each).line == each["line"]
        assert Signature.read(each).to_json() == each


def test_the_digest_of_an_old_judge_is_still_its_digest(old_results: Path) -> None:
    judges = [each["judge"] for each in old_signatures(old_results) if "judge" in each]
    assert len(judges) == 2
    for judge in judges:
        fields = {k: v for k, v in judge.items() if k not in ("line", "sha256", "guard")}
        named = [fields.pop(k) for k in ("rubric", "rubric_sha256", "with_reference")]
        assert JudgeSignature.of(*named, fields, judge.get("guard")).to_json() == judge


def test_the_line_says_all_that_must_agree() -> None:
    signature = made()
    fingerprint = load("mini").fingerprint[:8]
    asked = f"csconv:2|task:response|ctx:reference|prompt:zh-2|data:mini@{fingerprint}|scale:mini"
    assert signature.asked == asked
    assert signature.line == f"{asked}|tok:{signature.tokenizer}|version:{__version__}"
    assert signature.tokenizer.startswith(ZH)
    assert signature.section == "response/reference"


def test_a_judge_in_the_run_adds_to_the_scores_and_one_after_it_gives_all_of_them() -> None:
    inside = made(JUDGE)
    assert inside.to_json()["judge"] == JUDGE.to_json()
    assert "judge:" not in inside.line
    after = made().with_judge(JUDGE, ["judge_overall", "judge_coverage"])
    assert after.metrics == {"judge_overall": JUDGE.line, "judge_coverage": JUDGE.line}
    assert after.line == made().line.replace("|version:", f"|judge:{JUDGE.line}|version:")
    assert after.protocol == made().protocol


def test_scoring_again_signs_the_new_scores_alone() -> None:
    run = made(JUDGE).with_fewshot("mini", "f" * 16, 1234)
    again = run.with_scores(METRICS[1:], "char")
    assert again.tokenizer == "char"
    assert list(again.metrics) == ["bleu_4_char"]
    assert (again.judge, again.models) == (None, {})
    assert again.fewshot == run.fewshot
    assert again.asked == run.asked
    assert run.tokenizer.startswith(ZH)  # itself unchanged


def test_networks_of_the_run_stay_with_their_own_scores() -> None:
    run = made().model_copy(update={"models": {"bertscore": {"layer": 8, "idf": None}}})
    assert run.to_json()["models"] == {"bertscore": {"layer": 8, "idf": None}}
    assert "models" not in run.with_scores(METRICS, "zh").to_json()
    assert "models" not in run.with_judge(JUDGE, ["judge_overall"]).to_json()


def test_a_judges_signature_changes_with_everything_that_can_change_a_verdict() -> None:
    def line(**change: Any) -> str:
        fields = {"model": "fake", "seed": 0, **change}
        return JudgeSignature.of("turn-zh-1", "a" * 16, False, fields).line

    assert line() == JUDGE.line
    assert JUDGE.line.startswith("turn-zh-1:fake@")
    assert len({line(), line(seed=1), line(model="other"), line(temperature=0.5)}) == 4
    shown = JudgeSignature.of("turn-zh-1", "a" * 16, True, {"model": "fake", "seed": 0})
    assert shown.line.startswith("turn-zh-1+ref:fake@")


def test_what_a_newer_csconv_added_stays_in_it() -> None:
    newer = {**made().to_json(), "thinking": "off"}
    assert Signature.read(newer).with_scores(METRICS, "zh").to_json()["thinking"] == "off"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"line": None}, "csconv_signature.line: missing"),
        ({"task": None}, "csconv_signature.task: must be a text"),
        ({"benchmark": "one"}, "csconv_signature.benchmark: input should be a valid integer"),
        ({"data": []}, "csconv_signature.data: must be an object"),
        ({"prompt": {"version": "zh-1"}}, "csconv_signature.prompt.sha256: field required"),
        ({"metrics": ["x"]}, "csconv_signature.metrics: must be an object"),
        ({"metrics": {"bleu_2": 1}}, "csconv_signature.metrics.bleu_2: must be a text"),
        ({"judge": {"model": "x"}}, "csconv_signature.judge.line: field required"),
    ],
)
def test_a_damaged_signature_is_an_error_that_names_the_field(change: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError) as error:
        Signature.read({**made().to_json(), **change})
    assert str(error.value).startswith(words)


def test_a_signature_that_is_no_object_is_an_error() -> None:
    with pytest.raises(DataError, match="csconv_signature: must be an object"):
        Signature.read("csconv:1|task:response")


def test_protocols_are_told_apart_in_words() -> None:
    one = made().protocol
    other = Protocol(one.benchmark, "zh-2 (ffffffff)", one.data, "full")
    assert one.against(one) == ""
    assert other.against(one) == f"scale full against mini; prompt zh-2 (ffffffff) against {one.prompt}"
    assert Protocol.of_named(one.named()) == one


def test_the_content_of_data_compares_and_its_name_does_not() -> None:
    hub = NamedData.of("hub", "4c68b7b1" + "0" * 8)
    assert str(hub) == "hub (4c68b7b1)"
    same = NamedData.read("CSConv (1).json (4c68b7b1)")
    assert same.name == "CSConv (1).json"
    assert same == hub
    assert {same: "found"}[hub] == "found"
    assert NamedData.of("hub", "4c68b7b2" + "0" * 8) != hub
    # What no csconv wrote is compared as it stands.
    assert str(NamedData.read("elsewhere")) == "elsewhere"
    assert NamedData.read("elsewhere") != NamedData.read("here")
    one = made().protocol
    renamed = replace(one, data=replace(one.data, name="csconv_mini.json"))
    assert renamed == one
    assert (repr(renamed), renamed.against(one)) == (repr(one), "")


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["b.json", "a.parquet"], "a.parquet"),
        (["CSConv.json", "hub"], "hub"),
        (["modelscope", "hub", "A.json"], "hub"),
        (["A.json", "mini"], "mini"),
    ],
)
def test_data_of_several_names_is_called_by_csconvs_own_word_or_the_first_of_them(
    names: list[str], shown: str
) -> None:
    data = [NamedData(64 * "1", name) for name in names]
    for order in (data, data[::-1]):
        assert common_names(order) == {64 * "1": shown}
