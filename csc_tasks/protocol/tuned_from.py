"""Which model a tuned one was made from: what the run says, and what the folder of its weights says."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from csc_tasks.credentials import without_secrets
from csc_tasks.errors import ConfigError, DataError, first_fault
from csc_tasks.outside import parse_json, read_file
from csc_tasks.printable import printable
from csc_tasks.protocol.signature_parts import Text
from csc_tasks.storage import at_home

__all__ = ["ADAPTERS", "KEY", "TRAINING_FILE", "TunedFrom", "may_be_one_model"]

logger = logging.getLogger(__name__)

KEY = "csconv_tuned_from"
"""Where a task's metadata in a results file has it."""
TRAINING_FILE = "csconv_training.json"
"""What ``csconv train`` writes beside weights; its ``base`` is an object with a ``name``."""
ADAPTERS = ("peft", "lora_local_path", "delta")
"""lm-eval's arguments that name weights on top of a model's."""
_ADAPTER_FILE = "adapter_config.json"
_ADAPTER_BASE = "base_model_name_or_path"


class TunedFrom(BaseModel):
    """The base of a tuned model.

    ``name`` is a hub id, a path, or what the base's own run called it; ``told_by`` is what said so:
    ``csconv_base``, ``model_args`` (an adapter is on top of the model that it was run with) or a file's name.
    ``trained_on`` is what the folder of the weights names instead, where that is another model; '' where it agrees.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: Text
    told_by: Text = ""
    trained_on: Text = ""

    @classmethod
    def of_run(cls, metadata: Mapping[str, Any], base: str | None = None) -> TunedFrom | None:
        """What is known when a run begins; ``None`` where nothing says that the model is a tuned one.

        The run's own word counts before the folder's, and no name is looked up anywhere.

        Args:
            metadata: of the task, in which lm-eval repeats the model's arguments.
            base: what ``--metadata csconv_base`` says.

        Raises:
            ConfigError: a file that would tell the base is damaged; the message names it and the way out.
        """
        arguments = {name: str(metadata[name]) for name in ("pretrained", *ADAPTERS) if metadata.get(name)}
        model = arguments.get("pretrained", "")
        adapter = next((arguments[name] for name in ADAPTERS if name in arguments), "")
        if base or (adapter and model):
            name, told_by = (base, "csconv_base") if base else (model, "model_args")
            try:
                _, said = _of_folder(adapter or model)
            except DataError:
                said = ""  # nothing depends on it
            other = said if said and not may_be_one_model(said, name) else ""
            found = cls(name=_plain(name), told_by=told_by, trained_on=_plain(other))
            if other:
                logger.warning(
                    "%s was trained on %s and is evaluated as tuned from %s: its scores mean nothing unless the two "
                    "are one model",
                    *(printable(each) for each in (adapter or model, found.trained_on, found.name)),
                )
            return found
        try:
            told_by, name = _of_folder(model)
        except DataError as error:
            raise ConfigError(
                f"{error}: it would tell the base of this model; say it with --metadata csconv_base=NAME, or mend or "
                "remove the file"
            ) from None
        return cls(name=_plain(name), told_by=told_by) if name else None

    @classmethod
    def of_results(cls, metadata: Mapping[str, Any], arguments: Mapping[str, Any]) -> TunedFrom | None:
        """What a results file says, of whatever version of csconv; ``None`` where it says nothing.

        Args:
            metadata: of the task.
            arguments: of the model.

        Raises:
            DataError: what csconv wrote is damaged.
        """
        if metadata.get(KEY) is not None:
            try:
                return cls.model_validate(metadata[KEY])
            except ValidationError as error:
                raise DataError(f"{KEY}.{first_fault(error)}") from None
        if isinstance(said := metadata.get("csconv_base"), str) and said.strip():
            return cls(name=_plain(said), told_by="csconv_base")
        adapted = any(arguments.get(name) for name in ADAPTERS)
        if adapted and isinstance(model := arguments.get("pretrained"), str) and model:
            return cls(name=_plain(model), told_by="model_args")
        return None


def may_be_one_model(one: str, two: str) -> bool:
    """Whether two names can be of one model: the same last part, whatever folder or owner stands before it."""
    return _last(one) == _last(two)


def _last(name: str) -> str:
    # A hub's cache has `models--owner--name/snapshots/DIGEST`.
    if found := re.search(r"(?:^|[/\\])models--[^/\\]*?--([^/\\]+)", name):
        return found.group(1).casefold()
    return PurePosixPath(name.replace("\\", "/").rstrip("/")).name.casefold()


def _plain(name: str) -> str:
    return without_secrets(name.strip())


def _of_folder(model: str) -> tuple[str, str]:
    """The file of a local folder that tells a base, and the base; '' for both where none does.

    Raises:
        DataError: one is there and damaged.
    """
    if not model:
        return "", ""
    folder = at_home(model)
    try:
        training, adapter = folder / TRAINING_FILE, folder / _ADAPTER_FILE
        if _is_file(training):
            base = _content(training).get("base")
            name = base.get("name") if isinstance(base, Mapping) else None
            if not isinstance(name, str) or not name.strip():
                raise DataError(f"{training}: has no base.name")
            return TRAINING_FILE, name
        if _is_file(adapter):
            name = _content(adapter).get(_ADAPTER_BASE)
            return (_ADAPTER_FILE, name) if isinstance(name, str) and name.strip() else ("", "")
    except OSError as error:
        raise DataError(f"{error.filename or folder}: cannot be read ({error.strerror})") from None
    return "", ""


def _is_file(path: Path) -> bool:
    """Whether there is one; a model may be called something that no file can be."""
    try:
        return path.is_file()
    except OSError:
        return False


def _content(path: Path) -> Mapping[str, Any]:
    try:
        content = parse_json(read_file(path))
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error})") from None
    if not isinstance(content, Mapping):
        raise DataError(f"{path}: must be an object")
    return content
