"""Weights & Biases logs the samples of every task: lm-eval's own logger, and wandb itself where it is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lm_eval.api.instance import Instance
from lm_eval.loggers import EvaluationTracker, WandbLogger
from lm_eval.models.api_models import JsonChatStr

from tests.leaderboards.logs import answering
from tests.role_plays import ROLE_PLAY, supporter_lm
from tests.running import FunctionLM, evaluate

TASKS = [f"csconv_mini_{k}" for k in ("strategy", "strategy_mc", "response", "response_oracle", "dialogue")]


def reply(request: Instance) -> Any:
    """A model that sometimes says nothing, and prefers another option at each turn."""
    if request.request_type == "loglikelihood":
        place = "ABCDEFGHIJKL".index(request.args[1].strip())
        return -float((place + request.doc["turn"]) % 12), False
    return None if request.doc["turn"] % 5 == 4 else answering(0.5)(request)


class Served(FunctionLM):
    """A model behind a chat API, as lm-eval puts messages to those."""

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> Any:
        return JsonChatStr(json.dumps(chat_history))


def ran(lm: type[FunctionLM] = FunctionLM, **options: Any) -> dict[str, Any]:
    return evaluate(lm(reply), ["csconv_mini", TASKS[1], TASKS[3]], limit=8, **options)


@pytest.fixture(scope="module")
def scored() -> dict[str, Any]:
    return ran()


def tables(results: dict[str, Any]) -> dict[str, Any]:
    """What lm-eval's logger would hand to W&B, by task."""
    logger = object.__new__(WandbLogger)
    logger.post_init({key: value for key, value in results.items() if key != "samples"})
    logger._get_config()
    names = [name for name in logger.task_names if name not in logger.group_names]
    return {
        name: logger._generate_dataset(results["samples"][name], results["configs"][name]) for name in names
    }


def kind(value: Any) -> Any:
    """Numbers are of one kind for W&B, and lists of what is in them."""
    if isinstance(value, (list, tuple)):
        return tuple({kind(each) for each in value})
    return (
        float if isinstance(value, (int, float, np.number)) and not isinstance(value, bool) else type(value)
    )


@pytest.mark.parametrize("predict_only", [False, True])
def test_every_column_of_every_table_has_plain_values_of_one_kind(
    predict_only: bool, scored: dict[str, Any]
) -> None:
    results = ran(predict_only=True) if predict_only else scored
    found = tables(results)
    assert set(found) == set(TASKS)
    for name, table in found.items():
        for column in table.columns:
            kinds = {kind(value) for value in table[column] if value is not None}
            assert len(kinds) <= 1, (name, column, kinds)
            assert len(next(iter(kinds), ())) <= 1 if isinstance(next(iter(kinds), None), tuple) else True
        for sample in results["samples"][name]:
            json.dumps(sample["filtered_resps"])  # nothing that is made a text on the way
    if not predict_only:
        assert {"strategy_acc", "bleu_4", "distinct_1"} <= set(found["csconv_mini_response"].columns)


def test_the_best_option_of_a_table_is_the_best_one(scored: dict[str, Any]) -> None:
    table = tables(scored)["csconv_mini_strategy_mc"]
    assert list(table["filtered_predictions"]) == list(table["raw_predictions"])
    assert len(set(table["raw_predictions"])) > 3


def test_the_log_says_of_a_choice_what_it_said_beside_its_likelihood(tmp_path: Path) -> None:
    tracker = EvaluationTracker(output_path=str(tmp_path))
    results = evaluate(FunctionLM(reply), TASKS[1:2], limit=2, evaluation_tracker=tracker)
    samples = results.pop("samples")
    tracker.save_results_aggregated(results, samples)
    tracker.save_results_samples(TASKS[1], samples[TASKS[1]])
    (log,) = tmp_path.rglob("samples_*.jsonl")
    first = json.loads(log.read_text(encoding="utf-8").splitlines()[0])["filtered_resps"]
    assert first[0][:2] == ["-0.0", "False"]
    assert json.loads(first[0][2]) == {"strategy": "礼貌问候", "text": "", "problem": None}
    assert first[1] == ["-1.0", "False"]


@pytest.mark.slow
@pytest.mark.parametrize("predict_only", [False, True])
@pytest.mark.parametrize("chat", [False, True])
def test_wandb_itself_takes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, predict_only: bool, chat: bool
) -> None:
    pytest.importorskip("wandb", reason="wandb is not among the development packages: pip install wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.chdir(tmp_path)
    results = ran(Served if chat else FunctionLM, predict_only=predict_only, apply_chat_template=chat)
    samples = results.pop("samples")
    logger = WandbLogger({"mode": "offline", "project": "csconv", "dir": str(tmp_path)})
    logger.post_init(results)
    logger.log_eval_result()
    logger.log_eval_samples(samples)
    logger.run.finish()
    written = {path.name.split("_eval_results")[0] for path in tmp_path.rglob("*_eval_results_*.table.json")}
    assert written == set(TASKS)


def test_a_card_of_role_plays_is_a_line_of_a_table_too() -> None:
    results = evaluate(supporter_lm("good"), [ROLE_PLAY], {"csconv_trials": 2}, limit=1)
    table = tables(results)[ROLE_PLAY]
    assert len(table) == 1
    assert table["resolved"].tolist() == [[1.0, 1.0]]
    for column in table.columns:
        assert len({kind(value) for value in table[column]}) == 1, column
