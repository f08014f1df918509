"""BLEURT: the scores of bleurt-pytorch on the same files, and a clear word for files that are not right.

``tests/fixtures/bleurt_tiny`` and the scores in its expected.json come from tools/make_bleurt_fixture.py.
"""

from __future__ import annotations

import itertools
import json
import math
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csc_tasks.metrics.neural.bleurt_checkpoint import BleurtNetwork, Encoded, _kept, load_bleurt
from tests.paths import FIXTURES
from tests.texts import ALL

TINY = FIXTURES / "bleurt_tiny"
EXPECTED = json.loads((TINY / "expected.json").read_text(encoding="utf-8"))["pairs"]
REFERENCES = [pair["reference"] for pair in EXPECTED]
HYPOTHESES = [pair["hypothesis"] for pair in EXPECTED]
SCORES = [pair["score"] for pair in EXPECTED]
PAIR = pytest.mark.parametrize("pair", EXPECTED, ids=lambda pair: pair["name"])
CLOSE = 1e-5

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bleurt() -> BleurtNetwork:
    pytest.importorskip("torch", reason="torch is not installed")
    return load_bleurt(str(TINY))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the checkpoint, to be damaged."""
    pytest.importorskip("torch", reason="torch is not installed")
    copy = tmp_path / "checkpoint"
    shutil.copytree(TINY, copy)
    return copy


def read_bin(folder: Path) -> dict[str, Any]:
    import torch

    weights: dict[str, Any] = torch.load(folder / "pytorch_model.bin", weights_only=True)
    return weights


def write_bin(folder: Path, weights: object) -> None:
    import torch

    torch.save(weights, folder / "pytorch_model.bin")


def write_safetensors(folder: Path, weights: dict[str, Any]) -> None:
    from safetensors.torch import save_file

    save_file({name: w.clone() for name, w in weights.items()}, folder / "model.safetensors")


def edit(path: Path, **changes: object) -> None:
    """Change fields of a JSON file; ``...`` takes one out."""
    content = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    path.write_text(json.dumps({k: v for k, v in content.items() if v is not ...}), encoding="utf-8")


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


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


def test_half_precision_weights_are_computed_with_in_single_precision(
    folder: Path, bleurt: BleurtNetwork
) -> None:
    half = {name: w.half() for name, w in read_bin(folder).items() if "position_ids" not in name}
    write_bin(folder, half)
    rounded = load_bleurt(str(folder))
    write_bin(folder, {name: w.float() for name, w in half.items()})
    assert rounded.score(REFERENCES, HYPOTHESES) == load_bleurt(str(folder)).score(REFERENCES, HYPOTHESES)
    assert rounded.score(REFERENCES, HYPOTHESES) != bleurt.score(REFERENCES, HYPOTHESES)


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


# Files that are not right


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def no_pieces(folder: Path) -> None:
    (folder / "spm.model").unlink()


def word_pieces(folder: Path) -> None:
    no_pieces(folder)
    (folder / "vocab.txt").write_text("[PAD]\n")


def no_weights(folder: Path) -> None:
    (folder / "pytorch_model.bin").unlink()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (no_config, ["config.json is missing"]),
        (no_pieces, ["the tokenizer, spm.model, is missing"]),
        (word_pieces, ["spm.model, is missing, only that of BLEURT before BLEURT-20"]),
        (no_weights, ["no weights, neither model.safetensors nor pytorch_model.bin"]),
    ],
    ids=["config", "tokenizer", "only WordPiece", "weights"],
)
def test_a_missing_file_is_named_with_its_folder(
    folder: Path, damage: Callable[[Path], None], words: list[str]
) -> None:
    damage(folder)
    with pytest.raises(FileNotFoundError) as caught:
        load_bleurt(str(folder))
    assert all(word in str(caught.value) for word in [str(folder), *words])


def config(**changes: object) -> Callable[[Path], None]:
    return lambda folder: edit(folder / "config.json", **changes)


def tokenizer(**changes: object) -> Callable[[Path], None]:
    return lambda folder: edit(folder / "tokenizer_config.json", **changes)


def text(name: str, content: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_text(content)

    return write


def truncated(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        write_safetensors(folder, read_bin(folder))
        if name == "pytorch_model.bin":
            (folder / "model.safetensors").unlink()
        cut(folder / name)

    return damage


def without_pieces_of_its_own(folder: Path) -> None:
    path = folder / "spm.model"
    path.write_bytes(path.read_bytes().replace(b"[CLS]", b"[CLZ]"))


def weights(**changes: object) -> Callable[[Path], None]:
    """Change weights, dots written as double underscores; ``None`` takes one out, a tuple is a new shape."""

    def damage(folder: Path) -> None:
        import torch

        content = read_bin(folder)
        for key, value in changes.items():
            name = key.replace("__", ".")
            if value is None:
                del content[name]
            else:
                content[name] = torch.zeros(value)
        write_bin(folder, content)

    return damage


@pytest.mark.parametrize(
    ("damage", "file", "words"),
    [
        (text("config.json", "{"), "config.json", ["is no JSON"]),
        (text("config.json", "[]"), "config.json", ["is not a JSON object"]),
        (config(model_type="bert"), "config.json", ["model_type is 'bert', not 'bleurt'"]),
        (config(model_type=...), "config.json", ["model_type is None, not 'bleurt'"]),
        (config(embedding_size=None), "config.json", ["embedding_size is null", "before BLEURT-20"]),
        (config(hidden_size=..., hidden_act=3), "config.json", ["wrong type: hidden_size, hidden_act"]),
        (config(hidden_act="tanhshrinkage"), "config.json", ["describes no network", "tanhshrinkage"]),
        (config(num_attention_heads=0), "config.json", ["describes no network"]),
        (config(num_attention_heads=5), "config.json", ["describes no network", "attention heads (5)"]),
        (config(vocab_size=999), "spm.model", ["1000 pieces", "vocab_size in config.json, 999"]),
        (lambda f: cut(f / "spm.model"), "spm.model", ["truncated or corrupt"]),
        (text("spm.model", "您好" * 99), "spm.model", ["truncated or corrupt, or no sentencepiece model"]),
        (text("spm.model", ""), "spm.model", ["truncated or corrupt"]),
        (without_pieces_of_its_own, "spm.model", ["has no piece [CLS]"]),
        (tokenizer(do_lower_case=True), "tokenizer_config.json", ["do_lower_case is True", "not supported"]),
        (tokenizer(split_by_punct=True), "tokenizer_config.json", ["split_by_punct is True"]),
        (
            tokenizer(sp_model_kwargs={"alpha": 1}),
            "tokenizer_config.json",
            ["sp_model_kwargs is {'alpha': 1}"],
        ),
        (truncated("model.safetensors"), "model.safetensors", ["is truncated or corrupt"]),
        (truncated("pytorch_model.bin"), "pytorch_model.bin", ["is truncated or corrupt"]),
        # What a clone without git-lfs leaves in the weights' place.
        (text("pytorch_model.bin", "version https://git-lfs"), "pytorch_model.bin", ["truncated or corrupt"]),
        (lambda f: write_bin(f, [1, 2]), "pytorch_model.bin", ["does not map names to tensors"]),
        (lambda f: write_bin(f, {"a": 1}), "pytorch_model.bin", ["does not map names to tensors"]),
        (
            weights(classifier__weight=None, bleurt__encoder__embedding_projection__bias=None),
            "pytorch_model.bin",
            ["missing classifier.weight", "missing bleurt.encoder.embedding_projection.bias"],
        ),
        (
            weights(classifier__scale=(1,), rembert__pooler__dense__bias=(32,)),
            "pytorch_model.bin",
            ["unexpected classifier.scale", "unexpected rembert.pooler.dense.bias"],
        ),
        (
            weights(bleurt__embeddings__word_embeddings__weight=(999, 12)),
            "pytorch_model.bin",
            ["bleurt.embeddings.word_embeddings.weight is (999, 12) and should be (1000, 12)"],
        ),
        (
            config(num_hidden_layers=3),
            "pytorch_model.bin",
            ["does not fit config.json", "missing bleurt.encoder.layer.2.attention.self.query.weight"],
        ),
        (config(num_hidden_layers=12), "pytorch_model.bin", ["; and 140 more"]),  # 16 each, 20 named
    ],
    ids=lambda value: "-".join(value)[:60] if isinstance(value, list) else "",
)
def test_a_file_that_is_not_right_is_named_with_what_is_wrong(
    folder: Path, damage: Callable[[Path], None], file: str, words: list[str]
) -> None:
    damage(folder)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the words are checked below)
        load_bleurt(str(folder))
    assert all(word in str(caught.value) for word in [str(folder / file), *words])


class Bomb:
    """An object whose unpickling writes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


def test_code_in_a_weights_file_is_not_run(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "run"
    pickle.loads(pickle.dumps(Bomb(target)))
    assert target.exists()  # so it would do
    target.unlink()
    write_bin(folder, {"classifier.bias": Bomb(target)})
    with pytest.raises(ValueError, match="holds other things than tensors"):
        load_bleurt(str(folder))
    assert not target.exists()


@pytest.mark.parametrize("name", ["/nowhere/bleurt", "./bleurt", "~/no/bleurt", "a/b/c"])
def test_a_path_to_nowhere_is_not_looked_for_on_the_hub(bleurt: BleurtNetwork, name: str) -> None:
    with pytest.raises(FileNotFoundError, match=f"there is no folder {name}"):
        load_bleurt(name)


def test_a_file_in_the_place_of_a_folder_is_an_error(bleurt: BleurtNetwork) -> None:
    with pytest.raises(NotADirectoryError, match=r"name the folder that holds config\.json and spm\.model"):
        load_bleurt(str(TINY / "pytorch_model.bin"))


@pytest.fixture
def hub_cache(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache with the tiny checkpoint as lucadiliello/tiny, and no network."""
    cache = tmp_path / "hub"
    repo = cache / "models--lucadiliello--tiny"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text("0" * 40)
    (repo / "snapshots").mkdir()
    folder.rename(repo / "snapshots" / ("0" * 40))
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return cache


def test_a_hub_id_is_loaded_from_the_cache_when_offline(hub_cache: Path, bleurt: BleurtNetwork) -> None:
    assert load_bleurt("lucadiliello/tiny").fingerprint == bleurt.fingerprint


@pytest.mark.parametrize("name", ["lucadiliello/absent", "no such/name"])
def test_a_hub_id_that_is_not_in_the_cache_is_an_error_when_offline(hub_cache: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError, match=f"no BLEURT model '{name}'.*the cache of the hub did not"):
        load_bleurt(name)


# Packages


def test_importing_the_module_takes_none_of_the_large_packages() -> None:
    names = "torch", "transformers", "sentencepiece", "safetensors", "huggingface_hub", "lm_eval"
    program = f"""
import sys
sys.modules |= dict.fromkeys({names!r})
import csc_tasks.metrics.neural.bleurt_checkpoint
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(ModuleNotFoundError, match=r"BLEURT needs torch.*sentencepiece: pip install torch"):
        load_bleurt(str(TINY))
