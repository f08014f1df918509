"""BLEURT: the scores of bleurt-pytorch on the same files, and a clear word for files that are not right.

``tests/fixtures/bleurt_tiny`` and the scores in its expected.json come from tools/make_bleurt_fixture.py.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csc_tasks.metrics.neural.bleurt_checkpoint import BleurtNetwork, Encoded, _kept, load_bleurt
from tests.metrics.neural.checkpoints import TINY, cut, edit, read_bin, write_bin, write_safetensors
from tests.texts import ALL

EXPECTED = json.loads((TINY / "expected.json").read_text(encoding="utf-8"))["pairs"]
REFERENCES = [pair["reference"] for pair in EXPECTED]
HYPOTHESES = [pair["hypothesis"] for pair in EXPECTED]
SCORES = [pair["score"] for pair in EXPECTED]
PAIR = pytest.mark.parametrize("pair", EXPECTED, ids=lambda pair: pair["name"])
CLOSE = 1e-5


# The original's answers


@PAIR
def test_a_pair_gets_the_originals_score(bleurt: BleurtNetwork, pair: dict[str, Any]) -> None:
    assert bleurt.score([pair["reference"]], [pair["hypothesis"]]) == pytest.approx(
        [pair["score"]], rel=0, abs=CLOSE
    )


def test_all_pairs_in_one_batch_get_the_originals_scores(bleurt: BleurtNetwork) -> None:
    assert bleurt.score(REFERENCES, HYPOTHESES) == pytest.approx(SCORES, rel=0, abs=CLOSE)


@PAIR
def test_a_pair_gets_the_originals_tokens_and_types(bleurt: BleurtNetwork, pair: dict[str, Any]) -> None:
    encoded = bleurt.encode([pair["reference"]], [pair["hypothesis"]])
    assert encoded == Encoded([pair["ids"]], [pair["types"]])


def test_the_recorded_scores_lie_far_enough_apart_to_tell_pairs_from_each_other() -> None:
    # Were they all the same to 1e-5, the tests above would pass whatever the texts are.
    ordered = sorted(SCORES)
    assert min(b - a for a, b in itertools.pairwise(ordered)) > 10 * CLOSE


@pytest.mark.parametrize(
    ("name", "of_reference", "of_hypothesis"),
    [
        # 509 of the 512 tokens are text.
        ("reference beyond the limit", 473, 36),  # the shorter text stays whole
        ("hypothesis beyond the limit", 38, 471),
        ("both beyond the limit, reference longer", 255, 254),  # halves; the odd token is the reference's
        ("both beyond the limit, hypothesis longer", 255, 254),
        ("both beyond the limit, equal", 255, 254),
    ],
)
def test_a_pair_beyond_the_limit_loses_tokens_of_the_longer_text(
    bleurt: BleurtNetwork, name: str, of_reference: int, of_hypothesis: int
) -> None:
    pair = next(pair for pair in EXPECTED if pair["name"] == name)
    encoded = bleurt.encode([pair["reference"]], [pair["hypothesis"]])
    assert len(encoded.ids[0]) == 512
    assert encoded.types[0] == [0] * (of_reference + 2) + [1] * (of_hypothesis + 1)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 50))
def test_truncation_is_what_taking_tokens_off_one_by_one_gives(first: int, second: int, budget: int) -> None:
    kept = [first, second]
    while sum(kept) > budget:
        kept[0 if kept[0] > kept[1] else 1] -= 1
    assert _kept(first, second, budget) == tuple(kept)


# Batches


@pytest.mark.parametrize(
    "rows",
    [
        [0, 1],  # nearly equal lengths
        [7, 20],  # three tokens beside 512
        [20, 7],
        list(range(len(EXPECTED)))[::-1],
        [5, 5, 5],
        list(range(0, len(EXPECTED), 3)),
    ],
    ids=str,
)
def test_a_score_does_not_depend_on_the_rest_of_the_batch(bleurt: BleurtNetwork, rows: list[int]) -> None:
    scores = bleurt.score([REFERENCES[i] for i in rows], [HYPOTHESES[i] for i in rows])
    assert scores == pytest.approx([SCORES[i] for i in rows], rel=0, abs=CLOSE)


def test_a_score_does_not_depend_on_what_stands_in_the_padding(bleurt: BleurtNetwork) -> None:
    batch = bleurt.pad(bleurt.encode(REFERENCES[:8], HYPOTHESES[:8]))
    padding = batch.mask == 0
    assert padding.any()
    other = batch._replace(ids=batch.ids + 7 * padding, types=batch.types + 1 * padding)
    scores = bleurt.forward(*other).tolist()
    assert scores == pytest.approx(SCORES[:8], rel=0, abs=CLOSE)


def test_no_pairs_have_no_scores(bleurt: BleurtNetwork) -> None:
    assert bleurt.score([], []) == []


def test_unequal_numbers_of_texts_are_an_error(bleurt: BleurtNetwork) -> None:
    with pytest.raises(ValueError, match="shorter"):
        bleurt.score(["您好"], [])


def test_any_text_gets_a_number_lone_surrogates_too(bleurt: BleurtNetwork) -> None:
    for text in ALL:
        (score,) = bleurt.score(["您好，请说。"], [text])
        assert math.isfinite(score)


def test_a_lone_surrogate_counts_as_a_question_mark(bleurt: BleurtNetwork) -> None:
    assert bleurt.encode(["好\ud800的"], [""]) == bleurt.encode(["好?的"], [""])


# Forms of a checkpoint


def test_safetensors_and_bin_hold_the_same_model(folder: Path, bleurt: BleurtNetwork) -> None:
    write_safetensors(folder, read_bin(folder))
    (folder / "pytorch_model.bin").unlink()
    other = load_bleurt(str(folder))
    assert other.score(REFERENCES, HYPOTHESES) == bleurt.score(REFERENCES, HYPOTHESES)
    assert other.fingerprint == bleurt.fingerprint


def test_safetensors_is_read_where_both_are_there(folder: Path, bleurt: BleurtNetwork) -> None:
    write_safetensors(folder, read_bin(folder))
    cut(folder / "pytorch_model.bin")
    assert load_bleurt(str(folder)).fingerprint == bleurt.fingerprint


@pytest.mark.parametrize("name", ["bleurt.embeddings.position_ids", "bleurt.embeddings.token_type_ids"])
def test_a_saved_constant_may_be_there_or_not(folder: Path, bleurt: BleurtNetwork, name: str) -> None:
    weights = read_bin(folder)
    constant = weights.pop("bleurt.embeddings.position_ids")
    write_bin(folder, weights)
    assert load_bleurt(str(folder)).fingerprint == bleurt.fingerprint
    write_bin(folder, {**weights, name: constant})
    assert load_bleurt(str(folder)).fingerprint == bleurt.fingerprint


@pytest.mark.slow
def test_half_precision_weights_are_computed_with_in_single_precision(
    folder: Path, bleurt: BleurtNetwork
) -> None:
    half = {name: w.half() for name, w in read_bin(folder).items() if "position_ids" not in name}
    write_bin(folder, half)
    rounded = load_bleurt(str(folder))
    write_bin(folder, {name: w.float() for name, w in half.items()})
    assert rounded.score(REFERENCES, HYPOTHESES) == load_bleurt(str(folder)).score(REFERENCES, HYPOTHESES)
    assert rounded.score(REFERENCES, HYPOTHESES) != bleurt.score(REFERENCES, HYPOTHESES)


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [{"num_attention_heads": 8}, {"hidden_act": "relu"}, {"layer_norm_eps": 1e-12}],
    ids=lambda change: next(iter(change)),
)
def test_what_no_shape_shows_is_taken_from_the_configuration(folder: Path, change: dict[str, object]) -> None:
    edit(folder / "config.json", **change)
    scores = load_bleurt(str(folder)).score(REFERENCES, HYPOTHESES)
    assert max(abs(a - b) for a, b in zip(scores, SCORES, strict=True)) > 10 * CLOSE


def test_the_fingerprint_is_sixteen_hex_digits_and_the_same_each_time(bleurt: BleurtNetwork) -> None:
    assert len(bleurt.fingerprint) == 16
    assert int(bleurt.fingerprint, 16)
    assert load_bleurt(str(TINY)).fingerprint == bleurt.fingerprint


def one_weight(folder: Path) -> None:
    weights = read_bin(folder)
    weights["classifier.bias"] += 1e-6
    write_bin(folder, weights)


def one_byte_of_the_pieces(folder: Path) -> None:
    with open(folder / "spm.model", "ab") as file:
        file.write(b"\xfa\x7f\x00")  # an empty field that sentencepiece does not know


@pytest.mark.parametrize(
    "change",
    [one_weight, one_byte_of_the_pieces, lambda f: edit(f / "config.json", num_attention_heads=8)],
    ids=["weights", "pieces", "heads, which no shape shows"],
)
def test_the_fingerprint_changes_with_everything_that_scores_depend_on(
    folder: Path, bleurt: BleurtNetwork, change: Callable[[Path], None]
) -> None:
    change(folder)
    assert load_bleurt(str(folder)).fingerprint != bleurt.fingerprint


def test_the_fingerprint_does_not_change_with_who_saved_the_checkpoint(
    folder: Path, bleurt: BleurtNetwork
) -> None:
    edit(folder / "config.json", transformers_version="4.25.1", _name_or_path="BLEURT-20", dtype=...)
    (folder / "expected.json").unlink()
    assert load_bleurt(str(folder)).fingerprint == bleurt.fingerprint
