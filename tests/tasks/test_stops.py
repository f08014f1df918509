"""Stop sequences save tokens, and none of them costs an answer."""

from __future__ import annotations

import re
from typing import Any

import pytest
from lm_eval.api.instance import Instance

from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.protocol.replies import read_reply
from csc_tasks.protocol.task_kind import TaskKind
from tests.running import FunctionLM, evaluate, gold, scores

TASK = "csconv_mini_response"
BOTH = [TASK, "csconv_mini_dialogue"]


class StoppingLM(FunctionLM):
    """Ends its reply at the first stop sequence, wherever it stands, as every backend does."""

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[Any]:
        answers = super().generate_until(requests, disable_tqdm)
        return [
            re.split("|".join(map(re.escape, request.args[1]["until"])), answer, maxsplit=1)[0]
            for request, answer in zip(requests, answers, strict=True)
        ]


THOUGHTS = [
    "<think>客户说：\n客户: 我的快递呢？\n客服: [其它] …\n那么应当查询。</think>",
    "<think>对话是这样的：\n\n对话：\n客户：喂？\n客服：您好</think>",
    "[THINK]\n客服: 先安抚\n客户：好[/THINK]",
]


@pytest.mark.parametrize("thought", THOUGHTS)
@pytest.mark.parametrize("task", BOTH)
def test_a_chat_model_may_quote_the_conversation_in_its_thoughts(task: str, thought: str) -> None:
    lm = StoppingLM(lambda request: thought + gold(request))
    got = scores(evaluate(lm, [task], limit=2, apply_chat_template=True), task)
    assert got["strategy_acc"] == got["rouge_l"] == 1.0
    assert got["no_answer"] == 0


@pytest.mark.parametrize("chat", [False, True])
@pytest.mark.parametrize("form", ["策略：{}\n客服：{}", "客服策略: {}\n客服: {}", "[{}]\n客服: {}"])
def test_a_speaker_between_label_and_utterance_ends_nothing(form: str, chat: bool) -> None:
    lm = StoppingLM(lambda r: form.format(r.doc["strategy"], r.doc["reference"]))
    got = scores(evaluate(lm, [TASK], limit=20, apply_chat_template=chat), TASK)
    assert (got["strategy_acc"], got["rouge_l"], got["no_text"]) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize("shots", [0, 2])
@pytest.mark.parametrize("lm_class", [StoppingLM, FunctionLM])
def test_what_a_base_model_writes_on_is_no_part_of_its_reply(lm_class: type[FunctionLM], shots: int) -> None:
    """With our own separator of examples, too, whether the backend stops there or not."""
    more = ["\n客户: 好的\n客服: [其它] 嗯", "\n\n对话：\n客户: 喂？\n客服: [礼貌问候] 您好", "\n客户：好的"]
    lm = lm_class(lambda r: gold(r) + more[r.doc["turn"] % 3])
    got = scores(evaluate(lm, [TASK], limit=30, num_fewshot=shots), TASK)
    assert got["length_ratio"] == got["rouge_l"] == 1.0


@pytest.mark.parametrize("kind", [TaskKind.RESPONSE, TaskKind.RESPONSE_ORACLE])
def test_the_reader_ends_an_utterance_at_every_mark_of_the_prompt(kind: TaskKind) -> None:
    prompt = load_prompt()
    label = "[提供建议] " if kind is TaskKind.RESPONSE else ""
    for mark in (*prompt.stops, prompt.next_dialogue, "\n" + prompt.customer_line.format(text="好的")):
        assert read_reply(f"{label}先重启一下。{mark}然后呢", kind).text == "先重启一下。"


@pytest.mark.parametrize(
    ("chat", "stops"),
    [(True, ["<|endoftext|>"]), (False, ["<|endoftext|>", "\n客户:", "\n\n对话："])],
)
@pytest.mark.parametrize("task", BOTH)
def test_the_results_file_says_which_stops_were_sent(task: str, chat: bool, stops: list[str]) -> None:
    lm = FunctionLM(gold)
    results = evaluate(lm, [task], limit=1, apply_chat_template=chat)
    assert lm.requests[0].args[1]["until"] == stops
    assert results["configs"][task]["generation_kwargs"]["until"] == stops


@pytest.mark.parametrize("chat", [False, True])
@pytest.mark.parametrize("task", BOTH)
@pytest.mark.parametrize("stops", [["。"], ["<|endoftext|>"]])
def test_stops_of_the_users_own_are_what_is_sent(task: str, chat: bool, stops: list[str]) -> None:
    lm = FunctionLM(gold)
    evaluate(lm, [task], limit=1, apply_chat_template=chat, gen_kwargs={"until": stops})
    assert lm.requests[0].args[1]["until"] == stops
