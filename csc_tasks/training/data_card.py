"""The folder of training data: its files, the formats, and the card that says what is in it and where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from csc_tasks.errors import DataError, first_fault
from csc_tasks.outside import parse_json, read_file
from csc_tasks.storage import file_sha256
from csc_tasks.training.data_format import DataFormat, ExampleUnit

__all__ = [
    "CARD",
    "CARD_VERSION",
    "DATASET_INFO",
    "README",
    "TRAIN",
    "VALIDATION",
    "ComparedSource",
    "DataCard",
    "DataFormat",
    "DataSource",
    "ExampleUnit",
    "OverlapFound",
    "OverlapReport",
    "PartCounts",
    "PromptUsed",
    "TokenReport",
    "read_card",
]

TRAIN, VALIDATION, CARD, README = "train.jsonl", "validation.jsonl", "data.json", "README.md"
DATASET_INFO = "dataset_info.json"
"""LLaMA-Factory's description of the two files, in its format alone."""
CARD_VERSION = 1
"""Of the card's fields; a reader refuses newer ones."""


class _OfDataCard(BaseModel):
    model_config = ConfigDict(frozen=True)


Count = Annotated[int, Field(ge=0)]


class DataSource(_OfDataCard):
    """Where the conversations came from.

    ``name`` is ``hub``, ``modelscope``, ``mini`` or a file's name; for preferences the task that was judged.
    ``sha256`` is that of the file's bytes (of a journal for preferences), ``fingerprint`` that of the conversations in
    it, as ``csconv data info`` prints it. ``runs`` are the names of the two runs that were judged, else empty.
    """

    name: str
    sha256: str
    fingerprint: str
    runs: tuple[str, ...] = ()


class PromptUsed(_OfDataCard):
    """The version of the prompt texts and the first 16 digits of their SHA-256."""

    version: str
    sha256: str


class PartCounts(_OfDataCard):
    """What is in one file: whole conversations, the answers in them, the examples; and the file's SHA-256."""

    conversations: Count
    answers: Count
    examples: Count
    sha256: str


class ComparedSource(_OfDataCard):
    """Evaluation data that the conversations were compared with."""

    name: str
    conversations: Count
    fingerprint: str


class OverlapFound(_OfDataCard):
    """A conversation that was left out, and the evaluation conversation that it repeats; the shares are 0 to 1.

    ``place`` is where it stands in the source, ``conversation`` its id.
    """

    place: str
    conversation: str
    source: str
    repeats: str
    jaccard: float
    contained: float
    passage: Count


class OverlapReport(_OfDataCard):
    """What was compared, what could not be and why, and what was left out for it."""

    compared: tuple[ComparedSource, ...]
    unchecked: tuple[str, ...]
    dropped: tuple[OverlapFound, ...]


class TokenReport(_OfDataCard):
    """Lengths in tokens of whole examples, by a tokenizer and its chat template.

    ``max_length`` is the smallest that cuts no example of either file: the length of the longest. ``histogram`` counts
    examples by the lowest multiple of ``step`` that holds them. ``not_round_trip`` is how many answers come back from
    the tokenizer as another text, and ``not_round_trip_ids`` the first of their examples. ``total`` is all tokens of
    the training file. ``limit`` is what ``--max-length`` said, ``dropped`` how many examples were longer and left out.
    """

    tokenizer: str
    chat_template_sha256: str
    max_length: Count
    total: Count
    quantiles: dict[str, int]
    step: Count
    histogram: dict[int, int]
    not_round_trip: Count
    not_round_trip_ids: tuple[str, ...]
    limit: int | None = None
    dropped: Count = 0


class DataCard(_OfDataCard):
    """What ``data.json`` says.

    ``strategies`` and ``stages`` count the answers of both files by Chinese and English name, ``topics`` the
    conversations; of preferences the chosen answers. ``left_out`` counts what gave no example, by reason.
    """

    card: int
    csconv: str
    format: DataFormat
    unit: ExampleUnit
    tasks: tuple[str, ...]
    prompt: PromptUsed
    system_instruction: str | None
    source: DataSource
    seed: int
    validation_share: float
    train: PartCounts
    validation: PartCounts | None
    strategies: dict[str, int]
    stages: dict[str, int]
    topics: dict[str, int]
    left_out: dict[str, int]
    overlap: OverlapReport
    tokens: TokenReport | None


def read_card(folder: Path, check_files: bool = True) -> DataCard:
    """The card of a folder of training data.

    Args:
        folder: that ``csconv train-data`` wrote.
        check_files: hold the files' SHA-256 to the card's.

    Raises:
        DataError: there is none, it is damaged or of a newer csconv, or a file is missing or was changed since.
    """
    path = folder / CARD
    try:
        data = read_file(path)
    except FileNotFoundError:
        raise DataError(
            f"{folder}: no {CARD} in it; `csconv train-data SOURCE --out {folder}` writes such a folder"
        ) from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    try:
        raw = parse_json(data)
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error}); write the folder again") from None
    version = raw.get("card") if isinstance(raw, dict) else None
    if isinstance(version, int) and version > CARD_VERSION:
        raise DataError(
            f"{path}: a card of version {version}; this csconv knows versions up to {CARD_VERSION}"
        )
    try:
        card = DataCard.model_validate(raw)
    except ValidationError as error:
        raise DataError(f"{path}: {first_fault(error)}; write the folder again") from None
    if check_files:
        _check(folder / TRAIN, card.train)
        if card.validation is not None:
            _check(folder / VALIDATION, card.validation)
    return card


def _check(path: Path, counts: PartCounts) -> None:
    try:
        found = file_sha256(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); its card tells of it") from None
    if found != counts.sha256:
        raise DataError(
            f"{path}: changed since its card was written (sha256 {found[:16]}…, the card says "
            f"{counts.sha256[:16]}…); write the folder again with csconv train-data"
        )
