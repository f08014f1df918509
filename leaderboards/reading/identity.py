"""Which model a results file is about: its name, revision and checkpoint step, as far as the file says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any

__all__ = ["FLOOR", "Identity", "identify"]

FLOOR = "csconv-"
"""What the names of floors, weightless models, begin with."""

_CHECKPOINT = re.compile(
    r"(?:^|[-_./])(?:checkpoint|ckpt|global[-_]?step|step|iter(?:ation)?)[-_]?0*(\d{1,12})(?:[-_](?:hf|merged))?$",
    re.IGNORECASE,
)
_NAMES = ("model", "pretrained", "path", "engine")
"""lm-eval's model arguments that name a model, whatever the backend."""
_SETTINGS = ("system_instruction_sha", "chat_template_sha", "fewshot_as_multiturn")


@dataclass(frozen=True, slots=True)
class Identity:
    """A model as one run evaluated it.

    ``name`` is for people; ``key`` is the same for two runs only if they are of the same model, revision and
    way of asking; ``settings`` are what of the latter a reader may want to know.
    """

    name: str
    revision: str
    step: int | None
    shots: int
    key: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]

    @property
    def is_floor(self) -> bool:
        """Whether this is a weightless model."""
        return self.name.startswith(FLOOR)


def identify(results: dict[str, Any], task: str) -> Identity:
    """The identity of the model in an lm-eval results file's content, as evaluated on one of its tasks."""
    config = results.get("config") or {}
    arguments = _arguments(config.get("model_args"))
    # For a model without a telling argument lm-eval makes up a `model_name` of random letters.
    told = next((str(arguments[name]) for name in _NAMES if arguments.get(name)), None)
    full = told or str(config.get("model") or results.get("model_name") or "?")
    revision = str(arguments.get("revision") or config.get("model_revision") or "")
    revision = "" if revision == "main" else revision
    adapters = {k: str(arguments[k]) for k in ("peft", "delta") if arguments.get(k)}
    settings = {
        **adapters,
        **{
            k: str(arguments[k])
            for k in ("dtype", "quantization", "load_in_4bit", "load_in_8bit")
            if arguments.get(k)
        },
        **{k: str(results[k])[:12] for k in _SETTINGS if results.get(k)},
    }
    if config.get("gen_kwargs"):
        settings["gen_kwargs"] = str(config["gen_kwargs"])
    shots = _whole((results.get("n-shot") or {}).get(task)) or 0
    metadata = ((results.get("configs") or {}).get(task) or {}).get("metadata") or {}
    step = _whole(metadata.get("step"))
    for text in (revision, adapters.get("peft", ""), full):
        if step is None and (match := _CHECKPOINT.search(text)):
            step = int(match.group(1))
    return Identity(
        name=_label(full),
        revision=revision,
        step=step,
        shots=shots,
        key=(full, revision, str(step), str(shots), repr(sorted(settings.items()))),
        settings=tuple(sorted(settings.items())),
    )


def _arguments(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    if isinstance(value, str):  # as older versions of lm-eval write them
        return dict(part.split("=", 1) for part in value.split(",") if "=" in part)
    return {}


def _whole(value: Any) -> int | None:
    try:
        number = None if value is None or isinstance(value, bool) else int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number is None or abs(number) < 10**12 else None


def _label(full: str) -> str:
    """A hub id as it is, owner and name; a local folder by its name, a checkpoint also by its run's."""
    path: PurePath = PureWindowsPath(full) if re.match(r"[A-Za-z]:[\\/]", full) else PurePosixPath(full)
    local = path.is_absolute() or full.startswith((".", "~")) or len(path.parts) > 2
    if not local or not path.name:
        return full
    parent = path.parent.name
    return f"{parent}/{path.name}" if parent and _CHECKPOINT.search(path.name) else path.name
