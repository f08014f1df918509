"""The settings that answers are generated with: all of them, and what of them is not the benchmark's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from csc_tasks.leaderboards.reading.arguments import telling, text_of
from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.protocol.signature import BENCHMARK_VERSION
from csc_tasks.results.model_record import ModelRecord

__all__ = ["generation_settings", "overridden_settings"]

_LENGTH = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
"""Names of one setting, in the order in which lm-eval heeds them."""
_OF_VERSION: dict[int, dict[str, Any]] = {
    1: {
        "until": ["\n客户:", "\n客户：", "\n客服:", "\n客服："],
        "max_gen_toks": 512,
        "do_sample": False,
    }
}
"""What earlier benchmark versions asked with; the present one's stands in ``task_configs/_generate.yaml``, and a
plain prompt's own stops in the prompt."""


def generation_settings(record: ModelRecord) -> dict[str, str]:
    """All settings of a task that generates, the command's among them, without the seed; none of one that does not."""
    if not record.task_generation:
        return {}
    settings = _canonical(record.task_generation, record.gen_kwargs)
    return _without_own_stops(settings, record.benchmark)


def overridden_settings(record: ModelRecord) -> dict[str, str]:
    """The settings that are not the benchmark's own: the command's, and those that a task was given elsewhere.

    The command's count for a task too that generates nothing, so that a run's tasks stay together.
    """
    own = _of_benchmark(record.benchmark)
    chosen = _canonical(own or {}, record.task_generation if own else {}, record.gen_kwargs)
    chosen = _without_own_stops(chosen, record.benchmark)
    usual = _canonical(own or {})
    return {name: value for name, value in chosen.items() if usual.get(name) != value}


@cache
def _of_benchmark(version: int) -> dict[str, Any] | None:
    """What that version's tasks ask with; ``None`` where this csconv does not know."""
    if version in _OF_VERSION:
        return _OF_VERSION[version]
    if version not in (0, BENCHMARK_VERSION):
        return None
    text = files("csc_tasks.task_configs").joinpath("_generate.yaml").read_text(encoding="utf-8")
    settings: dict[str, Any] = yaml.safe_load(text)["generation_kwargs"]
    return settings


def _without_own_stops(settings: dict[str, str], benchmark: int) -> dict[str, str]:
    """Settings without stops that the benchmark itself chose by whether there is a chat template.

    Whether there is one is compared by itself. Version 1 had the same stops with and without.
    """
    own = _of_benchmark(benchmark) if benchmark not in _OF_VERSION else None
    if own is None:
        return settings
    plain = [*own["until"], *load_prompt().stops]
    if settings.get("until", "") not in {_canonical({"until": s})["until"] for s in (own["until"], plain)}:
        return settings
    return {name: value for name, value in settings.items() if name != "until"}


def _canonical(*layers: Mapping[str, Any]) -> dict[str, str]:
    """Settings by name, each once, a later layer before an earlier: greedy has no temperature, stops have no order."""
    given: dict[str, Any] = {}
    for layer in layers:
        length = next((layer[name] for name in _LENGTH if layer.get(name) is not None), None)
        given |= {name: value for name, value in layer.items() if name not in (*_LENGTH, "seed")}
        if length is not None:
            given["max_gen_toks"] = length
    stops = given.pop("until", None)
    found = telling(given)
    warm = found.get("temperature", "0") not in ("0", "")
    if not warm:
        found.pop("temperature", None)
    if found.get("do_sample") != "True":
        # lm-eval samples where it is told a temperature and is not told not to.
        found["do_sample"] = "True" if warm and "do_sample" not in found else "False"
    if stops:
        found["until"] = json.dumps(sorted(_stops(stops)), ensure_ascii=False)
    return dict(sorted(found.items()))


def _stops(given: Any) -> list[str]:
    """The texts that end a reply, however they were written; what only looks like a list is one of them."""
    text = given if isinstance(given, str) and not given.startswith("[") else text_of(given)
    if text.startswith("["):
        with suppress(ValueError):
            return [str(each) for each in json.loads(text)]
    return [text]
