"""The model that is tuned: whether it is there, which it is, its tokenizer and its weights."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from csc_tasks.errors import ConfigError
from csc_tasks.printable import printable
from csc_tasks.storage import at_home
from csc_tasks.training.config import Precision, TrainingConfig, Tuning
from csc_tasks.training.record import BaseRecord, read_record

__all__ = ["FoundModel", "computes_in_bf16", "find_base", "load_weights"]

_ADAPTER = "adapter_config.json"
_WEIGHTS = ("*.safetensors", "*.bin")


class FoundModel(NamedTuple):
    """A model that is there: where, its record, its configuration and tokenizer; no weights are loaded yet."""

    place: str
    record: BaseRecord
    config: Any
    tokenizer: Any

    @property
    def window(self) -> int | None:
        """Tokens that the model can read, where its configuration says so."""
        found = getattr(self.config.get_text_config(), "max_position_embeddings", None)
        return found if isinstance(found, int) and found > 0 else None


def find_base(config: TrainingConfig) -> FoundModel:
    """Find the model, and the adapter to go on with, if one is named.

    Raises:
        ConfigError: it is not there, is an adapter and no model, has no tokenizer, or the adapter is another model's.
    """
    from transformers import AutoConfig, AutoTokenizer

    folder = _folder(config.model)
    place = str(folder) if folder else config.model
    shown = printable(config.model)
    try:
        architecture = AutoConfig.from_pretrained(place, revision=config.revision)
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"model {shown}: {_unfound(folder, error)}") from None
    if getattr(architecture, "is_encoder_decoder", False):
        raise ConfigError(
            f"model {shown}: reads with one part and writes with another; the recipe tunes causal models"
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, revision=config.revision)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ConfigError(f"model {shown}: its tokenizer cannot be loaded ({_first_line(error)})") from None
    if tokenizer.eos_token_id is None:
        raise ConfigError(f"model {shown}: its tokenizer has no eos_token, so that no answer could end")
    record = _record(config, folder, architecture)
    if config.adapter is not None:
        _require_same_base(config.adapter, record)
    return FoundModel(place, record, architecture, tokenizer)


def _folder(model: str) -> Path | None:
    """The folder that a model's name is; ``None`` for a name on the hub.

    Raises:
        ConfigError: it can only be a folder, and is none of a model.
    """
    path = at_home(model)
    if not path.exists():
        if model.startswith((os.sep, ".", "~")) or model.count("/") > 1:
            raise ConfigError(f"model {printable(model)}: there is no such folder")
        return None
    if (path / _ADAPTER).is_file():
        said = _adapter_base(path)
        raise ConfigError(
            f"model {printable(model)}: is an adapter of {printable(said) or 'a model'}: name that as model, "
            "and this as adapter"
        )
    if not (path / "config.json").is_file():
        raise ConfigError(f"model {printable(model)}: has no config.json, so it is no folder of a model")
    return path


def _unfound(folder: Path | None, error: Exception) -> str:
    if folder is not None:
        return f"its config.json cannot be used ({_first_line(error)})"
    return (
        f"is no folder here, and the hub does not give it ({_first_line(error)}): check the name, the network, "
        "and HF_TOKEN if access must be granted"
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return printable(lines[0], 200) if lines else type(error).__name__


def _record(config: TrainingConfig, folder: Path | None, architecture: Any) -> BaseRecord:
    commit = getattr(architecture, "_commit_hash", None)
    if folder is None:
        return BaseRecord(name=config.model, revision=commit or config.revision, adapter=config.adapter)
    weights = sorted(path for pattern in _WEIGHTS for path in folder.glob(pattern))
    if not weights:
        raise ConfigError(f"model {printable(config.model)}: has no weights ({', '.join(_WEIGHTS)})")
    return BaseRecord(
        name=config.model,
        config_sha256=_sha256([folder / "config.json"]),
        weights_sha256=_sha256(weights),
        adapter=config.adapter,
    )


def _sha256(paths: list[Path]) -> str:
    """Of the bytes of files, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(2**22):
                digest.update(block)
    return digest.hexdigest()


def _adapter_base(folder: Path) -> str:
    try:
        found = json.loads((folder / _ADAPTER).read_bytes())
        return str(found.get("base_model_name_or_path") or "")
    except (OSError, ValueError, AttributeError):
        raise ConfigError(
            f"{printable(str(folder / _ADAPTER))}: cannot be read as an adapter's configuration"
        ) from None


def _require_same_base(adapter: str, record: BaseRecord) -> None:
    folder = at_home(adapter)
    if not (folder / _ADAPTER).is_file():
        raise ConfigError(
            f"adapter {printable(adapter)}: has no {_ADAPTER}, so it is no folder of an adapter"
        )
    trained = read_record(folder)
    if trained is not None and trained.base.weights_sha256 and record.weights_sha256:
        same, said = trained.base.weights_sha256 == record.weights_sha256, trained.base.name
    else:
        said = _adapter_base(folder)
        same = not said or _place(said) == _place(record.name)
    if not same:
        raise ConfigError(
            f"adapter {printable(adapter)}: belongs to {printable(said)}, and model is {printable(record.name)}: an "
            "adapter changes the numbers of the model that it was trained with, and of no other"
        )


def _place(name: str) -> str:
    path = at_home(name)
    return str(path.resolve()) if path.exists() else name.casefold()


def computes_in_bf16(precision: Precision) -> bool:
    """Whether in bfloat16.

    Raises:
        ConfigError: it was asked for, and the device cannot.
    """
    import torch
    from transformers.utils import is_torch_bf16_gpu_available

    able = bool(is_torch_bf16_gpu_available())
    if precision is Precision.BF16 and torch.cuda.is_available() and not able:
        raise ConfigError("precision: bf16, which this GPU does not have: say fp32, or auto")
    return able if precision is Precision.AUTO else precision is Precision.BF16


def load_weights(found: FoundModel, config: TrainingConfig, bf16: bool) -> Any:
    """The model with its weights, and with the adapter to go on with.

    All weights are learnt in float32, computed in bfloat16 where there is one; beside an adapter they do not change,
    and need no more digits than they are computed with.
    """
    import torch
    from transformers import AutoModelForCausalLM

    dtype = torch.bfloat16 if bf16 and config.tuning is Tuning.LORA else torch.float32
    try:
        model = AutoModelForCausalLM.from_pretrained(found.place, revision=config.revision, dtype=dtype)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ConfigError(
            f"model {printable(config.model)}: its weights cannot be loaded ({_first_line(error)})"
        ) from None
    if config.adapter is not None:
        from peft import PeftModel

        try:
            return PeftModel.from_pretrained(model, config.adapter, is_trainable=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise ConfigError(
                f"adapter {printable(config.adapter)}: does not fit {printable(config.model)} ({_first_line(error)})"
            ) from None
    return model
