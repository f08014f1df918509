"""A gate's report for a person, a pull request, a CI server and a program."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from rich.table import Table
from rich.text import Text

from csc_tasks.errors import DataError
from csc_tasks.leaderboards.board import finite
from csc_tasks.leaderboards.comparing.gate import CheckStatus, GateCheck, GateReport
from csc_tasks.leaderboards.rendering.numbers import ABSENT, in_percent, number
from csc_tasks.leaderboards.rendering.text import code, inline, printable
from csc_tasks.storage import write_file

__all__ = [
    "ReportFiles",
    "append_summary",
    "headline",
    "junit",
    "markdown",
    "terminal",
    "to_json",
    "write_files",
    "write_report",
]

logger = logging.getLogger(__name__)

_WORDS = {
    CheckStatus.PASS: "no regression",
    CheckStatus.REGRESSION: "regression",
    CheckStatus.WRONG_USE: "wrong use",
    CheckStatus.NOT_COMPARABLE: "not comparable",
    CheckStatus.INCOMPLETE: "missing or incomplete",
}
_MARKS = {
    CheckStatus.PASS: "✅",
    CheckStatus.REGRESSION: "❌",
    CheckStatus.WRONG_USE: "🚫",
    CheckStatus.NOT_COMPARABLE: "🚫",
    CheckStatus.INCOMPLETE: "⚠️",
}
_STYLES = {
    CheckStatus.PASS: "green",
    CheckStatus.REGRESSION: "red",
    CheckStatus.WRONG_USE: "yellow",
    CheckStatus.NOT_COMPARABLE: "yellow",
    CheckStatus.INCOMPLETE: "yellow",
}


def headline(report: GateReport) -> str:
    """The outcome in one line."""
    return f"{_WORDS[report.exit]}: {printable(report.model)} against {printable(report.baseline)}"


def markdown(report: GateReport) -> str:
    """A summary fit for a comment on a pull request."""
    lines = [
        f"### {_MARKS[report.exit]} csconv gate: {_WORDS[report.exit]}",
        "",
        f"{code(report.model)} against baseline {code(report.baseline)}",
        "",
        "| | task | metric | baseline | now | drop | at least¹ | allowed | |",
        "|---|---|---|---:|---:|---:|---:|---:|---|",
    ]
    for check in report.checks:
        drops = check.rule == "max_drop"
        cells = [
            _MARKS[check.status],
            inline(check.section) or ABSENT,
            inline(f"{check.metric or 'turns'}{'' if drops or not check.metric else f' ({check.rule})'}"),
            *_numbers(check),
            inline(check.message, 200),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    for words in report.allowed:
        lines += ["", f"**Asked otherwise, allowed:** {code(words, 400)}"]
    lines += [
        "",
        f"¹ What the drop is at least: one-sided, clustered by conversation, {100 * report.alpha:g} % over all "
        f"{report.tests} tests together. A regression is a drop that is more than allowed even there. A minimum stands "
        "under *allowed*; its drop is what the score misses it by. Shares are in percent.",
    ]
    if report.notes:
        lines += ["", "<details><summary>Notes</summary>", ""]
        lines += [f"- {code(note, 400)}" for note in report.notes]
        lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def terminal(report: GateReport) -> Table:
    """The checks as a table for a terminal, the outcome above it."""
    allowed = [f"asked otherwise, allowed: {printable(words)}" for words in report.allowed]
    table = Table(
        title=Text("\n".join([headline(report), *allowed])),
        title_justify="left",
        caption=f"shares in percent; at least: one-sided, {100 * report.alpha:g} % over all {report.tests} tests "
        "together; a minimum stands under allowed",
        caption_justify="left",
    )
    for name in ("task", "metric"):
        table.add_column(name, overflow="fold")
    for name in ("baseline", "now", "drop", "at least", "allowed"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("outcome", overflow="fold")
    for check in report.checks:
        outcome = "ok" if check.status is CheckStatus.PASS else check.status.name.lower().replace("_", " ")
        rule = "" if check.rule in ("max_drop", "complete") else f" ({check.rule})"
        table.add_row(
            Text(printable(check.section)),
            Text(printable((check.metric or check.rule) + rule)),
            *_numbers(check),
            Text.assemble((outcome, _STYLES[check.status]), f": {printable(check.message)}"),
        )
    return table


def _numbers(check: GateCheck) -> tuple[str, str, str, str, str]:
    """Baseline, value, drop, what it is at least, what is allowed."""
    percent = in_percent(check.metric)
    return (
        number(check.baseline, percent),
        number(check.value, percent)
        + ("" if check.spread is None else f" sd {number(check.spread, percent)}"),
        number(check.drop, percent, signed=True),
        number(check.low, percent, signed=True),
        number(check.allowed, percent),
    )


def junit(report: GateReport, seconds: float = 0.0) -> bytes:
    """JUnit XML: a test case for each check; a regression is a failure, what was not measured an error.

    Args:
        report: of all checks.
        seconds: that the gate took.
    """
    bad = [c for c in report.checks if c.status is CheckStatus.REGRESSION]
    lost = [c for c in report.checks if c.status not in (CheckStatus.PASS, CheckStatus.REGRESSION)]
    counts = {
        "name": "csconv gate",
        "tests": str(len(report.checks)),
        "failures": str(len(bad)),
        "errors": str(len(lost)),
        "time": f"{seconds:.3f}",
    }
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(root, "testsuite", counts)
    if report.allowed:
        properties = ElementTree.SubElement(suite, "properties")
        for words in report.allowed:
            ElementTree.SubElement(properties, "property", name="allowed", value=_xml(words))
    for check in report.checks:
        name = " ".join(part for part in (check.rule, check.metric) if part)
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"csconv.{check.section.replace('/', '.') or 'all'}", name=name
        )
        if check.status is not CheckStatus.PASS:
            tag = "failure" if check.status is CheckStatus.REGRESSION else "error"
            message = _xml(check.message)
            element = ElementTree.SubElement(case, tag, message=message, type=check.status.name.lower())
            element.text = _xml(_facts(check))
        else:
            ElementTree.SubElement(case, "system-out").text = _xml(f"{check.message}\n{_facts(check)}")
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _facts(check: GateCheck) -> str:
    baseline, value, drop, low, allowed = _numbers(check)
    return f"baseline {baseline}, now {value}, drop {drop} (at least {low}), allowed {allowed}, {check.turns} turns"


def _xml(text: str) -> str:
    """XML 1.0 has no way to write most control characters."""
    return "".join(
        c
        for c in text
        if c in "\n\t" or (c >= " " and not 0xD800 <= ord(c) <= 0xDFFF and c not in "\ufffe\uffff")
    )


def to_json(report: GateReport) -> str:
    """Everything, for programs; what is not known is ``null``."""
    content: dict[str, Any] = {
        "exit": int(report.exit),
        "outcome": _WORDS[report.exit],
        **asdict(report),
        "checks": [{**asdict(check), "status": check.status.name.lower()} for check in report.checks],
    }
    return json.dumps(finite(content), ensure_ascii=False, indent=2, allow_nan=False)


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where a report is written; ``-`` for ``json`` is stdout, which is the command's."""

    junit: Path | None = None
    markdown: Path | None = None
    json: Path | None = None

    @property
    def to_stdout(self) -> bool:
        """Whether stdout is for the JSON."""
        return self.json is not None and str(self.json) == "-"


def write_files(report: GateReport, files: ReportFiles, seconds: float = 0.0) -> None:
    """Write the files that are asked for, and the summary of a job on GitHub (:func:`append_summary`).

    ``seconds`` is how long the gate took.

    Raises:
        DataError: the disk refuses.
    """
    wanted: list[tuple[Path | None, Callable[[], bytes]]] = [
        (files.junit, lambda: junit(report, seconds)),
        (files.markdown, lambda: markdown(report).encode("utf-8", "replace")),
        (None if files.to_stdout else files.json, lambda: to_json(report).encode("utf-8", "replace")),
    ]
    for path, render in wanted:
        if path is not None:
            write_report(path, render())
    append_summary(markdown(report))


def write_report(path: Path, content: bytes) -> None:
    """Write a report whole or not at all.

    Raises:
        DataError: the disk refuses.
    """
    try:
        write_file(path, content)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror})") from None


def append_summary(text: str) -> None:
    """Add Markdown to the job's summary page where GitHub Actions asks for one (``GITHUB_STEP_SUMMARY``).

    A page that cannot be written is a warning: the answer is what counts.
    """
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(path).open("a", encoding="utf-8", errors="replace") as file:
                file.write(text + "\n")
        except OSError as error:
            logger.warning("GITHUB_STEP_SUMMARY: %s: cannot be written (%s)", path, error.strerror)
