"""From a source to a folder of training data: a pass that decides what is used, and one that writes it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from csc_tasks._version import __version__
from csc_tasks.data.sources import fingerprint
from csc_tasks.errors import ConfigError, DataError
from csc_tasks.framework import Strategy
from csc_tasks.outside import json_bytes
from csc_tasks.protocol.prompt import Prompt, load_prompt
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.storage import HashedFile, open_whole
from csc_tasks.synthesis.output.overlap import evaluation_data
from csc_tasks.training.data_card import (
    CARD,
    CARD_VERSION,
    DATASET_INFO,
    README,
    TRAIN,
    VALIDATION,
    DataCard,
    PartCounts,
    PromptUsed,
)
from csc_tasks.training.data_format import DataFormat
from csc_tasks.training.data_options import TrainDataOptions
from csc_tasks.training.data_readme import readme
from csc_tasks.training.examples import Example, ExampleMaker
from csc_tasks.training.formats import dataset_info, example_record
from csc_tasks.training.lengths import Lengths
from csc_tasks.training.material import ConversationMaterial, Material
from csc_tasks.training.preferences import PreferenceMaterial
from csc_tasks.training.survey import OnProgress, SourceSurvey, no_progress, survey

__all__ = ["write_training_data"]

FILES = (TRAIN, VALIDATION, CARD, README, DATASET_INFO)
_BATCH = 256
"""Examples that are measured at a time."""
NAME = "csconv"
"""Of the data set, for LLaMA-Factory."""


def write_training_data(options: TrainDataOptions, on_progress: OnProgress = no_progress) -> DataCard:
    """Write a folder of training data: all of its files, or none.

    Args:
        options: what is written, from what.
        on_progress: hears how far it is.

    Returns:
        What ``data.json`` says.

    Raises:
        ConfigError: the options do not go together, the folder has such files already, or a tokenizer does not serve.
        SourceError: the source cannot be had.
        DataError: it is broken, empty or evaluation data, an example is too long, or the disk refuses.
    """
    tasks = options.check()
    _require_room(options)
    lengths = (
        Lengths(options.tokenizer, options.max_length, options.drop_longer) if options.tokenizer else None
    )
    data = evaluation_data(options.against, training_half=False)
    material = _material(options, tasks)
    found = survey(material, data, options, on_progress)
    try:
        return _Writer(options, material, found, lengths, on_progress).write()
    except OSError as error:
        raise DataError(
            f"{error.filename or options.out}: cannot be written ({error.strerror}); nothing was changed"
        ) from None


def _material(options: TrainDataOptions, tasks: Mapping[TaskKind, float]) -> Material:
    if options.format is DataFormat.PREFERENCE:
        assert options.judge is not None
        return PreferenceMaterial(
            [Path(run) for run in options.sources],
            options.judge,
            options.rubric,
            options.with_reference,
            options.system_instruction,
        )
    prompt = load_prompt(options.prompt)
    maker = ExampleMaker(prompt, tasks, options.chosen_unit, options.system_instruction, options.seed)
    names = (f"{kind.value}={share:g}" if share < 1 else kind.value for kind, share in tasks.items())
    return ConversationMaterial(options.sources[0], prompt, maker, tuple(names))


def _require_room(options: TrainDataOptions) -> None:
    out = options.out
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out}: a file; name a folder")
    there = [name for name in FILES if (out / name).exists()]
    if there and not options.overwrite:
        raise ConfigError(
            f"--out {out}: has {', '.join(there)} already; name another folder, or replace them with --overwrite"
        )


class _FilePart:
    """One of the two files while it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = HashedFile(file)
        self._conversations: set[str] = set()
        self._answers = self._examples = 0

    def add(self, example: Example, form: DataFormat) -> None:
        """Write an example."""
        line = json.dumps(example_record(example, form), ensure_ascii=False)
        self._file.write(line.encode() + b"\n")
        self._conversations.add(example.conversation)
        self._answers += len(example.answers)
        self._examples += 1

    def counts(self) -> PartCounts:
        """What is in it."""
        return PartCounts(
            conversations=len(self._conversations),
            answers=self._answers,
            examples=self._examples,
            sha256=self._file.sha256,
        )

    @property
    def conversations(self) -> frozenset[str]:
        """The ids of those that are in it."""
        return frozenset(self._conversations)


class _Writer:
    def __init__(
        self,
        options: TrainDataOptions,
        material: Material,
        found: SourceSurvey,
        lengths: Lengths | None,
        on_progress: OnProgress,
    ) -> None:
        self._options = options
        self._material = material
        self._found = found
        self._lengths = lengths
        self._on_progress = on_progress
        self._strategies: Counter[Strategy | None] = Counter()

    def write(self) -> DataCard:
        """Write all files; none takes its name before all are whole."""
        out = self._options.out
        with ExitStack() as stack:
            names = [TRAIN, CARD, README]
            if self._found.validation:
                names.append(VALIDATION)
            if self._options.format is DataFormat.LLAMAFACTORY:
                names.append(DATASET_INFO)
            files = {name: stack.enter_context(open_whole(out / name)) for name in names}
            parts = {name: _FilePart(files[name]) for name in (TRAIN, VALIDATION) if name in files}
            for example, name in self._kept():
                parts[name].add(example, self._options.format)
                self._strategies.update(example.strategies)
            if self._lengths is not None:
                self._lengths.refuse_longer()
            card = self._card(parts)
            gone = [name for name in FILES if name not in files]
            if card.validation is None and VALIDATION in files:
                gone.append(VALIDATION)
            files[CARD].write(json_bytes(card.model_dump(mode="json"), indent=2) + b"\n")
            files[README].write(readme(card).encode())
            if DATASET_INFO in files:
                has_system = card.system_instruction is not None
                described = dataset_info(NAME, has_system, card.validation is not None)
                files[DATASET_INFO].write(json_bytes(described, indent=2) + b"\n")
            for file in files.values():
                file.flush()
        for name in gone:
            (out / name).unlink(missing_ok=True)
        return card

    def _kept(self) -> Iterator[tuple[Example, str]]:
        """The examples that are written, each with the name of its file."""
        examples = self._examples()
        while batch := list(islice(examples, _BATCH)):
            if self._lengths is None:
                yield from batch
                continue
            kept = self._lengths.keep([e for e, _ in batch], [name == TRAIN for _, name in batch])
            yield from (each for each, keep in zip(batch, kept, strict=True) if keep)

    def _examples(self) -> Iterator[tuple[Example, str]]:
        waiting = dict(self._found.topics)
        total = len(waiting)
        ids: list[str] = []
        for _, conversation in self._material.conversations():
            ids.append(conversation.id)
            if waiting.pop(conversation.id, None) is None:
                continue
            name = VALIDATION if conversation.id in self._found.validation else TRAIN
            yield from ((example, name) for example in self._material.examples(conversation))
            self._on_progress("writing examples", total - len(waiting), total)
        if fingerprint(ids) != self._found.fingerprint:
            raise DataError(
                f"{self._options.sources[0]}: was changed while it was read; nothing was written, try again"
            )

    def _card(self, parts: Mapping[str, _FilePart]) -> DataCard:
        options, found, prompt = self._options, self._found, self._material.prompt
        train = parts[TRAIN].counts()
        if not train.examples:
            raise DataError(self._nothing())
        validation = parts[VALIDATION].counts() if VALIDATION in parts else None
        written = frozenset[str]().union(*(part.conversations for part in parts.values()))
        topics = Counter(found.topics[identity] for identity in written)
        stages = Counter(s.stage for s in self._strategies.elements() if s is not None)
        return DataCard(
            card=CARD_VERSION,
            csconv=__version__,
            format=options.format,
            unit=options.chosen_unit,
            tasks=self._material.tasks,
            prompt=_prompt_used(prompt),
            system_instruction=options.system_instruction,
            source=self._material.source(found.fingerprint),
            seed=options.seed,
            validation_share=options.validation,
            train=train,
            validation=validation if validation is not None and validation.examples else None,
            strategies={s.zh: self._strategies[s] for s in Strategy},
            stages={(stage.en if stage else "none"): n for stage, n in stages.items()},
            topics=dict(sorted(topics.items(), key=lambda item: (-item[1], item[0]))),
            left_out=dict(found.left_out) | dict(self._material.left_out),
            overlap=found.overlap,
            tokens=self._lengths.report() if self._lengths is not None else None,
        )

    def _nothing(self) -> str:
        reasons = dict(self._found.left_out) | dict(self._material.left_out)
        told = "; ".join(f"{count} × {reason}" for reason, count in reasons.items())
        longer = "; all are longer than --max-length" if self._lengths is not None else ""
        return (
            f"{', '.join(self._options.sources)}: no example is left to train on ({told or 'none'}{longer})"
        )


def _prompt_used(prompt: Prompt) -> PromptUsed:
    return PromptUsed(version=prompt.version, sha256=prompt.sha256)
