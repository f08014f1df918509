"""What tuning did, for a person, a document and a program: the verdict first, then what it rests on."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import NamedTuple

from csc_tasks.leaderboards.board import finite
from csc_tasks.leaderboards.comparing.compare import SectionComparison
from csc_tasks.leaderboards.comparing.enhanced import EnhanceReport, Gain, Held
from csc_tasks.leaderboards.comparing.paired import Delta
from csc_tasks.leaderboards.comparing.turns import Moved
from csc_tasks.leaderboards.rendering.compare_parts import (
    fact_line,
    headline_deltas,
    pair_cells,
)
from csc_tasks.leaderboards.rendering.compare_report import named_difference
from csc_tasks.leaderboards.rendering.language import Language, said, text
from csc_tasks.leaderboards.rendering.numbers import difference_interval, fixed, in_percent, number, p_value
from csc_tasks.leaderboards.rendering.report_lines import aligned, metric_title, section_title
from csc_tasks.leaderboards.rendering.text import code, inline, printable
from csc_tasks.metrics.comparison import ALPHA

__all__ = ["lines", "markdown", "to_json"]

_NAME = 200
"""Characters of a model's name."""
_LINE = 400


class _ReportPart(NamedTuple):
    """A part of the report: a title, sentences, and a table with its headings as the first row."""

    title: str
    sentences: list[str]
    rows: list[tuple[str, ...]]


def lines(report: EnhanceReport, language: Language = Language.EN) -> list[str]:
    """The report for a terminal, line by line."""
    comparison = report.comparison
    head = [
        (text("enhance.base", language), comparison.second),
        (text("enhance.tuned", language), comparison.first),
    ]
    out = aligned([(f"{name}:", printable(model, _NAME)) for name, model in head], left=(0, 1), indent=0)
    out.append(printable(f"{fact_line(comparison, language)}; {text('compare.units', language)}", _LINE))
    for part in _parts(report, language):
        out += ["", part.title]
        out += [f"  {printable(sentence, _LINE)}" for sentence in part.sentences]
        if part.rows:
            out += aligned(part.rows, left=(0, len(part.rows[0]) - 1))
    return out


def markdown(report: EnhanceReport, language: Language = Language.EN) -> str:
    """The same as Markdown."""
    comparison = report.comparison
    out = [
        f"# {text('enhance.title', language)}",
        "",
        f"{text('enhance.base', language)}: {code(comparison.second)}, "
        f"{text('enhance.tuned', language)}: {code(comparison.first)}",
        "",
        f"{inline(fact_line(comparison, language), _LINE)}; {text('compare.units', language)}",
    ]
    for part in _parts(report, language):
        out += ["", f"## {inline(part.title)}", ""]
        out += [f"- {inline(sentence, _LINE)}" for sentence in part.sentences]
        if part.rows:
            heading, *rows = part.rows
            words = (0, len(heading) - 1)
            out += [""] * bool(part.sentences)
            out.append("| " + " | ".join(heading) + " |")
            out.append("|" + "|".join("---" if i in words else "---:" for i in range(len(heading))) + "|")
            out += ["| " + " | ".join(inline(cell, 200) for cell in row) + " |" for row in rows]
    return "\n".join(out) + "\n"


def _parts(report: EnhanceReport, language: Language) -> Iterator[_ReportPart]:
    yield _ReportPart(text("enhance.verdict", language), list(_verdict(report, language)), [])
    for section in report.comparison.sections:
        if deltas := headline_deltas(section):
            title = section_title(section.section, language)
            yield _ReportPart(title, list(_where(section, language)), _scores(deltas, language))
    if worse := [_worse(delta, language) for delta in report.worse]:
        yield _ReportPart(text("enhance.worse-title", language), worse, [])
    if report.replies:
        yield _ReportPart(text("enhance.replies-title", language), [], _replies(report, language))
    if report.contexts:
        yield _ReportPart(text("enhance.contexts-title", language), [], _contexts(report, language))
    notes = [said(note, language) for note in (*report.notes, *report.comparison.notes)]
    notes += [text("compare.allowed", language, words=said(w, language)) for w in report.comparison.allowed]
    if notes:
        yield _ReportPart(text("compare.notes", language), notes, [])


# --- the verdict ---


def _verdict(report: EnhanceReport, language: Language) -> Iterator[str]:
    yield text(f"enhance.gain.{report.gain.value}", language, metric=metric_title(report.primary, language))
    least = {each.section: each for each in report.sensitivity}
    for delta in report.tested:
        if delta.metric != report.primary or delta.difference is None:
            continue
        percent, found = in_percent(delta.metric), delta.difference
        values = {
            "metric": metric_title(delta.metric, language),
            "section": section_title(delta.section, language),
            "base": number(delta.second, percent),
            "tuned": number(delta.first, percent),
            "difference": number(delta.first - delta.second, percent, signed=True),
            "interval": difference_interval(found.low, found.high, delta.metric),
            "p": p_value(delta.adjusted),
        }
        if delta.significant:
            better = delta.better * (delta.first - delta.second) > 0
            yield text("enhance.raised" if better else "enhance.lowered", language, **values)
        else:
            yield text("enhance.not-shown", language, **values)
            seen = least.get(delta.section)
            if seen is not None and math.isfinite(seen.gain):
                gain = number(seen.gain, percent)
                yield text("enhance.power", language, gain=gain, n=seen.conversations)
            elif seen is not None:
                yield text("enhance.no-power", language, n=seen.conversations)
    for delta in report.untested:
        section = section_title(delta.section, language)
        yield text("enhance.untested", language, section=section, why=said(delta.why, language))
    own = [c for c in report.contexts if c.metric == report.primary and c.held is not Held.NEITHER]
    for change in own:
        yield text(
            f"enhance.context.{change.held.value}", language, metric=metric_title(change.metric, language)
        )
    if report.gain is not Gain.UNKNOWN:
        count = len(report.worse)
        yield text("enhance.cost" if count else "enhance.no-cost", language, n=count)
    if report.worse_replies:
        names = dict.fromkeys(text(f"enhance.reply.{each.name}", language) for each in report.worse_replies)
        yield text("enhance.cost-replies", language, names=tuple(names))
    if report.comparison.facts.get("scale") == "mini":
        yield text("enhance.smoke", language)


# --- what it rests on ---


def _headings(language: Language) -> tuple[str, ...]:
    keys = ("enhance.base", "enhance.tuned", "pairs.difference", "compare.interval", "compare.p")
    return (text("compare.metric", language), *(text(key, language) for key in keys), "")


def _scores(deltas: list[Delta], language: Language) -> list[tuple[str, ...]]:
    rows = [_headings(language)]
    for delta in deltas:
        tuned, base, *rest = pair_cells(
            *(delta.metric, delta.first, delta.second, delta.difference, delta.adjusted, delta.spreads)
        )
        rows.append((metric_title(delta.metric, language), base, tuned, *rest, _outcome(delta, language)))
    return rows


def _outcome(delta: Delta, language: Language) -> str:
    if delta.difference is None or math.isnan(delta.difference.low):
        return said(delta.why, language)
    if not delta.better:
        return text("compare.description", language)
    if not delta.significant:
        return text("compare.noise", language)
    better = delta.better * (delta.first - delta.second) > 0
    return text("enhance.better" if better else "enhance.worse", language)


def _where(section: SectionComparison, language: Language) -> Iterator[str]:
    """Stages, strategies and topics that are told from chance, better ones before worse ones."""
    groups = (
        ("stages", section.stages, "strategy_acc"),
        ("strategies", section.strategies, "strategy_acc"),
        ("topics", section.topics, section.by),
    )
    for name, moved, metric in groups:
        if not moved:
            continue
        real = sorted(filter(_is_real, moved), key=lambda m: m.second - m.first)
        better = [m for m in real if m.first > m.second]
        worse = [m for m in reversed(real) if m.first < m.second]
        for key, found in (("improved", better), ("fell", worse)):
            if found:
                shown = tuple(
                    f"{m.name} {number(m.first - m.second, in_percent(metric), True)}" for m in found
                )
                yield text(f"enhance.{key}-{name}", language, names=shown)
        if not real:
            yield text(f"enhance.no-{name}", language, n=len(moved))


def _is_real(moved: Moved) -> bool:
    found = moved.difference
    return found is not None and moved.adjusted < ALPHA and not math.isnan(found.low)


def _worse(delta: Delta, language: Language) -> str:
    percent, found = in_percent(delta.metric), delta.difference
    assert found is not None
    return text(
        "enhance.fell",
        language,
        metric=metric_title(delta.metric, language),
        section=section_title(delta.section, language),
        base=number(delta.second, percent),
        tuned=number(delta.first, percent),
        interval=difference_interval(found.low, found.high, delta.metric),
        p=p_value(delta.adjusted),
    )


def _replies(report: EnhanceReport, language: Language) -> list[tuple[str, ...]]:
    rows = [_headings(language)]
    for each in report.replies:
        percent, found = bool(each.better), each.difference
        name = f"{section_title(each.section, language)}: {text(f'enhance.reply.{each.name}', language)}"

        def show(value: float, signed: bool = False, percent: bool = percent) -> str:
            return number(value, True, signed) if percent else fixed(value, 1, signed)

        known = not math.isnan(found.low)
        interval = f"[{show(found.low, True)}, {show(found.high, True)}]" if known else "–"
        real = each.adjusted < ALPHA
        outcome = (
            "compare.noise" if not real else "enhance.worse" if each.first > each.second else "enhance.better"
        )
        rows.append(
            (
                name,
                show(each.second),
                show(each.first),
                show(each.first - each.second, True),
                interval,
                p_value(each.adjusted),
                text(outcome if each.better else "compare.description", language),
            )
        )
    return rows


def _contexts(report: EnhanceReport, language: Language) -> list[tuple[str, ...]]:
    keys = (
        "enhance.in-reference",
        "enhance.in-generated",
        "pairs.difference",
        "compare.interval",
        "compare.p",
    )
    rows = [(text("compare.metric", language), *(text(key, language) for key in keys), "")]
    for change in report.contexts:
        percent, found = in_percent(change.metric), change.difference
        rows.append(
            (
                metric_title(change.metric, language),
                number(change.reference, percent, signed=True),
                number(change.generated, percent, signed=True),
                number(change.generated - change.reference, percent, signed=True),
                difference_interval(found.low, found.high, change.metric),
                p_value(change.adjusted),
                text(f"enhance.held.{change.held.value}", language),
            )
        )
    return rows


def to_json(report: EnhanceReport) -> str:
    """Everything, for programs; what is not known is ``null``. The first model of ``comparison`` is the tuned one."""
    content = asdict(report)
    content["worse"] = [f"{delta.section}/{delta.metric}" for delta in report.worse]
    sections = zip(report.comparison.sections, content["comparison"]["sections"], strict=True)
    for section, plain in sections:
        for name in ("deltas", "strategies", "stages", "topics"):
            for each, entry in zip(getattr(section, name), plain[name], strict=True):
                entry["difference"] = named_difference(each.difference)
    for name in ("contexts", "replies"):
        for each, entry in zip(getattr(report, name), content[name], strict=True):
            entry["difference"] = named_difference(each.difference)
    return json.dumps(finite(content), ensure_ascii=False, indent=2, allow_nan=False)
