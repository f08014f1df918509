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
from csc_tasks.leaderboards.rendering.language import Language, said, text
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


def _status(status: CheckStatus, language: Language = Language.EN) -> str:
    return text(f"gate.status.{status.name.lower()}", language)


def headline(report: GateReport, language: Language = Language.EN) -> str:
    """The outcome in one line."""
    model, baseline = printable(report.model), printable(report.baseline)
    return text(
        "gate.headline", language, outcome=_status(report.exit, language), model=model, baseline=baseline
    )


def markdown(report: GateReport, language: Language = Language.EN) -> str:
    """A summary fit for a comment on a pull request."""
    names = ("task", "metric", "baseline", "now", "drop", "least", "allowed")
    headings = [text(f"gate.{name}", language) + ("¹" if name == "least" else "") for name in names]
    lines = [
        f"### {_MARKS[report.exit]} {text('gate.title', language, outcome=_status(report.exit, language))}",
        "",
        text("gate.against-baseline", language, model=code(report.model), baseline=code(report.baseline)),
        "",
        f"| | {' | '.join(headings)} | |",
        "|---|---|---|---:|---:|---:|---:|---:|---|",
    ]
    for check in report.checks:
        drops = check.rule == "max_drop"
        cells = [
            _MARKS[check.status],
            inline(check.section) or ABSENT,
            inline(
                f"{check.metric or text('gate.rule-turns', language)}"
                f"{'' if drops or not check.metric else f' ({check.rule})'}"
            ),
            *_numbers(check),
            inline(said(check.message, language), 200),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    for words in report.allowed:
        told = code(said(words, language), 400)
        lines += ["", f"**{text('gate.asked-otherwise', language)}** {told}"]
    lines += [
        "",
        "¹ "
        + text(
            "gate.note",
            language,
            alpha=f"{100 * report.alpha:g}",
            n=report.tests,
            allowed=text("gate.allowed", language),
        ),
    ]
    if report.notes:
        lines += ["", f"<details><summary>{text('compare.notes', language)}</summary>", ""]
        lines += [f"- {code(said(note, language), 400)}" for note in report.notes]
        lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def terminal(report: GateReport, language: Language = Language.EN) -> Table:
    """The checks as a table for a terminal, the outcome above it."""
    allowed = [
        printable(text("compare.allowed", language, words=said(words, language))) for words in report.allowed
    ]
    caption = text("gate.caption", language, alpha=f"{100 * report.alpha:g}", n=report.tests)
    table = Table(
        title=Text("\n".join([headline(report, language), *allowed])),
        title_justify="left",
        caption=caption,
        caption_justify="left",
    )
    for name in ("task", "metric"):
        table.add_column(text(f"gate.{name}", language), overflow="fold")
    for name in ("baseline", "now", "drop", "least", "allowed"):
        table.add_column(text(f"gate.{name}", language), justify="right", no_wrap=True)
    table.add_column(text("gate.result", language), overflow="fold")
    for check in report.checks:
        passed = check.status is CheckStatus.PASS
        outcome = text("gate.ok" if passed else f"gate.outcome.{check.status.name.lower()}", language)
        rule = "" if check.rule in ("max_drop", "complete") else f" ({check.rule})"
        table.add_row(
            Text(printable(check.section)),
            Text(printable((check.metric or check.rule) + rule)),
            *_numbers(check),
            Text.assemble((outcome, _STYLES[check.status]), f": {printable(said(check.message, language))}"),
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
        "outcome": _status(report.exit),
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


def write_files(
    report: GateReport, files: ReportFiles, seconds: float = 0.0, language: Language = Language.EN
) -> None:
    """Write the files that are asked for, and the summary of a job on GitHub (:func:`append_summary`).

    ``seconds`` is how long the gate took; the language is that of what people read, programs read one.

    Raises:
        DataError: the disk refuses.
    """
    wanted: list[tuple[Path | None, Callable[[], bytes]]] = [
        (files.junit, lambda: junit(report, seconds)),
        (files.markdown, lambda: markdown(report, language).encode("utf-8", "replace")),
        (None if files.to_stdout else files.json, lambda: to_json(report).encode("utf-8", "replace")),
    ]
    for path, render in wanted:
        if path is not None:
            write_report(path, render())
    append_summary(markdown(report, language))


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
