"""`csconv train-data --format preference`: a judge's verdicts on two models as chosen and rejected answers."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")

from csc_tasks.data.shipped import mini_file
from csc_tasks.data.splits import Split
from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.turns import PromptBook, turn_docs
from tests.door import csconv
from tests.judge_server import JudgeServer, Reply
from tests.judging.runs import configured, make
from tests.training.data import TRAINING, card_of, lines_of, train_data

pytestmark = pytest.mark.slow

MODELS = "csconv-random", "csconv-shuffle"
PAIR = re.compile(r"【回复.】\n<<<\w+ 开始>>>\n(.*?)\n<<<", re.DOTALL)


def shorter(text: str, _: int, request: dict[str, Any]) -> Reply:
    """A judge of brevity: the shorter reply wins, of two with a 请 neither, of two long ones the first."""
    first, second = PAIR.findall(request["messages"][1]["content"])
    if "请" in first and "请" in second:
        winner = "平"
    elif len(first) > 60 and len(second) > 60:
        winner = "甲"
    else:
        winner = "甲" if len(first) <= len(second) else "乙"
    return Reply(json.dumps({"reason": "短", "winner": winner}, ensure_ascii=False))


def make_runs(folder: Path) -> None:
    """Two weightless models on the training half, judged: 80 pairs."""
    asked = json.dumps({"csconv_data": str(mini_file(Split.TRAINING)), "csconv_bertscore_model": "off"})
    for kind in ("random", "shuffle"):
        tasks = ("--tasks", "csconv_response", "--metadata", asked)
        done = csconv("baseline", kind, *tasks, "--train", "mini", "--output_path", folder)
        assert done.code == 0, done.err
    with JudgeServer() as server:
        server.behave = shorter
        config = configured(server, folder)
        done = csconv(
            "judge", "--pairwise", *(folder / m for m in MODELS), "--config", config, "--sample", "80"
        )
        assert done.code == 0, done.err


@pytest.fixture
def judged(once: Callable[[str, Callable[[Path], object]], Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(once("runs_for_preferences", make_runs), tmp_path / "runs"))


def call(judged: Path, *more: str | Path) -> list[str | Path]:
    runs = [judged / model for model in MODELS]
    return [*runs, "--format", "preference", "--judge", judged / "judge.yaml", *more]


def replies_of(judged: Path, model: str) -> dict[str, str]:
    """What a model answered, by conversation and turn."""
    (log,) = (judged / model).glob("samples_csconv_response_*")
    samples = [json.loads(line) for line in log.read_text().splitlines()]
    return {f"{s['doc']['conversation']}/{s['doc']['turn']}": s["resps"][0][0] for s in samples}


def test_a_pair_is_what_both_orders_agree_on_with_the_prompt_of_the_evaluation(
    judged: Path, tmp_path: Path
) -> None:
    done = train_data(*call(judged, "--out", tmp_path / "out", "--validation", "0.2"))
    records = [r for name in ("train.jsonl", "validation.jsonl") for r in lines_of(tmp_path / "out", name)]
    kind, texts = TaskKind.RESPONSE, load_prompt()
    book = PromptBook(TRAINING.conversations, texts, kind)
    docs = {f"{d['conversation']}/{d['turn']}": d for d in turn_docs(TRAINING.conversations)}
    random, shuffle = (replies_of(judged, model) for model in MODELS)
    assert records
    for record in records:
        place = record["id"]
        question = texts.head(kind) + book.question(docs[place])
        assert record["prompt"] == [{"role": "user", "content": question}]
        chosen, rejected = record["chosen"][0], record["rejected"][0]
        assert chosen["role"] == rejected["role"] == "assistant"
        assert {chosen["content"], rejected["content"]} == {random[place], shuffle[place]}
        better, worse = (m["content"].partition("] ")[2] for m in (chosen, rejected))
        assert len(better) < len(worse)
        assert not ("请" in better and "请" in worse)
    card = card_of(tmp_path / "out")
    ties = sum(n for reason, n in card["left_out"].items() if reason.startswith("tied"))
    decided_without = sum(
        card["left_out"].get(r, 0) for r in ("both replies are the same", "one reply is empty")
    )
    assert len(records) == card["train"]["examples"] + card["validation"]["examples"]
    assert card["left_out"]["tied: the judge followed the order"] > 0
    assert card["left_out"]["tied: the judge preferred neither"] > 0
    unjudged = card["left_out"]["not judged in both orders"]
    assert len(records) + ties + decided_without + unjudged == len(docs)
    assert len(records) + ties <= 80
    assert card["source"]["runs"] == list(MODELS)
    assert card["tasks"] == ["response"]
    assert "left out:" in done.err


def test_the_order_of_the_runs_changes_nothing(judged: Path, tmp_path: Path) -> None:
    train_data(*call(judged, "--out", tmp_path / "a"))
    runs = [judged / model for model in MODELS[::-1]]
    rest = ("--format", "preference", "--judge", judged / "judge.yaml", "--out", tmp_path / "b")
    train_data(*runs, *rest)
    for name in ("train.jsonl", "validation.jsonl"):
        first, second = (
            sorted(r["id"] + r["chosen"][0]["content"] for r in lines_of(tmp_path / out, name))
            for out in "ab"
        )
        assert first == second


def test_another_judge_or_rubric_finds_no_verdicts(judged: Path, tmp_path: Path) -> None:
    runs = [judged / model for model in MODELS]
    settings = (judged / "judge.yaml").read_text()
    other = tmp_path / "other.yaml"
    other.write_text(settings.replace('"fake"', '"another"'))
    rest = ("--format", "preference", "--out", tmp_path / "out", "--judge")
    for arguments in (
        (*runs, *rest, other),
        (*runs, *rest, judged / "judge.yaml", "--rubric", "pairwise-zh-1"),
    ):
        done = csconv("train-data", *arguments)
        assert done.code == 1
        assert "no such file" in done.err
        assert "csconv judge --pairwise" in done.err
        assert not (tmp_path / "out").exists()


def test_verdicts_on_evaluation_conversations_are_no_training_data(
    once: Callable[[str, Callable[[Path], object]], Path], tmp_path: Path
) -> None:
    runs = Path(shutil.copytree(once("runs_to_judge", make), tmp_path / "runs"))
    with JudgeServer() as server:
        server.behave = shorter
        config = configured(server, runs)
        folders = [runs / model for model in MODELS]
        judging = csconv("judge", "--pairwise", *folders, "--config", config, "--sample", "20")
    assert judging.code == 0, judging.err
    done = csconv("train-data", *call(runs, "--out", tmp_path / "out"))
    assert done.code == 1
    assert "models are evaluated on" in done.err
    assert not (tmp_path / "out").exists()
