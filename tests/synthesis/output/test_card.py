"""The card tells the truth and only that: hostile names are harmless, gaps stand first, figures are the set's."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from csc_tasks.data.conversations import Conversation
from csc_tasks.synthesis.output.card import card
from csc_tasks.synthesis.output.outputs import ComparedWith, OutputReport, RunFacts
from csc_tasks.synthesis.output.quality import Quality, QualityFigures
from tests.synthesis.talks import said, talk

FACTS = RunFacts(
    "roleplay",
    {"limits": {"utterances": 50}},
    "roleplay-zh-1 (ba3320e1)",
    7,
    "20 profiles",
    models={"supporter": {"qwen3": 9}},
    requests={"supporter": 9},
    prompt_tokens={"supporter": 9000},
    answer_tokens={"supporter": 300},
    not_usable={"supporter": {"empty": 2}},
    cost={"CNY": 1.5},
)
REPORT = OutputReport(
    Path("out"), (), 2, 5, 0, {"critic: not natural": 2}, {"near-duplicate of an earlier one": 1}, 0,
    (ComparedWith("csconv_mini", 32, "630eb555345da059"),), ("CSConv itself: it is not on this machine",),
)  # fmt: skip
EVIL = (
    "<script>alert(1)</script>",
    "![x](http://evil/x.png)",
    "[click](javascript:alert(1))",
    "a | b | c",
    "`code` **bold** _it_ ~~s~~",
    "---\nlicense: mit\n---",
    "# heading\n\n- list",
    'yaml: [1, "2", {a: b}] # &anchor *alias !!python/object',
    "\x1b[31mred\u202e\u2028\ud800\0",
    "https://evil.example/x www.evil.example @somebody #1",
    "&lt;b&gt; \\| \\` $x^2$",
    "'''\"\"\"${jndi}{{ x }}{% raw %}",
)


def figures(*conversations: Conversation, **provenance: Any) -> QualityFigures:
    quality = Quality()
    for conversation in conversations or (talk(1), talk(2)):
        quality.add(conversation, provenance)
    return quality.figures()


def told(facts: RunFacts = FACTS, report: OutputReport = REPORT, made: QualityFigures | None = None) -> str:
    return card(facts, made or figures(ended="closure"), report, "other")


def head(text: str) -> dict[str, Any]:
    """What the hub reads."""
    assert text.startswith("---\n")
    found = yaml.safe_load(text.split("---\n")[1])
    assert isinstance(found, dict)
    return found


def require_harmless(text: str) -> None:
    """Nothing outside code is markup but the card's own; every table's rows have as many cells as its heads."""
    body = text.split("---\n", 2)[2]
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e\u2028\ud800-\udfff]", text)
    for line in body.splitlines():
        assert line.count("`") % 2 == 0, line
        bare = re.sub(r"`[^`]*`", "", line)
        assert not re.search(r"[<\[\]\\~@]|https?:|www\.|javascript:", bare.removeprefix("> ")), line
    for table in re.findall(r"(?:^\|.*\n)+", body, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_the_head_is_what_the_hub_reads() -> None:
    found = head(told())
    assert found["language"] == ["zh"]
    assert (found["license"], found["license_name"]) == ("other", "terms-of-the-models-used")
    assert found["size_categories"] == ["n<1K"]
    assert found["configs"] == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "conversations.parquet"}]}
    ]
    assert head(card(FACTS, figures(), REPORT, "mit"))["license"] == "mit"
    assert "license_name" not in head(card(FACTS, figures(), REPORT, "mit"))


@pytest.mark.parametrize(
    ("count", "size"), [(1, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (11232, "10K<n<100K")]
)
def test_the_size_is_one_of_the_hub_s(count: int, size: str) -> None:
    assert head(told(report=replace(REPORT, conversations=count)))["size_categories"] == [size]


def hostile(evil: str) -> str:
    """A card in which everything that others name is named so."""
    facts = RunFacts(
        evil, {evil: {evil: evil}, "x": [evil]}, evil, 1, evil, models={evil: {evil: 1}}, requests={evil: 1},
        not_usable={evil: {evil: 1}}, cost={evil: 1.0}, redacted={evil: 3},
    )  # fmt: skip
    report = replace(
        REPORT,
        dropped={evil: 1},
        refused={evil: 1},
        compared=(ComparedWith(evil, 1, evil),),
        unchecked=(evil,),
    )
    texts = evil.replace("\n", " ").encode(errors="replace").decode()
    made = figures(*[said(texts + "。您好，请问您", texts, topic=texts)] * 2, ended=evil)
    merged = replace(facts, kind="merge", merged={evil: facts, "b": replace(facts, seed=2)})
    assert card(merged, made, report, evil)
    require_harmless(card(merged, made, report, evil))
    return card(facts, made, report, evil)


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_that_others_name_is_markup(evil: str) -> None:
    text = hostile(evil)
    require_harmless(text)
    found = head(text)
    assert set(found) >= {"pretty_name", "license", "configs"}
    assert found["configs"][0]["config_name"] == "default"


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60))
def test_nor_is_anything_else(evil: str) -> None:
    text = hostile(evil)
    require_harmless(text)
    assert head(text)["language"] == ["zh"]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (FACTS, "All texts are machine-made"),
        (replace(FACTS, kind="rewrite"), "All texts are machine-made**, from real ones"),
        (replace(FACTS, kind="rewrite"), "Personal data was not looked for"),
        (replace(FACTS, kind="annotate", redacted={"phone": 3}), "The labels are machine-made"),
        (replace(FACTS, kind="annotate", redacted={"phone": 3}), "| phone | 3 |"),
        (replace(FACTS, scripted=True), "Templates wrote these texts, no model did"),
        (replace(FACTS, scripted=True), "not for training"),
        (
            replace(FACTS, kind="merge", merged={"a": replace(FACTS, scripted=True)}),
            "wrote some of these texts",
        ),
        (replace(FACTS, kind="merge", merged={"a": FACTS, "b": replace(FACTS, seed=8)}), "differ in `seed`."),
        (FACTS, "| Cost | 1.50 CNY |"),
        (replace(FACTS, cost={}), "| Cost | not known |"),
        (FACTS, "| supporter | `qwen3` | 9 | 9,000 | 300 |"),
        (FACTS, "| supporter | empty | 2 |"),
        (FACTS, "| dropped in the making | critic: not natural | 2 |"),
        (FACTS, "is for whoever uses or publishes this set to find out"),
        (FACTS, "No licence was named when the set was made."),
        (FACTS, "That a text does what its label says was judged by a model."),
        (replace(FACTS, scripted=True), "That a text does what its label says was judged by rules."),
        (replace(FACTS, scripted=True), "No model wrote anything here"),
        (replace(FACTS, kind="annotate", redacted={}), "was judged by the model that gave it"),
    ],
)
def test_what_is_true_of_a_run_stands_there(facts: RunFacts, words: str) -> None:
    assert words in told(facts)


def test_scripts_are_never_said_to_be_models() -> None:
    text = told(replace(FACTS, scripted=True))
    assert "Language models" not in text
    assert "scripted" in head(text)["tags"]
    assert head(text)["license_name"] == "not-named"
    assert "models' providers" not in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "**Overlap was NOT checked** with CSConv itself: it is not on this machine."),
        ({"unchecked": (), "unfinished": 12}, "12 cases of the run are not over"),
        ({"overlapping": 3}, "3 conversations **overlap with evaluation data**"),
        ({"balance": 0.02}, "did not come within 0.02"),
        ({}, "No person has read these conversations"),
    ],
)
def test_what_was_not_checked_stands_before_the_figures(change: dict[str, Any], words: str) -> None:
    text = told(report=replace(REPORT, **change))
    assert words in text[text.index("## What was NOT checked") : text.index("## Figures")]


def test_long_lists_are_cut_with_their_sums() -> None:
    made = figures(*(Conversation.of(f"话题{n}", talk(n).utterances) for n in range(60)))
    assert "| 20 more | 20 |" in told(made=made)
