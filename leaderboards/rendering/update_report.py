"""What a new baseline file changes, for a person, a pull request and a program."""

from __future__ import annotations

import json
from dataclasses import asdict

from csc_tasks.leaderboards.board import finite
from csc_tasks.leaderboards.comparing.baseline_update import BaselineUpdate
from csc_tasks.leaderboards.comparing.paired import Delta
from csc_tasks.leaderboards.rendering.gate_report import ReportFiles, append_summary, write_report
from csc_tasks.leaderboards.rendering.numbers import ABSENT, difference_interval, in_percent, number
from csc_tasks.leaderboards.rendering.text import code, inline, printable

__all__ = ["lines", "markdown", "to_json", "write_files"]

_HEADINGS = ("task", "metric", "old", "new", "new - old", "95 % interval", "")
_WORDS = (0, 1, 6)
"""Columns of names and words; the others are numbers."""


def lines(update: BaselineUpdate) -> list[str]:
    """What was written, and every score beside that of the file before, in columns of plain text."""
    out = [
        f"{printable(str(update.path))}: baseline of {printable(update.model)}, {update.size / 1024:.0f} KB; commit it"
    ]
    if update.before:
        out += [f"before: {printable(update.before)}", *map(printable, _said(update)), ""]
        rows = [_HEADINGS, *(_cells(each) for each in update.deltas)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        out += [
            "  ".join(
                cell.ljust(width) if i in _WORDS else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        out += ["", _FOOT]
    return out


_FOOT = "Shares in percent; intervals paired, clustered by conversation, each for itself."


def _said(update: BaselineUpdate) -> list[str]:
    """What stands above the scores."""
    why = (
        [f"not comparable with the file before, scores stand side by side: {update.why}"]
        if update.why
        else []
    )
    return [*why, *(f"dropped: {each.name} ({each.reason})" for each in update.dropped)]


def _cells(each: Delta) -> tuple[str, ...]:
    percent, found = in_percent(each.metric), each.difference
    return (
        printable(each.section),
        printable(each.metric),
        number(each.second, percent),
        number(each.first, percent),
        number(found.value, percent, signed=True) if found else ABSENT,
        difference_interval(found.low, found.high, each.metric) if found else ABSENT,
        printable(each.why),
    )


def markdown(update: BaselineUpdate) -> str:
    """The same for the pull request that brings the new file."""
    out = [f"### csconv baseline: {code(str(update.path))} of {code(update.model)}"]
    if update.before:
        out += ["", f"before: {code(update.before)}"]
        out += [line for words in _said(update) for line in ("", code(words, 400))]
        out += ["", "| " + " | ".join(_HEADINGS) + " |"]
        out.append("|" + "|".join("---" if i in _WORDS else "---:" for i in range(len(_HEADINGS))) + "|")
        out += [
            "| " + " | ".join(inline(cell, 200) if i in _WORDS else cell for i, cell in enumerate(row)) + " |"
            for row in map(_cells, update.deltas)
        ]
        out += ["", _FOOT]
    if update.notes:
        out += ["", "<details><summary>Notes</summary>", ""]
        out += [*(f"- {code(note, 400)}" for note in update.notes), "", "</details>"]
    return "\n".join(out) + "\n"


def to_json(update: BaselineUpdate) -> str:
    """Everything, for programs; what is not known is ``null``."""
    content = {"exit": 0, "outcome": "baseline written", **asdict(update), "path": str(update.path)}
    for each, entry in zip(update.deltas, content["deltas"], strict=True):
        entry["difference"] = None if each.difference is None else each.difference._asdict()
    return json.dumps(finite(content), ensure_ascii=False, indent=2, allow_nan=False)


def write_files(update: BaselineUpdate, files: ReportFiles) -> None:
    """Write the Markdown and the JSON that are asked for, and the summary of a job on GitHub.

    Raises:
        DataError: the disk refuses.
    """
    if files.markdown is not None:
        write_report(files.markdown, markdown(update).encode("utf-8", "replace"))
    if files.json is not None and not files.to_stdout:
        write_report(files.json, to_json(update).encode("utf-8", "replace"))
    append_summary(markdown(update))
