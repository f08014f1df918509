"""Intervals and paired tests of BLEU: where every conversation is a single turn they are sacrebleu's."""

from __future__ import annotations

import random
from typing import NamedTuple

import numpy as np
import pytest
import sacrebleu
from sacrebleu.significance import PairedTest

from csc_tasks.data.sources import load
from csc_tasks.metrics import Turns
from csc_tasks.metrics.base import Floats
from csc_tasks.metrics.bleu import Bleu
from csc_tasks.metrics.comparison import interval, paired_difference
from csc_tasks.metrics.uncertainty import bootstrap_scores, cluster_sums, resample_counts


class Systems(NamedTuple):
    """Replies of two systems to the same turns."""

    references: list[str]
    first: list[str]
    second: list[str]


@pytest.fixture(scope="module")
def systems() -> Systems:
    """Gold replies with characters lost, of the second system a few more."""
    references = [u.text for c in load("mini").conversations for u in c.utterances if u.strategy][:300]
    rng = random.Random(0)

    def worsened(loss: float) -> list[str]:
        return ["".join(c for c in text if rng.random() > loss) or text for text in references]

    return Systems(references, worsened(0.30), worsened(0.303))


def turn_sums(hypotheses: list[str], references: list[str]) -> Floats:
    """BLEU's sums where every conversation is of one turn: then resampling either is the same thing."""
    count = len(references)
    metric = Bleu(4)
    conversations = [f"{i:04}" for i in range(count)]
    turns = Turns(
        conversations, np.zeros(count, dtype=np.int64), hypotheses=hypotheses, references=references
    )
    return cluster_sums(metric.statistics(metric.items(turns)), conversations)


def test_of_single_turns_the_interval_of_bleu_is_sacrebleus(systems: Systems) -> None:
    """Of 1,000 resamples an end is known to a twelfth of a standard error: half a width to 15 %."""
    count = len(systems.references)
    replicates = bootstrap_scores(
        Bleu(4), turn_sums(systems.first, systems.references), resample_counts(count)
    )
    ours = interval(replicates, count)
    theirs = sacrebleu.BLEU(tokenize="zh").corpus_score(systems.first, [systems.references], n_bootstrap=1000)
    half = (ours.high - ours.low) / 2
    assert half == pytest.approx(theirs._ci / 100, rel=0.15)
    assert (ours.high + ours.low) / 2 == pytest.approx(theirs._mean / 100, abs=0.15 * half)


def test_of_single_turns_the_paired_test_of_bleu_is_sacrebleus(systems: Systems) -> None:
    count = len(systems.references)
    sums = [turn_sums(texts, systems.references) for texts in (systems.first, systems.second)]
    counts = resample_counts(count)
    values = [float(Bleu(4).from_sums(s.sum(axis=0))) for s in sums]
    replicates = [bootstrap_scores(Bleu(4), s, counts) for s in sums]
    ours = paired_difference(values[0] - values[1], replicates[0] - replicates[1], count)
    _, results = PairedTest(
        [("first", systems.first), ("second", systems.second)],
        {"BLEU": sacrebleu.BLEU(tokenize="zh", references=[systems.references])},
        references=None,
        test_type="bs",
        n_samples=1000,
    )()
    first, second = results["BLEU"]
    assert values == pytest.approx([first.score / 100, second.score / 100], abs=1e-9)
    assert 0.01 < second.p_value < 0.25  # else agreement would say little
    # sacrebleu counts one side: absolute differences that exceed their mean by more than the true one.
    assert ours.p / 2 == pytest.approx(second.p_value, abs=0.03)
