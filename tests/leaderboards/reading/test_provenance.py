"""Where a run comes from is told without secrets, and a model's page is linked only where there is one."""

from __future__ import annotations

from typing import Any

import pytest

from csc_tasks.leaderboards.reading.identity import hub_id, identify
from csc_tasks.leaderboards.reading.provenance import _host
from csc_tasks.results.model_record import ModelRecord


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://user:secret@api.example.org/v1?key=k", "api.example.org"),
        ("http://localhost:8000/v1/chat/completions", "localhost:8000"),
        ("http://[::1]:8000/v1", "::1:8000"),
        ("http://x:99999/", ""),
        ("http://[broken/", ""),
        ("api.example.org/v1", ""),
        (None, ""),
        (3, ""),
    ],
)
def test_an_endpoint_is_told_by_its_host_alone(address: object, host: str) -> None:
    assert _host(address) == host


@pytest.mark.parametrize(
    ("arguments", "more", "hub"),
    [
        ({"pretrained": "Qwen/Qwen3-8B"}, {"commit": "abc"}, "Qwen/Qwen3-8B"),
        ({"pretrained": "Qwen/Qwen3-8B"}, {}, ""),  # a folder of two parts looks alike
        ({"model": "Qwen/Qwen3-8B", "base_url": "http://h/v1"}, {}, "Qwen/Qwen3-8B"),
        ({"model": "out/sft", "base_url": "http://h/v1"}, {}, ""),
        ({"pretrained": "./Qwen/Qwen3-8B"}, {"commit": "abc"}, ""),
        ({"pretrained": "/runs/Qwen/Qwen3-8B"}, {"commit": "abc"}, ""),
        ({"pretrained": "a/../b"}, {"commit": "abc"}, ""),
        ({"pretrained": "gpt2"}, {"commit": "abc"}, ""),
        ({"pretrained": 'x/"><script>'}, {"commit": "abc"}, ""),
        ({"pretrained": "a/b?c=d"}, {"commit": "abc"}, ""),
        ({"pretrained": "javascript:a/b"}, {"commit": "abc"}, ""),
        ({"pretrained": "机构/模型"}, {"commit": "abc"}, ""),
        ({"pretrained": "org/floor"}, {"commit": "abc", "backend": "csconv-baseline"}, ""),
    ],
)
def test_a_model_has_a_page_only_where_its_name_is_an_id_of_the_hub(
    arguments: dict[str, Any], more: dict[str, Any], hub: str
) -> None:
    record = ModelRecord(arguments=arguments, **{"backend": "hf", **more})
    assert hub_id(record, identify(record)) == hub
