"""Which runs are rated on what: one log a model, one task, one rubric, and the texts of the sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from csc_tasks.errors import ConfigError, DataError
from csc_tasks.human.kinds import RatingKind
from csc_tasks.judging.pairwise import require_pair_rubric
from csc_tasks.judging.samples import choose_sample, samples_of_log, strata_of_log
from csc_tasks.judging.saved_run import rubric_for
from csc_tasks.metrics.judge.rubric import TURN_RUBRIC, Rubric, Unit, load_rubric, rubric_for_unit
from csc_tasks.metrics.judge.sample import Sample
from csc_tasks.printable import printable
from csc_tasks.protocol.task_kind import Context
from csc_tasks.results.find_logs import find_logs
from csc_tasks.results.sample_log import SampleLog
from csc_tasks.results.side_by_side import names_of_folders, require_one_protocol

__all__ = ["RatedPlace", "RatedTask", "find_task"]


@dataclass(frozen=True, slots=True)
class RatedPlace:
    """A turn of a conversation, or a whole one, which has no turn; ``strategy`` is the gold one's Chinese name."""

    conversation: str
    turn: int | None
    topic: str
    strategy: str


@dataclass(frozen=True, slots=True)
class RatedTask:
    """The runs of one task and what people are asked about them.

    Attributes:
        logs: of each model, by a name that no other has.
        rubric: the questions.
        common: the places that all runs have, each with its stratum, in the order of the first log.
    """

    logs: dict[str, SampleLog]
    rubric: Rubric
    common: list[tuple[tuple[str, int | None], str]]

    @property
    def log(self) -> SampleLog:
        """The first model's."""
        return next(iter(self.logs.values()))

    @property
    def noun(self) -> str:
        """What there is a number of."""
        if self.rubric.unit is not Unit.DIALOGUE:
            return "turns"
        return "role-plays" if self.log.context is Context.ROLE_PLAY else "conversations"

    @property
    def scripted(self) -> bool:
        """Whether whole conversations are rated in which the customer's words were written beforehand."""
        return self.log.context is Context.GENERATED

    def sample(self, size: int, seed: int) -> list[RatedPlace]:
        """The stratified sample, in the order of the first log.

        Raises:
            ConfigError: there are not so many.
        """
        if size > len(self.common):
            raise ConfigError(
                f"--sample {size}: the runs of {self.log.task} have {len(self.common):,} {self.noun} in common"
            )
        chosen = choose_sample(self.common, size, seed)
        return [self._place(*unit, stratum) for unit, stratum in self.common if unit in chosen]

    def _place(self, conversation: str, turn: int | None, stratum: str) -> RatedPlace:
        topic, _, strategy = (stratum, "", "") if turn is None else stratum.rpartition("/")
        return RatedPlace(conversation, turn, topic, strategy)

    def _require_fields(self, sample: Sample | None) -> None:
        if sample is None or self.rubric.unit is Unit.PAIR:
            return
        for block in self.rubric.blocks:
            if not block.optional and block.field not in sample.fields:
                raise ConfigError(
                    f"--rubric {self.rubric.name}: shows {printable(block.field, 40)!r}, and there are "
                    f"{', '.join(sample.fields)}"
                )

    def texts(self, places: Sequence[RatedPlace]) -> list[dict[RatedPlace, Sample]]:
        """Of each model what raters are shown of these places.

        Raises:
            DataError: an old log shows no conversation, or a log does not hold what it held a moment ago.
        """
        # Any rubric for turns gives the history and reply that a pair is made of.
        rubric = load_rubric(TURN_RUBRIC) if self.rubric.unit is Unit.PAIR else self.rubric
        wanted = {(place.conversation, place.turn): place for place in places}
        found = []
        for log in self.logs.values():
            samples = ((s.conversation, s.turn, s) for s in samples_of_log(log, rubric))
            texts = {wanted[c, t]: s for c, t, s in samples if (c, t) in wanted}
            self._require_fields(next(iter(texts.values()), None))
            if len(texts) < len(places):
                raise DataError(f"{log.path}: changed while it was read; try again")
            found.append(texts)
        return found


def find_task(paths: Sequence[Path], kind: RatingKind, rubric: str | None, task: str | None) -> RatedTask:
    """The one task of these runs that can be rated.

    Args:
        paths: folders or logs.
        kind: what raters do.
        rubric: name, version or folder; ``None`` for the one that judges such runs.
        task: its name, where the runs have several.

    Raises:
        ConfigError: nothing that can be rated, several tasks, two runs of one folder, fewer than two models for pairs,
            or runs that were asked differently.
        DataError: a log cannot be read.
        JudgeError: a rubric cannot be read.
    """
    by_task: dict[str, list[SampleLog]] = {}
    unfit: dict[str, str] = {}
    for log in find_logs(list(paths)):
        if why := _unfit(log, kind, rubric):
            unfit.setdefault(log.task, why)
        else:
            by_task.setdefault(log.task, []).append(log)
    if task is not None and task not in by_task:
        why = unfit.get(task) or f"no such logs; there are {', '.join(sorted({*by_task, *unfit}))}"
        raise ConfigError(f"--task {printable(task, 80)}: {why}")
    if not by_task:
        reasons = "; ".join(f"{name}: {why}" for name, why in sorted(unfit.items()))
        raise ConfigError(f"nothing here that people can {kind.value}: {reasons}")
    if task is None and len(by_task) > 1:
        raise ConfigError(f"the runs have several tasks ({', '.join(sorted(by_task))}): name one with --task")
    name = task or next(iter(by_task))
    logs = _by_model(by_task[name], name)
    if kind is RatingKind.PAIR and len(logs) < 2:
        raise ConfigError(
            f"--kind pair: needs runs of two or more models, and {name} has that of {next(iter(logs))}"
        )
    require_one_protocol(name, logs.values())
    asked = _rubric(next(iter(logs.values())), kind, rubric)
    assert asked is not None, "found fit above"
    first, *others = (dict(strata_of_log(log, asked.unit)) for log in logs.values())
    common = [(unit, stratum) for unit, stratum in first.items() if all(unit in o for o in others)]
    return RatedTask(logs, asked, common)


def _rubric(log: SampleLog, kind: RatingKind, name: str | None) -> Rubric | None:
    if kind is RatingKind.RATE:
        return rubric_for(log, name)
    rubric = rubric_for_unit(Unit.PAIR, name)
    require_pair_rubric(rubric)
    return rubric


def _unfit(log: SampleLog, kind: RatingKind, rubric: str | None) -> str:
    """Why a log cannot be rated; '' if it can."""
    if not log.kind.writes_text:
        return "its log has no replies in words"
    if kind is RatingKind.PAIR and log.context is not Context.REFERENCE:
        return "pairs need the reference context: on its own history each model talks to another conversation"
    return (
        ""
        if _rubric(log, kind, rubric)
        else "the rubric is for whole conversations, and this has single turns"
    )


def _by_model(logs: Sequence[SampleLog], task: str) -> dict[str, SampleLog]:
    folders = [log.path.parent for log in logs]
    for folder in folders:
        if folders.count(folder) > 1:
            raise ConfigError(
                f"{folder}: more than one run of {task}; name the samples_*.jsonl file that counts"
            )
    return dict(zip(names_of_folders(folders), logs, strict=True))
