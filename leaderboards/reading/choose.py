"""From single results files to models: which runs of a model count, as repeats of it, and what was added to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from csc_tasks.leaderboards.board import InputProblem
from csc_tasks.leaderboards.reading.identity import Identity, identify
from csc_tasks.protocol.named_data import common_names
from csc_tasks.protocol.signature import Protocol
from csc_tasks.results.model_record import ModelRecord
from csc_tasks.results.results_file import Origin, TaskRun
from csc_tasks.sentences import Sentence

__all__ = ["ModelSection", "Repeat", "choose_runs"]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The run that counts for one seed, and later scores of its log, the newest first."""

    seed: str
    run: TaskRun
    added: tuple[TaskRun, ...] = ()

    @property
    def all_runs(self) -> tuple[TaskRun, ...]:
        """The run and what was added to it."""
        return (self.run, *self.added)


@dataclass(frozen=True, slots=True)
class ModelSection:
    """One model in one section: its repeats, one a seed, the newest first."""

    identity: Identity
    protocol: Protocol
    section: str
    repeats: tuple[Repeat, ...]

    @property
    def run(self) -> TaskRun:
        """The newest run."""
        return self.repeats[0].run

    @property
    def all_runs(self) -> tuple[TaskRun, ...]:
        """All runs, and what was added to them."""
        return tuple(run for repeat in self.repeats for run in repeat.all_runs)


def choose_runs(runs: Iterable[TaskRun]) -> tuple[list[ModelSection], list[InputProblem]]:
    """The runs that count for each model and section: one a seed, whole ones before those with ``--limit``, the newest.

    What was not chosen is told as a problem, so that nothing disappears silently. Data that runs have under several
    names has one in all that comes of them.
    """
    runs = list(runs)
    shown = [run.model.examples for run in runs if run.model.examples]
    names = common_names([*(run.protocol.data for run in runs), *shown])
    own = {(_place(run.path), run.task): run for run in runs if run.origin is Origin.RUN}
    # What was scored again is of the model of its run, whatever the new file repeats of it.
    bases = [own.get((_place(run.base), run.task), run) if run.base else run for run in runs]
    identities = _with_commits([identify(_called(base.model, names)) for base in bases])
    groups: dict[tuple[tuple[str, ...], Protocol, str], list[tuple[TaskRun, Identity]]] = {}
    for run, identity in zip(runs, identities, strict=True):
        protocol = run.protocol.called(names)
        groups.setdefault((identity.key, protocol, run.section), []).append((run, identity))
    chosen: list[ModelSection] = []
    problems: list[InputProblem] = []
    for (_, protocol, section), members in groups.items():
        repeats, passed = _repeats(members)
        chosen.append(ModelSection(members[0][1], protocol, section, repeats))
        problems += passed
    return chosen, problems


def _called(model: ModelRecord, names: Mapping[str, str]) -> ModelRecord:
    return replace(model, examples=model.examples.called(names)) if model.examples else model


def _with_commits(identities: Sequence[Identity]) -> list[Identity]:
    """The digest of the weights tells models apart where runs of one name have several; else it says nothing."""
    bare = [identity.of_commit("") for identity in identities]
    commits: dict[tuple[str, ...], set[str]] = {}
    for short, identity in zip(bare, identities, strict=True):
        commits.setdefault(short.key, set()).add(identity.commit)
    return [
        identity.of_commit(identity.commit or "unknown") if len(commits[short.key] - {""}) > 1 else short
        for short, identity in zip(bare, identities, strict=True)
    ]


def _repeats(members: Sequence[tuple[TaskRun, Identity]]) -> tuple[tuple[Repeat, ...], list[InputProblem]]:
    # What was scored again stands for a run only where the run itself is not among the files.
    whole = [m for m in members if m[0].origin is Origin.RUN] or list(members)
    best = max(whole, key=lambda m: _rank(m[0]))[0]
    by_seed: dict[str, TaskRun] = {}
    for run, identity in sorted(whole, key=lambda m: _rank(m[0])):
        if run.limited == best.limited:
            by_seed[identity.seed] = run
    repeats = [
        Repeat(
            seed,
            run,
            tuple(
                sorted(
                    (r for r, _ in members if r is not run and _is_of(r, run)),
                    key=lambda r: (r.date, str(r.path)),
                    reverse=True,
                )
            ),
        )
        for seed, run in by_seed.items()
    ]
    repeats.sort(key=lambda repeat: _rank(repeat.run), reverse=True)
    kept = {id(run) for repeat in repeats for run in repeat.all_runs}
    problems = []
    for run, identity in members:
        if id(run) in kept:
            continue
        first = by_seed.get(identity.seed, best)
        limited = run.limited and not first.limited
        reason = Sentence("run.limited", "has --limit") if limited else Sentence("run.older", "is older")
        if run.base:
            reason = Sentence("run.of-other", "was made of {run}, which does not count", run=run.base.name)
        message = Sentence(
            "run.replaced",
            "{task} of {model} {reason}; {other} counts in its place",
            task=run.task,
            model=identity.name,
            reason=reason,
            other=first.path.name,
        )
        problems.append(InputProblem(str(run.path), message))
    return tuple(repeats), problems


def _rank(run: TaskRun) -> tuple[bool, float, str]:
    return not run.limited, run.date, str(run.path)


def _is_of(run: TaskRun, other: TaskRun) -> bool:
    """Whether a derived file was made of the other one, or of the same run as it."""
    return run.base is not None and _place(run.base) == _place(other.base or other.path)


def _place(path: Path) -> Path:
    """The same for the same file, however the folder that it was found in was named."""
    return path.parent.resolve() / path.name
