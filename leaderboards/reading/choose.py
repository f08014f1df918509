"""From single results files to models: which run of a model counts, and what was added to it later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from csc_tasks.leaderboards.board import InputProblem
from csc_tasks.leaderboards.reading.identity import Identity, identify
from csc_tasks.protocol.signature import Protocol
from csc_tasks.results.results_file import Origin, TaskRun

__all__ = ["ModelSection", "choose_runs"]


@dataclass(frozen=True, slots=True)
class ModelSection:
    """One model in one section: the run that counts, and later scores of its log, the newest first."""

    identity: Identity
    protocol: Protocol
    section: str
    run: TaskRun
    added: tuple[TaskRun, ...]

    @property
    def all_runs(self) -> tuple[TaskRun, ...]:
        """The run and what was added to it."""
        return (self.run, *self.added)


def choose_runs(runs: Iterable[TaskRun]) -> tuple[list[ModelSection], list[InputProblem]]:
    """The run that counts for each model and section: a whole one before one with ``--limit``, then the newest.

    What was not chosen is told as a problem, so that nothing disappears silently.
    """
    runs = list(runs)
    identities = {id(run): identify(run.model) for run in runs}
    own = {(_place(run.path), run.task): run for run in runs if run.origin is Origin.RUN}
    groups: dict[tuple[tuple[str, ...], Protocol, str], list[TaskRun]] = {}
    for run in runs:
        # What was scored again is of the model of its run, whatever the new file repeats of it.
        base = own.get((_place(run.base), run.task), run) if run.base else run
        groups.setdefault((identities[id(base)].key, run.protocol, run.section), []).append(run)
    chosen: list[ModelSection] = []
    problems: list[InputProblem] = []
    for (_, protocol, section), members in groups.items():
        # What was scored again stands for a run only where the run itself is not among the files.
        whole = [run for run in members if run.origin is Origin.RUN] or members
        first = max(whole, key=lambda run: (not run.limited, run.date, str(run.path)))
        origin = _place(first.base or first.path)
        added = sorted(
            (run for run in members if run is not first and run.base and _place(run.base) == origin),
            key=lambda run: (run.date, str(run.path)),
            reverse=True,
        )
        kept = {id(first), *map(id, added)}
        for run in members:
            if id(run) not in kept:
                reason = "has --limit" if run.limited and not first.limited else "is older"
                if run.base:
                    reason = f"was made of {run.base.name}, which does not count"
                problems.append(
                    InputProblem(
                        str(run.path),
                        f"{run.task} of {identities[id(run)].name} {reason}; {first.path.name} counts in its place",
                    )
                )
        chosen.append(ModelSection(identities[id(first)], protocol, section, first, tuple(added)))
    return chosen, problems


def _place(path: Path) -> Path:
    """The same for the same file, however the folder that it was found in was named."""
    return path.parent.resolve() / path.name
