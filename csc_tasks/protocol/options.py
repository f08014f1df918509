"""The options of a run, read once from lm-eval's metadata into a typed object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from csc_tasks.data.splits import Subset
from csc_tasks.errors import ConfigError
from csc_tasks.install import install_hint
from csc_tasks.metrics import DEFAULT_TOKENIZER, NO_MODELS, Models, tokenizer
from csc_tasks.protocol.networks import MODEL_OPTIONS, Unnamed, read_models

__all__ = ["Settings"]

_KNOWN = {"csconv_scale", "csconv_data", "csconv_train", "csconv_tokenizer", "csconv_judge", *MODEL_OPTIONS}


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``--metadata csconv_…=…`` and the task's YAML choose.

    ``data`` and ``train`` are sources (``hub``, ``modelscope``, ``mini``, a path) or ``None`` for the default;
    ``models`` are the networks that score, of which a strategy task uses none; ``judge`` is a
    judge's configuration file, or ``None`` for none.
    """

    scale: Subset
    data: str | None = None
    train: str | None = None
    tokenizer: str = DEFAULT_TOKENIZER
    models: Models = NO_MODELS
    judge: str | None = None

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, object]) -> Settings:
        """Read the ``csconv_`` keys; other keys belong to the model or the harness.

        Raises:
            ConfigError: an unknown ``csconv_`` key or a value that is not offered.
        """
        ours = {str(k): v for k, v in metadata.items() if str(k).startswith("csconv_")}
        if unknown := sorted(set(ours) - _KNOWN):
            offered = ", ".join(sorted(_KNOWN - {"csconv_scale"}))
            raise ConfigError(f"--metadata {unknown[0]}: no such option; csconv knows {offered}")
        try:
            scale = Subset(ours.get("csconv_scale", "full"))
        except ValueError:
            raise ConfigError(
                f"csconv_scale={ours['csconv_scale']!r} is none of {', '.join(s.value for s in Subset)}"
            ) from None
        name = str(ours.get("csconv_tokenizer", DEFAULT_TOKENIZER))
        try:
            tokenizer(name)
        except ValueError as error:
            raise ConfigError(str(error)) from None
        except ModuleNotFoundError as error:
            raise ConfigError(f"{error}: {install_hint('jieba')}") from None
        # The mini tasks promise to run offline on any machine.
        models = read_models(ours, Unnamed.CACHED if scale is Subset.MINI else Unnamed.DEFAULT)
        judge = ours.get("csconv_judge")
        if judge is not None and not isinstance(judge, str):
            raise ConfigError(
                f"--metadata csconv_judge={judge!r}: must be the path of a judge's configuration"
            )
        return cls(scale, _source(ours, "csconv_data"), _source(ours, "csconv_train"), name, models, judge)


def _source(options: Mapping[str, object], key: str) -> str | None:
    value = options.get(key)
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"--metadata {key}={value!r}: must be 'hub', 'modelscope', 'mini' or a path")
    return value
