"""Servers that do not take a field of the request, and what the message tells to set."""

from __future__ import annotations

import json
from typing import Any

import pytest

from csc_tasks.chat.completion import error_in
from csc_tasks.chat.config import EndpointConfig
from csc_tasks.chat.parameters import cure_for

GPT5 = {
    "error": {
        "message": "Unsupported parameter: 'max_tokens' is not supported with this model. "
        "Use 'max_completion_tokens' instead.",
        "type": "invalid_request_error",
        "param": "max_tokens",
        "code": "unsupported_parameter",
    }
}
TEMPERATURE = {
    "error": {
        "message": "Unsupported value: 'temperature' does not support 0.0 with this model. "
        "Only the default (1) value is supported.",
        "param": "temperature",
        "code": "unsupported_value",
    }
}


def said(message: str) -> dict[str, Any]:
    return {"error": {"message": message}}


@pytest.mark.parametrize(
    ("body", "cure"),
    [
        (GPT5, "set max_completion_tokens: 1024 instead of max_tokens"),
        (TEMPERATURE, "set temperature: null"),
        (
            said("max_tokens is not supported, use max_completion_tokens"),
            "set max_completion_tokens: 1024 instead",
        ),
        (said("Unrecognized request argument supplied: seed"), "set seed: null"),
        (said("seed: Extra inputs are not permitted"), "set seed: null"),
        (said("temperature must be in (0, 1]"), "set temperature: null"),
        (said("temperature 参数非法"), "set temperature: null"),
        (said("`temperature` is deprecated for this model."), "set temperature: null"),
        (said("Unknown parameter: 'enable_thinking'."), "take enable_thinking out of extra_body"),
        (
            {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs"}]},
            "set seed: null",
        ),
        (said("This model's maximum context length is 4096 tokens, max_tokens is too large: 1024"), None),
        (
            said("max_tokens must be at most 1000"),
            None,
        ),  # a long text, or a field to lower: its words say which
        (said("unsupported characters in messages"), None),
        (said("the customer's temperature was high"), None),
        (said("unknown error"), None),
        ({"error": {"param": ["max_tokens"], "code": 7}}, None),
        (
            {
                "detail": [
                    {"type": "missing", "loc": ["body", "seed"]},
                    7,
                    {"type": "extra_forbidden", "loc": 7},
                ]
            },
            None,
        ),
        ([], None),
        ("unsupported", None),
    ],
)
def test_an_error_that_names_a_field_tells_what_to_set(body: Any, cure: str | None) -> None:
    config = EndpointConfig(model="m", base_url="http://h", extra_body={"enable_thinking": False})
    error = error_in(json.dumps(body))
    found = cure_for(config, {**config.sent, "seed": 0, "messages": []}, error.body, error.words)
    assert found == cure if cure is None else (found or "").startswith(cure)


def test_the_way_back_is_told_as_well() -> None:
    config = EndpointConfig(model="m", base_url="http://h", max_completion_tokens=99, json_schema="on")
    words = "Unrecognized request argument supplied: max_completion_tokens"
    assert cure_for(config, config.sent, None, words) == "set max_tokens: 99 instead of max_completion_tokens"
    assert (
        cure_for(config, ["response_format"], None, "unknown field response_format") == "set json_schema: off"
    )
