"""The weightless models: what they answer, and that it depends on nothing but the seed and the turn."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance

from csc_tasks.data.files import write_conversations
from csc_tasks.data.sources import load
from csc_tasks.data.splits import Split
from csc_tasks.errors import ConfigError
from csc_tasks.generation.floors import FloorLM
from csc_tasks.protocol.replies import read_reply
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.turns import TurnDoc, turn_docs
from tests.door import csconv
from tests.running import evaluate, scores

EVALUATION = list(turn_docs(load("mini").conversations))
TRAINING = list(turn_docs(load("mini", Split.TRAINING).conversations))


def requests(docs: list[TurnDoc], task: str = "csconv_mini_response") -> list[Instance]:
    return [Instance("generate_until", doc, ("prompt", {}), 0, (task, i, 1)) for i, doc in enumerate(docs)]


def answers(floor: str, docs: list[TurnDoc], **options: Any) -> list[tuple[str, str]]:
    """(strategy, text) of each reply, read as the task reads it."""
    replies = FloorLM(f"csconv-{floor}", **options).generate_until(requests(docs))
    read = [read_reply(r, TaskKind.RESPONSE) for r in replies]
    return [(r.strategy.zh if r.strategy else "", r.text) for r in read]


def test_majority_answers_the_most_frequent_training_strategy_with_a_reply_of_it() -> None:
    (strategy, text), *others = answers("majority", EVALUATION)
    assert strategy == Counter(t["strategy"] for t in TRAINING).most_common(1)[0][0]
    assert (strategy, text) in {(t["strategy"], t["reference"]) for t in TRAINING}
    assert set(others) == {(strategy, text)}


def test_retrieval_finds_a_training_turn_by_what_the_customer_said() -> None:
    asked = [t for t in TRAINING if t["customer"]][:20]
    assert answers("retrieval", asked) == [(t["strategy"], t["reference"]) for t in asked]


def test_retrieval_answers_an_opening_with_an_opening() -> None:
    openings = [t for t in EVALUATION if not t["customer"]][:3]
    known = {(t["strategy"], t["reference"]) for t in TRAINING if not t["customer"]}
    assert openings
    assert set(answers("retrieval", openings)) <= known


def test_shuffle_answers_with_the_gold_answer_of_another_conversation() -> None:
    owner = {(d["strategy"], d["reference"]): d["conversation"] for d in EVALUATION}
    for doc, answer in zip(EVALUATION, answers("shuffle", EVALUATION), strict=True):
        assert owner[answer] != doc["conversation"]


def test_shuffle_within_one_conversation_takes_another_turn() -> None:
    docs = EVALUATION[:3]
    for doc, (_, text) in zip(docs, answers("shuffle", docs), strict=True):
        assert text != doc["reference"]
    with pytest.raises(ConfigError, match="at least two turns"):
        answers("shuffle", docs[:1])


def test_random_draws_from_all_strategies_and_the_training_replies() -> None:
    drawn = answers("random", EVALUATION)
    assert len({strategy for strategy, _ in drawn}) == 12
    assert {text for _, text in drawn} <= {t["reference"] for t in TRAINING}


@pytest.mark.parametrize("floor", ["random", "shuffle"])
def test_draws_depend_on_the_seed(floor: str) -> None:
    assert (
        answers(floor, EVALUATION, seed=1)
        == answers(floor, EVALUATION, seed=1)
        != answers(floor, EVALUATION, seed=2)
    )


@pytest.mark.parametrize("floor", ["random", "retrieval"])
def test_an_answer_does_not_depend_on_which_other_turns_are_asked(floor: str) -> None:
    assert answers(floor, EVALUATION)[5:9] == answers(floor, EVALUATION[5:9])


@pytest.mark.parametrize(
    "floor",
    [
        *(pytest.param(f, marks=pytest.mark.slow) for f in ("random", "majority", "retrieval", "shuffle")),
        "labels",
    ],
)
def test_every_floor_runs_every_task_and_names_a_strategy_each_time(floor: str) -> None:
    tasks = [
        f"csconv_mini_{t}" for t in ("strategy", "strategy_mc", "response", "response_oracle", "dialogue")
    ]
    results = evaluate(FloorLM(f"csconv-{floor}"), tasks)
    for task in tasks[:3]:
        assert scores(results, task)["strategy_invalid"] == 0.0
    assert scores(results, tasks[0])["strategy_acc"] == scores(results, tasks[2])["strategy_acc"]
    # Only the floor of labels reads any history; to the others the context makes no difference.
    for metric in ("strategy_acc", "bleu_4", "rouge_l"):
        same = scores(results, tasks[4])[metric] == scores(results, tasks[2])[metric]
        assert same is (floor != "labels")
    assert scores(results, tasks[1])["strategy_top3"] >= scores(results, tasks[1])["strategy_acc"]


def test_several_floors_with_commas_are_evaluated_one_after_the_other_each_as_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    task = "csconv_mini_strategy"
    done = csconv(
        *("floor", "random,shuffle", "--tasks", task, "--output_path", tmp_path, "--seed", "3"),
        *("--limit", "60"),
    )
    assert done.code == 0, done.err[-2000:]
    found = {}
    for path in tmp_path.rglob("results_*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        found[content["config"]["model_args"]["model"]] = content["results"][task]["strategy_acc,none"]
    alone = {
        f"csconv-{floor}": scores(evaluate(FloorLM(f"csconv-{floor}", seed=3), [task], limit=60), task)
        for floor in ("random", "shuffle")
    }
    assert found == {floor: values["strategy_acc"] for floor, values in alone.items()}
    assert len(set(found.values())) == 2
    assert len(list(tmp_path.rglob(f"samples_{task}_*.jsonl"))) == 2


@pytest.mark.parametrize("way", ["--train", "--metadata", "CSCONV_TRAIN", "RoleCS.json"])
def test_a_floor_on_own_data_takes_training_conversations_as_few_shot_examples_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    own, train = tmp_path / "own, 甲.json", tmp_path / "train, 乙.json"
    write_conversations(own, load("mini").conversations[:2])
    monkeypatch.setenv("CSCONV_DATA", str(own))
    arguments = ["baseline", "random", "--tasks", "csconv_strategy", "--output_path", tmp_path / "out"]
    without = csconv(*arguments)
    assert without.code == 1
    for remedy in ("--train", "--metadata csconv_train=PATH", "CSCONV_TRAIN", "RoleCS.json"):
        assert remedy in without.err
    match way:
        case "--train":
            arguments += ["--train", train]
        case "--metadata":
            arguments += ["--metadata", json.dumps({"csconv_train": str(train)})]
        case "CSCONV_TRAIN":
            monkeypatch.setenv(way, str(train))
        case _:
            train = tmp_path / way
    write_conversations(train, load("mini", Split.TRAINING).conversations[:1])
    done = csconv(*arguments)
    assert done.code == 0, done.err[-2000:]
    (path,) = (tmp_path / "out").rglob("results_*.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["config"]["model_args"] == {"model": "csconv-random", "train": str(train), "seed": 0}


def test_what_is_shuffled_needs_no_training_conversations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_conversations(tmp_path / "own.json", load("mini").conversations[:2])
    monkeypatch.setenv("CSCONV_DATA", str(tmp_path / "own.json"))
    done = csconv("baseline", "shuffle", "--tasks", "csconv_strategy", "--output_path", tmp_path / "out")
    assert done.code == 0, done.err[-2000:]


def test_a_floor_is_far_from_zero_on_chinese_text() -> None:
    got = scores(evaluate(FloorLM("csconv-shuffle"), ["csconv_mini_response"]), "csconv_mini_response")
    assert got["rouge_l"] > 0.08
    assert got["bleu_2"] > 0.01
    assert got["rouge_l_ascii"] < got["rouge_l"]


def test_a_task_of_another_benchmark_is_refused() -> None:
    with pytest.raises(ConfigError, match="task arc_easy is not a csconv task"):
        FloorLM("csconv-random").generate_until(
            [Instance("generate_until", {"q": 1}, ("p", {}), 0, ("arc_easy", 0, 1))]
        )


def test_registering_the_floors_hides_no_model_of_the_harness_and_may_be_done_twice() -> None:
    program = (
        "import csc_tasks.generation.floors as f, lm_eval.api.registry as r; f.register(); f.register();"
        "print(r.get_model('dummy').__name__, r.get_model('csconv-baseline').__name__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "DummyLM FloorLM"
