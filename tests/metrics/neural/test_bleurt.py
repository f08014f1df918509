"""The BLEURT metric over turns: the checkpoint's scores, each pair on its own, an empty reply 0."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from csc_tasks.metrics import ModelError, Turns
from csc_tasks.metrics.neural.bleurt import Bleurt, BleurtOptions
from tests.paths import FIXTURES

pytest.importorskip("torch")

CHECKPOINT = FIXTURES / "bleurt_tiny"


def recorded() -> list[tuple[str, str, float]]:
    """(reference, hypothesis, score) as bleurt-pytorch computed them; texts that strip() changes left out."""
    content = json.loads((CHECKPOINT / "expected.json").read_text(encoding="utf-8"))
    rows = [(p["reference"], p["hypothesis"], p["score"]) for p in content["pairs"]]
    return [row for row in rows if row[0].strip() == row[0] != "" and row[1].strip() == row[1] != ""]


def turns(rows: list[tuple[str, str, float]]) -> Turns:
    return Turns(
        [str(i) for i in range(len(rows))],
        np.zeros(len(rows), dtype=np.int64),
        hypotheses=[hypothesis for _, hypothesis, _ in rows],
        references=[reference for reference, _, _ in rows],
    )


@pytest.mark.parametrize("batch", [1, 4, 64])
def test_turns_have_the_scores_that_bleurt_pytorch_recorded_in_any_order(batch: int) -> None:
    rows = recorded() * 2
    assert len(rows) > 30
    random.Random(batch).shuffle(rows)
    metric = Bleurt(BleurtOptions(str(CHECKPOINT), batch=batch, device="cpu"))
    items = metric.items(turns(rows))
    assert items == pytest.approx([score for _, _, score in rows], abs=1e-5)
    assert items == Bleurt(BleurtOptions(str(CHECKPOINT), device="cpu")).items(turns(rows))


def test_an_empty_reply_or_reference_scores_zero() -> None:
    metric = Bleurt(BleurtOptions(str(CHECKPOINT)))
    rows = [("您好", "", 0.0), ("您好", " \n", 0.0), ("", "您好", 0.0)]
    assert metric.items(turns(rows)) == [0.0, 0.0, 0.0]


def test_the_signature_names_the_checkpoint_and_its_weights() -> None:
    metric = Bleurt(BleurtOptions(str(CHECKPOINT)))
    assert metric.implementation == "bleurt, bleurt_tiny"
    metric.prepare()
    name, _, fingerprint = metric.implementation.partition("@")
    assert name == "bleurt, bleurt_tiny"
    assert len(fingerprint) == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (BleurtOptions("/nowhere/BLEURT-20"), "there is no folder /nowhere/BLEURT-20"),
        (BleurtOptions(str(CHECKPOINT), device="cuda"), "device 'cuda' cannot be used here"),
        (BleurtOptions(str(CHECKPOINT), batch=0), "a batch of 0 pairs"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_scored(options: BleurtOptions, message: str) -> None:
    import torch

    if options.device == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has the device")
    with pytest.raises(ModelError, match=message):
        Bleurt(options).prepare()
