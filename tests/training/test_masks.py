"""Which tokens are learnt: the answers and what ends them, token by token, for the templates of three families."""

from __future__ import annotations

from typing import Any

import pytest

from csc_tasks.errors import ConfigError
from csc_tasks.training.masks import IGNORED, AnswerMasks, LabelledTokens, Marks

pytest.importorskip("trl")
from tests.training.templates import AFTER, CHATML, ENDS, TEMPLATES, tokenizer_with

QUESTION = {"role": "user", "content": "你是一名客服。\n对话：\n客户: 我的快递丢了\n客服:"}
ANSWER = {"role": "assistant", "content": "[情感管理] 非常抱歉，我马上为您查。"}
TALK = [
    {"role": "user", "content": "对话开始"},
    {"role": "assistant", "content": "[问候] 您好。"},
    {"role": "user", "content": "您好。我的快递丢了"},
    {"role": "assistant", "content": "[情感管理] 非常抱歉。"},
    {
        "role": "user",
        "content": "[情感管理] 非常抱歉。",
    },  # what was an answer is none where the customer says it
    {"role": "assistant", "content": "[提供建议] 请说单号。"},
]


def learnt(tokenizer: Any, made: LabelledTokens) -> str:
    """What the labels say; where there is one it is its token."""
    assert len(made.input_ids) == len(made.labels)
    pairs = list(zip(made.input_ids, made.labels, strict=True))
    assert all(label in (IGNORED, token) for token, label in pairs)
    return str(tokenizer.decode([label for _, label in pairs if label != IGNORED]))


@pytest.mark.parametrize("family", TEMPLATES)
def test_of_a_turn_the_answer_and_its_end_are_learnt_and_nothing_else(family: str) -> None:
    tokenizer = tokenizer_with(TEMPLATES[family])
    made = AnswerMasks(tokenizer, chat=True).prompt_completion([QUESTION], [ANSWER])
    assert learnt(tokenizer, made) == ANSWER["content"] + ENDS[family] + AFTER[family]
    prompt = tokenizer.apply_chat_template([QUESTION], add_generation_prompt=True, return_dict=True)[
        "input_ids"
    ]
    assert made.input_ids[: len(prompt)] == prompt
    assert made.labels[: len(prompt)] == [IGNORED] * len(prompt)


@pytest.mark.parametrize("family", TEMPLATES)
def test_of_a_conversation_every_answer_is_learnt_and_nothing_else(family: str) -> None:
    tokenizer = tokenizer_with(TEMPLATES[family])
    masks = AnswerMasks(tokenizer, chat=True)
    made = masks.messages(TALK)
    end = ENDS[family] + AFTER[family]
    assert learnt(tokenizer, made) == "".join(m["content"] + end for m in TALK if m["role"] == "assistant")
    assert masks.marks is Marks.RENDERED
    assert made.input_ids == tokenizer.apply_chat_template(TALK, return_dict=True)["input_ids"]


@pytest.mark.parametrize("family", TEMPLATES)
def test_the_labels_of_a_turn_are_trls(family: str) -> None:
    """An independent implementation: TRL's own preparation."""
    from trl.data_utils import _tokenize, common_prefix_length

    tokenizer = tokenizer_with(TEMPLATES[family])
    asked = _tokenize(tokenizer, [QUESTION], add_generation_prompt=True)["input_ids"]
    ids = _tokenize(tokenizer, [QUESTION, ANSWER])["input_ids"]
    start = common_prefix_length(asked, ids)
    made = AnswerMasks(tokenizer, chat=True).prompt_completion([QUESTION], [ANSWER])
    assert made.labels == [IGNORED] * start + ids[start:]


@pytest.mark.parametrize("family", ["llama3", "gemma"])
def test_the_labels_of_a_conversation_are_those_of_trls_training_templates(family: str) -> None:
    """Marked by hand there, found by what the template writes here; TRL knows the template by its text."""
    from trl import chat_template_utils as trl
    from trl.data_utils import _tokenize

    tokenizer = tokenizer_with(getattr(trl, f"{family}_chat_template"))
    marked = trl.get_training_chat_template(tokenizer)
    theirs = _tokenize(tokenizer, TALK, return_assistant_tokens_mask=True, chat_template=marked)
    pairs = zip(theirs["input_ids"], theirs["assistant_masks"], strict=True)
    masks = AnswerMasks(tokenizer, chat=True)
    assert masks.messages(TALK).labels == [token if mask else IGNORED for token, mask in pairs]
    assert masks.marks is Marks.RENDERED


@pytest.mark.parametrize("family", ["llama3", "gemma"])
def test_the_templates_of_these_tests_are_the_published_ones(family: str) -> None:
    from trl import chat_template_utils as trl

    assert TEMPLATES[family] == getattr(trl, f"{family}_chat_template")


def test_a_template_with_marks_is_used_as_it_is() -> None:
    marked = CHATML.replace(
        "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}",
        "{{'<|im_start|>' + message['role'] + '\n'}}{% if message['role'] == 'assistant' %}{% generation %}"
        "{{message['content'] + '<|im_end|>'}}{% endgeneration %}{% else %}{{message['content'] + '<|im_end|>'}}"
        "{% endif %}{{'\n'}}",
    )
    assert marked != CHATML
    tokenizer = tokenizer_with(marked)
    masks = AnswerMasks(tokenizer, chat=True)
    said = "".join(m["content"] + "<|im_end|>" for m in TALK if m["role"] == "assistant")
    assert learnt(tokenizer, masks.messages(TALK)) == said
    assert masks.marks is Marks.OWN


def test_marks_that_leave_out_the_end_of_an_answer_are_not_trusted() -> None:
    """A model that never learns to end answers does not end them."""
    marked = CHATML.replace(
        "message['content'] + '<|im_end|>' + '\n'}}",
        "''}}{% if message['role'] == 'assistant' %}{% generation %}{{message['content']}}{% endgeneration %}"
        "{% else %}{{message['content']}}{% endif %}{{'<|im_end|>\n'}}",
    )
    assert marked != CHATML
    masks = AnswerMasks(tokenizer_with(marked), chat=True)
    assert "请说单号。<|im_end|>" in learnt(masks.tokenizer, masks.messages(TALK))
    assert masks.marks is Marks.RENDERED


def test_a_template_that_goes_back_on_what_it_wrote_is_learnt_by_trls_training_form_or_refused() -> None:
    from trl.chat_template_utils import qwen3_chat_template

    masks = AnswerMasks(tokenizer_with(qwen3_chat_template), chat=True)
    said = learnt(masks.tokenizer, masks.messages(TALK))
    assert masks.marks is Marks.TRAINING
    assert masks.unlike == 1
    assert [said.count(m["content"]) for m in TALK] == [0, 1, 0, 1, 1, 1]
    own = qwen3_chat_template.replace("loop.index0 > ns.last_query_index", "loop.last and loop.index0 > 0")
    with pytest.raises(ConfigError, match="prompt-completion"):
        AnswerMasks(tokenizer_with(own), chat=True).messages(TALK)


def test_without_a_template_the_answer_follows_the_plain_prompt_and_ends() -> None:
    tokenizer = tokenizer_with(None)
    made = AnswerMasks(tokenizer, chat=False).prompt_completion([QUESTION], [ANSWER])
    assert tokenizer.decode(made.input_ids) == f"{QUESTION['content']} {ANSWER['content']}<eos>"
    assert learnt(tokenizer, made) == f" {ANSWER['content']}<eos>"
    with pytest.raises(ConfigError, match="chat template"):
        AnswerMasks(tokenizer, chat=False).messages(TALK)


def test_answers_that_come_back_as_another_text_are_kept_in_mind() -> None:
    masks = AnswerMasks(tokenizer_with(CHATML, lowercase=True), chat=True)
    masks.prompt_completion([QUESTION], [ANSWER])
    masks.prompt_completion([QUESTION], [{"role": "assistant", "content": "[提供建议] 请打开 APP。"}])
    assert masks.changed == ["[提供建议] 请打开 APP。"]


@pytest.mark.parametrize("family", TEMPLATES)
def test_the_tokenizer_stays_as_it_is(family: str) -> None:
    tokenizer = tokenizer_with(TEMPLATES[family])
    AnswerMasks(tokenizer, chat=True).messages(TALK)
    assert tokenizer.chat_template == TEMPLATES[family]
