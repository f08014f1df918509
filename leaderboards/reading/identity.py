"""Which model a results file is about: its name, revision and checkpoint step, as far as the file says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath, PureWindowsPath

from csc_tasks.results.records import ModelRecord

__all__ = ["FLOOR", "Identity", "identify"]

FLOOR = "csconv-"
"""What the names of weightless models begin with."""

_CHECKPOINT = re.compile(
    r"(?:^|[-_./])(?:checkpoint|ckpt|global[-_]?step|step|iter(?:ation)?)[-_]?0*(\d{1,12})(?:[-_](?:hf|merged))?$",
    re.IGNORECASE,
)
_NAMES = ("model", "pretrained", "path", "engine")
"""lm-eval's model arguments that name a model, whatever the backend."""


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


def identify(record: ModelRecord) -> Identity:
    """The identity of a model as one task of a results file tells it."""
    arguments = record.arguments
    # For a model without a telling argument lm-eval makes up a name of random letters.
    given = next((str(arguments[name]) for name in _NAMES if arguments.get(name)), None)
    full = given or record.backend or record.name or "?"
    revision = str(arguments.get("revision") or record.revision)
    revision = "" if revision == "main" else revision
    adapters = {k: str(arguments[k]) for k in ("peft", "delta") if arguments.get(k)}
    settings = {
        **adapters,
        **{
            k: str(arguments[k])
            for k in ("dtype", "quantization", "load_in_4bit", "load_in_8bit")
            if arguments.get(k)
        },
        **{k: value[:12] for k, value in record.asked.items()},
    }
    if record.gen_kwargs:
        settings["gen_kwargs"] = record.gen_kwargs
    step = record.step
    for text in (revision, adapters.get("peft", ""), full):
        if step is None and (match := _CHECKPOINT.search(text)):
            step = int(match.group(1))
    return Identity(
        name=_label(full),
        revision=revision,
        step=step,
        shots=record.shots,
        key=(full, revision, str(step), str(record.shots), repr(sorted(settings.items()))),
        settings=tuple(sorted(settings.items())),
    )


def _label(full: str) -> str:
    """A hub id as it is, owner and name; a local folder by its name, a checkpoint also by its run's."""
    path: PurePath = PureWindowsPath(full) if re.match(r"[A-Za-z]:[\\/]", full) else PurePosixPath(full)
    local = path.is_absolute() or full.startswith((".", "~")) or len(path.parts) > 2
    if not local or not path.name:
        return full
    parent = path.parent.name
    return f"{parent}/{path.name}" if parent and _CHECKPOINT.search(path.name) else path.name
