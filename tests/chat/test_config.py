from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.chat.config import EndpointConfig, read_config
from csc_tasks.errors import ChatError

CANARY = "sk-canary-4f1b9d27"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "endpoint.yaml"
    path.write_text(text)
    return path


def test_a_model_and_an_address_are_enough(tmp_path: Path) -> None:
    config = read_config(
        written(tmp_path, "model: qwen\nbase_url: http://localhost:8000/v1/\n"), EndpointConfig
    )
    assert config.base_url == "http://localhost:8000/v1"
    assert config.temperature == 0
    assert config.key() is None
    assert not config.priced


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: [", r"not YAML \(line"),
        ("- a\n", "must hold fields"),
        ("model: m\n", "base_url: Field required"),
        ("model: m\nbase_url: localhost\n", "base_url: must begin with http"),
        (f"model: m\nbase_url: https://u:{CANARY}@h/v1\n", "base_url: must have no user, password"),
        (f"model: m\nbase_url: https://h/v1?key={CANARY}\n", "base_url: must have no user, password"),
        (f"model: m\nbase_url: http://h\napi_key: {CANARY}\n", "api_key: no such field.*environment"),
        (
            f"model: m\nbase_url: http://h\napi_key_env: {CANARY}\n",
            "api_key_env: must be the name of an environment",
        ),
        (
            f"model: m\nbase_url: http://h\ntemperature: {CANARY}\n",
            "temperature: Input should be a valid number",
        ),
        (f'model: m\nbase_url: "http://h" {CANARY}\n', r"not YAML \(line 2\)"),
        ("model: m\nbase_url: http://h\ntemperature: -1\n", "temperature: .*greater than or equal to 0"),
        ("model: m\nbase_url: http://h\nconcurrency: 0\n", "concurrency"),
        (
            "model: m\nbase_url: http://h\nextra_body: {stream: true}\n",
            "extra_body: stream cannot be set here",
        ),
        (
            "model: m\nbase_url: http://h\nextra_body: {since: 2026-01-01}\n",
            "extra_body: must hold what JSON can say",
        ),
        ("model: m\nbase_url: http://h\nextra_body: {top_p: .nan}\n", "extra_body: must hold what JSON"),
        (
            "model: m\nbase_url: http://h\nmax_tokens: 9\nmax_completion_tokens: 9\n",
            "max_completion_tokens: in place of max_tokens, not beside it",
        ),
        (
            "model: m\nbase_url: http://h\nmax_completion_tokens: 9\nextra_body: {max_completion_tokens: 9}\n",
            "extra_body: max_completion_tokens cannot be set here as well",
        ),
        ("model: m\nbase_url: http://h\nmax_completion_tokens: 0\n", "greater than or equal to 1"),
        ("model: m\nbase_url: http://h\ntimeout: .inf\n", "timeout: Input should be a finite number"),
        ("model: m\nbase_url: http://h\nmodel_name: x\ntimeout: 0\n", "timeout.*model_name: no such field"),
    ],
)
def test_a_mistake_is_named_without_showing_what_was_written(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ChatError, match=message) as error:
        read_config(written(tmp_path, text), EndpointConfig)
    assert CANARY not in "".join(traceback.format_exception(error.value))


def test_the_key_comes_from_the_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = EndpointConfig(model="m", base_url="http://h", api_key_env="MODEL_KEY")
    monkeypatch.delenv("MODEL_KEY", raising=False)
    with pytest.raises(
        ChatError, match="environment variable MODEL_KEY, which api_key_env names, is not set"
    ):
        config.key()
    monkeypatch.setenv("MODEL_KEY", f" {CANARY}\n")
    assert config.key() == CANARY
    assert CANARY not in repr(config)
    monkeypatch.setenv("MODEL_KEY", "钥匙")
    with pytest.raises(ChatError, match="characters that no key has"):
        config.key()
    with pytest.raises(ChatError, match="cannot be read"):
        read_config(tmp_path / "nowhere.yaml", EndpointConfig)


@pytest.mark.parametrize(
    ("fields", "sent", "limit"),
    [
        ({}, {"temperature": 0.0, "max_tokens": 1024}, 1024),
        ({"max_tokens": None, "temperature": None}, {}, None),
        ({"max_completion_tokens": 9}, {"temperature": 0.0, "max_completion_tokens": 9}, 9),
        (
            {"max_completion_tokens": 9, "max_tokens": None},
            {"temperature": 0.0, "max_completion_tokens": 9},
            9,
        ),
        (
            {"max_tokens": None, "temperature": None, "extra_body": {"max_completion_tokens": 7}},
            {"max_completion_tokens": 7},
            7,
        ),
    ],
)
def test_what_is_null_is_left_out_of_the_request(
    fields: dict[str, Any], sent: dict[str, Any], limit: int | None
) -> None:
    config = EndpointConfig(model="m", base_url="http://h", **fields)
    assert config.sent == {"model": "m", **sent}
    assert config.limit == limit


def test_what_identified_an_answer_before_there_was_a_new_field_does_so_still() -> None:
    assert list(EndpointConfig(model="m", base_url="http://h").parameters) == [
        *("model", "base_url", "temperature", "seed", "max_tokens", "json_schema", "extra_body")
    ]
    newer = EndpointConfig(model="m", base_url="http://h", max_completion_tokens=9)
    assert newer.parameters["max_completion_tokens"] == 9


def test_what_stands_behind_the_address_and_the_header_of_the_key_are_fields(tmp_path: Path) -> None:
    text = (
        "model: m\nbase_url: https://x.openai.azure.com/openai/deployments/d\n"
        "query: {api-version: 2024-10-21, n: 1}\napi_key_env: K\napi_key_header: api-key\n"
    )
    config = read_config(written(tmp_path, text), EndpointConfig)
    assert config.query == {"api-version": "2024-10-21", "n": "1"}
    assert config.parameters["query"] == config.query
    plain = read_config(written(tmp_path, "model: m\nbase_url: http://h\n"), EndpointConfig)
    assert "query" not in plain.parameters  # what identifies an answer is what it was before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"query: {{api-key: {CANARY}}}",
            "query: 'api-key' is a key's name; a key belongs into the environment",
        ),
        (f"query: {CANARY}", "query: must be names with values"),
        (f'api_key_header: "x y: {CANARY}"', "api_key_header: must be the name of a header"),
    ],
)
def test_a_key_in_the_wrong_one_of_them_is_refused_unseen(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ChatError, match=message) as error:
        read_config(written(tmp_path, f"model: m\nbase_url: http://h\n{text}\n"), EndpointConfig)
    assert CANARY not in str(error.value)


@pytest.mark.parametrize("value", ["on", "off", '"on"', "auto"])
def test_json_schema_is_what_it_says_although_yaml_reads_on_and_off_as_truths(
    tmp_path: Path, value: str
) -> None:
    path = tmp_path / "judge.yaml"
    path.write_text(f"model: m\nbase_url: http://localhost/v1\njson_schema: {value}\n")
    assert read_config(path, EndpointConfig).json_schema == value.strip('"')
