"""What a table says in words: what it is called, what is missing in it, why a value has no interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from csc_tasks.leaderboards.board import DataName, Section, SectionFigures
from csc_tasks.protocol.signature_parts import CustomerSignature
from csc_tasks.sentences import Sentence

__all__ = [
    "MINI",
    "NOT_RESAMPLED",
    "NO_INTERVAL",
    "SCRIPTED",
    "UNDEFINED",
    "caution",
    "incomplete",
    "not_all",
    "partial",
    "short_of_seeds",
    "title",
    "too_few",
]

SCRIPTED = Sentence(
    "caution.scripted",
    "Customers are scripted, which is good for smoke tests and CI; what people would have done is better told "
    "with a model that plays them (docs/roleplay.md)",
)
"""What must be known of a table with such customers."""
MINI = Sentence(
    "caution.mini",
    "The mini set is shipped to try things out: its scores say that a run works, and not which model is better",
)
NOT_RESAMPLED = Sentence("why.not-resampled", "a figure of all turns together, not resampled")
UNDEFINED = Sentence("why.undefined", "undefined for these turns")
NO_INTERVAL = Sentence("why.no-interval", "no interval")


def caution(data: DataName, customer: CustomerSignature | None) -> str:
    """What must be known of a table before its scores are believed; '' for nothing."""
    if customer is None:
        return MINI if data.name == "mini" else ""
    return SCRIPTED if customer.kind == "scripted" else ""


def too_few(clusters: str) -> str:
    """Why there is no interval, ``clusters`` being what is resampled."""
    return Sentence("why.few", "too few {units} for an interval", units=clusters)


def not_all(turns: str) -> str:
    """Why there is no rank, ``turns`` being what was scored."""
    return Sentence("why.not-all", "not all {units}", units=turns)


def title(data: DataName, prompt: str, customer: CustomerSignature | None) -> str:
    """What a table is called."""
    if customer is None:
        return Sentence(
            "table.title",
            "CSConv {data}, {extent}, prompt {prompt}",
            data=data.name,
            extent=data.extent,
            prompt=prompt,
        )
    # What tells such tables apart comes first, where menus show it; the customer's line has several trials.
    who: str = customer.line
    if customer.trials == 1:
        who = Sentence("table.one-trial", "{who}, 1 trial", who=who)
    return Sentence(
        "table.role-play",
        "{who}: CSConv role-play, {data}, {extent}, prompt {prompt}",
        who=who,
        data=data.name,
        extent=data.extent,
        prompt=prompt,
    )


def partial(units: str, sections: Sequence[Section]) -> str:
    """That no model has all turns of these sections; '' for none."""
    if not sections:
        return ""
    titles = tuple(section.title for section in sections)
    return Sentence("table.partial", "no model has all {units} of: {sections}", units=units, sections=titles)


def incomplete(sections: Iterable[tuple[Section, SectionFigures]]) -> str:
    """What a model lacks of these sections; '' for none."""
    parts = tuple(
        Sentence(
            "row.missing",
            "{section}: {n} of {all} {units}",
            section=section.id,
            n=figures.turns,
            all=figures.expected_turns or Sentence("row.all", "all"),
            units=section.counted,
        )
        for section, figures in sections
    )
    return Sentence("row.incomplete", "{parts}", parts=parts) if parts else ""


def short_of_seeds(section: str, ran: int, counts: Mapping[int, Sequence[str]]) -> list[str]:
    """Which scores are the mean of fewer seeds than were run: names of metrics by the number of seeds."""
    return [
        Sentence(
            "row.seeds",
            "{section}: of {ran} seeds, {seeds} count for {names} "
            "(not scored in the others, or not of the same turns)",
            section=section,
            ran=ran,
            seeds=seeds,
            names=", ".join(names),
        )
        for seeds, names in sorted(counts.items())
    ]
