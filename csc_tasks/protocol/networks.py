"""Which neural networks score, read from ``--metadata csconv_bertscore_…`` and ``csconv_bleurt_…``."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Annotated

from pydantic import BeforeValidator, Field

from csc_tasks.errors import ConfigError
from csc_tasks.install import install_hint
from csc_tasks.metrics import BertScoreOptions, BleurtOptions, Metric, ModelError, Models
from csc_tasks.metrics.neural.bertscore import DEFAULT_ENCODER
from csc_tasks.protocol.metadata import AtLeastOne, FromMetadata, FromZero, Name, Switch, Vectors

__all__ = ["MODEL_KEYS", "Unnamed", "default_encoder_is_here", "prepare", "read_models"]

OFF = "off"


def _off(value: object) -> object:
    return OFF if value is False else value  # a command line turns off, no and false into False


Model = Annotated[Name, BeforeValidator(_off)]
"""A model's name or folder, or ``off``."""


class Unnamed(Enum):
    """What becomes of BERTScore where no model is named."""

    DEFAULT = "the default model, which must load"
    CACHED = "the default model if it is on this machine already"
    OFF = "left out"


class BertScoreChoice(FromMetadata):
    """``csconv_bertscore_…``; ``None`` leaves a value to bert-score or csconv."""

    model: Model = Field(None, alias="csconv_bertscore_model")
    layer: FromZero = Field(None, alias="csconv_bertscore_layer")
    rescale: Switch = Field(False, alias="csconv_bertscore_rescale")
    batch: AtLeastOne = Field(None, alias="csconv_bertscore_batch")
    device: Name = Field(None, alias="csconv_bertscore_device")
    vectors: Vectors = Field(None, alias="csconv_bertscore_vectors")

    def options(self, unnamed: Unnamed) -> BertScoreOptions | None:
        """The encoder, or ``None`` for no BERTScore.

        Raises:
            ConfigError: it is off and something else is chosen of it.
        """
        default = BertScoreOptions()
        given = BertScoreOptions(
            model=self.model or default.model,
            layer=self.layer,
            rescale=self.rescale,
            batch=self.batch or default.batch,
            device=self.device or default.device,
            vectors=self.vectors,
        )
        if self.model == OFF:
            _nothing_else(self)
            return None
        # Who chooses a layer or a device wants the metric.
        if self.model_fields_set or unnamed is Unnamed.DEFAULT:
            return given
        return given if unnamed is Unnamed.CACHED and default_encoder_is_here() else None


class BleurtChoice(FromMetadata):
    """``csconv_bleurt_…``; without a model there is no BLEURT."""

    model: Model = Field(None, alias="csconv_bleurt_model")
    batch: AtLeastOne = Field(None, alias="csconv_bleurt_batch")
    device: Name = Field(None, alias="csconv_bleurt_device")

    def options(self) -> BleurtOptions | None:
        """The checkpoint, or ``None``.

        Raises:
            ConfigError: it is off and something else is chosen of it.
        """
        if self.model is None or self.model == OFF:
            _nothing_else(self)
            return None
        default = BleurtOptions()
        return BleurtOptions(self.model, self.batch or default.batch, self.device or default.device)


MODEL_KEYS = BertScoreChoice.keys() | BleurtChoice.keys()


def read_models(options: Mapping[str, object], unnamed: Unnamed) -> Models:
    """The networks that the options choose; nothing is loaded or looked up beyond the local cache.

    Args:
        options: keys of :data:`MODEL_KEYS`; others are passed over.
        unnamed: what holds for BERTScore without ``csconv_bertscore_model``.

    Raises:
        ConfigError: a value that cannot be, or options for a model that is off.
    """
    return Models(BertScoreChoice.read(options).options(unnamed), BleurtChoice.read(options).options())


def _nothing_else(choice: FromMetadata) -> None:
    fields = type(choice).model_fields
    others = sorted(str(fields[name].alias) for name in choice.model_fields_set - {"model"})
    if others:
        without = fields["model"].alias
        raise ConfigError(f"--metadata {others[0]}: without {without} there is nothing that it applies to")


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
