"""The folder of examples that a configuration names, made first where it names a source of conversations."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from csc_tasks.errors import ConfigError
from csc_tasks.printable import printable
from csc_tasks.storage import at_home
from csc_tasks.training.config import Method, TrainingConfig
from csc_tasks.training.data_card import CARD, read_card
from csc_tasks.training.data_format import DataFormat

__all__ = ["data_folder"]

FOLDER = "data"
"""In the output folder: examples that were made for this training alone."""


@contextmanager
def data_folder(config: TrainingConfig, keep: bool) -> Iterator[Path]:
    """The folder to read examples from.

    Args:
        config: of the training.
        keep: what is made, in the output folder, from which the same training goes on; else it is gone afterwards.

    Raises:
        ConfigError: preferences cannot be made of a source, or the folder is of another one.
        SourceError, DataError: see :func:`csc_tasks.training.write.write_training_data`.
    """
    named = at_home(config.data)
    if named.is_dir():
        yield named  # whether there are examples in it is said by who reads it
    elif config.method is Method.DPO:
        raise ConfigError(
            f"data {printable(config.data)}: is no folder, and preferences are made of verdicts: csconv train-data "
            "RESULTS … --format preference writes one"
        )
    elif keep:
        yield _made_once(config, config.output / FOLDER)
    else:
        with tempfile.TemporaryDirectory(prefix="csconv-train-") as folder:
            yield _made(config, Path(folder) / FOLDER)


def _made_once(config: TrainingConfig, folder: Path) -> Path:
    """Made by the first process, for which the others wait."""
    if os.environ.get("WORLD_SIZE", "1") == "1":
        return _made(config, folder)
    import torch
    from accelerate import PartialState

    with PartialState(cpu=not torch.cuda.is_available()).main_process_first():
        return _made(config, folder)


def _made(config: TrainingConfig, folder: Path) -> Path:
    from csc_tasks.training.data_options import TrainDataOptions
    from csc_tasks.training.write import write_training_data

    form = DataFormat(config.format)
    if (folder / CARD).is_file():
        card = read_card(folder)
        source = Path(config.data).name
        if (card.source.name, card.format) != (source, form):
            raise ConfigError(
                f"{folder}: has examples of {printable(card.source.name)} in the format {card.format}, and not of "
                f"{printable(source)} in {form}: name another output, or remove this one"
            )
        return folder
    write_training_data(TrainDataOptions((config.data,), folder, form, seed=config.seed))
    return folder
