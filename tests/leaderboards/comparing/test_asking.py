"""Models that were asked otherwise: what is refused, what is only noted, and what --allow lets pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.door import csconv
from tests.leaderboards.variants import content_of, variant

NOT_COMPARABLE, WRONG_USE = 3, 2
ONE, TWO = "1" * 64, "2" * 64
OTHER = {"model_args": {"pretrained": "org/other"}}
GREEDY_ELSEWHERE = {"gen_kwargs": {"temperature": 0}}


def both(*changes: dict[str, Any]) -> dict[str, Any]:
    """Several changes as one."""
    found: dict[str, Any] = {}
    for change in changes:
        arguments = {**found.get("model_args", {}), **change.get("model_args", {})}
        found = {**found, **change, **({"model_args": arguments} if arguments else {})}
    return found


TEMPLATE, SYSTEM = {"chat_template_sha": ONE}, {"system_instruction_sha": ONE}
MULTITURN = {"shots": 2, "fewshot_as_multiturn": True}
CHAT = {"model": "local-chat-completions"}
THINKING, NO_THINKING = ({"model_args": {"enable_thinking": on}} for on in (True, False))

ROWS = [
    # first, second, the side that is refused ('' for none), what is said
    ({}, {}, "", ""),
    # Few-shot examples are the protocol's.
    ({"shots": 2}, {}, "fewshot", "shots 2 against 0"),
    ({"shots": 2}, both(OTHER, {"shots": 2}), "", ""),
    (
        both(TEMPLATE, MULTITURN),
        both(TEMPLATE, MULTITURN, {"fewshot_as_multiturn": False}),
        "fewshot",
        "multiturn",
    ),
    # So are generation settings, whatever the model.
    ({"gen_kwargs": {"temperature": 0.7}}, {}, "generation", "temperature 0.7 against not set"),
    ({"gen_kwargs": {"temperature": 0.7}}, OTHER, "generation", "temperature 0.7 against not set"),
    ({"gen_kwargs": {"max_gen_toks": 64}}, {}, "generation", "max_gen_toks 64 against 512"),
    ({"gen_kwargs": {"until": ["。"]}}, {}, "generation", "until"),
    (GREEDY_ELSEWHERE, {}, "", ""),
    ({"gen_kwargs": {"seed": 3}}, {"gen_kwargs": {"seed": 4}}, "", ""),
    # A template against none is refused; which template, only where it is one model.
    (TEMPLATE, {}, "template", "chat template 111111 against none"),
    (TEMPLATE, OTHER, "template", "chat template 111111 against none"),
    (TEMPLATE, {"chat_template_sha": TWO}, "template", "chat template 111111 against 222222"),
    (TEMPLATE, both(OTHER, {"chat_template_sha": TWO}), "", "chat template 111111 against 222222"),
    (both(OTHER, CHAT), TEMPLATE, "", "chat template of the server against 111111"),
    (both(OTHER, CHAT), {}, "template", "chat template of the server against none"),
    # The system instruction is the same for all.
    (SYSTEM, {}, "system", "system instruction 111111 against none"),
    (
        SYSTEM,
        both(OTHER, {"system_instruction_sha": TWO}),
        "system",
        "system instruction 111111 against 222222",
    ),
    # Thinking is the model's own, unless both say something else, or it is one model.
    (THINKING, NO_THINKING, "thinking", "enable_thinking True against False"),
    (THINKING, {}, "thinking", "enable_thinking True against not set"),
    (THINKING, both(OTHER, NO_THINKING), "thinking", "enable_thinking True against False"),
    (THINKING, OTHER, "", "enable_thinking True against not set"),
    # What is the developer's to compare.
    ({"model_args": {"peft": "/a"}}, {}, "", ""),
    ({"model_args": {"load_in_4bit": True}}, {}, "", ""),
    ({"model_args": {"revision": "v2"}}, {}, "", ""),
    ({"model_args": {"max_length": 2048}}, {}, "", ""),
    # A weightless model reads no prompt.
    (both(TEMPLATE, SYSTEM, {"shots": 2}), {"model": "csconv-baseline"}, "", ""),
]


QUICK = 3
"""Of so many rows one is in the quick set: each takes two reports."""


@pytest.mark.parametrize(
    ("first", "second", "side", "words"),
    [
        row if place % QUICK == 0 else pytest.param(*row, marks=pytest.mark.slow)
        for place, row in enumerate(ROWS)
    ],
)
def test_what_was_asked_otherwise_is_refused_where_the_protocol_fixes_it(
    short: Path, tmp_path: Path, first: dict[str, Any], second: dict[str, Any], side: str, words: str
) -> None:
    variant(short / "a", tmp_path / "a", first)
    variant(short / "a", tmp_path / "b", second)
    done = csconv("compare", tmp_path / "a", tmp_path / "b")
    if not side:
        assert done.code == 0, done.err
        assert words in done.err
        assert "asked otherwise" not in done.output
        return
    assert done.code == 1
    assert "asked otherwise" in done.err
    assert words in done.err
    allowed = csconv("compare", tmp_path / "a", tmp_path / "b", "--allow", side)
    assert allowed.code == 0, allowed.err
    assert f"asked otherwise, allowed: {side}: " in allowed.out
    assert words in allowed.out


@pytest.fixture
def apart(short: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Results at another temperature with a template, and the baseline that has neither."""
    warm = both(TEMPLATE, {"gen_kwargs": {"temperature": 0.7}})
    variant(short / "a", tmp_path / "results", warm)
    variant(short / "a", tmp_path / "base", {})
    return tmp_path / "results", tmp_path / "base"


def test_a_gate_refuses_with_its_own_exit_code_until_every_side_is_allowed(
    apart: tuple[Path, Path], tmp_path: Path
) -> None:
    results, base = apart
    command = ("gate", results, "--baseline", base, "--allow-partial")
    done = csconv(*command)
    assert done.code == NOT_COMPARABLE
    assert "temperature 0.7 against not set" in done.out
    assert csconv(*command, "--allow", "generation").code == NOT_COMPARABLE
    assert csconv(*command, "--allow", "generation", "--allow", "template").code == 0
    rules = tmp_path / "gate.yaml"
    rules.write_text("allow: [generation, template]")
    assert csconv(*command, "--rules", rules).code == 0


def test_what_was_allowed_stands_in_every_report(apart: tuple[Path, Path], tmp_path: Path) -> None:
    results, base = apart
    files = {name: tmp_path / f"gate.{name}" for name in ("junit", "markdown", "json")}
    options = [part for name, path in files.items() for part in (f"--{name}", path)]
    allow = ("--allow", "generation", "--allow", "template", "--allow-partial")
    done = csconv("gate", results, "--baseline", base, *allow, *options)
    words = "generation: temperature 0.7 against not set"
    assert words in done.out
    assert words in files["markdown"].read_text(encoding="utf-8")
    assert words in content_of(files["json"])["allowed"]
    properties = ElementTree.parse(files["junit"]).iter("property")
    assert words in {each.get("value") for each in properties}
    for form in ("json", "markdown"):
        shown = csconv("compare", results, base, *allow[:4], "--format", form)
        assert words in shown.out


def test_the_title_says_what_tells_two_runs_of_one_model_apart(apart: tuple[Path, Path]) -> None:
    allow = ("--allow", "generation", "--allow", "template")
    done = csconv("compare", *apart, *allow, "--format", "json")
    told = json.loads(done.out)
    assert (told["first"], told["second"]) == ("org/base T=0.7", "org/base")
    assert told["settings"][0]["temperature"] == "0.7"
    gated = csconv("gate", apart[0], "--baseline", apart[1], *allow, "--allow-partial")
    assert "org/base T=0.7 against org/base" in gated.out


def test_a_side_that_there_is_not_is_wrong_use(apart: tuple[Path, Path], tmp_path: Path) -> None:
    done = csconv("gate", apart[0], "--baseline", apart[1], "--allow", "everything")
    assert done.code == WRONG_USE
    assert "there are fewshot, generation, template, system, thinking" in done.err
    assert csconv("compare", *apart, "--allow", "everything").code != 0
    rules = tmp_path / "gate.yaml"
    rules.write_text("allow: [everything]")
    assert csconv("gate", apart[0], "--baseline", apart[1], "--rules", rules).code == WRONG_USE


def test_a_baseline_file_says_how_its_model_was_asked(apart: tuple[Path, Path], tmp_path: Path) -> None:
    results, base = apart
    file = tmp_path / "baseline.json"
    assert csconv("gate", base, "--baseline", file, "--update-baseline", "--allow-partial").code == 0
    done = csconv("gate", results, "--baseline", file, "--allow-partial")
    assert done.code == NOT_COMPARABLE
    assert "chat template 111111 against none" in done.out
    assert csconv("gate", base, "--baseline", file, "--allow-partial").code == 0


def test_a_baseline_file_of_before_is_compared_with_a_note(apart: tuple[Path, Path], tmp_path: Path) -> None:
    results, base = apart
    file = tmp_path / "baseline.json"
    assert csconv("gate", base, "--baseline", file, "--update-baseline", "--allow-partial").code == 0
    content = content_of(file)
    del content["identity"]
    for section in content["sections"].values():
        del section["how"], section["seeds"]
    file.write_text(json.dumps(content), encoding="utf-8")
    done = csconv("gate", results, "--baseline", file, "--allow-partial")
    assert done.code == 0, done.output
    assert "does not say how its model was asked" in done.err


def test_a_model_among_several_is_named_by_what_tells_it_apart(apart: tuple[Path, Path]) -> None:
    results, base = apart
    done = csconv("compare", results.parent, base)
    assert done.code != 0
    assert "org/base T=0.7" in done.err
    one = csconv("compare", results.parent, base, "--model-a", "org/base T=0.7", "--format", "json")
    assert "temperature 0.7 against not set" in one.err
