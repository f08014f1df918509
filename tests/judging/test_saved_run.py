"""`csconv judge` on saved runs, against a real local endpoint: what it writes, and what it survives."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pydantic", reason="needs csconv-eval[judge]")

from csc_tasks.data.conversations import Speaker
from csc_tasks.data.sources import load
from csc_tasks.install import install_hint
from csc_tasks.judging.config import JudgeConfig
from csc_tasks.judging.samples import samples_of_log
from csc_tasks.judging.saved_run import JudgedLog, rubric_for
from csc_tasks.leaderboards.build import build_board
from csc_tasks.metrics.judge import load_rubric
from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.results.sample_log import find_logs
from tests.judge_server import JudgeServer, Reply, true_verdict

CANARY = "sk-canary-4f1b9d27"
TEXTS = load_prompt()


def csconv(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "csc_tasks.commands", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "HF_HUB_OFFLINE": "1", **environment},
        timeout=120,
    )


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs of two baselines, written by lm_eval itself."""
    folder = tmp_path_factory.mktemp("run")
    for kind in ("random", "shuffle"):
        tasks = "csconv_mini_response,csconv_mini_dialogue,csconv_mini_strategy"
        done = csconv("floor", kind, "--tasks", tasks, "--output_path", folder, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def saved(original: Path, tmp_path: Path) -> Path:
    """A copy of it to work on."""
    return Path(shutil.copytree(original, tmp_path / "runs"))


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    with JudgeServer() as running:
        yield running


def configured(server: JudgeServer, folder: Path, **fields: Any) -> Path:
    settings = {"model": "fake", "base_url": server.url, "backoff": 0.01, "timeout": 5, **fields}
    path = folder / "judge.yaml"
    path.write_text("".join(f"{name}: {json.dumps(value)}\n" for name, value in settings.items()))
    return path


def log_of(saved: Path, model: str = "random", task: str = "response") -> Path:
    (path,) = saved.glob(f"csconv-{model}/samples_csconv_mini_{task}_*")
    return path


def verdicts_of(log: Path) -> list[dict[str, Any]]:
    paths = log.parent.glob(f"verdicts_{log.stem.removeprefix('samples_')}_*.jsonl")
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


pytestmark = pytest.mark.slow
TURNS = sum(len(c.supporter_turns) for c in load("mini").conversations)


def test_what_is_judged_of_a_dialogue_is_the_gold_customer_and_the_models_own_turns(saved: Path) -> None:
    (log,) = find_logs([log_of(saved, task="dialogue")])
    samples = [json.loads(line) for line in log.path.read_text().splitlines()]
    subjects = list(samples_of_log(log, load_rubric("dialogue-zh-1")))
    gold = {c.id: c for c in load("mini").conversations}
    assert [s.conversation for s in subjects] == [s["doc"]["conversation"] for s in samples]
    for subject, sample in zip(subjects, samples, strict=True):
        lines = subject.fields["dialogue"].splitlines()
        until = gold[subject.conversation].supporter_turns[-1]
        heard = [
            f"客户: {u.text}"
            for u in gold[subject.conversation].utterances[:until]
            if u.speaker is Speaker.CUSTOMER
        ]
        assert [line for line in lines if line.startswith("客户:")] == heard
        own = [f"客服: {replies[0]}" for replies in sample["resps"]]
        assert [line for line in lines if line.startswith("客服:")] == own
    turns = list(samples_of_log(log, load_rubric("turn-zh-1")))
    assert len(turns) == TURNS
    assert turns[1].fields["history"].splitlines()[0] == f"客服: {samples[0]['resps'][0][0]}"


def test_judging_a_folder_writes_verdicts_results_and_a_table(saved: Path, server: JudgeServer) -> None:
    before = {p: p.read_bytes() for p in saved.rglob("*") if p.is_file()}
    config = configured(server, saved.parent, input_price=1.0, output_price=2.0)
    done = csconv("judge", saved, "--config", config, cwd=saved)
    assert done.returncode == 0, done.stderr
    written = [Path(line) for line in done.stdout.splitlines()]
    assert len(written) == 4
    assert done.stderr.count("skipped") == 2  # the strategy task writes no text
    assert {p: p.read_bytes() for p in before} == before
    for path in written:
        content = json.loads(path.read_text())
        ((task, values),) = content["results"].items()
        judged = content["csconv_judged"]
        assert judged["coverage"] == values["judge_coverage,none"] == 1.0
        assert judged["withheld"] == ""
        verdicts = verdicts_of(path.parent / judged["samples"])
        assert len(verdicts) == judged["statuses"]["scored"] == values["sample_len"]
        rubric = load_rubric("dialogue-zh-1" if "dialogue" in task else "turn-zh-1")
        for dimension in rubric.dimensions:
            mean = sum(v["scores"][dimension.name] for v in verdicts) / len(verdicts)
            assert values[f"judge_{dimension.name},none"] == pytest.approx(mean, abs=1e-12)
            assert 0 < values[f"judge_{dimension.name}_stderr,none"] < 1
        line = content["configs"][task]["metadata"]["csconv_signature"]["line"]
        assert f"|judge:{rubric.name}:fake@" in line
    (table,) = build_board([saved]).tables
    (overall,) = (c for c in table.columns if c.id == "response/reference/judge_overall")
    assert {r.model for r in table.rows if overall.id in r.cells} == {"csconv-random", "csconv-shuffle"}
    assert "Judge coverage ↑" in csconv("table", saved, cwd=saved).stdout
    asked = sum(server.asked.values())
    again = csconv("judge", saved, "--config", config, cwd=saved)
    assert again.returncode == 0
    assert again.stdout == done.stdout
    assert sum(server.asked.values()) == asked


def test_a_verdict_belongs_to_the_very_turn_it_names(saved: Path, server: JudgeServer) -> None:
    log = log_of(saved)
    assert csconv("judge", log, "--config", configured(server, saved.parent), cwd=saved).returncode == 0
    replies = {
        (s["doc"]["conversation"], s["doc"]["turn"]): re.sub(r"^\[.*?\] ?", "", s["resps"][0][0])
        for s in map(json.loads, log.read_text().splitlines())
    }
    rubric = load_rubric("turn-zh-1")
    for verdict in verdicts_of(log):
        reply = replies[verdict["conversation"], verdict["turn"]]
        assert verdict["scores"] == true_verdict(rubric, reply)


def test_the_reference_is_another_judge_than_without_it(saved: Path, server: JudgeServer) -> None:
    config = configured(server, saved.parent)
    log = log_of(saved)
    plain = csconv("judge", log, "--config", config, "--sample", 5, cwd=saved)
    shown = csconv("judge", log, "--config", config, "--sample", 5, "--with-reference", cwd=saved)
    assert plain.stdout != shown.stdout
    reference = json.loads(log.read_text().splitlines()[0])["doc"]["reference"]
    prompts = [r["messages"][1]["content"] for r in server.requests]
    assert sum("仅供参考" in p for p in prompts) == 5
    lines = [
        json.loads(Path(d.stdout.strip()).read_text())["configs"]["csconv_mini_response"]["metadata"][
            "csconv_signature"
        ]["line"]
        for d in (plain, shown)
    ]
    assert "|judge:turn-zh-1:fake" in lines[0]
    assert "|judge:turn-zh-1+ref:fake" in lines[1]
    assert reference


def test_a_sample_is_stratified_and_the_same_for_every_model(saved: Path, server: JudgeServer) -> None:
    config = JudgeConfig(model="m", base_url=server.url)
    chosen, topics = [], []
    for model in ("random", "shuffle"):
        (log,) = find_logs([log_of(saved, model)])
        rubric = rubric_for(log, None)
        assert rubric is not None
        judged = JudgedLog(log, rubric, config, sample=100)
        chosen.append(judged.chosen)
        topics.append({s.conversation for s in judged.subjects()})
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == 100
    topic = {c.id: c.topic for c in load("mini").conversations}
    counts = [sum(topic[c] == t for c, _ in chosen[0]) for t in set(topic.values())]
    assert max(counts) - min(counts) <= 6  # eight topics, four conversations each
    (log,) = find_logs([log_of(saved)])
    larger = JudgedLog(log, load_rubric("turn-zh-1"), config, sample=200).chosen
    assert len(larger & chosen[0]) > 85


def test_a_dry_run_counts_and_asks_nothing(saved: Path, server: JudgeServer) -> None:
    config = configured(server, saved.parent, input_price=1.0, output_price=2.0)
    before = {p.name for p in saved.rglob("*")}
    done = csconv("judge", log_of(saved), "--config", config, "--dry-run", cwd=saved)
    assert done.returncode == 0, done.stderr
    assert re.search(
        rf"turn-zh-1 +│ +{TURNS} │ +0 │ +{TURNS} │ +[\d,]+ │ +[\d,]+ │ +\d+\.\d\d USD", done.stdout
    )
    assert not server.asked
    assert {p.name for p in saved.rglob("*")} - before <= {"judge_cache.sqlite"}


def test_a_used_up_budget_is_exit_code_3_and_withholds_the_scores(saved: Path, server: JudgeServer) -> None:
    config = configured(server, saved.parent, input_price=10.0, output_price=100.0, max_tokens=200)
    done = csconv("judge", log_of(saved), "--config", config, "--budget", "1.00", cwd=saved)
    assert done.returncode == 3, done.stderr
    assert "the budget is used up; the same command goes on from here" in done.stderr
    assert re.search(
        r"scores withheld: coverage 0.\d+ is below min_coverage 0.98 \(\d+ skipped of", done.stderr
    )
    spent = sum(server.paid.values()) * 0.02
    assert 0.9 < spent <= 1.0
    ((values),) = json.loads(Path(done.stdout.strip()).read_text())["results"].values()
    assert values["judge_overall,none"] != values["judge_overall,none"]  # NaN
    assert values["judge_overall_stderr,none"] == "N/A"
    assert 0.1 < values["judge_coverage,none"] < 0.3
    rest = csconv("judge", log_of(saved), "--config", config, cwd=saved)
    assert rest.returncode == 0
    assert rest.stdout == done.stdout
    assert set(server.paid.values()) == {1}


def test_failures_lower_the_coverage_and_enter_no_mean(saved: Path, server: JudgeServer) -> None:
    config = configured(server, saved.parent, retries=0, min_coverage=0.5)

    def behave(text: str, _: int, request: dict[str, Any]) -> Reply | None:
        kinds = (None, None, None, Reply("不好说"), Reply("", finish="content_filter"), Reply(status=500))
        return kinds[sum(text.encode()) % len(kinds)]

    server.behave = behave
    log = log_of(saved)
    done = csconv("judge", log, "--config", config, cwd=saved)
    assert done.returncode == 0, done.stderr
    content = json.loads(Path(done.stdout.strip()).read_text())
    statuses = content["csconv_judged"]["statuses"]
    assert all(statuses[name] > 0 for name in ("scored", "unparsable", "refused", "failed"))
    scored = [v for v in verdicts_of(log) if v["status"] == "scored"]
    values = content["results"]["csconv_mini_response"]
    assert values["judge_empathy,none"] == pytest.approx(
        sum(v["scores"]["empathy"] for v in scored) / len(scored)
    )
    assert values["judge_coverage,none"] == pytest.approx(len(scored) / TURNS)
    assert re.search(r"\d+ × unparsable: no verdict in the answer", done.stderr)
    # A stricter threshold withholds them, from the same verdicts.
    server.behave = lambda *_: Reply("不好说")
    strict = csconv("judge", log, "--config", configured(server, saved.parent, min_coverage=0.98), cwd=saved)
    assert "scores withheld: coverage" in strict.stderr


# --- what may happen to a run ---


def start(saved: Path, log: Path, config: Path, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "csc_tasks.commands", "judge", str(log), "--config", str(config)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=saved,
        env={**os.environ, **environment},
    )


def wait_for(server: JudgeServer, count: int) -> None:
    deadline = time.monotonic() + 60
    while sum(server.paid.values()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_run_that_waits_for_its_rate_limit_can_be_interrupted(saved: Path, server: JudgeServer) -> None:
    # The next question may go out in a minute; nobody waits for that.
    process = start(saved, log_of(saved), configured(server, saved.parent, requests_per_minute=1))
    wait_for(server, 1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=40)
    assert process.returncode == 130, err
    assert [v["status"] for v in verdicts_of(log_of(saved))] == ["scored"]
    assert sum(server.asked.values()) == 1


@pytest.mark.parametrize("moment", [1, 57, 203])
def test_a_killed_run_repeats_at_most_what_was_under_way(
    saved: Path, server: JudgeServer, moment: int
) -> None:
    server.latency = 0.01
    config = configured(server, saved.parent, concurrency=8)
    log = log_of(saved)
    process = start(saved, log, config)
    wait_for(server, moment)
    process.kill()
    process.communicate()
    time.sleep(0.1)
    server.latency = 0
    done = csconv("judge", log, "--config", config, cwd=saved)
    assert done.returncode == 0, done.stderr
    assert len(verdicts_of(log)) == TURNS
    assert sum(server.asked.values()) <= len(server.asked) + 8
    assert len({v["key"] for v in verdicts_of(log)}) == len(server.asked)


def test_an_interrupted_run_ends_cleanly_and_goes_on_later(saved: Path, server: JudgeServer) -> None:
    server.latency = 0.05
    config = configured(server, saved.parent, concurrency=8)
    log = log_of(saved)
    process = start(saved, log, config)
    wait_for(server, 30)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "interrupted; the same command goes on from here" in err
    assert "Traceback" not in err
    assert out == ""
    assert len(verdicts_of(log)) == sum(server.paid.values())  # what was under way was waited for
    server.latency = 0
    assert csconv("judge", log, "--config", config, cwd=saved).returncode == 0
    assert set(server.paid.values()) == {1}


def test_two_runs_at_once_share_the_work_and_pay_once(saved: Path, server: JudgeServer) -> None:
    server.latency = 0.01
    config = configured(server, saved.parent, concurrency=4)
    log = log_of(saved)
    runs = [start(saved, log, config) for _ in range(2)]
    results = [run.communicate(timeout=90) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], results
    assert set(server.paid.values()) == {1}
    assert results[0][0] == results[1][0]
    content = json.loads(Path(results[0][0].strip()).read_text())
    assert content["csconv_judged"]["coverage"] == 1.0
    assert all(re.search(r"\(([1-9]\d*) from earlier", err) for _, err in results)  # both did some of it


def test_a_lost_cache_is_filled_again_from_the_log(saved: Path, server: JudgeServer) -> None:
    config = configured(server, saved.parent)
    log = log_of(saved)
    assert csconv("judge", log, "--config", config, cwd=saved).returncode == 0
    asked = sum(server.asked.values())
    (cache,) = saved.rglob("judge_cache.sqlite")
    cache.write_text("this is not SQLite, it is a note to myself" * 50)
    spoilt = csconv("judge", log, "--config", config, cwd=saved)
    assert spoilt.returncode == 1
    assert re.search(r"judge_cache.sqlite: not a sound SQLite file.*remove it or name another", spoilt.stderr)
    assert "Traceback" not in spoilt.stderr
    cache.unlink()
    assert csconv("judge", log, "--config", config, cwd=saved).returncode == 0
    assert sum(server.asked.values()) == asked
    cache.unlink()
    shutil.rmtree(log.parent, ignore_errors=False) if False else None


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.argv = ["csconv", *sys.argv[2:]]
from csc_tasks.commands import main
main()
"""


@pytest.mark.parametrize(("size", "file"), [(200_000, "judge_cache.sqlite"), (150_000, "verdicts_")])
def test_a_disk_that_runs_full_loses_no_paid_verdict(
    saved: Path, server: JudgeServer, tmp_path: Path, size: int, file: str
) -> None:
    # A limit on file size is what a full disk is to one file: the write fails, at some byte.
    config = configured(server, saved.parent, concurrency=4)
    log, cache = log_of(saved), tmp_path / "judge_cache.sqlite"
    if file == "verdicts_":
        # The cache is complete and needs no room; the log grows until it may not.
        assert (
            csconv("judge", log, "--config", config, "--sample", 3, "--cache", cache, cwd=saved).returncode
            == 0
        )
    arguments = ["judge", log, "--config", config, "--cache", cache]
    limited = subprocess.run(
        [sys.executable, "-c", LIMITED, str(size), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=saved,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert limited.returncode == 1, limited.stderr
    assert "Traceback" not in limited.stderr
    assert "run the same command again" in limited.stderr
    paid = sum(server.paid.values())
    assert 0 < paid < TURNS
    for rescued in tmp_path.glob("csconv_verdicts_*.jsonl"):
        (journal,) = log.parent.glob("verdicts_*.jsonl")
        with journal.open("a") as out:
            out.write(rescued.read_text())
    done = csconv(*arguments, cwd=saved)
    assert done.returncode == 0, done.stderr
    assert set(server.paid.values()) == {1}


def _escaped(text: str) -> bytes:
    """JSON with the key's letters as escapes, which a search in the response does not find."""
    written = "".join(f"\\u{ord(c):04x}" for c in CANARY)
    body = text if text.startswith("{") else json.dumps({"error": {"message": text}})
    return body.replace(CANARY, written).encode()


FAULTS: dict[str, Any] = {
    "refused key": lambda r: Reply(status=401, body=f"no such key: {CANARY}".encode()),
    "echo": lambda r: Reply(status=500, body=json.dumps({"error": {"message": f"Bearer {CANARY}"}}).encode()),
    "echo in a page": lambda r: Reply(
        status=502, body=f"<html>Authorization: Bearer {CANARY}</html>".encode()
    ),
    "echo in other characters": lambda r: Reply(body=_escaped(f"HTTP 429: {CANARY}"), status=500),
    "verdict in other characters": lambda r: Reply(
        body=_escaped(json.dumps({"choices": [{"message": {"content": f"I know {CANARY}"}}]}))
    ),
    "echo in a verdict": lambda r: Reply(json.dumps({"reason": CANARY, "empathy": 3})),
    "poisoned": lambda r: Reply(status=400, body=f'{{"error": "{CANARY}"}}'.encode()),
    "refusal": lambda r: Reply(None, message={"refusal": f"not with {CANARY}"}),
    "redirect": lambda r: Reply(status=302, headers={"Location": f"http://127.0.0.1:9/{CANARY}"}),
    "reset": lambda r: Reply(fate="reset"),
    "half": lambda r: Reply(body=f'{{"key": "{CANARY}'.encode()),
    "bad header": lambda r: Reply(headers={"Content-Type\r\n\r\n": CANARY}),
    "hang": lambda r: Reply(fate="hang"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_key_shows_up_nowhere_whatever_happens(saved: Path, server: JudgeServer, fault: str) -> None:
    fields = {"api_key_env": "JUDGE_KEY", "retries": 1, "timeout": 0.3, "concurrency": 2}
    config = configured(server, saved.parent, **fields)
    server.behave = lambda text, before, request: FAULTS[fault](request)
    done = csconv(
        *("--debug", "judge", log_of(saved), "--config", config, "--sample", 4),
        cwd=saved,
        JUDGE_KEY=CANARY,
        PYTHONASYNCIODEBUG="1",
    )
    assert any(CANARY in head for head in server.headers)  # it was sent
    assert CANARY not in done.stdout + done.stderr
    for path in saved.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path


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
        ([saved, "--config", config, "--rubric", "pairwise-zh-1"], "use it with --pairwise"),
        ([saved, "--config", config, "--budget", "1"], "--budget needs input_price and output_price"),
        ([log_of(saved, task="strategy"), "--config", config], "nothing to judge among these logs"),
        ([empty, "--config", config], "no csconv sample logs"),
    ]
    for arguments, message in cases:
        done = csconv("judge", *arguments, cwd=saved)
        assert done.returncode in (1, 2)
        assert message in re.sub(r"\s+", " ", done.stderr.replace("│", " ")), done.stderr
        assert "Traceback" not in done.stderr
    assert not server.asked


def test_judging_works_where_an_event_loop_is_running(
    saved: Path, server: JudgeServer, tmp_path: Path
) -> None:
    import asyncio

    from csc_tasks.chat.cache import VerdictCache

    (log,) = find_logs([log_of(saved)])
    judged = JudgedLog(log, load_rubric("turn-zh-1"), JudgeConfig(model="m", base_url=server.url), sample=5)

    async def cell() -> None:
        cache = VerdictCache(tmp_path / "cache.sqlite")
        judgement, _ = judged.run(cache)
        assert judgement.coverage == 1.0
        cache.close()

    asyncio.run(cell())
    assert threading.active_count() < 20


def test_without_the_extra_the_command_says_what_to_install(saved: Path, server: JudgeServer) -> None:
    program = "import sys; sys.modules['aiohttp'] = None\nfrom csc_tasks.commands import main; main()"
    command = [
        sys.executable,
        "-c",
        program,
        "judge",
        str(saved),
        "--config",
        str(configured(server, saved.parent)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"csconv: the judge needs aiohttp: {install_hint('judge')}\n"
    assert subprocess.run([*command[:3], "--help"], capture_output=True, check=False).returncode == 0


# --- pairs, probe, agreement ---


def test_pairs_are_asked_in_both_orders_and_come_to_a_win_rate(saved: Path, server: JudgeServer) -> None:
    def behave(text: str, _: int, request: dict[str, Any]) -> Reply:
        # A judge of length: the longer reply wins, and the first where they are equally long.
        first, second = re.findall(
            r"【回复.】\n<<<\w+ 开始>>>\n(.*?)\n<<<", request["messages"][1]["content"], re.S
        )
        winner = "甲" if len(first) >= len(second) else "乙"
        return Reply(json.dumps({"reason": "长", "winner": winner}, ensure_ascii=False))

    server.behave = behave
    config = configured(server, saved.parent)
    call = ("judge", "--pairwise", saved / "csconv-random", saved / "csconv-shuffle", "--config", config)
    done = csconv(*call, "--sample", 60, cwd=saved)
    assert done.returncode == 0, done.stderr
    content = json.loads(Path(done.stdout.splitlines()[-1]).read_text())
    (pairing,) = content["pairings"]
    assert (pairing["first"], pairing["second"]) == ("csconv-random", "csconv-shuffle")
    assert pairing["pairs"] == pairing["wins"] + pairing["ties"] + pairing["losses"] == 60
    assert pairing["low"] < pairing["win_rate"] < pairing["high"]
    assert pairing["length"] > 0.8
    assert pairing["missing"] == 0
    assert sum(server.asked.values()) <= 120
    equally_long = pairing["flips"] * 60
    assert equally_long == pytest.approx(pairing["ties"])
    asked = sum(server.asked.values())
    assert csconv(*call, "--sample", 60, cwd=saved).stdout == done.stdout
    assert sum(server.asked.values()) == asked
    dry = csconv(*call, "--dry-run", cwd=saved, COLUMNS="200")
    (row,) = re.findall(r"csconv-random against csconv-shuffle *│(.*)│", dry.stdout)
    rubric, pairs, known, requests, *_ = (cell.strip() for cell in row.split("│"))
    assert rubric == "pairwise-zh-1"
    assert int(known) == asked == int(pairs) - int(requests)


def test_a_win_rate_of_too_few_pairs_is_withheld(saved: Path, server: JudgeServer) -> None:
    def behave(text: str, before: int, request: dict[str, Any]) -> Reply | None:
        return Reply("不好说") if sum(text.encode()) % 4 == 0 else None

    server.behave = behave
    config = configured(server, saved.parent)
    call = ("judge", "--pairwise", saved / "csconv-random", saved / "csconv-shuffle", "--config", config)
    done = csconv(*call, "--sample", 40, cwd=saved)
    assert done.returncode == 0, done.stderr
    assert re.search(r"win rate withheld: coverage 0\.\d+ is below min_coverage 0\.98", done.stderr)
    (pairing,) = json.loads(Path(done.stdout.splitlines()[-1]).read_text())["pairings"]
    assert pairing["win_rate"] != pairing["win_rate"]  # NaN
    assert pairing["pairs"] + pairing["missing"] == 40
    assert pairing["coverage"] == pytest.approx(pairing["pairs"] / 40)
    loose = csconv(
        *(*call[:-1], configured(server, saved.parent, min_coverage=0.1), "--sample", 40), cwd=saved
    )
    assert "withheld" not in loose.stdout + loose.stderr


def test_models_are_compared_over_the_turns_that_all_of_them_have(saved: Path, server: JudgeServer) -> None:
    log = log_of(saved, "shuffle")
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[: len(lines) // 2]))
    config = configured(server, saved.parent)
    call = ("judge", "--pairwise", saved / "csconv-random", saved / "csconv-shuffle", "--config", config)
    done = csconv(*call, "--sample", 40, cwd=saved)
    assert done.returncode == 0, done.stderr
    (pairing,) = json.loads(Path(done.stdout.splitlines()[-1]).read_text())["pairings"]
    assert pairing["pairs"] == 40


def test_three_models_are_rated(saved: Path, server: JudgeServer) -> None:
    pytest.importorskip("evalica", reason="needs csconv-eval[judge]")
    third = Path(shutil.copytree(saved / "csconv-shuffle", saved / "polite"))
    log = next(third.glob("samples_csconv_mini_response_*"))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        reply = json.loads(line["filtered_resps"][0])
        line["filtered_resps"] = [
            json.dumps({**reply, "text": reply["text"] + "谢谢您！"}, ensure_ascii=False)
        ]
    log.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))

    def behave(text: str, _: int, request: dict[str, Any]) -> Reply:
        first, second = re.findall(
            r"【回复.】\n<<<\w+ 开始>>>\n(.*?)\n<<<", request["messages"][1]["content"], re.S
        )
        marks = [reply.endswith("谢谢您！") for reply in (first, second)]
        winner = "平" if marks[0] == marks[1] else "甲乙"[marks[1]]
        return Reply(json.dumps({"reason": "礼貌", "winner": winner}, ensure_ascii=False))

    server.behave = behave
    config = configured(server, saved.parent)
    folders = [saved / "csconv-random", saved / "csconv-shuffle", third]
    done = csconv("judge", "--pairwise", *folders, "--config", config, "--sample", 30, cwd=saved)
    assert done.returncode == 0, done.stderr
    ratings = json.loads(Path(done.stdout.splitlines()[-1]).read_text())["ratings"]
    assert ratings["models"][0] == "polite"
    assert ratings["low"][0] > ratings["high"][1]
    assert "Bradley-Terry" in done.stdout


def test_mistakes_in_a_comparison_are_one_message(saved: Path, server: JudgeServer) -> None:
    config = configured(server, saved.parent)
    one, other = saved / "csconv-random", saved / "csconv-shuffle"
    cases: list[tuple[list[Any], str]] = [
        ([one], "needs two or more results folders"),
        ([one, one], "the same folder is given twice"),
        ([one, log_of(saved, "shuffle", "dialogue")], "no task in common that can be compared"),
        ([one, other, "--rubric", "turn-zh-1"], "does not compare two replies"),
        ([saved, other], "more than one run of csconv_mini_response"),
    ]
    for arguments, message in cases:
        done = csconv("judge", "--pairwise", *arguments, "--config", config, cwd=saved)
        assert done.returncode == 1
        assert message in done.stderr, done.stderr
    assert not server.asked


def test_a_probe_reports_and_can_be_required(saved: Path, server: JudgeServer) -> None:
    config = configured(server, saved.parent, require_probe=0.9)
    done = csconv("judge", "probe", "--config", config, "--cache", saved / "c.sqlite", "--json", cwd=saved)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert 0.2 < report["score"] < 0.9  # this server's verdicts are noise
    assert len(server.asked) == 66 + 36
    shown = csconv("judge", "probe", "--config", config, "--cache", saved / "c.sqlite", cwd=saved)
    assert "grades gained by a word to the judge" in shown.stdout
    assert sum(server.asked.values()) == 66 + 36
    refused = csconv("judge", log_of(saved), "--config", config, "--cache", saved / "c.sqlite", cwd=saved)
    assert refused.returncode == 1
    assert re.search(r"fake puts \d+% of the probe's cases in order, require_probe is 90%", refused.stderr)
    assert sum(server.asked.values()) == 66 + 36


def test_a_required_probe_is_counted_beforehand_and_paid_from_the_budget(
    saved: Path, server: JudgeServer
) -> None:
    prices = {"input_price": 10.0, "output_price": 100.0, "max_tokens": 200}
    config = configured(server, saved.parent, require_probe=0.05, **prices)
    log = log_of(saved)
    dry = csconv("judge", log, "--config", config, "--dry-run", cwd=saved)
    rows = [line.split("│")[1:-1] for line in dry.stdout.splitlines() if line.startswith("│")]
    assert [row[4].strip() for row in rows] == ["66", "36", str(TURNS), str(66 + 36 + TURNS)]
    assert not server.asked
    short = csconv("judge", log, "--config", config, "--budget", "1.00", cwd=saved)
    assert short.returncode == 3, short.stderr
    assert "the probe: the budget is used up; the same command goes on from here" in short.stderr
    assert 0.9 < 0.02 * sum(server.paid.values()) <= 1.0
    assert not verdicts_of(log)
    # 102 questions of the probe at 0.02 each; what is left of the budget goes to the turns.
    rest = csconv("judge", log, "--config", config, "--budget", "1.50", cwd=saved)
    assert rest.returncode == 3, rest.stderr
    assert sum(server.paid.values()) * 0.02 <= 2.5
    assert verdicts_of(log)
    assert set(server.paid.values()) == {1}


def test_verdicts_are_held_against_peoples_ratings(saved: Path, server: JudgeServer, tmp_path: Path) -> None:
    pytest.importorskip("evalica", reason="needs csconv-eval[judge]")
    log = log_of(saved)
    config = configured(server, saved.parent)
    assert csconv("judge", log, "--config", config, "--sample", 40, cwd=saved).returncode == 0
    rows = [
        f"{v['conversation']},{v['turn']},{rater},{v['scores']['empathy']},{v['scores']['resolved_step']}\n"
        for v in verdicts_of(log)
        for rater in "甲乙"
    ]
    ratings = tmp_path / "ratings.csv"
    ratings.write_text("conversation,turn,rater,empathy,resolved_step\n" + "".join(rows))
    done = csconv("judge", "agreement", log.parent, "--human", ratings, "--json", cwd=saved)
    assert done.returncode == 0, done.stderr
    figures = {f["dimension"]: f for f in json.loads(done.stdout)}
    assert set(figures) == {"empathy", "resolved_step"}
    assert figures["empathy"]["kappa"] == figures["resolved_step"]["kappa"] == 1.0
    assert figures["empathy"]["items"] == 40
    shown = csconv("judge", "agreement", "--human", ratings, cwd=log.parent)
    assert "rows people, columns judge" in shown.stdout
    assert (
        csconv("judge", log_of(saved, "shuffle"), "--config", config, "--sample", 5, cwd=saved).returncode
        == 0
    )
    unclear = csconv("judge", "agreement", saved, "--human", ratings, cwd=saved)
    assert "name one verdicts_*.jsonl, of the replies that were rated" in unclear.stderr
