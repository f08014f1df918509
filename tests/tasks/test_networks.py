"""Metrics with a network, from the command's side: never absent and never 0 without a word."""

from __future__ import annotations

import json
import logging
import math
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import ConfigError
from csc_tasks.install import install_hint
from csc_tasks.metrics import BertScoreOptions, BleurtOptions, Models
from csc_tasks.protocol.networks import Unnamed, read_models
from csc_tasks.protocol.options import Options
from tests.door import csconv, lm_eval, process
from tests.paths import FIXTURES
from tests.running import FunctionLM, evaluate, gold, scores

torch = pytest.importorskip("torch")
stored = pytest.importorskip("safetensors.torch")

BLEURT = FIXTURES / "bleurt_tiny"
TASK = "csconv_mini_response"


@pytest.fixture
def model(tiny_bert: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(tiny_bert, tmp_path / "some-encoder"))


def with_encoder(folder: Path | str, layer: int | None = 8, **more: Any) -> dict[str, Any]:
    options = {f"csconv_bertscore_{key}": value for key, value in more.items()}
    layers = {} if layer is None else {"csconv_bertscore_layer": layer}
    return {"csconv_bertscore_model": str(folder), **layers, **options}


# --- the options ---


@pytest.mark.parametrize(
    ("options", "unnamed", "expected"),
    [
        ({}, Unnamed.DEFAULT, Models(BertScoreOptions())),
        ({}, Unnamed.OFF, Models()),
        ({"csconv_bertscore_model": "off"}, Unnamed.DEFAULT, Models()),
        ({"csconv_bertscore_model": False}, Unnamed.DEFAULT, Models()),  # what some command lines make of off
        (
            {"csconv_bertscore_model": "m", "csconv_bertscore_layer": 3},
            Unnamed.OFF,
            Models(BertScoreOptions("m", 3)),
        ),
        ({"csconv_bertscore_layer": "3"}, Unnamed.OFF, Models(BertScoreOptions(layer=3))),
        ({"csconv_bertscore_rescale": True}, Unnamed.DEFAULT, Models(BertScoreOptions(rescale=True))),
        (
            {"csconv_bertscore_batch": 7, "csconv_bertscore_device": "cpu"},
            Unnamed.DEFAULT,
            Models(BertScoreOptions(batch=7, device="cpu")),
        ),
        (
            {"csconv_bertscore_vectors": "/v"},
            Unnamed.OFF,
            Models(BertScoreOptions(vectors=Path("/v"))),
        ),
        ({"csconv_bertscore_vectors": False}, Unnamed.DEFAULT, Models(BertScoreOptions())),
        ({"csconv_bleurt_model": "b"}, Unnamed.OFF, Models(None, BleurtOptions("b"))),
        ({"csconv_bleurt_model": "off"}, Unnamed.OFF, Models()),
    ],
)
def test_options_choose_the_networks(options: dict[str, Any], unnamed: Unnamed, expected: Models) -> None:
    assert read_models(options, unnamed) == expected


def test_vectors_are_kept_in_the_cache_where_no_folder_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CSCONV_CACHE", str(tmp_path))
    for value in (True, "true"):
        chosen = read_models({"csconv_bertscore_vectors": value}, Unnamed.OFF).bertscore
        assert chosen is not None
        assert chosen.vectors == tmp_path / "vectors"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"csconv_bertscore_layer": -1}, "csconv_bertscore_layer=-1: must be a whole number from 0 on"),
        ({"csconv_bertscore_layer": 2.5}, "csconv_bertscore_layer=2.5: must be a whole number"),
        ({"csconv_bertscore_batch": 0}, "csconv_bertscore_batch=0: must be a whole number from 1 on"),
        ({"csconv_bertscore_batch": True}, "csconv_bertscore_batch=True: must be a whole number"),
        ({"csconv_bertscore_model": 5}, "csconv_bertscore_model=5: must be a name or a path"),
        ({"csconv_bertscore_model": ""}, "csconv_bertscore_model='': must be a name or a path"),
        ({"csconv_bertscore_vectors": 7}, "csconv_bertscore_vectors=7: must be a folder, or true for one"),
        ({"csconv_bertscore_rescale": "maybe"}, "csconv_bertscore_rescale='maybe': must be true or false"),
        (
            {"csconv_bertscore_model": "off", "csconv_bertscore_layer": 8},
            "csconv_bertscore_layer: without csconv_bertscore_model there is nothing",
        ),
        ({"csconv_bleurt_batch": 8}, "csconv_bleurt_batch: without csconv_bleurt_model there is nothing"),
        (
            {"csconv_bertscore_modle": "x"},
            "csconv_bertscore_modle: no such option; csconv knows csconv_base, csconv_bertscore_b",
        ),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Options.from_metadata(options)


# --- what cannot be had stops the run before the model is asked anything ---


def without_tokenizer(folder: Path) -> dict[str, Any]:
    for path in folder.glob("tokenizer*"):
        path.unlink()
    return with_encoder(folder)


def with_truncated_weights(folder: Path) -> dict[str, Any]:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    return with_encoder(folder)


def with_a_missing_weight(folder: Path) -> dict[str, Any]:
    weights = stored.load_file(folder / "model.safetensors")
    del weights["encoder.layer.3.output.dense.weight"]
    stored.save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return with_encoder(folder)


def without_weights(folder: Path) -> dict[str, Any]:
    (folder / "model.safetensors").unlink()
    return with_encoder(folder)


def without_config(folder: Path) -> dict[str, Any]:
    (folder / "config.json").unlink()
    return with_encoder(folder)


def without_layer(folder: Path) -> dict[str, Any]:
    return with_encoder(folder, layer=None)


def with_a_layer_too_many(folder: Path) -> dict[str, Any]:
    return with_encoder(folder, layer=10)


def nowhere(folder: Path) -> dict[str, Any]:
    return with_encoder("/nowhere/encoder")


def not_in_the_cache(folder: Path) -> dict[str, Any]:
    return with_encoder("some-owner/some-encoder")


def on_a_gpu_that_is_not_there(folder: Path) -> dict[str, Any]:
    return with_encoder(folder, device="cuda:7")


def on_no_device_at_all(folder: Path) -> dict[str, Any]:
    return with_encoder(folder, device="abacus")


def rescaled_without_baseline(folder: Path) -> dict[str, Any]:
    return with_encoder(folder, rescale=True)


def bleurt_nowhere(folder: Path) -> dict[str, Any]:
    return {"csconv_bleurt_model": "/nowhere/BLEURT-20"}


def bleurt_of_another_kind(folder: Path) -> dict[str, Any]:
    return {"csconv_bleurt_model": str(folder)}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without_tokenizer, r"bertscore cannot be computed: \S+some-encoder has no tokenizer"),
        (with_truncated_weights, r"some-encoder cannot be loaded: SafetensorError"),
        (
            with_a_missing_weight,
            r"some-encoder lacks weights .*encoder\.layer\.3\.output\.dense\.weight and 0 more",
        ),
        (without_weights, r"some-encoder cannot be loaded: OSError: Error no file named"),
        (without_config, r"some-encoder cannot be loaded: "),
        (without_layer, r"bert-score knows no layer for \S+some-encoder: choose one of 1 to 9"),
        (with_a_layer_too_many, r"some-encoder has layers 0 to 9, not 10"),
        (nowhere, r"/nowhere/encoder: no such folder"),
        (not_in_the_cache, r"some-owner/some-encoder cannot be loaded: "),
        (on_a_gpu_that_is_not_there, r"device 'cuda:7' cannot be used here"),
        (on_no_device_at_all, r"device 'abacus' cannot be used here"),
        (rescaled_without_baseline, r"no Chinese baseline to rescale some-encoder with"),
        (bleurt_nowhere, r"bleurt cannot be computed: there is no folder /nowhere/BLEURT-20"),
        (bleurt_of_another_kind, r"bleurt cannot be computed: .*model_type is 'bert', not 'bleurt'"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_cannot_be_had_stops_the_run_before_generation_with_three_ways_out(
    model: Path, spoil: Callable[[Path], dict[str, Any]], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    lm = FunctionLM(gold)
    with pytest.raises(ConfigError, match=message) as error:
        evaluate(lm, [TASK], spoil(model), limit=2)
    assert lm.requests == []
    kind = "bleurt" if "bleurt" in spoil.__name__ else "bertscore"
    for way in (
        install_hint(kind),
        f"csconv_{kind}_model=FOLDER",
        f"csconv_{kind}_model=off",
    ):
        assert way in str(error.value)


def test_without_the_bert_score_package_the_run_stops_too(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bert_score.utils", None)  # as if it were not installed
    with pytest.raises(
        ConfigError, match="bertscore cannot be computed: bert-score is not installed"
    ) as error:
        evaluate(FunctionLM(gold), [TASK], with_encoder(model), limit=2)
    assert install_hint("bertscore") in str(error.value)


def test_nothing_is_loaded_for_predict_only_or_a_strategy_task() -> None:
    lost = with_encoder("/nowhere/encoder")
    assert (
        evaluate(FunctionLM(gold), [TASK], lost, limit=2, predict_only=True)["results"][TASK]["sample_len"]
        == 2
    )
    results = evaluate(FunctionLM(gold), ["csconv_mini_strategy"], lost, limit=2)
    assert scores(results, "csconv_mini_strategy")["strategy_acc"] == 1.0


# --- what fails in scoring costs its own columns only ---


def test_an_encoder_that_gives_no_numbers_is_nan_with_a_counted_reason_and_all_else_is_scored(
    model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    weights = stored.load_file(model / "model.safetensors")
    weights["encoder.layer.2.output.dense.weight"][:] = float("nan")
    stored.save_file(weights, model / "model.safetensors", {"format": "pt"})
    results = evaluate(FunctionLM(gold), [TASK], with_encoder(model), limit=5)
    found = scores(results, TASK)
    for name in ("bertscore", "bertscore_precision", "bertscore_recall"):
        assert math.isnan(found[name])
        assert found[f"{name}_stderr"] == "N/A"
    names = "bertscore, bertscore_precision and bertscore_recall"
    assert f"{names} are NaN: 5 of 5 turns were not scored" in caplog.text
    assert found["rouge_l"] == found["strategy_acc"] == 1.0
    unscored = results["configs"][TASK]["metadata"]["csconv_report"]["unscored"]
    assert unscored["bertscore"] == {
        "turns": 5,
        "reason": "ModelError: the encoder gives numbers that are not finite",
    }
    samples = results["samples"][TASK]
    assert [s["bertscore"] for s in samples] == [None] * 5
    assert all(s["resps"][0][0] for s in samples)


# --- what is computed, and where it shows ---


def test_both_networks_score_and_are_in_the_signature(model: Path) -> None:
    options = {**with_encoder(model), "csconv_bleurt_model": str(BLEURT)}
    results = evaluate(FunctionLM(gold), [TASK, "csconv_mini_dialogue"], options, limit=2)
    for task in (TASK, "csconv_mini_dialogue"):
        found = scores(results, task)
        assert found["bertscore"] == pytest.approx(1.0, abs=1e-6)
        assert not math.isnan(found["bleurt"])
        signature = results["configs"][task]["metadata"]["csconv_signature"]
        assert signature["metrics"]["bertscore"].startswith("bert-score 0.3.13, some-encoder@")
        assert signature["metrics"]["bleurt"].startswith("bleurt, bleurt_tiny@")
        assert signature["models"]["bertscore"]["bert_score_hash"].startswith(
            "some-encoder_L8_no-idf_version="
        )
        assert (
            signature["models"]["bertscore"] | {"layer": 8, "idf": False, "rescaled": False}
            == (signature["models"]["bertscore"])
        )


def test_silence_scores_zero_and_is_never_better_than_words(model: Path) -> None:
    results = evaluate(FunctionLM(lambda _: ""), [TASK], with_encoder(model), limit=3)
    found = scores(results, TASK)
    assert found["bertscore"] == found["bertscore_recall"] == 0.0
    assert found["no_answer"] == 1.0  # the zero comes with its reason


@pytest.mark.slow
def test_a_mini_task_uses_the_default_model_only_if_it_is_in_the_cache_and_the_table_says_which(
    tiny_bert: Path, tmp_path: Path
) -> None:
    empty, filled = tmp_path / "empty", tmp_path / "filled"
    snapshot = filled / "models--bert-base-chinese" / "snapshots" / ("0" * 40)
    shutil.copytree(tiny_bert, snapshot)
    (filled / "models--bert-base-chinese" / "refs").mkdir()
    (filled / "models--bert-base-chinese" / "refs" / "main").write_text("0" * 40)
    for name, cache in (("without", empty), ("with", filled)):
        command = ("floor", "random", "--tasks", TASK, "--limit", "5", "--output_path", tmp_path / name)
        done = process(*command, HF_HUB_CACHE=str(cache))  # its place is read once, at import
        assert done.code == 0, done.err
        said = "without BERTScore; --metadata csconv_bertscore_model=" in done.output
        assert said == (name == "without")
    table = csconv("table", tmp_path / "without").out
    assert "BERTScore" not in table
    table = csconv("table", tmp_path / "with").out
    assert "BERTScore F1 (bert-base-chinese): bert-score 0.3.13, bert-base-chinese@" in table


@pytest.mark.slow
def test_a_task_on_full_data_without_the_model_stops_with_exit_code_and_one_message(tmp_path: Path) -> None:
    from csc_tasks.data.files import write_conversations
    from csc_tasks.data.sources import load

    write_conversations(tmp_path / "data.json", load("mini").conversations[:2])
    data = f"csconv_data={tmp_path / 'data.json'}"
    done = lm_eval(
        *("--model", "dummy", "--tasks", "csconv_response", "--output_path", tmp_path / "out"),
        *("--metadata", data),
        HF_HUB_CACHE=str(tmp_path / "empty"),
    )
    assert done.code != 0
    assert "bertscore cannot be computed: bert-base-chinese cannot be loaded" in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "out").exists()


def test_two_encoders_of_one_model_are_two_columns(model: Path, tiny_bert: Path, tmp_path: Path) -> None:
    common = ("floor", "random", "--tasks", TASK, "--limit", "6", "--output_path", tmp_path / "out")
    metadata = f"csconv_bertscore_model={model},csconv_bertscore_layer=8"
    assert csconv(*common, "--metadata", metadata).code == 0
    other = f"csconv_bertscore_model={tiny_bert},csconv_bertscore_layer=2"
    done = csconv("score", tmp_path / "out", "--metrics", "bertscore", "--metadata", other)
    assert done.code == 0, done.err
    table = csconv("table", tmp_path / "out").out
    assert "BERTScore F1 (some-encoder): bert-score 0.3.13, some-encoder@" in table
    assert "BERTScore F1 (tiny-bert): bert-score 0.3.13, tiny-bert@" in table
    columns = next(line for line in table.splitlines() if line.startswith("┃ # ┃ model"))
    assert "(some-encoder) ↑" in columns
    assert "(tiny-bert) ↑" in columns


@pytest.mark.slow
def test_scoring_again_with_the_runs_encoder_gives_its_numbers_to_the_last_digit(
    model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    metadata = f"csconv_bertscore_model={model},csconv_bertscore_layer=8,csconv_bleurt_model={BLEURT}"
    common = (
        "floor",
        "retrieval",
        "--tasks",
        f"{TASK},csconv_mini_dialogue",
        "--limit",
        "9",
        "--output_path",
        tmp_path / "out",
    )
    done = csconv(*common, "--metadata", metadata)
    assert done.code == 0, done.err
    (original,) = (tmp_path / "out" / "csconv-retrieval").glob("results_2*.json")
    names = "bertscore,bertscore_recall,bleurt"
    other = metadata + ",csconv_bertscore_batch=5,csconv_bleurt_batch=3"
    done = csconv("score", tmp_path / "out", "--metrics", names, "--metadata", other, cwd=tmp_path)
    assert done.code == 0, done.err
    expected = json.loads(original.read_text())
    files = done.out.split()
    assert len(files) == 2
    for file in files:
        new = json.loads(Path(file).read_text())
        ((task, values),) = new["results"].items()
        for name in names.split(","):
            for key in (f"{name},none", f"{name}_stderr,none"):
                assert values[key] == expected["results"][task][key], (task, key)
        old = expected["configs"][task]["metadata"]["csconv_signature"]
        signature = new["configs"][task]["metadata"]["csconv_signature"]
        assert all(signature["metrics"][name] == old["metrics"][name] for name in names.split(","))
