"""BLEURT checkpoints that are not right: a clear word for every file, and no code is run."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.metrics.neural.bleurt_checkpoint import BleurtNetwork, load_bleurt
from tests.door import program
from tests.metrics.neural.checkpoints import TINY, cut, edit, read_bin, write_bin, write_safetensors


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


def test_importing_the_module_takes_none_of_the_large_packages() -> None:
    names = "torch", "transformers", "sentencepiece", "safetensors", "huggingface_hub", "lm_eval"
    blocked = f"import sys; sys.modules |= dict.fromkeys({names!r})"
    done = program("-c", f"{blocked}; import csc_tasks.metrics.neural.bleurt_checkpoint")
    assert (done.code, done.err) == (0, "")


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(ModuleNotFoundError, match=r"BLEURT needs torch.*sentencepiece.*: pip install torch"):
        load_bleurt(str(TINY))
