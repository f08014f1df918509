"""The floor that guesses from labels: that it is as good as can be, and reads no word and no future."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from csc_tasks.data.conversations import Conversation, Speaker
from csc_tasks.data.files import write_conversations
from csc_tasks.data.shipped import mini_file
from csc_tasks.data.sources import load
from csc_tasks.data.splits import Split
from csc_tasks.errors import ConfigError
from csc_tasks.framework import Strategy
from csc_tasks.generation.floors import FloorLM
from csc_tasks.generation.label_predictor import LabelHistory, LabelPredictor
from csc_tasks.protocol.turns import turn_docs
from tests.door import csconv
from tests.running import evaluate, scores

STRATEGY, CHOICE, RESPONSE, DIALOGUE = (
    f"csconv_mini_{task}" for task in ("strategy", "strategy_mc", "response", "dialogue")
)
TRAINING = list(turn_docs(load("mini", Split.TRAINING).conversations))


@cache
def results() -> dict[str, Any]:
    """The floor on csconv_mini."""
    return evaluate(FloorLM("csconv-labels"), [STRATEGY, CHOICE, RESPONSE, DIALOGUE])


def labels(samples: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The label of each reply of each document, in the order of the documents."""
    documents = sorted(samples, key=lambda sample: sample["doc_id"])
    return [[reply[0].partition("]")[0][1:] for reply in sample["resps"]] for sample in documents]


def texts(samples: Sequence[dict[str, Any]]) -> list[str]:
    documents = sorted(samples, key=lambda sample: sample["doc_id"])
    return [reply[0].partition("] ")[2] for sample in documents for reply in sample["resps"]]


# --- how good it is ---


def test_it_is_within_two_points_of_another_implementation() -> None:
    """Written from the raw files, dense, with none of our classes."""
    from sklearn.linear_model import LogisticRegression

    def rows(split: Split) -> tuple[Any, Any]:
        features, golds = [], []
        for record in json.loads(mini_file(split).read_text(encoding="utf-8")):
            seen: list[int] = []
            before = ""
            for said in record["dialogue"]:
                if said["speaker"] == "客服":
                    number = int(said["strategy"].split()[0].removeprefix("策略")) - 1
                    hot = [float(i < len(seen) and seen[-1 - i] == k) for i in (0, 1) for k in range(12)]
                    absent = [float(len(seen) <= i) for i in (0, 1)]
                    counts = [float(seen.count(k)) for k in range(12)]
                    features.append([*hot, *absent, *counts, len(seen) / 10, float(before == "客户")])
                    golds.append(number)
                    seen.append(number)
                before = said["speaker"]
        return np.array(features), np.array(golds)

    model = LogisticRegression(max_iter=1000).fit(*rows(Split.TRAINING))
    assert scores(results(), STRATEGY)["strategy_acc"] == pytest.approx(
        model.score(*rows(Split.EVALUATION)), abs=0.02
    )


def test_no_other_floor_names_as_many_strategies_right() -> None:
    others = ("random", "majority", "retrieval", "shuffle")
    found = [
        scores(evaluate(FloorLM(f"csconv-{name}"), [STRATEGY]), STRATEGY)["strategy_acc"] for name in others
    ]
    assert scores(results(), STRATEGY)["strategy_acc"] > max(found)


def test_it_ranks_all_twelve_where_a_choice_is_asked_for() -> None:
    choice = scores(results(), CHOICE)
    assert choice["strategy_acc"] == scores(results(), STRATEGY)["strategy_acc"] < choice["strategy_top3"] < 1
    assert scores(results(), RESPONSE)["strategy_acc"] == choice["strategy_acc"]


# --- what it reads ---


def test_changing_every_word_changes_no_label(tmp_path: Path) -> None:
    def mute(conversation: Conversation) -> Conversation:
        said = [
            replace(each, text="甲乙丙丁"[i % 4] * (1 + i % 7))
            for i, each in enumerate(conversation.utterances)
        ]
        return Conversation.of("其它", said)

    for name, split in (("own.json", Split.EVALUATION), ("train.json", Split.TRAINING)):
        write_conversations(tmp_path / name, [mute(c) for c in load("mini", split).conversations])
    tasks = {"csconv_response": RESPONSE, "csconv_dialogue": DIALOGUE}
    metadata = {"csconv_data": str(tmp_path / "own.json"), "csconv_bertscore_model": "off"}
    muted = evaluate(FloorLM("csconv-labels", str(tmp_path / "train.json")), list(tasks), metadata)
    for task, same in tasks.items():
        assert labels(muted["samples"][task]) == labels(results()["samples"][same])
        assert texts(muted["samples"][task]) != texts(results()["samples"][same])


def test_in_reference_context_it_reads_the_gold_labels_and_in_generated_context_its_own() -> None:
    predictor = LabelPredictor(TRAINING)

    def next_label(before: Sequence[str], spoke: bool) -> str:
        history = LabelHistory(tuple(map(Strategy.from_name, before)), spoke)
        return Strategy.from_index(int(predictor.probabilities([history]).argmax())).zh

    own, given = labels(results()["samples"][DIALOGUE]), labels(results()["samples"][RESPONSE])
    differ = number = 0
    for conversation, said in zip(load("mini").conversations, own, strict=True):
        turns = list(turn_docs([conversation]))
        gold = [str(turn["strategy"]) for turn in turns]
        for k, turn in enumerate(turns):
            spoke = bool(turn["customers"])
            assert said[k] == next_label(said[:k], spoke)
            assert given[number] == [next_label(gold[:k], spoke)]
            differ += said[k] != given[number][0]
            number += 1
    assert differ > 50


def test_an_answer_does_not_depend_on_which_other_turns_this_process_has() -> None:
    """As on several processes, where one has every other turn, and of a conversation never all."""
    for task, chosen in ((RESPONSE, list(range(3, 60, 7))), (DIALOGUE, [1, 5, 8])):
        part = evaluate(FloorLM("csconv-labels"), [task], samples={task: chosen})["samples"][task]
        whole = [sample for sample in results()["samples"][task] if sample["doc_id"] in chosen]
        assert labels(part) == labels(whole)
        assert texts(part) == texts(whole)


@pytest.mark.parametrize(
    "earlier",
    [(None,), (None, None), (Strategy.GREETING, None), (None, Strategy.GREETING)],
)
def test_a_label_that_could_not_be_read_is_a_kind_of_its_own(earlier: tuple[Strategy | None, ...]) -> None:
    predictor = LabelPredictor(TRAINING)
    readable = tuple(each or Strategy.GREETING for each in earlier)
    got, start, other = predictor.probabilities(
        [LabelHistory(labels, True) for labels in (earlier, (), readable)]
    )
    assert got.sum() == pytest.approx(1)
    assert not np.allclose(got, start)
    assert not np.allclose(got, other)


def test_conversations_without_labels_are_answered_as_ones_that_could_not_be_read(tmp_path: Path) -> None:
    bare = [
        Conversation.of(c.topic, [replace(each, strategy=None) for each in c.utterances])
        for c in load("mini").conversations[:3]
    ]
    write_conversations(tmp_path / "own.json", bare)
    metadata = {"csconv_data": str(tmp_path / "own.json"), "csconv_bertscore_model": "off"}
    done = evaluate(FloorLM("csconv-labels"), ["csconv_response", "csconv_dialogue"], metadata)
    for task in ("csconv_response", "csconv_dialogue"):
        assert all(
            name in {s.zh for s in Strategy} for said in labels(done["samples"][task]) for name in said
        )
        assert scores(done, task)["rouge_l"] > 0


# --- what it says ---


def test_it_replies_with_a_training_turn_of_the_strategy_that_it_names() -> None:
    known = {(turn["strategy"], turn["reference"]) for turn in TRAINING}
    samples = results()["samples"][RESPONSE]
    said = list(zip((name for (name,) in labels(samples)), texts(samples), strict=True))
    assert set(said) <= known
    assert len(set(said)) > 50


def test_among_turns_of_one_strategy_the_one_after_the_most_similar_question_is_taken() -> None:
    floor = FloorLM("csconv-labels")
    for turn in [t for t in TRAINING if t["customer"]][::10]:
        strategy = Strategy.from_name(str(turn["strategy"]))
        (text,) = floor._replies_of(strategy, [turn])
        questions = [
            t["customer"] for t in TRAINING if t["reference"] == text and t["strategy"] == strategy.zh
        ]
        assert turn["customer"] in questions


# --- what it learns from ---


def one_label(conversation: Conversation) -> Conversation:
    said = [
        replace(u, strategy=Strategy.PROVIDING_SUGGESTIONS) if u.speaker is Speaker.SUPPORTER else u
        for u in conversation.utterances
    ]
    return Conversation.of(conversation.topic, said)


def no_label(conversation: Conversation) -> Conversation:
    return Conversation.of(conversation.topic, [replace(u, strategy=None) for u in conversation.utterances])


def written(path: Path, change: Callable[[Conversation], Conversation]) -> str:
    write_conversations(path, [change(c) for c in load("mini", Split.TRAINING).conversations[:2]])
    return str(path)


def test_where_training_has_one_strategy_it_names_that_one(tmp_path: Path) -> None:
    floor = FloorLM("csconv-labels", written(tmp_path / "train.json", one_label))
    found = Counter(name for (name,) in labels(evaluate(floor, [STRATEGY])["samples"][STRATEGY]))
    assert list(found) == [Strategy.PROVIDING_SUGGESTIONS.zh]


@pytest.mark.parametrize("floor", ["labels", "retrieval"])
def test_training_conversations_where_no_customer_speaks_first_are_refused(
    floor: str, tmp_path: Path
) -> None:
    opened = [
        c for c in load("mini", Split.TRAINING).conversations if c.utterances[0].speaker is Speaker.SUPPORTER
    ]
    path = tmp_path / "train.json"
    write_conversations(path, [replace(c, utterances=c.utterances[:2]) for c in opened[:2]])
    done = csconv("floor", floor, "--tasks", STRATEGY, "--train", str(path))
    assert done.code == 1
    assert f"the {floor} floor answers as the supporter did after a customer" in done.err
    assert str(path) in done.err


def test_training_conversations_without_labels_are_refused_with_what_to_do(tmp_path: Path) -> None:
    train = written(tmp_path / "train.json", no_label)
    done = csconv("floor", "labels", "--tasks", STRATEGY, "--train", train)
    assert done.code == 1
    assert "the labels floor learns strategies" in done.err
    assert "--train" in done.err
    with pytest.raises(ConfigError, match="learns strategies"):
        _ = FloorLM("csconv-labels", train).training
