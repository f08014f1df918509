"""The tasks inside lm-eval: prompts that are sent, options that behave, scores that come out."""

from __future__ import annotations

import json
import logging
import math
import re
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance

from csc_tasks.data.files import write_conversations
from csc_tasks.data.sources import load
from csc_tasks.data.splits import Split
from csc_tasks.errors import CSConvError, HarnessError
from csc_tasks.framework import Strategy
from csc_tasks.harness.registration import task_names
from csc_tasks.metrics.bleu import Bleu
from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.turns import turn_docs
from tests.running import FunctionLM, evaluate, gold, manager, scores

TURNS = len(list(turn_docs(load("mini").conversations)))
MINI = [
    "csconv_mini_strategy",
    "csconv_mini_strategy_mc",
    "csconv_mini_response",
    "csconv_mini_response_oracle",
]


def test_the_tasks_exist_at_all_three_scales_with_groups_and_tags() -> None:
    kinds = ("strategy", "strategy_mc", "response", "response_oracle", "dialogue")
    prefixes = ("csconv", "csconv_lite", "csconv_mini")
    assert {n for n, kind in task_names().items() if kind == "task"} >= {
        f"{p}_{k}" for p in prefixes for k in kinds
    }
    assert {n for n, kind in task_names().items() if kind == "group"} == set(prefixes)
    for prefix in prefixes:
        tag = manager().task_index[f"{prefix}_all"]
        assert tag.tags >= {f"{prefix}_{k}" for k in kinds}


def test_a_gold_model_scores_1_on_everything() -> None:
    results = evaluate(FunctionLM(gold), MINI)
    for task in MINI:
        got = scores(results, task)
        for name in (
            "strategy_acc",
            "strategy_f1_macro",
            "stage_acc",
            "strategy_top3",
            "bleu_2",
            "bleu_4",
            "rouge_l",
        ):
            if name in got:
                assert got[name] == pytest.approx(1.0), (task, name)
                assert got[f"{name}_stderr"] == pytest.approx(0.0), (task, name)
        assert got.get("strategy_invalid", 0.0) == 0.0
        assert got.get("no_answer", 0.0) == 0.0
        assert got.get("length_ratio", 1.0) == 1.0
        assert got.get("preference_bias", 0.0) == pytest.approx(0.0, abs=0.05)
    assert set(scores(results, "csconv_mini_response")) >= {
        "strategy_acc",
        "bleu_4",
        "rouge_l",
        "distinct_1",
        "distinct_2",
    }
    assert "bleu_4" not in scores(results, "csconv_mini_strategy")
    assert "strategy_acc" not in scores(results, "csconv_mini_response_oracle")


def test_scores_come_with_an_error_clustered_by_conversation_under_lm_evals_own_name() -> None:
    def half(request: Instance) -> str:  # right in every second conversation: a strong cluster
        return gold(request) if int(request.doc["conversation"], 16) % 2 else "[其它] 嗯。"

    got = scores(evaluate(FunctionLM(half), ["csconv_mini_response"]), "csconv_mini_response")
    naive = math.sqrt(got["strategy_acc"] * (1 - got["strategy_acc"]) / TURNS)
    assert got["strategy_acc_stderr"] > 2 * naive
    assert 0 < got["bleu_4_stderr"] < 1
    assert got["distinct_2_stderr"] == "N/A"  # not a sum over conversations


def test_the_prompt_is_instruction_then_history_then_cue() -> None:
    lm = FunctionLM(gold)
    evaluate(lm, ["csconv_mini_response"], limit=3)
    prompts = [r.args[0] for r in lm.requests]
    conversation = load("mini").conversations[0]
    texts = load_prompt()
    for prompt, position in zip(prompts, conversation.supporter_turns, strict=False):
        history = "".join(map(texts.line, conversation.utterances[:position]))
        assert prompt == texts.head(TaskKind.RESPONSE) + history + "客服:"
    assert all(s.zh in prompts[0] for s in Strategy)


def test_each_prompt_without_its_cue_begins_the_next_one_of_its_conversation() -> None:
    for task, cue in (("strategy", "客服策略:"), ("response", "客服:"), ("response_oracle", None)):
        lm = FunctionLM(gold)
        evaluate(lm, [f"csconv_mini_{task}"])
        for before, after in zip(lm.requests, lm.requests[1:], strict=False):
            if before.doc["conversation"] == after.doc["conversation"]:
                closing = cue or f"客服: [{before.doc['strategy']}]"
                assert after.args[0].startswith(before.args[0].removesuffix(closing))
                assert before.args[0].endswith(closing)


def test_the_gold_strategy_is_shown_to_the_oracle_alone() -> None:
    for task in ("csconv_mini_strategy", "csconv_mini_response", "csconv_mini_response_oracle"):
        lm = FunctionLM(gold)
        evaluate(lm, [task])
        shown = [r.args[0].splitlines()[-1].endswith(f"[{r.doc['strategy']}]") for r in lm.requests]
        assert all(shown) if task.endswith("oracle") else not any(shown)


def test_multiple_choice_asks_for_twelve_letters_after_one_context() -> None:
    lm = FunctionLM(gold)
    evaluate(lm, ["csconv_mini_strategy_mc"], limit=2)
    first = [r for r in lm.requests if r.doc["turn"] == 0]
    assert [r.args[1] for r in first] == [f" {letter}" for letter in "ABCDEFGHIJKL"]
    assert len({r.args[0] for r in first}) == 1
    assert first[0].args[0].endswith("答案:")


def test_few_shot_examples_are_training_turns_and_the_same_for_every_turn() -> None:
    lm = FunctionLM(gold)
    results = evaluate(lm, ["csconv_mini_response"], num_fewshot=2, limit=20)
    head = load_prompt().head(TaskKind.RESPONSE)
    prefixes = {r.args[0][: r.args[0].rindex("\n\n对话：\n")] for r in lm.requests}
    assert len(prefixes) == 1
    prefix = prefixes.pop()
    assert prefix.startswith(head)
    assert (
        prefix.count("\n\n对话：\n") == 2
    )  # the instruction's own heading and one before the second example
    answers = [line for line in prefix.splitlines() if line.startswith("客服: [")]
    training = {
        f"客服: [{t['strategy']}] {t['reference']}"
        for t in turn_docs(load("mini", Split.TRAINING).conversations)
    }
    assert answers
    assert set(answers) <= training
    signature = results["configs"]["csconv_mini_response"]["metadata"]["csconv_signature"]
    assert signature["fewshot"]["fingerprint"] == load("mini", Split.TRAINING).fingerprint


def test_a_conversation_that_is_evaluated_is_never_an_example(tmp_path: Path) -> None:
    evaluated = load("mini").conversations[:2]
    other = load("mini", Split.TRAINING).conversations[0]
    write_conversations(tmp_path / "data.json", evaluated)
    write_conversations(tmp_path / "train.json", [*evaluated, other])
    data = {
        "csconv_data": str(tmp_path / "data.json"),
        "csconv_train": str(tmp_path / "train.json"),
        "csconv_bertscore_model": "off",
    }
    answers = {f"客服: [{turn['strategy']}] {turn['reference']}" for turn in turn_docs([other])}
    for seed in range(4):
        lm = FunctionLM(gold)
        evaluate(lm, ["csconv_response"], data, num_fewshot=1, limit=1, fewshot_random_seed=seed)
        example, _question = lm.requests[0].args[0].rsplit("\n\n对话：\n", 1)
        assert example.splitlines()[-1] in answers
    with pytest.raises(CSConvError, match="has only 1 conversations to draw from"):
        evaluate(FunctionLM(gold), ["csconv_response"], data, num_fewshot=2)


def test_few_shot_examples_depend_on_the_seed() -> None:
    prompts = []
    for seed in (1, 1, 2):
        lm = FunctionLM(gold)
        evaluate(lm, ["csconv_mini_strategy"], num_fewshot=1, limit=1, fewshot_random_seed=seed)
        prompts.append(lm.requests[0].args[0])
    assert prompts[0] == prompts[1] != prompts[2]


def test_more_examples_than_conversations_is_an_error_before_generation() -> None:
    lm = FunctionLM(gold)
    with pytest.raises(CSConvError, match=r"--num_fewshot 99: .* has only \d+ conversations"):
        evaluate(lm, ["csconv_mini_strategy"], num_fewshot=99)
    assert lm.requests == []


def test_no_training_data_is_read_for_zero_shot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSCONV_TRAIN", "/nowhere.json")
    evaluate(FunctionLM(gold), ["csconv_mini_strategy"], limit=1)


@pytest.mark.parametrize("multiturn", [False, True])
@pytest.mark.parametrize("system", [None, "你很有耐心。"])
def test_chat_models_get_one_user_message_and_a_system_message_if_given(
    system: str | None, multiturn: bool
) -> None:
    lm = FunctionLM(gold)
    options: dict[str, Any] = {
        "apply_chat_template": True,
        "fewshot_as_multiturn": multiturn,
        "num_fewshot": 2,
    }
    evaluate(lm, ["csconv_mini_response"], limit=2, system_instruction=system, **options)
    prompt = lm.requests[0].args[0]
    roles = re.findall(r"<\|(system|user|assistant)\|>", prompt)
    exchange = ["user", "assistant"] * 2 + ["user", "assistant"] if multiturn else ["user", "assistant"]
    assert roles == (["system"] if system else []) + exchange
    assert prompt.endswith("客服:<|end|><|assistant|>")
    assert prompt.count("你是一名中文客服") == 1


def test_a_system_instruction_precedes_the_prompt_of_a_base_model() -> None:
    lm = FunctionLM(gold)
    evaluate(lm, ["csconv_mini_response"], limit=1, system_instruction="你很有耐心。")
    assert lm.requests[0].args[0].startswith("你很有耐心。\n\n你是一名中文客服")


def test_generation_settings_come_from_the_task_and_can_be_overridden() -> None:
    lm = FunctionLM(gold)
    evaluate(lm, ["csconv_mini_response"], limit=1)
    default = lm.requests[0].args[1]
    assert default["max_gen_toks"] == 512
    assert default["do_sample"] is False
    assert default["until"] == ["<|endoftext|>", "\n客户:", "\n\n对话："]
    lm = FunctionLM(gold)
    evaluate(lm, ["csconv_mini_response"], limit=1, gen_kwargs={"max_gen_toks": 64, "temperature": 0.7})
    assert lm.requests[0].args[1] == {**default, "max_gen_toks": 64, "temperature": 0.7}


def test_limit_counts_turns() -> None:
    results = evaluate(FunctionLM(gold), ["csconv_mini_response"], limit=7)
    assert results["n-samples"]["csconv_mini_response"]["effective"] == 7


def test_predict_only_logs_the_replies_and_scores_nothing() -> None:
    results = evaluate(FunctionLM(gold), MINI, limit=3, predict_only=True)
    for task in MINI:
        assert set(scores(results, task)) == {"bypass", "bypass_stderr"}
        assert len(results["samples"][task]) == 3
    sample = results["samples"]["csconv_mini_response"][0]
    assert json.loads(str(sample["filtered_resps"][0]))["text"] == sample["doc"]["reference"]


def test_write_out_prints_a_prompt(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="lm_eval"):
        evaluate(FunctionLM(gold), ["csconv_mini_response"], limit=1, write_out=True)
    assert "你是一名中文客服" in caplog.text


def test_a_second_run_reads_its_replies_from_the_response_cache(tmp_path: Path) -> None:
    # Conversations that the supporter opens share their first prompt, so the model answers the prompt.
    def answer(request: Instance) -> str:
        return f"[提供建议] 第{len(request.args[0]) % 97}号"

    cache = str(tmp_path / "cache")
    first = FunctionLM(answer)
    before = evaluate(first, ["csconv_mini_response"], limit=20, use_cache=cache)
    second = FunctionLM(lambda _: "不会被问到")
    after = evaluate(second, ["csconv_mini_response"], limit=20, use_cache=cache)
    assert len(first.requests) == 20
    assert second.requests == []
    assert scores(before, "csconv_mini_response") == scores(after, "csconv_mini_response")


def test_prompts_never_come_from_the_harness_cache_of_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lm_eval.caching.cache.PATH", str(tmp_path / "cache"))
    asked = []
    for count in (2, 3):  # the same task names over other data: lm-eval's cache could not tell them apart
        write_conversations(tmp_path / "data.json", load("mini").conversations[count : count + 1])
        lm = FunctionLM(gold)
        data = {"csconv_data": str(tmp_path / "data.json"), "csconv_bertscore_model": "off"}
        evaluate(lm, ["csconv_response", "csconv_dialogue"], data, cache_requests=True)
        asked.append({r.args[0] for r in lm.requests if r.idx or r.doc["turn"]})
    assert asked[0].isdisjoint(asked[1])
    assert not (tmp_path / "cache").exists()


def test_the_sample_log_holds_what_rescoring_needs() -> None:
    results = evaluate(FunctionLM(gold), ["csconv_mini_response"])
    samples = json.loads(
        json.dumps(results["samples"]["csconv_mini_response"], default=str, ensure_ascii=False)
    )
    metric = Bleu(4)
    assert metric.score([s["bleu_4"] for s in samples]) == scores(results, "csconv_mini_response")["bleu_4"]
    assert samples[0]["doc"].keys() >= {"conversation", "turn", "strategy", "reference", "customer"}


def test_replies_that_cannot_be_written_or_read_never_end_the_run(caplog: pytest.LogCaptureFixture) -> None:
    replies = [None, "", "\ud83d", "<think>没完", "好\udfff的", "😀" * 3000, "\x00", "字" * 10_000]

    def nasty(request: Instance) -> Any:
        return replies[request.doc["turn"] % len(replies)]

    with caplog.at_level(logging.WARNING):
        results = evaluate(FunctionLM(nasty), ["csconv_mini_response", "csconv_mini_strategy"])
    got = scores(results, "csconv_mini_response")
    assert got["strategy_invalid"] == 1.0
    assert got["strategy_acc"] == 0.0
    assert 0 < got["no_answer"] < 1
    assert "replies incomplete" in caplog.text
    for sample in results["samples"]["csconv_mini_response"]:
        # lm-eval writes the log with ensure_ascii=False: a lone surrogate would lose the whole file
        json.dumps(sample, default=str, ensure_ascii=False).encode("utf-8")


def test_a_metric_that_fails_is_nan_with_its_reason_and_loses_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise MemoryError("no room for n-grams")

    monkeypatch.setattr(Bleu, "items", broken)
    results = evaluate(FunctionLM(gold), ["csconv_mini_response"], limit=30)
    got = scores(results, "csconv_mini_response")
    assert math.isnan(got["bleu_2"])
    assert got["bleu_2_stderr"] == "N/A"
    assert got["rouge_l"] == pytest.approx(1.0)
    assert "bleu_2 was NOT scored (MemoryError: no room for n-grams)" in caplog.text
    assert len(results["samples"]["csconv_mini_response"]) == 30


def test_a_model_without_preference_gains_nothing_from_ties_in_multiple_choice() -> None:
    got = scores(
        evaluate(FunctionLM(lambda _: (-1.0, False)), ["csconv_mini_strategy_mc"]), "csconv_mini_strategy_mc"
    )
    assert got["strategy_top3"] == 0.0
    assert got["strategy_acc"] == pytest.approx(
        sum(t["strategy"] == "礼貌问候" for t in turn_docs(load("mini").conversations)) / TURNS
    )


def test_a_likelihood_that_is_not_a_number_is_unreadable_and_not_an_answer() -> None:
    got = scores(
        evaluate(FunctionLM(lambda _: (math.nan, False)), ["csconv_mini_strategy_mc"], limit=5),
        "csconv_mini_strategy_mc",
    )
    assert got["strategy_invalid"] == 1.0


def test_the_results_file_carries_the_signature_and_the_per_strategy_report() -> None:
    results = evaluate(FunctionLM(gold), ["csconv_mini_response"])
    metadata = json.loads(json.dumps(results["configs"]["csconv_mini_response"]["metadata"], default=str))
    signature = metadata["csconv_signature"]
    assert signature["line"].startswith(
        f"csconv:2|task:response|ctx:reference|prompt:zh-2|data:mini@{load('mini').fingerprint[:8]}|scale:mini|tok:zh"
    )
    assert signature["data"]["sha256"] == load("mini").sha256
    assert "smooth:exp" in signature["metrics"]["bleu_4"]
    report = metadata["csconv_report"]
    assert sum(map(sum, report["confusion"])) == TURNS
    assert report["per_strategy"]["提供建议"]["f1"] == 1.0


def test_another_tokenizer_is_another_column_and_another_signature() -> None:
    results = evaluate(FunctionLM(gold), ["csconv_mini_response"], {"csconv_tokenizer": "jieba"}, limit=5)
    got = scores(results, "csconv_mini_response")
    assert got["bleu_4_jieba"] == pytest.approx(1.0)
    assert "bleu_4" not in got
    assert "tok:jieba" in results["configs"]["csconv_mini_response"]["metadata"]["csconv_signature"]["line"]


def test_the_full_and_lite_tasks_run_on_a_file(tmp_path: Path) -> None:
    write_conversations(tmp_path / "CSConv.json", load("mini").conversations[:5])
    results = evaluate(
        FunctionLM(gold),
        ["csconv_response", "csconv_lite_strategy"],
        {"csconv_data": str(tmp_path / "CSConv.json"), "csconv_bertscore_model": "off"},
    )
    assert scores(results, "csconv_response")["strategy_acc"] == 1.0
    assert scores(results, "csconv_lite_strategy")["strategy_acc"] == 1.0


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"csconv_data": "hubb"}, r"csconv_data='hubb' is neither"),
        ({"csconv_data": "/nowhere.json"}, r"/nowhere\.json: no such file"),
        ({"csconv_tokenizer": "mecab"}, r"none of zh, char, jieba"),
        ({"csconv_datta": "x"}, r"no such option"),
    ],
)
def test_a_wrong_option_stops_the_run_before_generation(metadata: dict[str, str], message: str) -> None:
    lm = FunctionLM(gold)
    with pytest.raises(CSConvError, match=message):
        evaluate(lm, ["csconv_response"], metadata)
    assert lm.requests == []


@pytest.mark.parametrize("version", ["0.4.5", "0.5.0", "1.0"])
def test_an_unsupported_harness_is_an_error_that_names_the_supported_ones(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("csc_tasks.harness.lm_eval.version", lambda: version)
    with pytest.raises(
        HarnessError, match=rf"lm-eval {re.escape(version)} is not supported: csconv needs >=0\.4\.\d+,<0\.5"
    ):
        evaluate(FunctionLM(gold), ["csconv_mini_response"], limit=1)
