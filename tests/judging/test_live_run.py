"""``--metadata csconv_judge=judge.yaml``: the judge as a part of an ordinary lm-eval run."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")

from csc_tasks.errors import ConfigError, CSConvError
from csc_tasks.leaderboards.build import build_board
from csc_tasks.metrics.judge import load_rubric
from csc_tasks.roleplay.scripted_supporters import SupporterKind
from tests.door import csconv, lm_eval
from tests.judge_server import JudgeServer, Reply, judged_text, true_verdict
from tests.leaderboards.logs import write_run
from tests.role_plays import supporter_lm
from tests.running import FunctionLM, evaluate, gold, scores

TASKS = ["csconv_mini_strategy", "csconv_mini_response", "csconv_mini_dialogue"]
CANARY = "sk-canary-4f1b9d27"


@pytest.fixture
def config(server: JudgeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("JUDGE_KEY", CANARY)
    monkeypatch.setenv("CSCONV_CACHE", str(tmp_path / "cache" / "csconv"))
    fields = {
        "model": "fake",
        "base_url": server.url,
        "api_key_env": "JUDGE_KEY",
        "backoff": 0.01,
        "retries": 1,
    }
    path = tmp_path / "judge.yaml"
    path.write_text("".join(f"{k}: {json.dumps(v)}\n" for k, v in fields.items()))
    return str(path)


def test_judge_columns_stand_in_the_runs_own_results(
    server: JudgeServer, config: str, tmp_path: Path
) -> None:
    model = FunctionLM(gold)
    results = evaluate(model, TASKS, metadata={"csconv_judge": config}, limit=6)
    assert not any(name.startswith("judge_") for name in scores(results, "csconv_mini_strategy"))
    response, dialogue = (scores(results, task) for task in TASKS[1:])
    rubric = load_rubric("turn-zh-2")
    replies = [sample["doc"]["reference"] for sample in results["samples"]["csconv_mini_response"]]
    expected = [true_verdict(rubric, reply) for reply in replies]
    for dimension in rubric.dimensions:
        mean = sum(v[dimension.name] for v in expected) / len(expected)
        assert response[f"judge_{dimension.name}"] == pytest.approx(mean)
    assert response["judge_coverage"] == dialogue["judge_coverage"] == 1.0
    assert 1 <= dialogue["judge_stage_flow"] <= 5
    assert dialogue["judge_stage_flow_stderr"] > 0
    assert response["strategy_acc"] == 1.0
    signature = results["configs"]["csconv_mini_dialogue"]["metadata"]["csconv_signature"]
    assert signature["metrics"]["judge_overall"].startswith("dialogue-zh-2:fake@")
    assert "judge:" not in signature["line"]
    report = results["configs"]["csconv_mini_dialogue"]["metadata"]["csconv_report"]
    assert report["judged"] == 6
    assert report["turns"] > 60
    asked = sum(server.asked.values())
    evaluate(model, TASKS, metadata={"csconv_judge": config}, limit=6)
    assert sum(server.asked.values()) == asked + 2  # each judged task asks once whether the judge is there
    assert CANARY not in json.dumps(results, default=str, ensure_ascii=False)


def test_the_judge_of_a_run_and_a_judge_afterwards_share_a_column(config: str, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    judged = {"metadata": {"csconv_judge": config}, "limit": 6}
    write_run(folder, "org/judged-in-the-run", gold, date=1.0, **judged)
    later = write_run(folder, "org/judged-later", gold, date=2.0, limit=6)
    assert csconv("judge", later.parent, "--config", config).code == 0
    (table,) = build_board([folder], cache=tmp_path / "kept").tables
    (column,) = (c for c in table.columns if c.metric == "judge_overall")
    scores = {row.model: row.cells[column.id].value for row in table.rows}
    assert scores["org/judged-in-the-run"] == pytest.approx(scores["org/judged-later"])
    assert len(scores) == 2


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(status=401), "does not answer .HTTP 401.*check the key"),
        (Reply(status=500), "does not answer .HTTP 500"),
        (Reply(fate="reset"), "does not answer .the connection broke"),
    ],
)
def test_a_judge_that_does_not_answer_stops_the_run_before_generation(
    server: JudgeServer, config: str, reply: Reply, message: str
) -> None:
    server.behave = lambda *_: reply
    model = FunctionLM(gold)
    with pytest.raises(ConfigError, match=message):
        evaluate(model, TASKS, metadata={"csconv_judge": config}, limit=2)
    assert model.requests == []


def test_a_judge_that_dies_after_generation_costs_its_own_columns_only(
    server: JudgeServer, config: str
) -> None:
    server.behave = lambda *_: Reply(fate="reset") if sum(server.asked.values()) > 2 else None
    results = evaluate(FunctionLM(gold), TASKS, metadata={"csconv_judge": config}, limit=40)
    for task in TASKS[1:]:
        found = scores(results, task)
        assert math.isnan(found["judge_overall"])
        assert found["judge_coverage"] < 0.1
        assert found["rouge_l"] == 1.0
        assert found["strategy_acc"] == 1.0
        assert len(results["samples"][task]) == (40 if task.endswith("response") else 32)


def test_a_run_asks_again_for_what_is_no_verdict_and_stops_where_nothing_is(
    server: JudgeServer, config: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.behave = lambda text, before, _: Reply("不好说") if before == 0 and len(text) % 3 == 0 else None
    metadata = {"csconv_judge": config}
    results = evaluate(FunctionLM(gold), ["csconv_mini_response"], metadata=metadata, limit=40)
    assert scores(results, "csconv_mini_response")["judge_coverage"] == 1.0
    assert sum(server.asked.values()) > len(server.asked) + 5
    # The check before the run gets its verdict, and nothing after it does.
    before = sum(server.asked.values())
    server.behave = lambda *_: Reply("不好说") if sum(server.asked.values()) > before + 1 else None
    results = evaluate(
        FunctionLM(lambda _: "好的，请稍等。"), ["csconv_mini_response"], metadata=metadata, limit=40
    )
    assert math.isnan(scores(results, "csconv_mini_response")["judge_overall"])
    assert sum(server.asked.values()) <= before + 1 + 20
    assert "the judge stopped: fake: none of its first 20 answers is a verdict" in caplog.text


@pytest.mark.parametrize(
    ("value", "message"),
    [("nowhere.yaml", "nowhere.yaml: cannot be read"), (7, "must be the path of a judge")],
)
def test_a_wrong_configuration_stops_the_run_before_generation(value: Any, message: str) -> None:
    with pytest.raises(CSConvError, match=message):
        evaluate(FunctionLM(gold), TASKS, metadata={"csconv_judge": value}, limit=2)


@pytest.mark.slow
def test_lm_eval_itself_shows_the_columns_and_csconv_table_the_scores(
    server: JudgeServer, config: str, tmp_path: Path
) -> None:
    from csc_tasks.harness.registration import configs_folder

    command = [
        *(sys.executable, "-m", "lm_eval", "run", "--model", "dummy", "--tasks", "csconv_mini_response"),
        *("--metadata", json.dumps({"csconv_judge": config}), "--limit", "20", "--log_samples"),
        *("--include_path", str(configs_folder()), "--output_path", str(tmp_path / "out")),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "judge_groundedness" in done.stdout
    (log,) = tmp_path.glob("out/**/samples_*.jsonl")
    sample = json.loads(log.read_text().splitlines()[0])
    assert 1 <= sample["judge_overall"] <= 5
    assert CANARY not in done.stdout + done.stderr
    files = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert all(CANARY.encode() not in p.read_bytes() for p in files)


def test_the_doctor_says_whether_the_judge_answers(server: JudgeServer, config: str) -> None:
    from csc_tasks.doctor import diagnose

    def check() -> tuple[bool | None, str]:
        (found,) = (c for c in diagnose(judge=Path(config)) if c.name == "judge")
        return found.ok, found.detail

    assert check() == (True, f"fake answers at {server.url}, with a verdict")
    server.die()
    ok, detail = check()
    assert ok is False
    assert "the judge fake does not answer" in detail
    assert CANARY not in detail


@pytest.mark.slow
def test_role_plays_are_judged_whole_in_the_run_and_after_it(
    server: JudgeServer, config: str, tmp_path: Path
) -> None:
    task, out = "csconv_mini_roleplay", tmp_path / "out"
    options = {"csconv_judge": config, "csconv_trials": 2}
    judged = evaluate(supporter_lm(SupporterKind.GOOD), [task], metadata=options, limit=3)
    found = scores(judged, task)
    assert found["judge_coverage"] == found["resolved"] == 1.0
    assert 1 <= found["judge_overall"] <= 5
    assert server.paid.total() == 2 * 3 + 1, "a verdict a role-play, and the question that tries the judge"
    shown = judged_text(server.requests[-1]["messages"][-1]["content"])
    assert "客户:" in shown
    assert "客服: [礼貌问候]" in shown
    sample = judged["samples"][task][0]
    assert [len(sample[name]) for name in ("judge_overall", "resolved")] == [2, 2]
    done = lm_eval("--model", "dummy", "--tasks", task, "--limit", 2, "--output_path", out, "--log_samples")
    assert done.code == 0, done.err
    after = csconv("judge", out, "--config", config)
    assert after.code == 0, after.err
    assert "role-play" in csconv("table", out).out.lower()
