"""Which arguments can change an answer: one row a case, two ways to write a run and whether they are one model."""

from __future__ import annotations

import json
from typing import Any

import pytest

from csc_tasks.leaderboards.reading.arguments import telling
from tests.leaderboards.reading.test_identity import TASK, identified, results

ADDRESS = "http://127.0.0.1:8000/v1/completions"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Speed and place.
        (
            {},
            {"batch_size": "auto", "device": "cuda:1", "num_concurrent": 64, "timeout": 9, "max_retries": 2},
        ),
        (
            {},
            {"tensor_parallel_size": 4, "gpu_memory_utilization": 0.8, "swap_space": 8, "parallelize": True},
        ),
        ({}, {"enable_prefix_caching": True, "offload_folder": "/tmp", "verify_certificate": False}),
        ({}, {"trust_remote_code": True}),
        # What is the same as nothing.
        ({}, {"dtype": "auto", "revision": "main", "load_in_4bit": False, "tokenizer": "a", "peft": None}),
        # One value in several clothes.
        ({"dtype": "torch.float16"}, {"dtype": "float16"}),
        ({"max_length": "4096"}, {"max_length": 4096}),
        ({"top_p": 1.0}, {"top_p": "1"}),
        ({"enable_thinking": "false"}, {"chat_template_args": {"enable_thinking": False}}),
        ({"chat_template_args": '{"reasoning_effort": "low"}'}, {"reasoning_effort": "low"}),
        # The same server under other addresses of one's own.
        ({"base_url": ADDRESS}, {"base_url": "http://localhost:9999/v1/completions"}),
        ({"base_url": ADDRESS}, {"base_url": "https://10.1.2.3/v1/completions/"}),
        ({"base_url": ADDRESS}, {"base_url": "http://gpu-node-7:8000/v1/completions"}),
        ({"base_url": ADDRESS}, {"base_url": "http://box.local/v1/completions"}),
        # Secrets are no part of a model.
        ({}, {"api_key": "sk-abcdefghijkl", "auth_token": "x", "header": {"Authorization": "Bearer y"}}),
        ({}, {"hf_token": "hf_abc", "apiKey": "z", "my_secret": "s", "token": "t", "credentials": "c"}),
        (
            {"base_url": "https://user:pw@api.example.com/v1"},
            {"base_url": "https://api.example.com/v1?api_key=k"},
        ),
    ],
)
def test_what_cannot_change_an_answer_makes_no_other_model(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    first, second = (identified(results({"pretrained": "a", **each})) for each in (one, other))
    assert first.key == second.key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"unheard_of": 1}),
        ({}, {"enable_thinking": False}),  # not what a model does by itself
        ({}, {"add_bos_token": False}),
        ({}, {"think_end_token": "</think>"}),
        ({}, {"prefix_token_id": 1}),
        ({}, {"max_length": 2048}),
        ({}, {"attn_implementation": "eager"}),
        (
            {"chat_template_args": {"reasoning_effort": "low"}},
            {"chat_template_args": {"reasoning_effort": "high"}},
        ),
        ({"base_url": ADDRESS}, {"base_url": "http://127.0.0.1:8000/v1/chat/completions"}),
        ({"base_url": ADDRESS}, {"base_url": "https://api.example.com/v1/completions"}),
        ({"base_url": "https://api.a.com/v1"}, {"base_url": "https://api.b.com/v1"}),
        ({"base_url": "https://api.a.com/v1"}, {"base_url": "https://api.a.com:8443/v1"}),
        ({"quantization_config": {"bits": 4}}, {"quantization_config": {"bits": 8}}),
    ],
)
def test_whatever_else_is_another_model(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = (identified(results({"pretrained": "a", **each})) for each in (one, other))
    assert first.key != second.key


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("pretrained=a,dtype=float16", {"dtype": "float16"}),
        (
            'pretrained=a,chat_template_args={"reasoning_effort": "low", "n": [1,2]},max_length=9',
            {"max_length": "9", "n": "[1, 2]", "reasoning_effort": "low"},
        ),
        ('{"pretrained": "a", "max_length": 9}', {"max_length": "9"}),
        ("pretrained=a,stop='x,y'", {"stop": "x,y"}),
    ],
)
def test_arguments_written_as_a_text_are_read(text: str, arguments: dict[str, str]) -> None:
    settings = dict(identified(results(text)).settings)
    assert settings == {**arguments, "backend": "hf"}


@pytest.mark.parametrize(
    "arguments",
    [
        {"api_key": "SECRET-1"},
        {"x": {"api_key": "SECRET-1", "deep": [{"password": "SECRET-1"}]}},
        {"base_url": "https://me:SECRET-1@api.example.com/v1?token=SECRET-1"},
        {"pretrained": "https://me:SECRET-1@host/model"},
        {"note": "Bearer SECRET-1"},
        {"note": "sk-SECRET-1SECRET-1"},
        {"header": '{"Authorization": "SECRET-1"}'},
        {"access_token_id": "SECRET-1", "AWS_SECRET_ACCESS_KEY": "SECRET-1"},
    ],
)
def test_no_secret_is_in_what_is_shown_or_kept(arguments: dict[str, Any]) -> None:
    assert "SECRET-1" not in str(identified(results({"pretrained": "a", **arguments})))


def test_tokens_of_a_tokenizer_are_no_secrets() -> None:
    names = ["add_bos_token", "think_end_token", "prefix_token_id", "custom_prefix_token_id", "eos_token_id"]
    assert list(telling(dict.fromkeys(names, 7))) == sorted(names)


@pytest.mark.parametrize(
    ("gen_kwargs", "settings"),
    [
        (None, {}),
        ({"do_sample": False}, {}),
        ({"temperature": 0}, {}),
        ({"max_new_tokens": 512}, {}),
        ({"temperature": 0.7}, {"temperature": "0.7"}),
        ("temperature=0.70,do_sample=true", {"temperature": "0.7", "do_sample": "True"}),
        ({"max_tokens": 1024, "seed": 5}, {"max_gen_toks": "1024"}),
        ({"until": ["\n\n对话：", "<|endoftext|>", "\n客户:"]}, {}),
        ({"until": ["<|endoftext|>"]}, {}),
        ({"until": ["。"]}, {"until": '["。"]'}),
        ({"until": "[INST]"}, {"until": '["[INST]"]'}),
    ],
)
def test_generation_settings_count_where_they_are_not_the_benchmarks_own(
    gen_kwargs: Any, settings: dict[str, str]
) -> None:
    found = dict(identified(results({"pretrained": "a"}, config={"gen_kwargs": gen_kwargs})).settings)
    assert found == {**settings, "backend": "hf"}


def test_settings_that_a_task_was_given_elsewhere_count_too() -> None:
    task = {"output_type": "generate_until", "generation_kwargs": {"max_gen_toks": 64, "do_sample": False}}
    content = results({"pretrained": "a"}, configs={TASK: task})
    assert dict(identified(content).settings)["max_gen_toks"] == "64"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"random_seed": 1}, {"random_seed": 2}),
        ({"model_args": {"pretrained": "a", "seed": 1}}, {"model_args": {"pretrained": "a", "seed": 2}}),
        ({"gen_kwargs": {"seed": 1}}, {"gen_kwargs": {"seed": 2}}),
        ({"gen_kwargs": {"seed": 7}}, {"model_args": {"pretrained": "a", "seed": 7}}),
    ],
)
def test_seeds_make_repeats_and_no_other_model(one: dict[str, Any], other: dict[str, Any]) -> None:
    base = {"random_seed": 0, "numpy_seed": 1234, "torch_seed": 1234, "fewshot_seed": 1234}
    first, second = (identified(results({"pretrained": "a"}, config=base | each)) for each in (one, other))
    assert first.key == second.key
    assert first.seed != second.seed


def test_what_lm_eval_says_twice_counts_once() -> None:
    """The task's metadata repeats the model's arguments; csconv's own option for thoughts stands there alone."""
    metadata = {"pretrained": "a", "dtype": "float32", "note": "x"}
    twice = results({"pretrained": "a"}, configs={TASK: {"metadata": metadata}})
    assert identified(twice).key == identified(results({"pretrained": "a"})).key
    thinking = results({"pretrained": "a"}, configs={TASK: {"metadata": {"csconv_think": "<a>,</a>"}}})
    assert identified(thinking).key != identified(results({"pretrained": "a"})).key


def test_the_key_of_a_model_is_text() -> None:
    assert json.loads(identified(results({"pretrained": "a", "x": {"y": [1]}})).key[2])
