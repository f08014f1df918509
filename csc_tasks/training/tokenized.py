"""A folder of training data as tokens and labels: every length is known before any weights are loaded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from csc_tasks.errors import ConfigError, DataError
from csc_tasks.outside import lines_of, open_regular, parse_json
from csc_tasks.printable import printable
from csc_tasks.protocol.prompt import DEFAULT_PROMPT, load_prompt, prompt_versions
from csc_tasks.storage import file_sha256
from csc_tasks.training.config import Method, TemplateChoice, TrainingConfig
from csc_tasks.training.contamination import AnswerCheck
from csc_tasks.training.data_card import CARD, TRAIN, VALIDATION, DataCard, read_card
from csc_tasks.training.data_format import DataFormat
from csc_tasks.training.masks import AnswerMasks, LabelledTokens, Marks, Message, answers_of
from csc_tasks.training.record import DataRecord

__all__ = ["TokenizedData", "tokenize"]

logger = logging.getLogger(__name__)

_PIECE = 1000
"""Examples that are lists of Python's numbers at a time; packed they take a tenth of that."""
_SHOWN = 3
_MANY = 20_000
"""Examples that take a minute to be written out."""
_CHANGED = 0.05
"""Share of answers that may come back from their tokens as another text."""
_ROWS: Mapping[DataFormat, tuple[str, ...]] = {
    DataFormat.PROMPT_COMPLETION: ("prompt", "completion"),
    DataFormat.MESSAGES: ("messages",),
    DataFormat.PREFERENCE: ("prompt", "chosen", "rejected"),
}
_METHODS = {
    Method.SFT: (DataFormat.PROMPT_COMPLETION, DataFormat.MESSAGES),
    Method.DPO: (DataFormat.PREFERENCE,),
}

Row = dict[str, list[Message]]


@dataclass(frozen=True)
class TokenizedData:
    """Examples that a trainer takes.

    Attributes:
        train, validation: ``datasets.Dataset`` of ``input_ids`` and ``labels``, for DPO of ``prompt``, ``chosen`` and
            ``rejected`` as TRL's trainer wants them.
        record: what is in ``train``.
        mean: tokens of an example of ``train``.
        chat: whether the prompts are written by the chat template.
        notes: what a user should know of it.
    """

    train: Any
    validation: Any
    record: DataRecord
    mean: float
    chat: bool
    notes: tuple[str, ...]


class _Examples(NamedTuple):
    dataset: Any
    lengths: npt.NDArray[np.int64]
    learnt: int
    dropped: int


def tokenize(
    folder: Path,
    tokenizer: Any,
    config: TrainingConfig,
    window: int | None = None,
    say: Callable[[str], None] = logger.info,
) -> TokenizedData:
    """Read a folder of ``csconv train-data`` and write its examples out as the model will see them.

    Args:
        folder: of the data.
        tokenizer: of the model; it is not changed.
        config: of the training.
        window: tokens that the model can read.
        say: is told where this takes a while.

    Raises:
        DataError: the data is damaged, or has conversations in it that models are evaluated on.
        ConfigError: it is not what the method learns from, examples are too long, or answers do not survive the
            tokenizer.
    """
    card = read_card(folder)
    if card.train.examples > _MANY:
        say(f"writes out {card.train.examples:,} examples as tokens, some 300 a second")
    if card.format not in _METHODS[config.method]:
        wanted = " or ".join(_METHODS[config.method])
        raise ConfigError(
            f"{folder}: is in the format {card.format}, and method: {config.method} learns from {wanted}: make it with "
            f"csconv train-data … --format {_METHODS[config.method][0]}"
        )
    masks = AnswerMasks(tokenizer, _by_template(config, tokenizer), _gap(card))
    limit = min(config.max_length or window or 2**62, window or 2**62)
    check = AnswerCheck.on_this_machine()
    train = _read(folder / TRAIN, card.format, masks, config, limit, check)
    check.require_clean(folder)
    if not len(train.dataset):
        raise DataError(f"{folder / TRAIN}: has no example that could be learnt")
    validation = None
    if card.validation is not None and card.validation.examples:
        validation = _read(folder / VALIDATION, card.format, masks, config, limit, None)
    answers = card.train.answers + (card.validation.answers if card.validation else 0)
    notes = _notes(masks, card, train, answers, window)
    record = DataRecord(
        source=card.source.name,
        format=card.format,
        train_sha256=card.train.sha256,
        card_sha256=file_sha256(folder / CARD),
        fingerprint=card.source.fingerprint,
        prompt=card.prompt.version,
        examples=len(train.dataset),
        dropped=train.dropped,
        tokens=int(train.lengths.sum()),
        learnt_tokens=train.learnt,
        longest=int(train.lengths.max()),
    )
    return TokenizedData(
        train.dataset,
        validation.dataset if validation and len(validation.dataset) else None,
        record,
        float(train.lengths.mean()),
        masks.chat,
        tuple(notes),
    )


def _by_template(config: TrainingConfig, tokenizer: Any) -> bool:
    has = bool(getattr(tokenizer, "chat_template", None))
    if config.template is TemplateChoice.CHAT and not has:
        raise ConfigError(
            "template: chat, and the model's tokenizer has no chat template; say plain, or auto"
        )
    return has and config.template is not TemplateChoice.PLAIN


def _gap(card: DataCard) -> str:
    version = card.prompt.version
    return load_prompt(version if version in prompt_versions() else DEFAULT_PROMPT).answer_gap


def _rows(path: Path, form: DataFormat) -> Iterator[tuple[int, Row]]:
    """The examples of a file, each with the number of its line.

    Raises:
        DataError: one is damaged.
    """
    columns = _ROWS[form]
    with open_regular(path) as file:
        for number, line in enumerate(lines_of(file), 1):
            try:
                row = parse_json(line)
            except ValueError as error:
                raise DataError(f"{path}: line {number}: not JSON ({error})") from None
            if not isinstance(row, dict) or not all(_are_messages(row.get(name)) for name in columns):
                raise DataError(
                    f"{path}: line {number}: must have {', '.join(columns)}, each a list of messages "
                    "with role and content"
                )
            yield number, {name: [_bare(message) for message in row[name]] for name in columns}


def _are_messages(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(m, dict) and isinstance(m.get("content"), str) and "role" in m for m in value)
    )


def _bare(message: Mapping[str, Any]) -> Message:
    return {"role": str(message["role"]), "content": str(message["content"])}


def _read(
    path: Path,
    form: DataFormat,
    masks: AnswerMasks,
    config: TrainingConfig,
    limit: int,
    check: AnswerCheck | None,
) -> _Examples:
    take = _preference if form is DataFormat.PREFERENCE else _labelled
    packed = _Packed(form is DataFormat.PREFERENCE)
    lengths: list[int] = []
    learnt, long = 0, []
    for number, row in _rows(path, form):
        if check is not None:
            check.take(
                message["content"]
                for name in ("messages", "completion", "chosen")
                for message in row.get(name, ())
                if message["role"] == "assistant"
            )
        try:
            example, length, answer = take(masks, row)
        except Exception as error:
            if isinstance(error, ConfigError):
                raise
            if type(error).__module__.partition(".")[0] != "jinja2":
                raise
            raise ConfigError(
                f"{path}: line {number}: the tokenizer's chat template refuses it ({printable(str(error), 200)})"
            ) from None
        if length > limit:
            long.append((number, length))
            continue
        lengths.append(length)
        learnt += answer
        packed.add(example)
    if long and config.longer == "refuse":
        raise ConfigError(_too_long(path, long, limit, config))
    return _Examples(packed.dataset(), np.array(lengths, dtype=np.int64), learnt, len(long))


def _labelled(masks: AnswerMasks, row: Row) -> tuple[dict[str, Any], int, int]:
    made: LabelledTokens = (
        masks.messages(row["messages"])
        if "messages" in row
        else masks.prompt_completion(row["prompt"], row["completion"])
    )
    return made._asdict(), len(made.input_ids), len(made.learnt)


def _preference(masks: AnswerMasks, row: Row) -> tuple[dict[str, Any], int, int]:
    """TRL's trainer makes the tokens itself, in the same way; here they are counted."""
    made = [masks.prompt_completion(row["prompt"], row[name]) for name in ("chosen", "rejected")]
    example: dict[str, Any] = dict(row)
    if not masks.chat:
        example = {"prompt": "\n\n".join(message["content"] for message in row["prompt"])}
        for name in ("chosen", "rejected"):
            example[name] = masks.gap + "".join(answers_of(row[name]))
    return example, max(len(each.input_ids) for each in made), sum(len(each.learnt) for each in made)


class _Packed:
    """Examples in Arrow's memory, four bytes a token."""

    def __init__(self, texts: bool) -> None:
        self._texts = texts
        self._waiting: list[dict[str, Any]] = []
        self._tables: list[Any] = []

    def add(self, example: dict[str, Any]) -> None:
        self._waiting.append(example)
        if len(self._waiting) == _PIECE:
            self._pack()

    def _pack(self) -> None:
        import pyarrow as pa

        if self._texts:
            self._tables.append(pa.Table.from_pylist(self._waiting))
        else:
            numbers = pa.list_(pa.int32())
            schema = pa.schema({"input_ids": numbers, "labels": numbers})
            self._tables.append(pa.Table.from_pylist(self._waiting, schema=schema))
        self._waiting = []

    def dataset(self) -> Any:
        import pyarrow as pa
        from datasets import Dataset

        if self._waiting:
            self._pack()
        return Dataset(pa.concat_tables(self._tables)) if self._tables else Dataset.from_dict({})


def _too_long(path: Path, long: Sequence[tuple[int, int]], limit: int, config: TrainingConfig) -> str:
    longest = max(length for _, length in long)
    shown = ", ".join(f"line {number} ({length:,})" for number, length in long[:_SHOWN])
    more = "" if len(long) <= _SHOWN else f" and {len(long) - _SHOWN:,} more"
    of_model = config.max_length is None or limit < config.max_length
    cure = (
        f"the model reads {limit:,} tokens: take another model"
        if of_model
        else f"max_length: {limit:,} is too short: say {longest:,}, or leave it out"
    )
    return (
        f"{path}: {len(long):,} examples have more than {limit:,} tokens, up to {longest:,}: {shown}{more}; {cure}, or "
        "leave these examples out with longer: drop; none is ever cut"
    )


def _notes(
    masks: AnswerMasks, card: DataCard, train: _Examples, answers: int, window: int | None
) -> Iterator[str]:
    if masks.changed:
        share = len(masks.changed) / max(answers, 1)
        said = (
            f"{len(masks.changed):,} of {answers:,} answers come back from the tokenizer as another text, like "
            f"{printable(masks.changed[0], 40)}"
        )
        if share > _CHANGED:
            raise ConfigError(
                f"{said}: the model would learn what nobody wrote; take a model whose tokenizer has these characters"
            )
        yield said
    if masks.marks is Marks.RENDERED:
        yield (
            "the chat template has no generation marks (or leaves out the token that ends an answer): answers are "
            "found by what the template writes for each; the saved template is the model's own"
        )
    elif masks.marks is Marks.TRAINING:
        yield (
            "the chat template has no generation marks and writes earlier answers otherwise than the last: learnt with "
            "TRL's training form of it; the saved template is the model's own"
        )
    if masks.unlike:
        yield f"{masks.unlike:,} examples are written otherwise by the training form of the template than by its own"
    if masks.torn:
        yield (
            f"in {masks.torn:,} examples the template writes the end of a prompt otherwise once an answer follows: the "
            "model learns from where the two part"
        )
    if train.dropped:
        yield f"{train.dropped:,} examples that are too long were left out (longer: drop)"
    for what in card.overlap.unchecked:
        yield f"the data was not compared with {what}"
    if card.tokens is not None and card.tokens.dropped:
        yield f"csconv train-data had left out {card.tokens.dropped:,} examples that were too long"
