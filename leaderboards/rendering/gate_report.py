"""A gate's report for a person, a pull request, a CI server and a program."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from csc_tasks.errors import DataError
from csc_tasks.leaderboards.comparing.gate import CheckStatus, Exit, GateCheck, GateReport
from csc_tasks.leaderboards.rendering.escaping import code, printable
from csc_tasks.leaderboards.rendering.numbers import finite, number
from csc_tasks.storage import write_file

__all__ = ["append_summary", "headline", "junit", "markdown", "to_json", "write"]

_WORDS = {
    Exit.PASS: "no regression",
    Exit.REGRESSION: "regression",
    Exit.NOT_COMPARABLE: "not comparable",
    Exit.INCOMPLETE: "missing or incomplete",
}
_MARKS = {
    CheckStatus.PASS: "✅",
    CheckStatus.REGRESSION: "❌",
    CheckStatus.NOT_COMPARABLE: "🚫",
    CheckStatus.INCOMPLETE: "⚠️",
}


def headline(report: GateReport) -> str:
    """The outcome in one line."""
    return f"{_WORDS[report.exit]}: {printable(report.model)} against {printable(report.baseline)}"


def markdown(report: GateReport) -> str:
    """A summary fit for a comment on a pull request."""
    lines = [
        f"### {_MARKS[CheckStatus(int(report.exit))]} csconv gate: {_WORDS[report.exit]}",
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
            check.section or "–",
            f"{check.metric or 'turns'}{'' if drops or not check.metric else f' ({check.rule})'}",
            number(check.metric, check.baseline),
            number(check.metric, check.value),
            number(check.metric, check.drop, signed=True),
            number(check.metric, check.low, signed=True),
            number(check.metric, check.allowed),
            _cell(check.message),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    tests = sum(check.rule == "max_drop" for check in report.checks)
    lines += [
        "",
        f"¹ What the drop is at least: one-sided, clustered by conversation, {100 * report.alpha:g} % over all "
        f"{tests} tests together. A regression is a drop that is more than allowed even there. Shares are in percent.",
    ]
    if report.notes:
        lines += ["", "<details><summary>Notes</summary>", ""]
        lines += [f"- {code(note, 400)}" for note in report.notes]
        lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return code(text, 200) if any(c in text for c in "<>|*_[]@#`") else printable(text, 200)


def junit(report: GateReport) -> bytes:
    """JUnit XML: a test case for each check; a regression is a failure, what was not measured an error."""
    bad = [c for c in report.checks if c.status is CheckStatus.REGRESSION]
    lost = [c for c in report.checks if c.status in (CheckStatus.INCOMPLETE, CheckStatus.NOT_COMPARABLE)]
    counts = {
        "name": "csconv gate",
        "tests": str(len(report.checks)),
        "failures": str(len(bad)),
        "errors": str(len(lost)),
    }
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(root, "testsuite", counts)
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
    return (
        f"baseline {number(check.metric, check.baseline)}, now {number(check.metric, check.value)}, "
        f"drop {number(check.metric, check.drop, True)} (at least {number(check.metric, check.low, True)}), "
        f"allowed {number(check.metric, check.allowed)}, {check.turns} turns"
    )


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
        "checks": [
            {
                **{
                    k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(check).items()
                },
                "status": check.status.name.lower(),
            }
            for check in report.checks
        ],
    }
    return json.dumps(finite(content), ensure_ascii=False, indent=2, allow_nan=False)


def write(path: Path, data: bytes) -> None:
    """Write a report.

    Raises:
        DataError: the disk refuses.
    """
    try:
        write_file(path, data)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror})") from None


def append_summary(report: GateReport) -> None:
    """Add the Markdown to the job's summary page where GitHub Actions asks for one (``GITHUB_STEP_SUMMARY``).

    Raises:
        DataError: the file cannot be written.
    """
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(path).open("a", encoding="utf-8", errors="replace") as file:
                file.write(markdown(report) + "\n")
        except OSError as error:
            raise DataError(f"GITHUB_STEP_SUMMARY: {path}: cannot be written ({error.strerror})") from None
