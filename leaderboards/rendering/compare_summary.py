"""What a comparison comes to on one screen: each section's headline scores, and what else is told from chance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from csc_tasks.leaderboards.comparing.compare import Comparison, SectionComparison
from csc_tasks.leaderboards.comparing.paired import Delta
from csc_tasks.leaderboards.comparing.turns import Moved
from csc_tasks.leaderboards.rendering.compare_parts import (
    fact_line,
    headline_deltas,
    outcome_text,
    pair_cells,
)
from csc_tasks.leaderboards.rendering.language import Language, said, text
from csc_tasks.leaderboards.rendering.numbers import number
from csc_tasks.leaderboards.rendering.report_lines import aligned, metric_title, section_title
from csc_tasks.leaderboards.rendering.text import printable
from csc_tasks.metrics.comparison import ALPHA

__all__ = ["SCREEN", "SummaryBlock", "summary_blocks", "summary_lines"]

SCREEN = 40
"""Lines that a summary may have."""
_MOVED = 6
"""Names of strategies, stages and topics in one line."""
_LEAST = 2
"""Scores of a section that stay where there is no room for all."""
_NAME = 200
"""Characters of a model's name."""


@dataclass
class SummaryBlock:
    """A section: its title, what its scores come to, and a row of texts a score; ``real`` are told from chance."""

    title: str
    counts: str
    rows: list[tuple[str, ...]] = field(default_factory=list)
    real: list[bool] = field(default_factory=list)
    moved: str = ""


def summary_blocks(comparison: Comparison, language: Language) -> list[SummaryBlock]:
    """The sections of a comparison, reference context before generated."""
    return [_block(section, language) for section in comparison.sections]


def _block(section: SectionComparison, language: Language) -> SummaryBlock:
    deltas = headline_deltas(section)
    block = SummaryBlock(section_title(section.section, language), _counts(section, deltas, language))
    for delta in deltas:
        cells = pair_cells(
            *(delta.metric, delta.first, delta.second, delta.difference, delta.adjusted, delta.spreads)
        )
        block.rows.append((metric_title(delta.metric, language), *cells, outcome_text(delta, language)))
        block.real.append(delta.significant)
    real = [m for m in (*section.stages, *section.strategies, *section.topics) if _real(m)]
    if real:
        real.sort(key=lambda m: -abs(m.first - m.second))
        names = [f"{m.name} {number(m.first - m.second, True, True)}" for m in real[:_MOVED]]
        names += ["…"] if len(real) > _MOVED else []
        block.moved = text("compare.moved", language, names=", ".join(names))
    return block


def _real(moved: Moved) -> bool:
    found = moved.difference
    return found is not None and moved.adjusted < ALPHA and not math.isnan(found.low)


def _counts(section: SectionComparison, deltas: Sequence[Delta], language: Language) -> str:
    tested = [d for d in deltas if d.difference is not None and not math.isnan(d.adjusted)]
    if not tested:
        whys = dict.fromkeys(said(d.why, language) for d in deltas if d.why)
        return text("compare.uncounted", language, why="; ".join(whys) or said(section.why, language))
    real = [d.difference.value * d.better for d in tested if d.significant and d.difference is not None]
    better, worse = sum(v > 0 for v in real), sum(v < 0 for v in real)
    rest = len(tested) - better - worse
    return text("compare.counts", language, a=better, b=worse, n=len(tested), rest=rest)


def summary_lines(comparison: Comparison, language: Language, lines: int = SCREEN) -> list[str]:
    """The summary for a terminal, in at most so many lines; what has no room is counted.

    Args:
        comparison: of two models.
        language: of its words.
        lines: how many there may be; at least 12.
    """
    head = [f"A: {printable(comparison.first, _NAME)}", f"B: {printable(comparison.second, _NAME)}"]
    facts = printable(fact_line(comparison, language), _NAME)
    head.append(f"{facts}; {text('compare.units', language)}")
    head += [
        printable(text("compare.allowed", language, words=said(words, language)), _NAME)
        for words in comparison.allowed
    ]
    foot = [] if comparison.one_family else [text("compare.alone", language)]
    foot.append(text("compare.further", language))
    blocks = summary_blocks(comparison, language)
    interval = "compare.interval" if comparison.one_family else "compare.interval-alone"
    headings = ("", "A", "B", *(text(k, language) for k in ("compare.difference", interval, "compare.p")), "")
    room = lines - len(head) - len(foot)
    whole = _length(blocks)
    if whole > room:
        _shorten(blocks, room - 1)
        foot.insert(0, text("compare.more", language, n=whole - _length(blocks)))
    return [*head, *_body(blocks, headings), *foot]


def _length(blocks: Sequence[SummaryBlock]) -> int:
    return sum(2 + bool(block.moved) + bool(block.rows) * (1 + len(block.rows)) for block in blocks)


def _shorten(blocks: list[SummaryBlock], room: int) -> None:
    """Take away what matters least, until it fits: scores within noise, then names, then scores, then sections."""
    for block in reversed(blocks):
        for i in reversed(range(_LEAST, len(block.rows))):
            if _length(blocks) > room and not block.real[i]:
                del block.rows[i], block.real[i]
    for block in reversed(blocks):
        if _length(blocks) > room:
            block.moved = ""
    for block in reversed(blocks):
        while _length(blocks) > room and block.rows:
            del block.rows[-1], block.real[-1]
    while _length(blocks) > room and len(blocks) > 1:
        del blocks[-1]


def _body(blocks: Sequence[SummaryBlock], headings: tuple[str, ...]) -> Iterator[str]:
    # All sections in the same columns.
    rows = [headings, *(row for block in blocks for row in block.rows)]
    lines = iter(aligned(rows, left=(0, len(headings) - 1)))
    top = next(lines)
    for block in blocks:
        yield ""
        yield printable(f"{block.title}: {block.counts}", _NAME)
        if block.rows:
            yield top
            yield from (next(lines) for _ in block.rows)
        if block.moved:
            yield f"  {printable(block.moved, _NAME)}"
