"""``csconv_training.json``: what a stranger needs to know of a tuned model, beside its weights, in every checkpoint."""

from __future__ import annotations

import json
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from csc_tasks._version import __version__
from csc_tasks.errors import DataError, first_fault
from csc_tasks.outside import parse_json, read_file
from csc_tasks.protocol.tuned_from import TRAINING_FILE
from csc_tasks.storage import write_file

__all__ = [
    "BaseRecord",
    "DataRecord",
    "Evaluated",
    "TrainingRecord",
    "last_checkpoint",
    "read_record",
    "versions",
    "write_record",
]

_CHECKPOINT = re.compile(r"checkpoint-(\d{1,12})")
_PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "deepspeed")


class _RecordPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class BaseRecord(_RecordPart):
    """The model that was tuned: its name as it was given, the hub's commit, and digests of a local folder's files."""

    name: str
    revision: str | None = None
    config_sha256: str | None = None
    weights_sha256: str | None = None
    adapter: str | None = None


class DataRecord(_RecordPart):
    """The examples: what they were made of, and digests of the file that was learnt and of the card beside it."""

    source: str
    format: str
    train_sha256: str
    card_sha256: str | None = None
    fingerprint: str | None = None
    prompt: str | None = None
    examples: int
    dropped: int = 0
    tokens: int
    learnt_tokens: int
    longest: int


class Evaluated(_RecordPart):
    """An evaluation after a step: strategy accuracy (0-1), its 95 % interval clustered by conversation (none for a
    single one), how many turns, and the share of them (0-1) in which no strategy could be read."""

    step: int
    task: str
    strategy_acc: float
    low: float | None
    high: float | None
    turns: int
    strategy_invalid: float

    def __str__(self) -> str:
        value = f"{100 * self.strategy_acc:.1f} %"
        if self.low is None or self.high is None:
            return f"{value} (of one conversation, which has no interval)"
        return f"{value} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


class TrainingRecord(_RecordPart):
    """A training as far as it has come.

    ``config`` is the configuration with nothing left open; ``processes`` the number of devices; ``batch`` the examples
    of a step; ``losses`` pairs of a step and the mean loss of the steps up to it; ``checkpoint`` in the output folder's
    file the checkpoint whose weights lie beside it.
    """

    format: Literal[1] = 1
    base: BaseRecord
    method: str
    tuning: str
    config: dict[str, Any]
    data: DataRecord
    prompt: str | None
    seed: int
    step: int
    steps: int
    batch: int
    processes: int
    losses: list[tuple[int, float]] = []
    evaluations: list[Evaluated] = []
    metrics: dict[str, float] = {}
    notes: list[str] = []
    versions: dict[str, str] = {}
    checkpoint: str | None = None
    finished: bool = False


def versions() -> dict[str, str]:
    """The versions of what computes."""
    found = {"csconv": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def write_record(folder: Path, record: TrainingRecord) -> None:
    """Write it into the folder of the weights."""
    text = json.dumps(record.model_dump(mode="json"), ensure_ascii=False, indent=2)
    write_file(folder / TRAINING_FILE, f"{text}\n".encode())


def read_record(folder: Path) -> TrainingRecord | None:
    """What a folder says of its training; ``None`` where it says nothing.

    Raises:
        DataError: the file is damaged.
    """
    path = folder / TRAINING_FILE
    if not path.is_file():
        return None
    try:
        return TrainingRecord.model_validate(parse_json(read_file(path)))
    except ValidationError as error:
        raise DataError(f"{path}: {first_fault(error)}") from None
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error})") from None


def last_checkpoint(output: Path) -> Path | None:
    """The latest checkpoint that was written to its end: its record is the last of its files."""
    if not output.is_dir():
        return None
    found = [
        (int(match[1]), path)
        for path in output.iterdir()
        if (match := _CHECKPOINT.fullmatch(path.name)) and (path / TRAINING_FILE).is_file()
    ]
    return max(found)[1] if found else None
