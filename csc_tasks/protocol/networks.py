"""Which neural networks score, read from ``--metadata csconv_bertscore_…`` and ``csconv_bleurt_…``."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Mapping
from enum import Enum

from csc_tasks.errors import ConfigError
from csc_tasks.install import install_hint
from csc_tasks.metrics import BertScoreOptions, BleurtOptions, Metric, ModelError, Models
from csc_tasks.metrics.neural.bertscore import DEFAULT_ENCODER

__all__ = ["MODEL_OPTIONS", "Unnamed", "default_encoder_is_here", "prepare", "read_models"]

MODEL_OPTIONS = frozenset(
    {
        *("csconv_bertscore_model", "csconv_bertscore_layer", "csconv_bertscore_rescale"),
        *("csconv_bertscore_batch", "csconv_bertscore_device"),
        *("csconv_bleurt_model", "csconv_bleurt_batch", "csconv_bleurt_device"),
    }
)

OFF = "off"


class Unnamed(Enum):
    """What becomes of BERTScore where no model is named."""

    DEFAULT = "the default model, which must load"
    CACHED = "the default model if it is on this machine already"
    OFF = "left out"


def read_models(options: Mapping[str, object], unnamed: Unnamed) -> Models:
    """The networks that the options choose; nothing is loaded or looked up beyond the local cache.

    Args:
        options: keys of :data:`MODEL_OPTIONS`; others are passed over.
        unnamed: what holds for BERTScore without ``csconv_bertscore_model``.

    Raises:
        ConfigError: a value that cannot be, or options for a model that is off.
    """
    return Models(_bertscore(options, unnamed), _bleurt(options))


def _bertscore(options: Mapping[str, object], unnamed: Unnamed) -> BertScoreOptions | None:
    name = _text(options, "csconv_bertscore_model")
    default = BertScoreOptions()
    given = BertScoreOptions(
        model=name or default.model,
        layer=_whole(options, "csconv_bertscore_layer", lowest=0),
        rescale=_switch(options, "csconv_bertscore_rescale"),
        batch=_whole(options, "csconv_bertscore_batch", lowest=1) or default.batch,
        device=_text(options, "csconv_bertscore_device") or default.device,
    )
    if name == OFF:
        _nothing_else(options, "csconv_bertscore_")
        return None
    if name is None and any(key.startswith("csconv_bertscore_") for key in options):
        unnamed = Unnamed.DEFAULT  # who chooses a layer or a device wants the metric
    if name is not None or unnamed is Unnamed.DEFAULT:
        return given
    if unnamed is Unnamed.OFF:
        return None
    return given if default_encoder_is_here() else None


def _bleurt(options: Mapping[str, object]) -> BleurtOptions | None:
    name = _text(options, "csconv_bleurt_model")
    if name is None or name == OFF:
        _nothing_else(options, "csconv_bleurt_")
        return None
    default = BleurtOptions()
    return BleurtOptions(
        model=name,
        batch=_whole(options, "csconv_bleurt_batch", lowest=1) or default.batch,
        device=_text(options, "csconv_bleurt_device") or default.device,
    )


def prepare(metrics: Iterable[Metric]) -> None:
    """Load every metric's model.

    Raises:
        ConfigError: one cannot be had; with the ways out.
    """
    for metric in metrics:
        try:
            metric.prepare()
        except ModelError as error:
            kind = "bleurt" if metric.info.name == "bleurt" else "bertscore"
            example = "lucadiliello/BLEURT-20" if kind == "bleurt" else DEFAULT_ENCODER
            layer = "" if kind == "bleurt" else ",csconv_bertscore_layer=N"
            raise ConfigError(
                f"{kind} cannot be computed: {error}. Three ways out:"
                f" (1) {install_hint(kind)} and `hf download {example}` where there is a network;"
                f" (2) a model of your own: --metadata csconv_{kind}_model=FOLDER{layer};"
                f" (3) without it: --metadata csconv_{kind}_model=off, and later"
                f" `csconv score RESULTS --metrics {kind}` on the saved samples"
            ) from error


def default_encoder_is_here() -> bool:
    """Whether BERTScore's default encoder and the package are on this machine; the hub is not asked."""
    return importlib.util.find_spec("bert_score") is not None and _in_hub_cache(DEFAULT_ENCODER)


def _in_hub_cache(model: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    folder = os.environ.get("HF_HUB_CACHE")
    files = ("config.json", "model.safetensors"), ("config.json", "pytorch_model.bin")
    return any(
        all(isinstance(try_to_load_from_cache(model, name, cache_dir=folder), str) for name in names)
        for names in files
    )


def _nothing_else(options: Mapping[str, object], prefix: str) -> None:
    others = sorted(k for k in options if k.startswith(prefix) and k != f"{prefix}model")
    if others:
        raise ConfigError(
            f"--metadata {others[0]}: without {prefix}model there is nothing that it applies to"
        )


def _text(options: Mapping[str, object], key: str) -> str | None:
    value = options.get(key)
    # A command line turns off, no and false into False.
    if value is False and key.endswith("_model"):
        return OFF
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ConfigError(f"--metadata {key}={value!r}: must be a name or a path")
    return value


def _whole(options: Mapping[str, object], key: str, lowest: int) -> int | None:
    value = options.get(key)
    if value is None:
        return None
    try:
        number = int(str(value))
    except ValueError:
        number = lowest - 1
    if number < lowest or isinstance(value, bool):
        raise ConfigError(f"--metadata {key}={value!r}: must be a whole number from {lowest} on")
    return number


def _switch(options: Mapping[str, object], key: str) -> bool:
    value = str(options.get(key, False)).lower()
    if value not in {"true", "false", "1", "0"}:
        raise ConfigError(f"--metadata {key}={options[key]!r}: must be true or false")
    return value in {"true", "1"}
