"""What ``csconv train-data`` is told, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from csc_tasks.errors import ConfigError
from csc_tasks.protocol.prompt import DEFAULT_PROMPT
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.training.data_format import DataFormat, ExampleUnit
from csc_tasks.training.formats import UNITS

__all__ = ["TrainDataOptions", "read_tasks"]


@dataclass(frozen=True, slots=True)
class TrainDataOptions:
    """What is written, from what, and what it is held to.

    Attributes:
        sources: ``hub``, ``modelscope``, ``mini`` or a file; for preferences the results folders that were judged.
        out: the folder.
        format: who reads the files.
        unit: what one example is made of; by default what is usual for the format.
        tasks: what is asked of a turn and of what share of the turns, as :func:`read_tasks` reads it.
        prompt: the version of the texts.
        system_instruction: the system message of every example, as lm-eval's ``--system_instruction``.
        validation: share of the conversations, from 0 to below 1, for ``validation.jsonl``.
        seed: of the split and of every other choice.
        limit: conversations at most, of each topic its share.
        against: more evaluation data that nothing may overlap with.
        strict: refuse a source with an overlapping conversation, where else it is left out and named.
        tokenizer: of the model that is to be trained: a folder, or a name that is in the local cache.
        max_length: tokens of an example at most.
        drop_longer: leave longer ones out, where else they are listed and nothing is written.
        overwrite: replace the files of an earlier call.
        judge: the configuration that judged, for preferences.
        rubric: that it judged under; by default the newest for pairs.
        with_reference: whether the judge was shown the gold reply.
    """

    sources: tuple[str, ...]
    out: Path
    format: DataFormat
    unit: ExampleUnit | None = None
    tasks: str = TaskKind.RESPONSE.value
    prompt: str = DEFAULT_PROMPT
    system_instruction: str | None = None
    validation: float = 0.05
    seed: int = 0
    limit: int | None = None
    against: tuple[str, ...] = ()
    strict: bool = False
    tokenizer: str | None = None
    max_length: int | None = None
    drop_longer: bool = False
    overwrite: bool = False
    judge: Path | None = None
    rubric: str | None = None
    with_reference: bool = False

    @property
    def chosen_unit(self) -> ExampleUnit:
        """What one example is made of."""
        return self.unit or UNITS[self.format][0]

    def check(self) -> Mapping[TaskKind, float]:
        """The tasks, where the options go together.

        Raises:
            ConfigError: they do not, or one has a value that means nothing.
        """
        units = UNITS[self.format]
        if self.chosen_unit not in units:
            raise ConfigError(f"--unit {self.unit}: {self.format} has one example a {units[0]}")
        tasks = read_tasks(self.tasks)
        if self.chosen_unit is ExampleUnit.CONVERSATION and list(tasks.items()) != [(TaskKind.RESPONSE, 1)]:
            raise ConfigError(
                f"--tasks {self.tasks}: an example of a whole conversation asks for responses alone; take --unit turn"
            )
        if not 0 <= self.validation < 1:
            raise ConfigError(f"--validation {self.validation:g}: a share from 0 to below 1")
        if self.max_length is not None and self.tokenizer is None:
            raise ConfigError("--max-length counts tokens: name the model's folder with --tokenizer")
        if self.drop_longer and self.max_length is None:
            raise ConfigError("--drop-longer needs --max-length")
        self._check_sources()
        return tasks

    def _check_sources(self) -> None:
        if self.format is DataFormat.PREFERENCE:
            if self.judge is None:
                raise ConfigError(
                    "preferences are made of verdicts: name the judge's configuration with --judge, and the results "
                    "folders that `csconv judge --pairwise` compared"
                )
            if self.tasks != TaskKind.RESPONSE.value:
                raise ConfigError("--tasks: the tasks of preferences are those that were judged")
            return
        if len(self.sources) != 1:
            raise ConfigError(f"{self.format} is made of one SOURCE, not of {len(self.sources)}")
        if self.judge is not None or self.rubric is not None or self.with_reference:
            raise ConfigError("--judge, --rubric and --with-reference are for --format preference")


def read_tasks(text: str) -> dict[TaskKind, float]:
    """Tasks with commas, each perhaps with a share of the turns: ``response,strategy=0.5``.

    Raises:
        ConfigError: a task is unknown or stands there twice, or a share is not above 0 and at most 1.
    """
    tasks: dict[TaskKind, float] = {}
    for part in text.split(","):
        name, _, amount = part.strip().partition("=")
        try:
            kind = TaskKind(name.strip().removeprefix("csconv_"))
        except ValueError:
            names = ", ".join(k.value for k in TaskKind)
            raise ConfigError(f"--tasks: {name.strip()!r:.60} is none of {names}") from None
        try:
            share = float(amount) if amount else 1.0
        except ValueError:
            share = float("nan")
        if not 0 < share <= 1:
            raise ConfigError(
                f"--tasks {kind.value}={amount:.20}: a share of the turns is above 0 and at most 1"
            )
        if kind in tasks:
            raise ConfigError(f"--tasks: {kind.value} stands there twice")
        tasks[kind] = share
    return tasks
