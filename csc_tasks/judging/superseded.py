"""What lies there of a judging under the rubric that was the default before: said aloud, and never paid for unasked."""

from __future__ import annotations

from collections.abc import Sequence

from csc_tasks.chat.journal import read_journal
from csc_tasks.errors import ConfigError
from csc_tasks.judging.pairwise import Contest
from csc_tasks.judging.saved_run import JudgedLog
from csc_tasks.metrics.judge.rubric import SUPERSEDED, VERSION, rubric_for_unit
from csc_tasks.metrics.judge.verdict import Status

__all__ = ["tell_of_superseded"]


def tell_of_superseded(plan: Sequence[JudgedLog | Contest], only_told: bool) -> list[str]:
    """What to say of verdicts by the same judge under a superseded rubric, where there are none under the new one.

    Args:
        plan: what is to be judged under the shipped rubrics, because none was named.
        only_told: nothing will be asked, so that nothing need be decided.

    Raises:
        ConfigError: such a judging was not finished: to go on with it and to begin anew are two things, and each costs.
    """
    said: list[str] = []
    unfinished: set[str] = set()
    for judged in plan:
        for version in SUPERSEDED:
            earlier = judged.under(rubric_for_unit(judged.rubric.unit, version))
            if judged.journal_path.is_file() or not earlier.journal_path.is_file():
                continue
            scored, wanted = _progress(earlier)
            said.append(
                f"{earlier.journal_path}: {scored} of {wanted} questions have a verdict under {earlier.rubric.name}, "
                f"which was the default before {judged.rubric.name}"
            )
            if scored < wanted * earlier.config.min_coverage:  # so few that there are no scores
                unfinished.add(version)
    if unfinished and not only_told:
        on = " or ".join(f"--rubric {version}" for version in sorted(unfinished))
        todo = (
            f"Nothing was asked. What to do: go on with what was begun, without paying twice ({on}), or begin anew "
            f"(--rubric {VERSION}): other questions, in files and columns of their own"
        )
        raise ConfigError("\n".join([*said, todo]))
    if said:
        said.append(
            f"verdicts under {VERSION} have files and columns of their own; --rubric {SUPERSEDED[0]} reads the old ones"
        )
    return said


def _progress(earlier: JudgedLog | Contest) -> tuple[int, int]:
    """How many questions have a verdict, and how many there are."""
    wanted = set(earlier.keys())
    lines = read_journal(earlier.journal_path)
    scored = {str(line.get("key")) for line in lines if line.get("status") == Status.SCORED.value}
    return len(wanted & scored), len(wanted)
