#!/usr/bin/env python3
"""Measure what csconv promises to be fast, as ratios within one run.

    python benchmarks/speed.py [--conversations N]

Without options at CSConv's size (1,855 conversations, 25,810 turns; about a minute, most of it the
independent implementations that ours are held against). CI runs it with --conversations 150, where no
time is held against a promise.
"""

from __future__ import annotations

import argparse
import logging
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from csc_tasks.data.conversations import Conversation
from csc_tasks.data.files import write_conversations
from csc_tasks.data.sources import load
from csc_tasks.metrics import AdditiveMetric, clustered_stderr, column_name
from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.protocol.scoring import metrics_of_task, read_replies, score_replies
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.turns import PromptBook, TurnDoc, prefix_share, turn_docs
from synthetic import CONVERSATIONS, conversations


class Line(NamedTuple):
    """One measurement: what, how much, and the promise it is held against."""

    what: str
    figure: str
    promise: str
    kept: bool | None


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Wall seconds and result of one call."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def replies(docs: list[TurnDoc], seed: int = 0) -> list[str]:
    """A reply a turn: some with the gold text shortened, most unrelated, a few unreadable."""
    rng = random.Random(seed)
    texts = [d["reference"] for d in docs]
    names = [d["strategy"] for d in docs]
    out = []
    for doc in docs:
        kind = rng.random()
        text = doc["reference"][: rng.randint(3, 60)] if kind < 0.3 else rng.choice(texts)
        out.append(text if kind > 0.95 else f"[{rng.choice(names)}] {text}")
    return out


def data_info(path: Path, full: bool) -> Line:
    """``csconv data info`` as a user runs it, a new process."""
    command = [sys.executable, "-c", "from csc_tasks.commands import main; main()", "data", "info", str(path)]
    seconds, _ = timed(lambda: subprocess.run(command, check=True, capture_output=True))
    return Line(
        "csconv data info", f"{seconds:.2f} s", "under 5 s at full size", seconds < 5 if full else None
    )


def prompts_through_lm_eval(path: Path, full: bool) -> Line:
    """Everything lm-eval does to build the requests of one task, from a task that is already loaded."""
    from lm_eval.tasks import TaskManager

    from csc_tasks.harness.registration import configs_folder

    manager = TaskManager(
        include_path=str(configs_folder()),
        include_defaults=False,
        # BERTScore has a benchmark of its own, semantic.py: no encoder is fast.
        metadata={"csconv_data": str(path), "csconv_bertscore_model": "off"},
    )
    task: Any = manager.load(["csconv_response"])["tasks"]["csconv_response"]
    seconds, _ = timed(lambda: task.build_all_requests(limit=None, rank=0, world_size=1))
    rate = len(task.instances) / seconds
    return Line(
        f"prompts built through lm-eval ({len(task.instances):,})",
        f"{rate:,.0f} docs/s",
        "5,000 docs/s or better at full size",
        rate >= 5000 if full else None,
    )


def scoring(docs: list[TurnDoc], full: bool) -> list[Line]:
    """Parsing and all metrics of the response task, against sacrebleu twice and rouge-score."""
    answers = replies(docs)
    metrics = metrics_of_task(TaskKind.RESPONSE, "reference", "zh")

    def ours() -> tuple[dict[str, float], list[Any]]:
        scored = score_replies(docs, read_replies(TaskKind.RESPONSE, docs, answers), "zh", metrics)
        names = [column_name(m) for m in metrics]
        scores = {name: m.score(scored.columns[name]) for name, m in zip(names, metrics, strict=True)}
        return scores, scored.records

    def errors() -> None:
        clusters = [d["conversation"] for d in docs]
        for metric in metrics:
            if isinstance(metric, AdditiveMetric):
                clustered_stderr(metric, [r.items[column_name(metric)] for r in records], clusters)

    own, (scores, records) = timed(ours)
    hypotheses, references = [r.reply.text for r in records], [d["reference"] for d in docs]

    def independent() -> dict[str, float]:
        from rouge_score.rouge_scorer import RougeScorer
        from sacrebleu.metrics import BLEU

        class Characters:
            """Character tokens, as rouge-score wants a tokenizer."""

            def tokenize(self, text: str) -> list[str]:
                """Every character but white space."""
                return [c for c in text if not c.isspace()]

        found = {
            f"bleu_{n}": BLEU(tokenize="zh", max_ngram_order=n).corpus_score(hypotheses, [references]).score
            / 100
            for n in (2, 4)
        }
        scorer = RougeScorer(["rougeL"], tokenizer=Characters())
        for hypothesis, reference in zip(hypotheses, references, strict=True):
            scorer.score(reference, hypothesis)
        return found

    theirs, expected = timed(independent)
    differ = max(abs(scores[name] - value) for name, value in expected.items())
    bootstrap, _ = timed(errors)
    return [
        Line("sacrebleu (bleu_2, bleu_4) + rouge-score", f"{theirs:.2f} s", "", None),
        Line(
            f"parsing and {len(metrics)} metrics of {len(docs):,} replies",
            f"{own:.2f} s, {own / theirs:.3f} of that",
            "at most 0.080 at full size",
            own <= 0.08 * theirs if full else None,
        ),
        Line("difference from sacrebleu", f"{differ:.1e}", "at most 1e-9", differ <= 1e-9),
        Line("clustered errors, 1,000 resamples each", f"{bootstrap:.2f} s", "", None),
    ]


def prefix_cache(data: tuple[Conversation, ...]) -> Line:
    """Share of prompt characters that an ideal prefix cache already holds from earlier prompts of the run."""
    texts = load_prompt()
    books = [(PromptBook(data, texts, k), texts.head(k)) for k in (TaskKind.STRATEGY, TaskKind.RESPONSE)]
    share = prefix_share(head + book.question(doc) for book, head in books for doc in turn_docs(data))
    return Line("prompt prefix share over mini", f"{share:.3f}", "0.90 or more", share >= 0.90)


def main() -> None:
    """Measure and print; the exit code says whether every promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--conversations", type=int, default=CONVERSATIONS)
    options = parser.parse_args()
    logging.disable(logging.INFO)
    full = options.conversations >= CONVERSATIONS
    data = list(conversations(options.conversations))
    docs = list(turn_docs(data))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "synthetic.json"
        write_conversations(path, data)
        lines = [data_info(path, full), prompts_through_lm_eval(path, full)]
    lines += [*scoring(docs, full), prefix_cache(load("mini").conversations)]
    table = Table(
        "", "measured", "promised", "", box=None, title=f"{len(data):,} conversations, {len(docs):,} turns"
    )
    for line in lines:
        table.add_row(
            line.what, line.figure, line.promise, {True: "kept", False: "BROKEN", None: ""}[line.kept]
        )
    Console(width=140).print(table)
    sys.exit(any(line.kept is False for line in lines))


if __name__ == "__main__":
    main()
