"""A leaderboard as one HTML file that needs nothing else: no server, no network, no second file."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, metadata, version
from importlib.resources import files
from pathlib import Path
from typing import Any

from csc_tasks.citation import BIBTEX
from csc_tasks.errors import ConfigError
from csc_tasks.framework import Strategy
from csc_tasks.install import install_hint
from csc_tasks.leaderboards.board import Board
from csc_tasks.leaderboards.reading.kept import keep, kept_folder
from csc_tasks.leaderboards.rendering.charts import charts
from csc_tasks.leaderboards.rendering.facts import day, minute
from csc_tasks.leaderboards.rendering.labels import arrow, telling
from csc_tasks.leaderboards.rendering.language import (
    Language,
    about_text,
    column_text,
    has,
    section_text,
    text,
    texts,
)
from csc_tasks.leaderboards.rendering.numbers import ABSENT, fixed, number
from csc_tasks.leaderboards.rendering.packed_texts import SampleFiles, packed, sample_data
from csc_tasks.leaderboards.rendering.page_tables import page_cell, page_table, section_of
from csc_tasks.leaderboards.rendering.pairs import shown_on_page
from csc_tasks.leaderboards.rendering.samples import samples
from csc_tasks.leaderboards.rendering.theme import config
from csc_tasks.leaderboards.rendering.words import Words
from csc_tasks.protocol.task_kind import units_of

__all__ = ["render_page"]

SCRIPTS = (
    *("common.js", "table.js", "charts.js"),
    *("sample_data.js", "differences.js", "role_plays.js", "sample_views.js", "sample_browser.js"),
)
"""In the order in which they run; one script element on the page."""
BOOT = "document.documentElement.classList.add('js')"
"""Runs before anything is shown, so that what needs scripts does not flicker in."""


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
        built=minute(board.built),
        links=_links(),
        policies=_policies(scripts, style, texts_beside is not None),
        style=_raw(style),
        scripts=[_raw(script) for script in scripts],
        tables=[
            page_table(i, table, drawn, _raw(packed([chart.as_json() for chart in drawn])) if drawn else "")
            for i, table in enumerate(board.tables)
            for drawn in [list(charts(table, board.reported))]
        ],
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
        cell=page_cell,
        shown_pairs=shown_on_page,
        column_title=column_text,
        section_title=section_of,
        absent=ABSENT,
        arrow=arrow,
        telling=telling,
        column_text=column_text,
        about=about_text,
        citation=BIBTEX,
        section_text=section_text,
        units_of=units_of,
        fixed=fixed,
        number=number,
        day=day,
        has=has,
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


def _links() -> dict[str, str]:
    """Addresses of what the package says of itself, by its names for them; a page only links to them."""
    try:
        told = metadata("csconv-eval").get_all("Project-URL") or []
    except PackageNotFoundError:
        told = []
    pairs = (entry.partition(",") for entry in told)
    found = {name.strip(): address.strip() for name, _, address in pairs}
    return {name: address for name, address in found.items() if address.startswith("https://")}
