#!/usr/bin/env python3
"""Measure the leaderboard and its bootstrap at CSConv's size, as ratios within one run.

    python benchmarks/leaderboard.py [--models N] [--conversations N] [--check]

Two models are evaluated through lm-eval on synthetic data; the others' logs are mixtures of the two, a
conversation at a time, with the scores that follow. Then ``csconv leaderboard`` runs as its users run it:
once on all of them, once more with one model added. By default 50 models of 25,810 turns: 10 GB in the
temporary folder and half an hour, most of it lm-eval's own bootstrap. ``--check`` makes a broken promise
the exit code.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from lm_eval import simple_evaluate
from lm_eval.api.instance import Instance
from lm_eval.api.metrics import bleu, bootstrap_stderr
from lm_eval.api.model import LM
from lm_eval.loggers import EvaluationTracker
from lm_eval.tasks import TaskManager
from rich.console import Console
from rich.table import Table
from speed import Line, replies, timed

from csc_tasks.data.files import write_conversations
from csc_tasks.harness.registration import configs_folder
from csc_tasks.leaderboards.reading.runs import read_results
from csc_tasks.leaderboards.reading.sums import Statistics, statistics_of
from csc_tasks.metrics import additive_metric
from csc_tasks.metrics.uncertainty import RESAMPLES, bootstrap_scores, resample_counts
from csc_tasks.results.results_file import TaskRun
from synthetic import CONVERSATIONS, conversations

TASK = "csconv_response"
ITERATIONS = 100
"""Of lm-eval's bootstrap."""
MEMORY = 1.5e9


class Replies(LM):  # type: ignore[misc]
    """Answers without a model."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def generate_until(self, requests: list[Instance]) -> list[str]:
        """A reply a turn."""
        return replies([request.doc for request in requests], self.seed)

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """Not asked for by the task."""
        raise NotImplementedError

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        """Not asked for by the task."""
        raise NotImplementedError


def evaluate(folder: Path, data: Path, seed: int) -> TaskRun:
    """A run through lm-eval, saved as the ``lm_eval`` command saves it."""
    tracker = EvaluationTracker(output_path=str(folder))
    results = simple_evaluate(
        Replies(seed),
        tasks=[TASK],
        model_args={"pretrained": f"made/seed-{seed}"},
        task_manager=TaskManager(
            include_path=str(configs_folder()),
            include_defaults=False,
            metadata={"csconv_data": str(data), "csconv_bertscore_model": "off"},
        ),
        log_samples=True,
        evaluation_tracker=tracker,
        bootstrap_iters=1,
    )
    samples = results.pop("samples")
    tracker.save_results_aggregated(results, samples)
    tracker.save_results_samples(TASK, samples[TASK])
    (path,) = folder.rglob("results_*.json")
    (run,) = read_results(path).runs
    return run


class Mixtures:
    """Logs of further models, each conversation from one of two runs."""

    def __init__(self, one: TaskRun, other: TaskRun) -> None:
        self.content = json.loads(one.path.read_text(encoding="utf-8"))
        self.lines = [[*run.samples.read_bytes().splitlines(keepends=True)] for run in (one, other)]
        self.statistics = [statistics_of(run) for run in (one, other)]
        self.owners = [json.loads(line)["doc"]["conversation"] for line in self.lines[0]]

    def write(self, folder: Path, number: int) -> Path:
        """Results and log of one more model; its folder."""
        share = random.Random(number)
        ids = self.statistics[0].conversations
        chosen = np.array([share.random() < number / 60 for _ in ids])
        from_other = dict(zip(ids, chosen.tolist(), strict=True))
        name = f"made/mixture-{number:02d}"
        content = json.loads(json.dumps(self.content).replace("made/seed-0", name))
        values = content["results"][TASK]
        for metric, sums in self.statistics[0].sums.items():
            mixed = np.where(chosen[:, None], self.statistics[1].sums[metric], sums)
            values[f"{metric},none"] = additive_metric(metric).value(mixed)
        place = folder / name.replace("/", "__")
        place.mkdir(parents=True)
        stamp = f"2026-01-01T00-00-{number:02d}.000000"
        (place / f"results_{stamp}.json").write_text(
            json.dumps(content, ensure_ascii=False), encoding="utf-8"
        )
        with (place / f"samples_{TASK}_{stamp}.jsonl").open("wb") as file:
            for owner, first, second in zip(self.owners, *self.lines, strict=True):
                file.write(second if from_other[owner] else first)
        return place


def build(logs: Path, site: Path, cache: Path) -> tuple[float, int]:
    """``csconv leaderboard`` in a new process: wall seconds, and the peak of all its processes' memory in bytes.

    Memory is the sum of what each process has to itself (USS), twenty times a second.
    """
    script = "from csc_tasks.commands import main; main()"
    command = [
        sys.executable,
        "-c",
        script,
        "leaderboard",
        str(logs),
        "--out",
        str(site),
        "--cache",
        str(cache),
    ]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak, done = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        root = psutil.Process(process.pid)
        while not done.wait(0.05):
            peak = max(peak, sum(_own_memory(root)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, told = process.communicate()
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    if process.returncode:
        sys.exit(told.decode())
    if b"note:" in told:
        sys.exit(f"the logs are not what they should be:\n{told.decode()}")
    return seconds, peak


def _own_memory(root: psutil.Process) -> Iterator[int]:
    try:
        processes = [root, *root.children(recursive=True)]
    except psutil.Error:
        return
    for process in processes:
        try:
            yield process.memory_full_info().uss
        except psutil.Error:  # it has just ended
            continue


def resampling(statistics: Statistics) -> None:
    """All metrics of one model on every resample, from the sums by conversation."""
    counts = resample_counts(len(statistics.conversations))
    for name, sums in statistics.sums.items():
        bootstrap_scores(additive_metric(name), sums, counts)


def bootstraps(run: TaskRun, full: bool) -> list[Line]:
    """Ours of all metrics against lm-eval's of one, on the same pairs."""
    statistics = statistics_of(run)
    resampling(statistics)  # imports and first touches
    ours = min(timed(lambda: resampling(statistics))[0] for _ in range(5))
    pairs = []
    with run.samples.open(encoding="utf-8") as file:
        for line in file:
            sample = json.loads(line)
            pairs.append((sample["doc"]["reference"], sample["resps"][0][0]))
    theirs, _ = timed(lambda: bootstrap_stderr(bleu, pairs, iters=ITERATIONS))
    return [
        Line(f"lm-eval's bootstrap_stderr, bleu, {ITERATIONS} iterations", f"{theirs:.1f} s", "", None),
        Line(
            f"cluster bootstrap, {len(statistics.sums)} metrics, {RESAMPLES:,} resamples",
            f"{ours * 1000:.0f} ms, {theirs / ours:,.0f} times as fast",
            "1,000 times or more at full size",
            theirs / ours >= 1000 if full else None,
        ),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--conversations", type=int, default=CONVERSATIONS)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if options.models < 2:
        parser.error("--models: two or more")
    logging.disable(logging.INFO)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    full = options.conversations >= CONVERSATIONS and options.models >= 50
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        data = work / "synthetic.json"
        write_conversations(data, list(conversations(options.conversations)))
        runs = [evaluate(work / "real" / str(seed), data, seed) for seed in (0, 1)]
        size = runs[0].samples.stat().st_size
        mixtures = Mixtures(*runs)
        logs = work / "logs"
        for number in range(options.models):
            mixtures.write(logs, number)
        first, peak = build(logs, work / "site", work / "cache")
        again, _ = build(logs, work / "site", work / "cache")
        mixtures.write(logs, options.models)
        added, later = build(logs, work / "site", work / "cache")
        page = (work / "site" / "index.html").stat().st_size
        lines = [
            Line("a log", f"{size / 1e6:.0f} MB", "", None),
            Line("first build", f"{first:.1f} s, {first / options.models:.2f} s a model", "", None),
            Line(
                "peak memory, all processes",
                f"{max(peak, later) / 1e9:.2f} GB",
                "under 1.5 GB at full size",
                max(peak, later) < MEMORY if full else None,
            ),
            Line("nothing new", f"{again:.1f} s, {again / first:.3f} of the first", "", None),
            Line(
                "one model added",
                f"{added:.1f} s, {added / first:.3f} of the first",
                "under 0.1 at full size",
                added < first / 10 if full else None,
            ),
            Line("index.html", f"{page / 1e6:.1f} MB", "", None),
            *bootstraps(runs[0], full),
        ]
    title = f"{options.models} models, {options.conversations:,} conversations, {os.cpu_count()} cores"
    table = Table("", "measured", "promised", "", box=None, title=title)
    for line in lines:
        kept = {True: "kept", False: "BROKEN", None: ""}[line.kept]
        table.add_row(line.what, line.figure, line.promise, kept)
    Console(width=140).print(table)
    sys.exit(options.check and any(line.kept is False for line in lines))


if __name__ == "__main__":
    main()
