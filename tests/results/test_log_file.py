"""Compressed logs: made safely, and read by everything as if nothing had happened."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from csc_tasks.errors import DataError
from csc_tasks.results import log_file
from csc_tasks.results.find_logs import find_logs, log_files
from csc_tasks.results.log_file import Compression, compress, log_sha256, log_stem, open_log_file, present
from tests.door import csconv
from tests.leaderboards import logs
from tests.running import FunctionLM, evaluate, gold

LINES = b"".join(b'{"n": %d, "text": "%s"}\n' % (n, b"x" * 500) for n in range(20_000))
NAME = "samples_csconv_response_2026-01-01T00-00-00.000000.jsonl"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / NAME
    path.write_bytes(LINES)
    return path


@pytest.mark.parametrize("form", Compression)
def test_a_log_is_compressed_read_back_and_then_removed(log: Path, form: Compression) -> None:
    packed = compress(log, form)
    assert packed.path.name == f"{NAME}.{form}"
    assert not log.exists()
    assert packed.before == len(LINES) > 20 * packed.after
    with open_log_file(packed.path) as file:
        assert list(file) == LINES.splitlines(keepends=True)
    assert log_sha256(packed.path) == hashlib.sha256(LINES).hexdigest()
    assert log_stem(packed.path) == "csconv_response_2026-01-01T00-00-00.000000"
    assert present(log) == packed.path
    assert [p.name for p in log.parent.iterdir()] == [packed.path.name]


def test_the_original_may_stay_and_then_counts(log: Path) -> None:
    packed = compress(log, Compression.ZST, keep=True)
    assert log.exists()
    assert log_files([log.parent]) == [log]
    assert log_files([packed.path]) == [packed.path]
    assert present(packed.path.with_name("samples_x.jsonl.zst")).name == "samples_x.jsonl.zst"
    packed.path.unlink()
    assert present(packed.path) == log


@pytest.mark.parametrize("form", Compression)
@pytest.mark.parametrize("spoil", [lambda b: b[: len(b) // 2], lambda b: b"?" * 20 + b[20:]])
def test_a_damaged_file_is_named_and_never_an_end(
    log: Path, form: Compression, spoil: Callable[[bytes], bytes]
) -> None:
    path = compress(log, form).path
    path.write_bytes(spoil(path.read_bytes()))
    with (
        pytest.raises(DataError, match=rf"{form}: a damaged or cut-off \.{form} file"),
        open_log_file(path) as file,
    ):
        list(file)


def test_what_other_programs_compressed_is_read(log: Path, tmp_path: Path) -> None:
    path = log.with_name(NAME + ".gz")
    path.write_bytes(
        gzip.compress(LINES[:1000]) + gzip.compress(LINES[1000:])
    )  # two members, as `cat` makes them
    assert log_sha256(path) == hashlib.sha256(LINES).hexdigest()


def test_an_original_is_never_lost(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = compress(log, Compression.ZST, keep=True).path
    log.write_bytes(LINES + b"{}\n")
    with pytest.raises(DataError, match=r"exists and holds another log"):
        compress(log, Compression.ZST)
    other.unlink()
    monkeypatch.setattr(log_file, "log_sha256", lambda _: "another")
    with pytest.raises(DataError, match=r"reads back differently; the log stays as it is"):
        compress(log, Compression.ZST)
    assert [p.name for p in log.parent.iterdir()] == [NAME]


def test_a_log_that_still_grows_is_left_alone(log: Path) -> None:
    def grow(_: int) -> None:
        if log.stat().st_size == len(LINES):
            with log.open("ab") as file:
                file.write(b"{}\n")

    with pytest.raises(DataError, match=r"is the run still going on|reads back differently"):
        compress(log, Compression.GZ, done=grow)
    assert log.exists()


@pytest.mark.slow
@pytest.mark.parametrize("form", Compression)
def test_every_command_reads_a_compressed_run_as_it_read_the_plain_one(
    tmp_path: Path, once: Callable[[str, Callable[[Path], object]], Path], form: Compression
) -> None:
    def make(folder: Path) -> None:
        for kind in ("retrieval", "shuffle"):
            logs.evaluate(folder / kind, kind, "csconv_mini_response,csconv_mini_dialogue")

    shutil.copytree(once("runs-to-compress", make), runs := tmp_path / "runs")
    rescored = csconv("score", runs, "--metrics", "bleu_4")
    assert rescored.code == 0, rescored.err

    def everything() -> list[str]:
        cache = ("--cache", tmp_path / f"kept{len(list(tmp_path.iterdir()))}")
        a, b = runs / "retrieval", runs / "shuffle"
        seen = [
            csconv("table", runs, "--all"),
            csconv("compare", a, b, "--format", "json"),
            csconv("gate", a, "--baseline", tmp_path / "baseline.json", "--max-drop", "strategy_acc=0.01"),
            csconv("score", runs, "--metrics", "bleu_4"),
            csconv("leaderboard", runs, "--out", tmp_path / "site", *cache),
        ]
        assert [done.code for done in seen] == [0] * len(seen), [done.err for done in seen]
        page = re.sub(
            r'"built":[^,]*,|Built [^<]*|datetime="[^"]*"|\d+:\d\d UTC',
            "",
            (tmp_path / "site/index.html").read_text(),
        )
        return [*(done.out for done in seen[:4]), page]

    made = csconv("gate", runs / "retrieval", "--baseline", tmp_path / "baseline.json", "--update-baseline")
    assert made.code == 0, made.err
    before = everything()
    digests = {log.task + str(log.path.parent): log.sha256() for log in find_logs([runs])}
    done = csconv("logs", "compress", runs, "--format", form)
    assert done.code == 0, done.err
    assert len(done.out.splitlines()) == 4
    assert not list(runs.rglob("samples_*.jsonl"))
    assert {log.task + str(log.path.parent): log.sha256() for log in find_logs([runs])} == digests
    after = everything()
    for one, other in zip(before, after, strict=True):
        assert one == other
    # What is scored now names the log as lm-eval wrote it, so that it may be expanded again.
    fresh = csconv("score", runs, "--metrics", "rouge_l")
    about = json.loads(Path(fresh.out.split()[0]).read_text(encoding="utf-8"))["csconv_rescored"]
    assert about["samples"].endswith(".jsonl")
    again = csconv("logs", "compress", runs)
    assert (again.code, again.out) == (0, "")
    assert "nothing to compress" in again.err


def test_what_is_no_file_is_named_and_the_other_logs_are_compressed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "samples_csconv_a_1.jsonl")
    (tmp_path / "samples_csconv_b_1.jsonl").symlink_to(tmp_path / "nowhere")
    (tmp_path / "samples_csconv_c_1.jsonl").write_text("{}\n")
    (tmp_path / "samples_csconv_d_1.jsonl").mkdir()
    done = csconv("logs", "compress", tmp_path)
    assert done.code == 1
    assert "samples_csconv_a_1.jsonl: not a regular file" in done.err
    assert "samples_csconv_b_1.jsonl: No such file or directory" in done.err
    assert (tmp_path / "samples_csconv_c_1.jsonl.zst").is_file()


@pytest.mark.parametrize(
    "task",
    ["csconv_mini_response", "csconv_mini_strategy", "csconv_mini_strategy_mc", "csconv_mini_dialogue"],
)
def test_the_size_of_a_log_is_said_before_generation(
    task: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from lm_eval.loggers import EvaluationTracker

    def reply(request: object) -> object:
        said.extend(
            re.findall(rf"{task}: with --log_samples its log will take about ([\d.,]+) MB", caplog.text)[:1]
        )
        return gold(request)  # type: ignore[arg-type]

    said: list[str] = []
    tracker = EvaluationTracker(output_path=str(tmp_path))
    with caplog.at_level(logging.INFO, "csc_tasks"):
        results = evaluate(FunctionLM(reply), [task], evaluation_tracker=tracker)
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    tracker.save_results_samples(task_name=task, samples=samples[task])
    (log,) = tmp_path.rglob("samples_*.jsonl")
    assert said
    assert float(said[0].replace(",", "")) == pytest.approx(log.stat().st_size / 1e6, rel=0.2)
