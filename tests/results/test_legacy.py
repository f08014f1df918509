"""Logs of before the customer's turns were in them: conversations are found in every form of prompt."""

from __future__ import annotations

import json

import pytest

from csc_tasks.data.sources import load
from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.turns import PromptBook, turn_docs
from csc_tasks.results.legacy import customers_of, history_lines

TEXTS = load_prompt()


def test_the_history_is_found_in_every_form_of_prompt() -> None:
    corpus = load("mini").conversations[:6]
    for kind in (TaskKind.RESPONSE, TaskKind.RESPONSE_ORACLE):
        book = PromptBook(corpus, TEXTS, kind)
        docs = list(turn_docs(corpus))
        shot = book.question(docs[7]) + TEXTS.answer_gap + book.target(docs[7])
        for doc in docs:
            expected = book.history(doc).splitlines()
            question = book.question(doc)
            plain = TEXTS.head(kind) + question
            shots = TEXTS.head(kind) + shot + TEXTS.next_dialogue + question
            messages = [
                {"role": "system", "content": "你是客服。"},
                {"role": "user", "content": TEXTS.head(kind) + book.question(docs[7])},
                {"role": "assistant", "content": book.target(docs[7])},
                {"role": "user", "content": TEXTS.next_dialogue.lstrip("\n") + question},
            ]
            forms: list[object] = [
                plain,
                shots,
                f"<|im_start|>user\n{plain}<|im_end|>\n<|im_start|>assistant\n<think>\n",
                f"<s>[INST] {TEXTS.next_dialogue.lstrip()}{question} [/INST]",
                messages,
                json.dumps(messages, ensure_ascii=False),
                [json.dumps(messages)],  # as lm-eval's API models log it
            ]
            for form in forms:
                assert history_lines(form, TEXTS, kind) == expected


@pytest.mark.parametrize("prompt", ["", "你好", None, [], "对话：\n", "客服: 好的", '[{"role": "user"}]', 7])
def test_a_prompt_without_a_conversation_is_an_error(prompt: object) -> None:
    with pytest.raises(ValueError, match="without a conversation"):
        history_lines(prompt, TEXTS, TaskKind.RESPONSE)


def test_what_the_customer_said_last_stands_after_the_last_line_of_the_supporter() -> None:
    lines = ["客户: 喂", "客服: [礼貌问候] 客户: 您好", "客户: 客服: 在吗", "客户:  两句 "]
    assert customers_of(lines, TEXTS) == ["客服: 在吗", " 两句 "]
    assert customers_of(lines[:1], TEXTS) == ["喂"]
    assert customers_of(lines[:2], TEXTS) == []
