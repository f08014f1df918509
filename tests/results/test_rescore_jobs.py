"""`csconv score` over many logs: in processes, on Ray, after an interruption, with some that are spoilt."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from csc_tasks.results.rescore_jobs import Job
from tests.door import command, csconv, process, program, surroundings
from tests.results.test_rescore import log_of

Once = Callable[[str, Callable[[Path], object]], Path]


def two_runs(folder: Path) -> None:
    for kind in ("random", "retrieval"):
        done = csconv("floor", kind, "--tasks", "csconv_mini", "--output_path", folder, cwd=folder)
        assert done.code == 0, done.err


@pytest.fixture(scope="module")
def original(once: Once) -> Path:
    """The results and logs of two runs of three tasks."""
    return once("two-runs", two_runs)


@pytest.fixture
def runs(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "runs"))


def written(folder: Path) -> dict[str, str]:
    """What scoring wrote, by name: digests, without the date and the place of each results file."""
    out = {}
    for path in (path for path in folder.rglob("*rescored*") if path.suffix != ".lock"):
        content = path.read_bytes()
        if path.suffix == ".json":
            results = json.loads(content)
            del results["date"]
            content = json.dumps(results).encode()
        out[path.name] = hashlib.sha256(content).hexdigest()
    return out


@pytest.fixture(scope="module")
def expected(original: Path, tiny_bert: Path, once: Once) -> dict[str, str]:
    """What one process writes, one log after the other."""

    def one_by_one(folder: Path) -> None:
        runs = shutil.copytree(original, folder / "runs")
        done = csconv("score", runs, *heavy(tiny_bert), cwd=folder)
        assert done.code == 0, done.err
        assert len(done.out.splitlines()) == 4
        assert done.err.count("has none of these metrics; skipped") == 2

    found = written(once("scored-one-by-one", one_by_one))
    assert len(found) == 2 * 4  # results and scores of two tasks with text, of two runs
    return found


def heavy(encoder: Path) -> list[str]:
    """A metric with a network among others."""
    options = f"csconv_bertscore_model={encoder},csconv_bertscore_layer=8"
    return ["--metrics", "bertscore,bertscore_recall,bleu_4,distinct_2", "--metadata", options]


@pytest.mark.slow
def test_processes_write_what_one_process_writes(runs: Path, tmp_path: Path) -> None:
    alone = Path(shutil.copytree(runs, tmp_path / "alone"))
    light = ("--metrics", "bleu_4,distinct_2,strategy_acc")
    assert csconv("score", alone, *light).code == 0
    done = csconv("score", runs, "--workers", "2", *light)
    assert done.code == 0, done.err
    assert len(done.out.splitlines()) == 6
    assert len(written(alone)) == 2 * 6
    assert written(runs) == written(alone)


@pytest.mark.slow
def test_processes_with_a_network_each_write_what_one_process_writes(
    runs: Path, tiny_bert: Path, expected: dict[str, str]
) -> None:
    done = csconv("score", runs, "--workers", "2", *heavy(tiny_bert), cwd=runs)
    assert done.code == 0, done.err
    assert written(runs) == expected
    assert len(done.out.splitlines()) == 4


@pytest.mark.slow
def test_two_workers_of_a_ray_cluster_write_what_one_process_writes(
    runs: Path, tiny_bert: Path, expected: dict[str, str]
) -> None:
    pytest.importorskip("ray")
    relative = Path(os.path.relpath(runs, runs.parent))  # the workers have another working folder
    done = process(
        *("score", relative, "--engine", "ray", "--workers", "2", *heavy(tiny_bert)), cwd=runs.parent
    )
    assert done.code == 0, done.err
    assert written(runs) == expected
    # Found done by the other engine: nothing is computed twice.
    stamps = {p: p.stat().st_mtime_ns for p in runs.rglob("*rescored*")}
    assert csconv("score", runs, *heavy(tiny_bert), cwd=runs).code == 0
    assert {p: p.stat().st_mtime_ns for p in runs.rglob("*rescored*")} == stamps


@pytest.mark.slow
def test_a_ray_cluster_that_is_not_there_is_one_message(runs: Path) -> None:
    pytest.importorskip("ray")
    done = process("score", runs, "--engine", "ray", "--address", "127.0.0.1:1", cwd=runs)
    assert done.code == 1
    assert "csconv: --engine ray: no cluster at 127.0.0.1:1" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("engine", [(), ("--workers", "2")], ids=["one by one", "in processes"])
def test_a_spoilt_log_is_named_the_others_are_scored_and_the_exit_code_is_1(
    runs: Path, engine: tuple[str, ...]
) -> None:
    broken = log_of(runs / "csconv-random", "csconv_mini_response")
    broken.write_bytes(broken.read_bytes()[:-30])
    orphan = runs / "elsewhere"
    orphan.mkdir()
    shutil.copy(log_of(runs / "csconv-random", "csconv_mini_dialogue"), orphan)
    done = csconv("score", runs, "--metrics", "rouge_l", *engine, cwd=runs)
    assert done.code == 1
    assert f"csconv: {broken}: line 407: not JSON" in done.err
    assert f"csconv: {orphan}" in done.err
    assert "is not beside it, which says how it was made" in done.err
    assert len(done.out.splitlines()) == 3
    assert "Traceback" not in done.err
    assert not list(runs.rglob("results_csconv_mini_response*random*"))


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_was_scored_before_an_interruption_is_not_scored_again(runs: Path, seed: int) -> None:
    log = log_of(runs / "csconv-retrieval", "csconv_mini_response")
    score = ("score", log, "--metrics", "rouge_l,bleu_2,strategy_acc,distinct_1,stage_transition_jsd")
    assert csconv(*score, cwd=runs).code == 0
    (results,) = log.parent.glob("results_*rescored*")
    (scores,) = log.parent.glob("scores_*rescored*.jsonl")
    first, whole = json.loads(results.read_text()), scores.read_bytes()
    # As a process that was killed in the middle of a write leaves it; a value is altered to see it kept.
    rng = random.Random(seed)
    cut = rng.randrange(2000, len(whole))
    kept = whole[:cut]
    marked = json.loads(kept.splitlines()[1]) | {"rouge_l": 0.123456}
    head = kept.splitlines(keepends=True)
    head[1] = json.dumps(marked, ensure_ascii=False).encode() + b"\n"
    results.unlink()
    scores.unlink()
    scores.with_suffix(".partial").write_bytes(b"".join(head))
    assert csconv(*score, cwd=runs).code == 0
    again = lines(scores)
    assert json.loads(again[1])["rouge_l"] == 0.123456
    assert again[:1] + again[2:] == whole.decode().splitlines()[:1] + whole.decode().splitlines()[2:]
    task = "csconv_mini_response"
    second = json.loads(results.read_text())["results"][task]
    assert second["bleu_2,none"] == first["results"][task]["bleu_2,none"]
    assert second["stage_transition_jsd,none"] == first["results"][task]["stage_transition_jsd,none"]
    assert second["distinct_1,none"] == first["results"][task]["distinct_1,none"]
    assert second["rouge_l,none"] != first["results"][task]["rouge_l,none"]
    assert not list(runs.rglob("*.partial"))


@pytest.mark.slow
def test_a_killed_process_leaves_its_scores_and_the_next_one_goes_on(runs: Path, tiny_bert: Path) -> None:
    log = log_of(runs / "csconv-retrieval", "csconv_mini_response")
    # The same turns many times over, as other conversations: long enough to be killed in the middle.
    samples = [json.loads(line) for line in lines(log)]
    with log.open("w", encoding="utf-8") as out:
        for k in range(12):
            for sample in samples:
                doc = sample["doc"] | {"conversation": f"{sample['doc']['conversation']}{k}"}
                out.write(json.dumps(sample | {"doc": doc}, ensure_ascii=False) + "\n")
    score = ("-m", "csc_tasks.commands", "score", log, *heavy(tiny_bert))
    killed = subprocess.Popen(
        command(*score),
        env=surroundings(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and killed.poll() is None:
        partial = list(log.parent.glob("*.partial"))
        if partial and partial[0].stat().st_size > 0:
            break
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    (partial,) = log.parent.glob("*.partial")
    done_before = len(partial.read_bytes().splitlines())
    assert 0 < done_before < 12 * len(samples)
    assert not list(log.parent.glob("results_*rescored*"))
    done = program(*score)
    assert done.code == 0, done.err
    (scores,) = log.parent.glob("scores_*rescored*.jsonl")
    found = [json.loads(line) for line in lines(scores)]
    assert len(found) == 12 * len(samples)
    assert [row["bertscore"] for row in found[: len(samples)]] == [
        row["bertscore"] for row in found[-len(samples) :]
    ]


def test_two_processes_do_not_write_the_same_scores_at_once(runs: Path) -> None:
    from csc_tasks.errors import DataError
    from csc_tasks.results.score_file import ScoreFile

    with (
        ScoreFile(runs / "scores_x.jsonl"),
        pytest.raises(DataError, match=r"scores_x\.partial: another csconv score is writing"),
        ScoreFile(runs / "scores_x.jsonl"),
    ):
        pass
    assert not (runs / "scores_x.partial").exists()


def test_who_scores_anew_leaves_the_file_of_another_process_alone(runs: Path) -> None:
    from csc_tasks.errors import DataError
    from csc_tasks.results.score_file import ScoreFile

    with ScoreFile(runs / "scores_x.jsonl"):
        (runs / "scores_x.partial").write_text("paid for\n")
        for options in ({"anew": True}, {"again": True}):
            (runs / "scores_x.jsonl").write_text("whole\n")
            with pytest.raises(DataError, match="another csconv score"):
                ScoreFile(runs / "scores_x.jsonl", **options)
            assert (runs / "scores_x.partial").read_text() == "paid for\n"
            assert (runs / "scores_x.jsonl").read_text() == "whole\n"


def test_a_metric_that_fails_is_nan_with_its_reason_and_is_scored_when_it_can_be(
    runs: Path, tiny_bert: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    encoder = Path(shutil.copytree(tiny_bert, tmp_path / "encoder"))
    sound = (encoder / "model.safetensors").read_bytes()
    weights = load_file(encoder / "model.safetensors")
    weights["encoder.layer.2.output.dense.weight"][:] = float("nan")
    save_file(weights, encoder / "model.safetensors", {"format": "pt"})
    log = log_of(runs / "csconv-random", "csconv_mini_response")
    done = csconv("score", log, *heavy(encoder), cwd=runs)
    assert done.code == 1
    assert "bertscore was NOT scored, it is NaN (ModelError: the encoder gives numbers" in done.err
    (path,) = log.parent.glob("results_*rescored*")
    content = json.loads(path.read_text())
    values = content["results"]["csconv_mini_response"]
    assert values["bertscore,none"] != values["bertscore,none"]
    assert values["bleu_4,none"] == values["bleu_4,none"]
    assert content["csconv_rescored"]["failures"].keys() == {"bertscore", "bertscore_recall"}
    # The same weights as before would be the same scores; a call that failed is not taken for done.
    assert csconv("score", log, *heavy(encoder), cwd=runs).code == 1
    (encoder / "model.safetensors").write_bytes(sound)
    assert csconv("score", log, *heavy(encoder), cwd=runs).code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--metrics", "bleurt"), "--metrics bleurt: name a checkpoint"),
        pytest.param(
            ("--metrics", "bertscore"),
            "bertscore cannot be computed: bert-base-chinese cannot be loaded",
            marks=[  # the hub is asked again and again before it is given up
                pytest.mark.slow,
                pytest.mark.skipif(find_spec("bert_score") is None, reason="needs csconv-eval[bertscore]"),
            ],
        ),
        (("--metadata", "csconv_data=mini"), "--metadata csconv_data: only csconv_bertscore_"),
        (("--metadata", "csconv_bertscore_layer=x"), "csconv_bertscore_layer='x': must be a whole number"),
        (("--address", "auto"), "--address goes with --engine ray"),
        (("--metrics", "bertscor"), "there is no metric 'bertscor'; there are strategy_acc"),
    ],
)
def test_mistakes_are_one_message_and_nothing_is_written(
    runs: Path, arguments: tuple[str, ...], message: str
) -> None:
    log = log_of(runs / "csconv-random", "csconv_mini_response")
    done = csconv("score", log, *arguments, cwd=runs)
    assert done.code == 1
    assert message in done.err
    assert "Traceback" not in done.err
    assert written(runs) == {}


def test_without_names_only_what_needs_no_model_or_has_a_named_one_is_computed(tiny_bert: Path) -> None:
    path = Path("log")
    assert Job(path).models().bertscore is None
    assert Job(path, ("bertscore_recall",)).models().bertscore is not None
    named = Job(path, options={"csconv_bertscore_model": str(tiny_bert)}).models().bertscore
    assert named is not None
    assert named.model == str(tiny_bert)
