"""`csconv judge` on saved runs, against a real local endpoint: what it writes and prints."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")

from csc_tasks.install import install_hint
from csc_tasks.judging.config import JudgeConfig
from csc_tasks.judging.keeper import open_cache
from csc_tasks.judging.saved_run import JudgedLog
from csc_tasks.leaderboards.build import build_board
from csc_tasks.metrics.judge import load_rubric
from csc_tasks.results.find_logs import find_logs
from tests.door import csconv
from tests.judge_server import JudgeServer, Reply, true_verdict
from tests.judging.runs import TURNS, configured, log_of, verdicts_of


def test_judging_a_folder_writes_verdicts_results_and_a_table(saved: Path, server: JudgeServer) -> None:
    before = {p: p.read_bytes() for p in saved.rglob("*") if p.is_file()}
    config = configured(server, saved.parent, input_price=1.0, output_price=2.0)
    done = csconv("judge", saved, "--config", config)
    assert done.code == 0, done.err
    written = [Path(line) for line in done.out.splitlines()]
    assert len(written) == 4
    assert done.err.count("skipped") == 2  # the strategy task writes no text
    assert {p: p.read_bytes() for p in before} == before
    for path in written:
        content = json.loads(path.read_text())
        ((task, values),) = content["results"].items()
        judged = content["csconv_judged"]
        assert judged["coverage"] == values["judge_coverage,none"] == 1.0
        assert judged["withheld"] == ""
        verdicts = verdicts_of(path.parent / judged["samples"])
        assert len(verdicts) == judged["statuses"]["scored"] == values["sample_len"]
        rubric = load_rubric("dialogue-zh-2" if "dialogue" in task else "turn-zh-2")
        for dimension in rubric.dimensions:
            mean = sum(v["scores"][dimension.name] for v in verdicts) / len(verdicts)
            assert values[f"judge_{dimension.name},none"] == pytest.approx(mean, abs=1e-12)
            assert 0 < values[f"judge_{dimension.name}_stderr,none"] < 1
        line = content["configs"][task]["metadata"]["csconv_signature"]["line"]
        assert f"|judge:{rubric.name}:fake@" in line
    (table,) = build_board([saved]).tables
    (overall,) = (c for c in table.columns if c.id == "response/reference/judge_overall")
    assert {r.model for r in table.rows if overall.id in r.cells} == {"csconv-random", "csconv-shuffle"}
    assert "Judge coverage ↑" in csconv("table", saved).out
    asked = sum(server.asked.values())
    again = csconv("judge", saved, "--config", config)
    assert again.code == 0
    assert again.out == done.out
    assert sum(server.asked.values()) == asked


def test_a_verdict_belongs_to_the_very_turn_it_names(saved: Path, server: JudgeServer) -> None:
    log = log_of(saved)
    assert csconv("judge", log, "--config", configured(server, saved.parent)).code == 0
    replies = {
        (s["doc"]["conversation"], s["doc"]["turn"]): re.sub(r"^\[.*?\] ?", "", s["resps"][0][0])
        for s in map(json.loads, log.read_text().splitlines())
    }
    rubric = load_rubric("turn-zh-2")
    for verdict in verdicts_of(log):
        reply = replies[verdict["conversation"], verdict["turn"]]
        assert verdict["scores"] == true_verdict(rubric, reply)


def test_the_reference_is_another_judge_than_without_it(saved: Path, server: JudgeServer) -> None:
    config = configured(server, saved.parent)
    log = log_of(saved)
    plain = csconv("judge", log, "--config", config, "--sample", "5")
    shown = csconv("judge", log, "--config", config, "--sample", "5", "--with-reference")
    assert plain.out != shown.out
    reference = json.loads(log.read_text().splitlines()[0])["doc"]["reference"]
    prompts = [r["messages"][1]["content"] for r in server.requests]
    assert sum("数据集的参考回复" in p for p in prompts) == 5
    lines = [
        json.loads(Path(d.out.strip()).read_text())["configs"]["csconv_mini_response"]["metadata"][
            "csconv_signature"
        ]["line"]
        for d in (plain, shown)
    ]
    assert "|judge:turn-zh-2:fake" in lines[0]
    assert "|judge:turn-zh-2+ref:fake" in lines[1]
    assert reference


def test_a_dry_run_counts_and_asks_nothing(saved: Path, server: JudgeServer) -> None:
    config = configured(server, saved.parent, input_price=1.0, output_price=2.0)
    before = {p.name for p in saved.rglob("*")}
    done = csconv("judge", log_of(saved), "--config", config, "--dry-run")
    assert done.code == 0, done.err
    assert re.search(rf"turn-zh-2 +│ +{TURNS} │ +0 │ +{TURNS} │ +[\d,]+ │ +[\d,]+ │ +\d+\.\d\d USD", done.out)
    assert not server.asked
    assert {p.name for p in saved.rglob("*")} - before <= {"judge_cache.sqlite"}


def test_a_used_up_budget_is_exit_code_3_and_withholds_the_scores(saved: Path, server: JudgeServer) -> None:
    config = configured(server, saved.parent, input_price=10.0, output_price=100.0, max_tokens=200)
    done = csconv("judge", log_of(saved), "--config", config, "--budget", "1.00")
    assert done.code == 3, done.err
    assert "the budget is used up; the same command goes on from here" in done.err
    assert re.search(r"scores withheld: coverage 0.\d+ is below min_coverage 0.98 \(\d+ skipped of", done.err)
    spent = sum(server.paid.values()) * 0.02
    assert 0.9 < spent <= 1.0
    ((values),) = json.loads(Path(done.out.strip()).read_text())["results"].values()
    assert values["judge_overall,none"] != values["judge_overall,none"]  # NaN
    assert values["judge_overall_stderr,none"] == "N/A"
    assert 0.1 < values["judge_coverage,none"] < 0.3
    rest = csconv("judge", log_of(saved), "--config", config)
    assert rest.code == 0
    assert rest.out == done.out
    assert set(server.paid.values()) == {1}


def test_failures_lower_the_coverage_and_enter_no_mean(saved: Path, server: JudgeServer) -> None:
    config = configured(server, saved.parent, retries=0, min_coverage=0.5)

    def behave(text: str, _: int, request: dict[str, Any]) -> Reply | None:
        kinds = (None, None, None, Reply("不好说"), Reply("", finish="content_filter"), Reply(status=500))
        return kinds[sum(text.encode()) % len(kinds)]

    server.behave = behave
    log = log_of(saved)
    done = csconv("judge", log, "--config", config)
    assert done.code == 0, done.err
    content = json.loads(Path(done.out.strip()).read_text())
    statuses = content["csconv_judged"]["statuses"]
    assert all(statuses[name] > 0 for name in ("scored", "unparsable", "refused", "failed"))
    scored = [v for v in verdicts_of(log) if v["status"] == "scored"]
    values = content["results"]["csconv_mini_response"]
    assert values["judge_empathy,none"] == pytest.approx(
        sum(v["scores"]["empathy"] for v in scored) / len(scored)
    )
    assert values["judge_coverage,none"] == pytest.approx(len(scored) / TURNS)
    assert re.search(r"\d+ × unparsable: no verdict in the answer", done.err)
    # A stricter threshold withholds them, from the same verdicts.
    server.behave = lambda *_: Reply("不好说")
    strict = csconv("judge", log, "--config", configured(server, saved.parent, min_coverage=0.98))
    assert strict.code == 4
    assert "scores withheld: coverage" in strict.err


def test_a_lost_cache_is_filled_again_from_the_log(saved: Path, server: JudgeServer) -> None:
    config = configured(server, saved.parent)
    log = log_of(saved)
    assert csconv("judge", log, "--config", config).code == 0
    asked = sum(server.asked.values())
    (cache,) = saved.rglob("judge_cache.sqlite")
    cache.write_text("this is not SQLite, it is a note to myself" * 50)
    spoilt = csconv("judge", log, "--config", config)
    assert spoilt.code == 1
    assert re.search(r"judge_cache.sqlite: not a sound SQLite file.*remove it or name another", spoilt.err)
    assert "Traceback" not in spoilt.err
    cache.unlink()
    assert csconv("judge", log, "--config", config).code == 0
    assert sum(server.asked.values()) == asked


def test_without_the_extra_the_command_says_what_to_install(
    tmp_path: Path, server: JudgeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    done = csconv("judge", tmp_path, "--config", configured(server, tmp_path))
    assert (done.code, done.out) == (1, "")
    assert done.err == f"csconv: the judge needs aiohttp: {install_hint('judge')}\n"
    assert csconv("judge", "--help").code == 0


def test_a_journal_of_an_older_csconv_answers_everything(old_results: Path) -> None:
    """With no server running: the keys of kept verdicts are what they were."""
    folder, config = old_results / "judged", old_results / "judge.yaml"
    before = {p: json.loads(p.read_text()) for p in folder.rglob("results_*_judged_*.json")}
    assert len(before) == 2
    dry = csconv("judge", folder, "--config", config, "--rubric", "zh-1", "--dry-run")
    assert dry.code == 0, dry.err
    assert re.search(r"sum +│ +│ +72 │ +72 │ +0 │", dry.out), dry.out
    done = csconv("judge", folder, "--config", config, "--rubric", "zh-1")
    assert done.code == 0, done.err
    assert sorted(done.out.splitlines()) == sorted(map(str, before))
    for path, old in before.items():
        new = json.loads(path.read_text())
        assert new["results"] == old["results"]
        assert new["csconv_judged"]["sums"] == old["csconv_judged"]["sums"]
        assert (new["csconv_judged"]["asked"], new["csconv_judged"]["coverage"]) == (0, 1.0)


def test_mistakes_in_the_call_are_one_message(saved: Path, server: JudgeServer, tmp_path: Path) -> None:
    config = configured(server, saved.parent)
    empty = tmp_path / "empty"
    empty.mkdir()
    cases = [
        ([saved], "Missing option '--config'"),
        ([saved, "--config", tmp_path / "none.yaml"], "none.yaml: cannot be read"),
        (
            [saved, "--config", config, "--rubric", "turn-zh-7"],
            "no rubric 'turn-zh-7'; there are dialogue-zh-1",
        ),
        ([saved, "--config", config, "--rubric", "pairwise-zh-2"], "use it with --pairwise"),
        ([saved, "--config", config, "--budget", "1"], "--budget needs input_price and output_price"),
        ([log_of(saved, task="strategy"), "--config", config], "nothing to judge among these logs"),
        ([empty, "--config", config], "no csconv sample logs"),
    ]
    for arguments, message in cases:
        done = csconv("judge", *arguments)
        assert done.code in (1, 2)
        assert message in re.sub(r"\s+", " ", done.err.replace("│", " ")), done.err
        assert "Traceback" not in done.err
    assert not server.asked


def test_judging_works_where_an_event_loop_is_running(
    saved: Path, server: JudgeServer, tmp_path: Path
) -> None:
    (log,) = find_logs([log_of(saved)])
    judged = JudgedLog(
        log, load_rubric("turn-zh-2"), JudgeConfig(model="m", base_url=server.url), sample_size=5
    )

    async def cell() -> None:
        cache = open_cache(tmp_path / "cache.sqlite")
        judgement, _ = judged.run(cache)
        assert judgement.coverage == 1.0
        cache.close()

    asyncio.run(cell())
    assert threading.active_count() < 20
