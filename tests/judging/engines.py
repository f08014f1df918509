"""Runs of the engine over made-up samples, and what a test asserts of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from csc_tasks.judging.config import JudgeConfig
from csc_tasks.judging.engine import Engine
from csc_tasks.judging.keeper import open_cache
from csc_tasks.judging.progress import JudgeProgress
from csc_tasks.judging.questions import Questions
from csc_tasks.metrics.judge import Sample, Status, Verdict, load_rubric
from tests.judge_server import JudgeServer, true_verdict

RUBRIC = load_rubric("turn-zh-2")


def samples(count: int) -> list[Sample]:
    return [
        Sample(
            f"c{i // 5}",
            i % 5,
            {
                "history": f"客户: 第{i}件事\n",
                "strategy": "信息传达",
                "reply": f"好的，第{i}件。",
                "reference": "",
            },
        )
        for i in range(count)
    ]


class Run:
    """One run of the engine over some samples, in a folder."""

    def __init__(self, server: JudgeServer, folder: Path, **options: Any) -> None:
        budget = options.pop("budget", None)
        cache = options.pop("cache", folder / "cache.sqlite")
        self.journal_path = options.pop("journal", folder / "verdicts.jsonl")
        settings = {"backoff": 0.01, "timeout": 5.0, "concurrency": 8, **options}
        self.config = JudgeConfig(model="m", base_url=server.url, **settings)
        self.cache = open_cache(cache)
        self.questions = Questions(RUBRIC, self.config)
        self.engine = Engine(self.questions, self.cache, self.journal_path, budget)
        self.verdicts: dict[str, Verdict] = {}

    def __call__(self, of: list[Sample] | int = 20) -> JudgeProgress:
        def on_verdict(sample: Sample, verdict: Verdict) -> None:
            name = f"{sample.conversation}:{sample.turn}"
            assert name not in self.verdicts, "heard twice"
            self.verdicts[name] = verdict

        try:
            return self.engine.run(samples(of) if isinstance(of, int) else of, on_verdict)
        finally:
            self.cache.close()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.journal_path.read_text().splitlines()]

    def statuses(self) -> set[Status]:
        return {v.status for v in self.verdicts.values()}


def all_right(run: Run, count: int) -> None:
    assert len(run.verdicts) == count
    for sample in samples(count):
        verdict = run.verdicts[f"{sample.conversation}:{sample.turn}"]
        assert verdict.status is Status.SCORED, verdict
        assert verdict.scores == true_verdict(RUBRIC, sample.fields["reply"])
