"""Who said what, once: files of one rater put together, what stands in two of them told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from csc_tasks.human.reading.given import GivenAnswer
from csc_tasks.human.study import RatingAnswer, StudyKey

__all__ = ["Collected", "RaterAnswers", "collect"]


@dataclass(frozen=True, slots=True)
class RaterAnswers:
    """One person's answers.

    Attributes:
        number: by which they go, from 1.
        rater: whose items they had: ``rater-1`` and so on.
        person: the name that they gave; '' where no file says.
        given: how many items they had.
        answers: by item, of those of which anything was said.
    """

    number: int
    rater: str
    person: str
    given: int
    answers: Mapping[str, RatingAnswer]


@dataclass(frozen=True, slots=True)
class Collected:
    """All raters who sent something back, and what people should know of how that was put together."""

    raters: tuple[RaterAnswers, ...]
    notes: tuple[str, ...]


@dataclass
class _Person:
    rater: str
    person: str
    answers: dict[str, RatingAnswer] = field(default_factory=dict)
    files: dict[Path, None] = field(default_factory=dict)
    again: int = 0
    conflicts: Counter[Path] = field(default_factory=Counter)

    def add(self, given: GivenAnswer) -> None:
        """Take an answer in; of two that differ the one that is added later counts."""
        self.files[given.file] = None
        before = self.answers.get(given.item)
        if before is None:
            self.answers[given.item] = given.answer
            return
        self.again += 1
        scores = before.scores
        if any(scores.get(name, value) != value for name, value in given.answer.scores.items()):
            self.conflicts[given.file] += 1
        self.answers[given.item] = RatingAnswer(
            scores={**scores, **given.answer.scores},
            comment=given.answer.comment or before.comment,
            seconds=given.answer.seconds if given.answer.seconds is not None else before.seconds,
        )


def collect(key: StudyKey, given: Iterable[GivenAnswer]) -> Collected:
    """Put the answers of each rater together.

    What stands in several files in the same words counts once; of answers that differ the later one counts, and a
    note says how many there were. Two names on one page are two people; a file without a name is of the person who
    gave theirs, if it is one. Raters are numbered in the order of their pages.

    Args:
        key: of the study.
        given: all answers.
    """
    assigned = {rater.name: len(rater.items) for rater in key.raters}
    people: dict[tuple[str, str], _Person] = {}
    names = _names(ordered := sorted(given, key=lambda g: (g.when, str(g.file))))
    for each in ordered:
        known = names[each.rater]
        person = each.person if each.person or len(known) != 1 else next(iter(known.values()))
        place = each.rater, person.casefold()
        people.setdefault(place, _Person(each.rater, person)).add(each)
    in_order = sorted(people.values(), key=lambda p: (list(assigned).index(p.rater), p.person))
    raters = tuple(
        RaterAnswers(number, each.rater, each.person, assigned[each.rater], each.answers)
        for number, each in enumerate(in_order, start=1)
    )
    return Collected(raters, tuple(_notes(key, in_order, raters)))


def _names(given: Sequence[GivenAnswer]) -> Mapping[str, Mapping[str, str]]:
    """The names that were given on each rater's page, by how they compare."""
    names: dict[str, dict[str, str]] = defaultdict(dict)
    for each in given:
        if each.person:
            names[each.rater].setdefault(each.person.casefold(), each.person)
        else:
            names[each.rater].update({})
    return names


def _notes(key: StudyKey, people: Sequence[_Person], raters: Sequence[RaterAnswers]) -> Iterable[str]:
    silent = [r.name for r in key.raters if r.name not in {p.rater for p in people}]
    if silent:
        yield f"nothing came back from {', '.join(silent)}"
    for name, several in Counter(p.rater for p in people).items():
        if several > 1:
            yield f"{name}: answered by {several} people, who count as {several} raters of the same items"
    by_name: dict[str, list[str]] = defaultdict(list)
    for one in raters:
        if one.person:
            by_name[one.person.casefold()].append(f"rater {one.number}")
    for same in by_name.values():
        if len(same) > 1:
            yield f"{' and '.join(same)} gave the same name: of one person, agreement between raters is overstated"
    for each, number in zip(people, (r.number for r in raters), strict=True):
        conflicts = sum(each.conflicts.values())
        if conflicts:
            files = ", ".join(path.name for path in each.conflicts)
            answers = "1 item was" if conflicts == 1 else f"{conflicts} items were"
            yield f"rater {number}: {answers} answered twice and differently; the later answer counts ({files})"
        elif each.again:
            yield f"rater {number}: {each.again} answers came twice, and the same; each counts once"
