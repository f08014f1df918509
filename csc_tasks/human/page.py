"""A page for people as one HTML file that needs nothing else: no server, no network, no second file, no package.

What all pages have is here and in ``page/page.*``: items one at a time, progress, filters, notes, undo, saving in the
browser, export and import of the answers as one file, help for the keyboard, two languages. A *form* adds what is
asked of an item: a script and a style of its own in the same folder, which call ``CSConvPage.start``.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from typing import Any

from csc_tasks.data.sources import fingerprint
from csc_tasks.human.shares import Share

__all__ = ["Form", "HumanPage", "render_page"]

_ESCAPED = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}
_SLOT = re.compile(r"\{\{([a-z]{1,20})\}\}")


@dataclass(frozen=True, slots=True)
class Form:
    """What is asked of an item.

    Attributes:
        name: of its files in ``page/`` (``review`` for ``review.js`` and ``review.css``), and of its texts in
            ``texts.json``.
        format: what its exported file calls itself; another version of the answers has another name.
    """

    name: str
    format: str


@dataclass(frozen=True, slots=True)
class HumanPage:
    """What is on a page.

    Attributes:
        form: what is asked.
        file: the name of the file that is asked about, for people.
        fingerprint: of that file's content; answers belong to it.
        share: which items of it are on the page.
        items: of the page in order, as JSON values; each has an ``id`` of its own.
        material: what the form shows beside them, as JSON values.
        languages: in which it can be read: with two of them there is a switch.
    """

    form: Form
    file: str
    fingerprint: str
    share: Share
    items: Sequence[Mapping[str, Any]]
    material: Mapping[str, Any] = field(default_factory=dict)
    languages: Sequence[str] = ("zh", "en")


def render_page(page: HumanPage) -> bytes:
    """The page as a file in UTF-8, the same for the same content.

    Names and texts may hold anything: they are data, which the page's script puts in as text and never as markup. A
    content security policy allows the page's own script and style by their digests, and no request of any kind.
    """
    style = "\n".join(_asset(name) for name in ("page.css", f"{page.form.name}.css"))
    script = "\n".join(
        _asset(name) for name in ("page.js", "dialogs.js", "keeping.js", f"{page.form.name}.js")
    )
    slots = {
        "policy": _policy(script, style),
        "style": style,
        "script": script,
        "data": _inert(_data(page)),
    }
    # One pass: what is put in is not looked at again, whatever it holds.
    text = _SLOT.sub(lambda slot: slots[slot[1]], _asset("page.html"))
    return text.encode("utf-8", "replace")


def _asset(name: str) -> str:
    return files("csc_tasks.human").joinpath("page", name).read_text(encoding="utf-8")


def _data(page: HumanPage) -> Mapping[str, Any]:
    ids = [item["id"] for item in page.items]
    texts = json.loads(_asset("texts.json"))
    return {
        "format": page.form.format,
        "file": page.file,
        "fingerprint": page.fingerprint,
        # Answers are kept in the browser under it: another share of the same file is another page.
        "page": fingerprint(ids),
        "share": page.share.record(),
        "languages": list(page.languages),
        "texts": {**texts["page"], **texts[page.form.name]},
        "material": page.material,
        "items": list(page.items),
    }


def _inert(content: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_ESCAPED)


def _policy(script: str, style: str) -> str:
    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"

    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {digest(script)}",
            f"style-src {digest(style)}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
