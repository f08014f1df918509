"""A leaderboard as one HTML file that needs nothing else: no server, no network, no second file."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from csc_tasks.errors import ConfigError
from csc_tasks.framework import Strategy
from csc_tasks.install import install_hint
from csc_tasks.leaderboards.board import BeatsFloor, Board, BoardTable, Cell, Column, Row, Section
from csc_tasks.leaderboards.reading.kept import keep, kept_folder
from csc_tasks.leaderboards.rendering.charts import ChartKind, charts
from csc_tasks.leaderboards.rendering.customers import customer_lines
from csc_tasks.leaderboards.rendering.floor_notes import floor_notes
from csc_tasks.leaderboards.rendering.grid import absences, grids
from csc_tasks.leaderboards.rendering.labels import arrow, row_labels, row_name
from csc_tasks.leaderboards.rendering.language import Language, text, texts
from csc_tasks.leaderboards.rendering.numbers import ABSENT, NO_BETTER, fixed, number
from csc_tasks.leaderboards.rendering.packed_texts import SampleFiles, packed, sample_data
from csc_tasks.leaderboards.rendering.samples import samples
from csc_tasks.leaderboards.rendering.theme import config
from csc_tasks.leaderboards.rendering.wordings import wording_lines
from csc_tasks.leaderboards.rendering.words import Words

__all__ = ["render_page"]

SCRIPTS = (
    *("common.js", "table.js", "charts.js"),
    *("sample_data.js", "differences.js", "role_plays.js", "sample_views.js", "sample_browser.js"),
)
"""In the order in which they run; one script element on the page."""
BOOT = "document.documentElement.classList.add('js')"
"""Runs before anything is shown, so that what needs scripts does not flicker in."""
REPORTED = {
    "bleu_2": "BLEU-2",
    "bleu_4": "BLEU-4",
    "rouge_l": "ROUGE-L",
    "bertscore": "BERTScore",
    "bleurt": "BLEURT",
    "strategy_acc": "Strategy accuracy",
}


class _Group(NamedTuple):
    """Rows that are sorted among themselves: models, incomplete ones, floors."""

    name: str
    title: str
    rows: list[tuple[int, Row, str]]
    """Number in the table, the row, and where it stands in a tie: ``""``, ``first``, ``inner`` or ``last``."""


def render_page(
    board: Board,
    kept: Path | None = None,
    languages: Sequence[Language] = tuple(Language),
    texts_beside: SampleFiles | None = None,
) -> str:
    """The whole page as text.

    Names, replies and messages may hold anything: all of it is escaped, and a content security policy
    allows the page's own scripts and styles by their digests and no request of any kind.

    Args:
        board: what to show.
        kept: folder where the script that draws charts is kept; by default in csconv's cache.
        languages: of its texts, the one that is shown first at their head; of several it has a switch.
        texts_beside: files with the samples, which then are not in the page.

    Raises:
        ConfigError: the packages that it takes are not installed.
    """
    try:
        import jinja2
    except ImportError as error:
        raise ConfigError(f"the page needs more packages: {install_hint('leaderboard')}") from error
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = _template("style.css")
    scripts = [BOOT, _vega(kept_folder(kept)), "\n".join(map(_template, SCRIPTS))]
    shown = texts_beside or samples(board)
    words = Words(languages)
    return environment.get_template("index.html.j2").render(
        board=board,
        built=_date(board.built),
        policies=_policies(scripts, style, texts_beside is not None),
        style=_raw(style),
        scripts=[_raw(script) for script in scripts],
        tables=[_table(i, table) for i, table in enumerate(board.tables)],
        words=words,
        languages=languages,
        language_name=lambda each: text("language.name", each),
        texts=_raw(_inert(json.dumps({each.value: texts(each) for each in languages}, ensure_ascii=False))),
        configs=_raw(_inert(json.dumps({"light": config(), "dark": config(dark=True)}))),
        samples=_raw(shown.data if isinstance(shown, SampleFiles) else sample_data(shown)) if shown else "",
        played=bool(board.role_plays),
        strategies=list(Strategy),
        models=len(
            {
                (row.model, row.settings, row.step)
                for table in board.tables
                for row in table.rows
                if not row.floor
            }
        ),
        reported_names=REPORTED,
        cell=_cell,
        absent=ABSENT,
        arrow=arrow,
        row_name=row_name,
        spread_lines=lambda table: (*wording_lines(table), *customer_lines(table)),
        fixed=fixed,
        as_text=_text,
    )


def _template(name: str) -> str:
    return files("csc_tasks.leaderboards.rendering").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _vega(folder: Path) -> str:
    """Vega, Vega-Lite and vega-embed (BSD-3-Clause) as one script."""
    try:
        import vl_convert
    except ImportError as error:
        raise ConfigError(f"charts need more packages: {install_hint('leaderboard')}") from error
    # Within a script element only these end it or switch it to another state; in JavaScript they can
    # stand in strings and regular expressions alone, where the backslash changes nothing.
    bundle = _bundle(vl_convert, folder / f"vega_{version('vl-convert-python')}.js")
    return re.sub(r"<(?=/script|script|!--)", r"\\x3c", bundle, flags=re.IGNORECASE)


def _bundle(vl_convert: Any, kept: Path) -> str:
    """The script as the package makes it, which takes it two seconds; kept with its digest before it."""
    with suppress(OSError):
        digest, _, script = kept.read_bytes().partition(b"\n")
        if digest.decode("ascii", "replace") == sha256(script).hexdigest():
            return script.decode()
    made: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    data = made.encode()
    keep(kept, sha256(data).hexdigest().encode() + b"\n" + data)
    return made


def _raw(text: str) -> Any:
    """Text that is inserted as it is: our own code, and data that :func:`_inert` or base64 made harmless."""
    from markupsafe import Markup

    return Markup(text)


def _policies(scripts: Sequence[str], style: str, beside: bool) -> list[str]:
    """What the page may do; what one of several policies forbids is forbidden.

    Where texts stand in files ``beside`` it, a script of the page may load others, which ``'strict-dynamic'`` says and
    markup that came in with a name cannot make use of; and from the page's own place alone, never from a network
    when the page is a file. Digests of those scripts would say less and work in no browser that opens a file.
    """

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"

    own = " ".join(map(digest, scripts))
    whole = [
        "default-src 'none'",
        f"script-src {own}" + (" 'strict-dynamic'" if beside else ""),
        f"style-src {digest(style)}",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return ["; ".join(whole), *([f"script-src {own} 'self' file:"] if beside else [])]


def _inert(text: str) -> str:
    """JSON text that cannot end the script element it stands in."""
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _date(built: str) -> str:
    try:
        return datetime.fromisoformat(built).strftime("%d %B %Y, %H:%M %Z").strip(", ")
    except ValueError:
        return built


def _table(number: int, table: BoardTable) -> dict[str, Any]:
    drawn, labels = list(charts(table)), row_labels(table.rows)
    order = next((column for column in table.columns if column.id == table.order), None)
    return {
        "id": f"t{number}",
        "table": table,
        "sections": [s for s in _sections(table) if s[1]],
        "order": order,
        "groups": list(_groups(table, order)),
        "absent": list(_absent(table, labels)),
        "floors": list(floor_notes(table, list(grids(table, every=True)), lambda row: labels[row.id], str)),
        "kinds": [kind for kind in ChartKind if any(chart.kind is kind for chart in drawn)],
        "charts": _raw(
            packed([{"kind": c.kind.id, "picks": c.picks, "spec": c.spec} for c in drawn]) if drawn else ""
        ),
    }


def _absent(table: BoardTable, labels: dict[str, str]) -> Iterator[str]:
    """Why values are not there, a line a reason."""
    for section, columns, why, rows in absences(table, list(grids(table, every=True))):
        titles = "; ".join(column.title for column in columns)
        yield f"{section.title}, {titles}: {ABSENT} for {', '.join(labels[row.id] for row in rows)} ({why})"


def _sections(table: BoardTable) -> Iterator[tuple[Section, list[Column]]]:
    for section in table.sections:
        yield section, [column for column in table.columns if column.section == section.id]


def _groups(table: BoardTable, order: Column | None) -> Iterator[_Group]:
    names = {
        "models": "",
        "incomplete": "Incomplete: something is missing, so these are not ranked",
        "floors": "Floors: weightless models, never ranked",
    }

    def kind(entry: tuple[int, Row]) -> str:
        return "floors" if entry[1].floor else "incomplete" if entry[1].incomplete else "models"

    entries = sorted(enumerate(table.rows), key=lambda entry: list(names).index(kind(entry)))
    for name, members in groupby(entries, kind):
        rows: list[tuple[int, Row, str]] = []
        for _, tied in groupby(members, lambda entry: _rank(entry[1], order) or -1 - entry[0]):
            run = list(tied)
            places = ["first", *["inner"] * (len(run) - 2), "last"] if len(run) > 1 else [""]
            rows += [(i, row, place) for (i, row), place in zip(run, places, strict=True)]
        yield _Group(name, names[name], rows)


def _rank(row: Row, column: Column | None) -> int | None:
    cell = row.cells.get(column.id) if column else None
    return cell.rank if cell else None


def _cell(row: Row, column: Column | None) -> dict[str, Any]:
    """A cell's texts: value, interval, rank, the span of ranks, and why one of them is absent."""
    cell = row.cells.get(column.id, Cell(None)) if column else Cell(None)
    percent = column is not None and column.percent
    span = ""
    if cell.rank_low is not None and cell.rank_high is not None and cell.rank_low != cell.rank_high:
        span = f"{cell.rank_low}–{cell.rank_high}"
    interval = ""
    if cell.low is not None and cell.high is not None:
        between = " – " if cell.low < 0 else "–"
        interval = f"{number(cell.low, percent)}{between}{number(cell.high, percent)}"
    return {
        "cell": cell,
        "value": number(cell.value, percent),
        "interval": interval,
        "spread": number(cell.spread, percent) if cell.spread is not None else "",
        "rank": cell.rank,
        "span": span,
        "why": cell.why,
        "no_better": NO_BETTER if cell.beats_floor is BeatsFloor.NO else "",
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
