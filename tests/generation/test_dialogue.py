"""Generated context: prompts with the model's own past, rounds, failures that lose nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance

from csc_tasks.data.conversations import Conversation, Speaker, Utterance
from csc_tasks.data.files import write_conversations
from csc_tasks.data.sources import load
from csc_tasks.errors import HarnessError
from csc_tasks.framework import Strategy
from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.turns import turn_docs
from tests.running import FunctionLM, evaluate, gold, scores

TASK = "csconv_mini_dialogue"
MINI = load("mini").conversations
TURNS = len(list(turn_docs(MINI)))
HEAD = load_prompt().head(TaskKind.RESPONSE)


class RoundsLM(FunctionLM):
    """Notes how many requests came in each call."""

    def __init__(self, reply: Callable[[Instance], Any]) -> None:
        super().__init__(reply)
        self.rounds: list[int] = []

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[Any]:
        self.rounds.append(len(requests))
        return super().generate_until(requests, disable_tqdm)


def conversation(*parts: tuple[str, str]) -> Conversation:
    """A conversation from (strategy, text) of the supporter and ("", text) of the customer."""
    names = {s.zh: s for s in Strategy}
    return Conversation.of(
        "其他",
        [
            Utterance(Speaker.SUPPORTER if name else Speaker.CUSTOMER, names.get(name), text)
            for name, text in parts
        ],
    )


def run_on_file(
    lm: Any, conversations: list[Conversation], folder: Path, task: str = "csconv_dialogue", **options: Any
) -> dict[str, Any]:
    write_conversations(folder / "data.json", conversations)
    return evaluate(
        lm, [task], {"csconv_data": str(folder / "data.json"), "csconv_bertscore_model": "off"}, **options
    )


TWO = [
    conversation(
        *(("礼貌问候", "您好"), ("", "查快递"), ("确认身份", "报下姓名")),
        *(("", "[姓名]"), ("信息传达", "在路上"), ("", "好")),
    ),
    conversation(("", "喂"), ("礼貌问候", "请讲"), ("", "退款"), ("感谢与告别", "再见")),
]


def test_requests_are_the_supporter_turns_and_rounds_the_longest_conversation() -> None:
    lm = RoundsLM(gold)
    evaluate(lm, [TASK])
    lengths = [len(c.supporter_turns) for c in MINI]
    assert sum(lm.rounds) == TURNS
    assert lm.rounds == [sum(n > k for n in lengths) for k in range(max(lengths))]


def test_a_gold_model_gets_the_same_scores_in_both_contexts() -> None:
    results = evaluate(FunctionLM(gold), [TASK, "csconv_mini_response"])
    generated, reference = scores(results, TASK), scores(results, "csconv_mini_response")
    assert reference == {name: generated[name] for name in reference}
    for third in ("first", "middle", "last"):
        assert generated[f"strategy_acc_{third}"] == generated[f"rouge_l_{third}"] == 1.0
    assert generated["truncated"] == 0.0


def test_the_history_holds_the_models_own_turns_and_the_customers_gold_ones(tmp_path: Path) -> None:
    said = iter(
        ["[情感管理] 抱歉", "喂？", "<think>嗯</think>[提供建议] 先等等", "[礼貌问候] 早", "胡说八道"]
    )
    lm = FunctionLM(lambda _: next(said))
    results = run_on_file(lm, TWO, tmp_path)
    first, second = results["samples"]["csconv_dialogue"]
    assert [arguments[0].removeprefix(HEAD) for arguments in first["arguments"]] == [
        "客服:",
        "客服: [情感管理] 抱歉\n客户: 查快递\n客服:",
        # unreadable in the third turn: written as 其它; thinking is no part of the history
        "客服: [情感管理] 抱歉\n客户: 查快递\n客服: [提供建议] 先等等\n客户: [姓名]\n客服:",
    ]
    assert [arguments[0].removeprefix(HEAD) for arguments in second["arguments"]] == [
        "客户: 喂\n客服:",
        "客户: 喂\n客服: [其它] 喂？\n客户: 退款\n客服:",
    ]
    got = scores(results, "csconv_dialogue")
    assert got["strategy_acc"] == 0.0
    assert got["strategy_invalid"] == pytest.approx(2 / 5)


def test_a_model_that_depends_on_its_own_last_answer_scores_differently_as_computed_by_hand(
    tmp_path: Path,
) -> None:
    """It says 礼貌问候 unless its last line said so, then 确认身份, then 信息传达; from gold it is right throughout."""
    chain = {None: "礼貌问候", "礼貌问候": "确认身份", "确认身份": "信息传达"}

    def reply(request: Instance) -> str:
        lines = [x for x in request.args[0].removeprefix(HEAD).splitlines() if x.startswith("客服: [")]
        last = lines[-1].split("[")[1].split("]")[0] if lines else None
        # On the customer's word 查快递 it goes astray; in its own history it stays astray.
        if "查快递" in request.args[0].splitlines()[-2] or last == "其它":
            return "[其它] 稍等"
        return f"[{chain.get(last, '信息传达')}] 好的"

    reference = run_on_file(FunctionLM(reply), TWO[:1], tmp_path, "csconv_response")
    generated = run_on_file(FunctionLM(reply), TWO[:1], tmp_path)
    # gold: 礼貌问候, 确认身份, 信息传达. Reference: right, astray, back on the gold history: 2 of 3.
    assert scores(reference, "csconv_response")["strategy_acc"] == pytest.approx(2 / 3)
    # Generated: right, astray, and its own 其它 keeps it there: 1 of 3.
    assert scores(generated, "csconv_dialogue")["strategy_acc"] == pytest.approx(1 / 3)
    thirds = [scores(generated, "csconv_dialogue")[f"strategy_acc_{t}"] for t in ("first", "middle", "last")]
    assert thirds == [1.0, 0.0, 0.0]


def test_replaying_the_logged_prompts_gives_the_logged_replies() -> None:
    def reply(request: Instance) -> str:  # deterministic in the prompt alone
        names = [s.zh for s in Strategy]
        number = sum(request.args[0].encode()) % 12
        return f"[{names[number]}] 第{number}种说法，{request.args[0][-20:]!r}"

    samples = evaluate(FunctionLM(reply), [TASK], limit=4)["samples"][TASK]
    replayed = [
        Instance("generate_until", {}, tuple(arguments), 0) for s in samples for arguments in s["arguments"]
    ]
    assert FunctionLM(reply).generate_until(replayed) == [r[0] for s in samples for r in s["resps"]]
    assert len({request.args[0] for request in replayed}) > len(samples) * 10


def test_limit_counts_conversations_and_the_report_counts_turns() -> None:
    results = evaluate(FunctionLM(gold), [TASK], limit=2)
    assert results["results"][TASK]["sample_len"] == 2
    turns = sum(len(c.supporter_turns) for c in MINI[:2])
    assert results["configs"][TASK]["metadata"]["csconv_report"]["turns"] == turns


def test_few_shot_examples_and_the_chat_template_stand_around_each_rounds_history() -> None:
    lm = FunctionLM(gold)
    evaluate(
        lm,
        [TASK],
        limit=2,
        num_fewshot=1,
        apply_chat_template=True,
        fewshot_as_multiturn=True,
        system_instruction="你是客服。",
    )
    for request in lm.requests:
        prompt = request.args[0]
        assert prompt.startswith("<|system|>你是客服。<|end|><|user|>" + HEAD[:20])
        assert prompt.count("<|user|>") == 2
        assert prompt.endswith("客服:<|end|><|assistant|>")
    last = max((r for r in lm.requests), key=lambda r: r.idx).args[0]
    first = MINI[0].utterances[0] if MINI[0].utterances[0].text in last else MINI[1].utterances[0]
    assert first.text in last


def test_the_log_holds_the_customers_turns_and_each_reply_as_it_was_read(tmp_path: Path) -> None:
    said = iter(["喂？", "<think>嗯</think>[确认身份] 报下姓名", "[信息传达] 在路上"])
    (sample,) = run_on_file(FunctionLM(lambda _: next(said)), TWO[:1], tmp_path)["samples"]["csconv_dialogue"]
    assert sample["doc"]["customers"] == [[], ["查快递"], ["[姓名]"]]
    assert [str(record) for record in sample["filtered_resps"]] == [
        '{"strategy": null, "text": "喂？", "problem": "no-label"}',
        '{"strategy": "确认身份", "text": "报下姓名", "problem": null, "thinking": "think"}',
        '{"strategy": "信息传达", "text": "在路上", "problem": null}',
    ]


def test_thinking_silence_and_none_are_counted_and_leave_an_empty_line_in_the_history(tmp_path: Path) -> None:
    said = iter([None, "", "<think>没想完", "嗯</think>", "[感谢与告别] 再见<think>"])
    results = run_on_file(FunctionLM(lambda _: next(said)), TWO, tmp_path)
    got = scores(results, "csconv_dialogue")
    assert got["no_answer"] == pytest.approx(3 / 5)  # a stray mark takes no answer away
    assert got["failed"] == pytest.approx(1 / 5)
    assert (
        results["samples"]["csconv_dialogue"][0]["arguments"][1][0]
        .removeprefix(HEAD)
        .startswith("客服: [其它] \n")
    )


class OpeningLM(FunctionLM):
    """A model whose chat template opens a thought, so that its answers begin within one."""

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        return super().apply_chat_template(chat_history, add_generation_prompt) + "<think>\n"


def test_what_is_said_within_a_thought_that_the_template_opened_is_not_in_the_history(
    tmp_path: Path,
) -> None:
    said = iter(["客户急了，应当安抚。", "嗯</think>[提供建议] 先等等", "[信息传达] 好"])
    lm = OpeningLM(lambda _: next(said))
    results = run_on_file(lm, TWO[:1], tmp_path, apply_chat_template=True)
    histories = [r.args[0].partition(HEAD)[2].partition("<|end|>")[0] for r in lm.requests]
    assert histories == [
        "客服:",
        "客服: [其它] \n客户: 查快递\n客服:",
        "客服: [其它] \n客户: 查快递\n客服: [提供建议] 先等等\n客户: [姓名]\n客服:",
    ]
    assert scores(results, "csconv_dialogue")["no_answer"] == pytest.approx(1 / 3)


class BrokenLM(RoundsLM):
    """Fails in the middle of round 3, after answering a few of its requests."""

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[Any]:
        if len(self.rounds) == 2:
            for request in requests[:3]:
                self.cache_hook.add_partial("generate_until", request.args, self.reply(request))
            raise RuntimeError("out of memory")
        return super().generate_until(requests, disable_tqdm)


def test_a_model_that_fails_in_round_3_loses_nothing_that_it_had_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        HarnessError, match=r"failed after 64 of 407 turns \(RuntimeError: out of memory\)"
    ) as error:
        evaluate(BrokenLM(gold), [TASK])
    (rescued,) = tmp_path.glob("csconv_rescue_*_rank0.db")
    name = rescued.name.removesuffix("_rank0.db")
    assert f"--use_cache {name} goes on" in str(error.value)
    lm = RoundsLM(gold)
    results = evaluate(lm, [TASK], use_cache=name)
    assert lm.rounds[0] == 32 - 3
    assert sum(lm.rounds) == TURNS - 2 * 32 - 3
    # Each conversation got its own first answer back, although the first prompt is the same in most.
    assert scores(results, TASK)["rouge_l"] == 1.0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # sqlitedict's own thread
def test_answers_are_rescued_even_if_the_working_folder_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, spare = tmp_path / "gone", tmp_path / "spare"
    gone.mkdir()
    spare.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spare))
    monkeypatch.chdir(gone)

    class FoldersBrokenLM(BrokenLM):
        def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[Any]:
            if len(self.rounds) == 2:
                gone.rmdir()
            return super().generate_until(requests, disable_tqdm)

    with pytest.raises(HarnessError, match=rf"--use_cache {spare}/csconv_rescue_\S+ goes on"):
        evaluate(FoldersBrokenLM(gold), [TASK])
    assert len(list(spare.glob("csconv_rescue_*_rank0.db"))) == 1


def test_without_any_answer_nothing_is_rescued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def fail(_: Instance) -> str:
        raise ConnectionError("refused")

    with pytest.raises(HarnessError, match=r"after 0 of 407 turns .*It had not answered anything"):
        evaluate(FunctionLM(fail), [TASK])
    assert list(tmp_path.iterdir()) == []


def test_too_few_answers_are_an_error_and_never_shift_onto_other_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class ShortLM(RoundsLM):
        def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[Any]:
            return super().generate_until(requests, disable_tqdm)[:-1]

    monkeypatch.chdir(tmp_path)
    with pytest.raises(HarnessError, match="ShortLM returned 31 answers to 32 requests"):
        evaluate(ShortLM(gold), [TASK])


def test_a_second_run_with_the_cache_asks_nothing(tmp_path: Path) -> None:
    cache = str(tmp_path / "answers")
    first = RoundsLM(lambda r: f"[信息传达] {len(r.args[0])}")
    before = evaluate(first, [TASK], limit=5, use_cache=cache)
    second = RoundsLM(lambda _: pytest.fail("asked again"))
    after = evaluate(second, [TASK], limit=5, use_cache=cache)
    assert second.rounds == []
    assert [s["resps"] for s in before["samples"][TASK]] == [s["resps"] for s in after["samples"][TASK]]


def test_sampled_answers_are_never_taken_from_the_cache(tmp_path: Path) -> None:
    cache = str(tmp_path / "answers")
    for _ in range(2):
        lm = RoundsLM(gold)
        sampling = "do_sample=true,temperature=0.7"
        evaluate(lm, [TASK], limit=1, gen_kwargs=sampling, use_cache=cache)
        assert sum(lm.rounds) == len(MINI[0].supporter_turns)


class NarrowLM(RoundsLM):
    """A backend that knows its window: one token a character."""

    max_length = len(HEAD) + 250
    max_gen_toks = 256

    def tok_encode(self, text: str) -> list[int]:
        return [ord(c) for c in text]


def test_a_short_window_keeps_the_instructions_and_the_latest_turns_and_is_counted() -> None:
    lm = NarrowLM(gold)
    results = evaluate(lm, [TASK], limit=2, gen_kwargs="max_gen_toks=50")
    prompts = {(r.doc["conversation"], r.idx): r.args[0] for r in lm.requests}
    cut = 0
    for (identity, index), prompt in prompts.items():
        whole = next(c for c in MINI if c.id == identity)
        position = whole.supporter_turns[index]
        history = "".join(map(load_prompt().line, whole.utterances[:position]))
        assert len(prompt) <= NarrowLM.max_length - 50
        assert prompt.startswith(HEAD)
        kept = prompt.removeprefix(HEAD).removesuffix("客服:")
        assert history.endswith(kept)  # whole utterances, the latest
        assert kept == "" or kept.startswith(("客服: [", "客户: "))
        if kept != history:
            cut += 1
            dropped = history.removesuffix(kept).splitlines(keepends=True)
            assert len(prompt) + len(dropped[-1]) > NarrowLM.max_length - 50  # no more than needed
    assert 0 < cut < len(prompts)
    assert scores(results, TASK)["truncated"] == pytest.approx(cut / len(prompts))


def test_an_endpoint_that_does_not_tokenise_has_no_known_window() -> None:
    class EndpointLM(NarrowLM):
        tokenized_requests = False

    results = evaluate(EndpointLM(gold), [TASK], limit=1, gen_kwargs="max_gen_toks=50")
    assert scores(results, TASK)["truncated"] == 0.0


def test_settings_that_cost_time_in_every_round_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    class SlowLM(FunctionLM):
        batch_size = "auto"
        data_parallel_size = 2

        def _detect_batch_size(self) -> int:
            return 8

    with caplog.at_level(logging.WARNING, "csc_tasks.generation.rounds"):
        evaluate(SlowLM(gold), [TASK], limit=1)
    assert "batch_size=auto measures anew in each of the 13 rounds" in caplog.text
    assert "data_parallel_size loads the model anew in each of the 13 rounds" in caplog.text


def test_the_signature_tells_generated_from_reference_context() -> None:
    results = evaluate(FunctionLM(gold), [TASK, "csconv_mini_response"], limit=1)
    lines = {t: results["configs"][t]["metadata"]["csconv_signature"]["line"] for t in results["results"]}
    assert lines[TASK] == lines["csconv_mini_response"].replace("ctx:reference", "ctx:generated")
    assert "ctx:generated" in lines[TASK]


def test_predict_only_and_the_sample_log_work(tmp_path: Path) -> None:
    results = evaluate(FunctionLM(gold), [TASK], limit=1, predict_only=True)
    (sample,) = results["samples"][TASK]
    assert len(sample["resps"]) == sample["doc"]["turns"] == len(sample["filtered_resps"])
    assert json.loads(json.dumps(sample, default=str, ensure_ascii=False))["target"].startswith("[礼貌问候] ")


def test_write_out_prints_the_first_prompt_and_its_answer(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        evaluate(FunctionLM(gold), [TASK], limit=1, write_out=True)
    first = MINI[0].utterances[0]
    assert HEAD in caplog.text
    assert f"[礼貌问候] {first.text}" in caplog.text
