"""The table of texts: none is missing in a language, none is asked for that is not there, none is there in vain."""

from __future__ import annotations

import ast
import copy
import json
import pickle
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from csc_tasks.leaderboards.rendering.language import (
    Language,
    column_text,
    has,
    resolve,
    said,
    spec_of,
    text,
    texts,
)
from csc_tasks.leaderboards.rendering.words import Words
from csc_tasks.metrics import reported_metrics
from csc_tasks.metrics.judge.rubric import load_rubric, shipped_rubrics
from csc_tasks.metrics.judge.scores import judge_metrics
from csc_tasks.sentences import Sentence, places
from tests.leaderboards import boards
from tests.paths import ROOT

RENDERING = ROOT / "leaderboards/rendering"
SELECTORS = {"section.board", "table.scores", "table.js", "pairs.html.j2"}
"""Strings that look like keys and are CSS or files."""


def entries() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}

    def walk(node: dict[str, Any], way: str) -> None:
        for name, value in node.items():
            key = f"{way}.{name}" if way else name
            if value.keys() <= {"en", "zh"}:
                found[key] = value
            else:
                walk(value, key)

    for file in sorted((RENDERING / "texts").glob("*.toml")):
        walk(tomllib.loads(file.read_text(encoding="utf-8")), "")
    return found


def sentences() -> Iterator[tuple[str, str]]:
    """Key and English pattern of every sentence that the code makes."""
    for folder in ("csc_tasks", "leaderboards", "metrics"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            code = path.read_text(encoding="utf-8")
            for node in ast.walk(ast.parse(code)) if "Sentence(" in code else ():
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Sentence":
                    key, pattern = (ast.literal_eval(argument) for argument in node.args[:2])
                    yield key, pattern


def sources() -> str:
    """All code that may ask for a text, in Python, templates and scripts."""
    files = [*(ROOT / "leaderboards").rglob("*.py"), *(RENDERING / "templates").iterdir()]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def quoted(code: str) -> set[str]:
    return {word.lstrip("@") for word in re.findall(r"[\"'`](@?[a-z]+(?:\.[a-z0-9_-]+)+)[\"'`]", code)}


def prefixes(code: str) -> set[str]:
    """Beginnings of keys that are put together: ``f"fact.{name}"``, ``"fact." ~ name`` and `fact.${name}`."""
    return set(re.findall(r"[\"'`]@?([a-z]+(?:\.[\w-]+)*\.)(?:\$?\{|[\"'])", code))


def test_no_text_is_missing_in_a_language() -> None:
    own = dict(sentences())
    for key, entry in entries().items():
        english = "metric" if key.startswith(("metric.", "about.")) else own.get(key)
        assert entry.get("zh"), f"{key} has no Chinese"
        if key in own:  # what is made in the code and asked for by its key, too, says one thing
            assert entry.get("en", own[key]) == own[key], key
        else:
            assert bool(entry.get("en")) != bool(english) or key.startswith("about.judge_"), f"{key}: English"


def test_the_chinese_has_the_values_of_the_english_and_no_more() -> None:
    own = dict(sentences())
    for key, entry in entries().items():
        english = entry.get("en") or own.get(key)
        if english:
            assert places(entry["zh"]) <= places(english), key
            assert all("|" not in form for form in re.findall(r"\{[^}]*\}", entry["zh"])), f"{key}: a plural"


def test_every_sentence_of_the_code_can_be_said_in_chinese_and_has_one_pattern() -> None:
    found: dict[str, str] = {}
    for key, pattern in sentences():
        assert has(key), f"{key} is not in the table"
        assert found.setdefault(key, pattern) == pattern, f"{key} has two patterns"


def test_every_text_that_is_asked_for_is_there() -> None:
    tables = {key.partition(".")[0] for key in entries()}
    asked = {key for key in quoted(sources()) if key.partition(".")[0] in tables}
    assert {key for key in asked - SELECTORS if not has(key)} == set()


def test_every_text_is_asked_for() -> None:
    code = sources()
    asked, begun = quoted(code) | {key for key, _ in sentences()}, tuple(prefixes(code))
    named = {f"{kind}.{m.info.name}" for m in reported_metrics().values() for kind in ("metric", "about")}
    for rubric in map(load_rubric, shipped_rubrics()):
        named |= {f"{k}.{m.info.name}" for m in judge_metrics(rubric) for k in ("metric", "about")}
    # People's grades have the judge's names, and one that a judge has not.
    named |= {name.replace("judge_", "human_") for name in named}
    named |= {f"{k}.human_win_rate" for k in ("metric", "about")}
    assert [k for k in entries() if k not in asked | named and not k.startswith(begun)] == []


@pytest.mark.parametrize("language", Language)
def test_every_metric_has_a_title_and_a_meaning_in_every_language(language: Language) -> None:
    named = {m.info.name for m in reported_metrics().values()}
    for rubric in map(load_rubric, shipped_rubrics()):
        named |= {m.info.name for m in judge_metrics(rubric)}
    for name in named - {"judge_winner"}:
        for kind in ("metric", "about"):
            assert text(f"{kind}.{name}", language)


def test_a_sentence_is_its_english_and_can_be_said_in_chinese() -> None:
    sentence = Sentence("list.between", "{n} {n:row|rows}, {names}", n=1200, names=("a", "b"))
    assert sentence == "1,200 rows, a; b"
    for other in (copy.deepcopy(sentence), pickle.loads(pickle.dumps(sentence))):
        assert (other, other.key, other.values) == (sentence, "list.between", sentence.values)
    assert json.dumps([sentence]) == '["1,200 rows, a; b"]'
    assert said(sentence, Language.ZH) == "；"
    assert said("as a file says", Language.ZH) == "as a file says"


def test_a_specification_is_resolved_where_words_are_and_nowhere_else() -> None:
    spec = {
        "title": {"@": "section.title", "task": {"@": "section.task.response"}, "context": "@section.title"},
        "axis": [{"title": "@metric.strategy_acc"}, "@nobody/model", 3],
        "data": {"values": ["@metric.strategy_acc"]},
        "scale": {"domain": ["@metric.strategy_acc"]},
    }
    assert resolve(spec, Language.ZH) == {
        # A value is taken as it is: it may be a model's name.
        "title": "回复，@section.title上下文",
        "axis": [{"title": "策略准确率"}, "@nobody/model", 3],
        "data": {"values": ["@metric.strategy_acc"]},
        "scale": {"domain": ["@metric.strategy_acc"]},
    }


def test_a_column_keeps_what_tells_it_from_others_of_its_metric() -> None:
    titles = {
        "BLEU-4": "BLEU-4",
        "BLEU-4 (jieba)": "BLEU-4（jieba）",
        "BLEU-4 (jieba) (tok:zh)": "BLEU-4（jieba, tok:zh）",
        "Anything else": "Anything else",
    }
    for title, chinese in titles.items():
        spec = column_text(replace(boards.columns()[1], title=title))
        assert resolve(spec, Language.ZH) == chinese
        assert resolve(spec, Language.EN) == title


def test_a_page_in_one_language_is_not_marked_and_one_in_both_is() -> None:
    hostile = '"><script>'
    one, both = Words([Language.ZH]), Words(list(Language))
    assert str(one.t("language.name")) == "中文"
    assert str(both.t("column.title", metric=hostile, more="x")).count("<") == 2
    assert 'data-t="language.name"' in both.t("language.name")
    assert spec_of(hostile) == hostile


def test_scripts_get_every_pattern_that_they_may_ask_for() -> None:
    assert texts(Language.ZH).keys() >= texts(Language.EN).keys() - {"about.judge_grade"}
