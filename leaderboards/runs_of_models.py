"""From single results files to models: which run of a model counts, and what was added to it later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from csc_tasks.leaderboards.board import Problem
from csc_tasks.leaderboards.identity import Identity
from csc_tasks.leaderboards.runs import Facts, Origin, TaskRun

__all__ = ["ModelSection", "choose_runs"]


@dataclass(frozen=True, slots=True)
class ModelSection:
    """One model in one section: the run that counts, and later scores of its log, the newest first."""

    identity: Identity
    facts: Facts
    section: str
    run: TaskRun
    added: tuple[TaskRun, ...]

    @property
    def all_runs(self) -> tuple[TaskRun, ...]:
        """The run and what was added to it."""
        return (self.run, *self.added)


def choose_runs(runs: Iterable[TaskRun]) -> tuple[list[ModelSection], list[Problem]]:
    """The run that counts for each model and section: a whole one before one with ``--limit``, then the newest.

    What was not chosen is told as a problem, so that nothing disappears silently.
    """
    groups: dict[tuple[tuple[str, ...], Facts, str], list[TaskRun]] = {}
    for run in runs:
        groups.setdefault((run.identity.key, run.facts, run.section), []).append(run)
    chosen: list[ModelSection] = []
    problems: list[Problem] = []
    for (_, facts, section), members in groups.items():
        # What was scored again stands for a run only where the run itself is not among the files.
        own = [run for run in members if run.origin is Origin.RUN] or members
        ranked = sorted(own, key=lambda run: (not run.limited, run.date, str(run.path)), reverse=True)
        first, others = ranked[0], ranked[1:]
        base = first.base if first.origin is not Origin.RUN else first.path
        added = sorted(
            (run for run in members if run is not first and run.base == base),
            key=lambda run: (run.date, str(run.path)),
            reverse=True,
        )
        kept = {id(first), *map(id, added)}
        for run in others:
            if id(run) not in kept:
                why = "has --limit" if run.limited and not first.limited else "is older"
                problems.append(
                    Problem(
                        str(run.path),
                        f"{run.task} of {run.identity.name} {why}; {first.path.name} counts in its place",
                    )
                )
        chosen.append(ModelSection(first.identity, facts, section, first, tuple(added)))
    return chosen, problems
