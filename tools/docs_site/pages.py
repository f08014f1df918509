"""Which pages there are, in which order, and how a page of the repository becomes one of the site."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LANGUAGES", "DeadLink", "Page", "find_pages", "headings", "slug", "staged"]

LANGUAGES = ("en", "zh")
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^()\s]+)\)")
_WHOLE = re.compile(r"\[([^\[\]<>]*)\]\(([\w./-]+\.md)\)")
_FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*\s*$")
_UNTRANSLATED = "```{note}\n本页还没有中文版，以下是英文原文。\n```"
_PROJECT = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")


class DeadLink(Exception):
    """A link of a page that leads nowhere; the message names page, link and cure."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page by its name on the site: its file in English, and the one in Chinese if it is translated."""

    name: str
    english: Path
    chinese: Path | None
    project: bool = False

    def file(self, language: str) -> Path:
        """What is shown in a language: of a page that is not translated, the English."""
        return self.chinese if language == "zh" and self.chinese else self.english


def find_pages(root: Path) -> list[Page]:
    """The front page, then docs/ in the order of the README's section Documentation, then those of the project itself.

    Pages that it does not name come after those, by name. ``NAME.zh.md`` is the Chinese of ``NAME.md``.
    """
    readme = root / "README.md"
    listed = readme.read_text(encoding="utf-8").rpartition("\n## Documentation\n")[2]
    named = re.findall(r"\]\(docs/([\w-]+)\.md[#)]", listed)
    places = {name: i for i, name in reversed(list(enumerate(named)))}
    found = [path.stem for path in (root / "docs").glob("*.md") if not path.name.endswith(".zh.md")]
    found.sort(key=lambda name: (_place(name, places), name))
    pages = [Page("index", readme, root / "README.zh-CN.md")]
    for name in found:
        chinese = root / "docs" / f"{name}.zh.md"
        pages.append(Page(name, root / "docs" / f"{name}.md", chinese if chinese.is_file() else None))
    for name in _PROJECT:
        pages.append(Page(Path(name).stem.lower(), root / name, None, project=True))
    return pages


def _place(name: str, places: dict[str, int]) -> tuple[float, int]:
    """Where the README names a page; one that it does not name stands with the page whose name its own begins with."""
    if name in places:
        return places[name], 0
    family = [place for known, place in places.items() if name.startswith(f"{known}-")]
    return (max(family), 1) if family else (float("inf"), 0)


def slug(title: str) -> str:
    """What GitHub makes of a heading, for links to it."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
    return re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")


def headings(text: str) -> list[tuple[int, str]]:
    """Level and anchor of each heading; one that is there a second time has a number."""
    found: list[tuple[int, str]] = []
    seen: dict[str, int] = {}
    for line, code in _lines(text):
        if not code and (heading := _HEADING.match(line)):
            anchor = slug(heading[2])
            number = seen.get(anchor, 0)
            seen[anchor] = number + 1
            found.append((len(heading[1]), f"{anchor}-{number}" if number else anchor))
    return found


def _lines(text: str) -> list[tuple[str, bool]]:
    """Each line, and whether it is of a block of code."""
    found, fence = [], ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if not fence and mark:
            fence = mark[1]
            found.append((line, True))
        elif fence:
            found.append((line, True))
            if mark and mark[1].startswith(fence) and line.strip() == mark[1]:
                fence = ""
        else:
            found.append((line, False))
    return found


def staged(page: Page, language: str, pages: list[Page], root: Path, keep: Callable[[Path], str]) -> str:
    """The text of a page with links that hold on the site.

    Args:
        page: which.
        language: ``en`` or ``zh``.
        pages: all of them.
        root: of the repository.
        keep: puts a file that is no page where the site has it, and says what to link to.

    Raises:
        DeadLink: a file or heading that is not there.
    """
    source = page.file(language)
    by_file = {file.resolve(): each for each in pages for file in (each.english, each.chinese) if file}

    def link(found: re.Match[str]) -> str:
        target, _, anchor = found[1].partition("#")
        path = (source.parent / target).resolve() if target else source.resolve()
        if not path.exists() or not path.is_relative_to(root.resolve()):
            raise DeadLink(f"{source}: {found[1]}: there is no such file; mend the link")
        other = by_file.get(path)
        if other is None:
            return f"]({keep(path)})"
        if not anchor:
            return f"]({other.name}.md)"
        return f"]({other.name}.md#{_anchor(source, found[1], path, anchor, other, language)})"

    def across(found: re.Match[str]) -> str:
        """A link to the page itself in the other language."""
        path = (source.parent / found[2]).resolve()
        if by_file.get(path) is not page or path == source.resolve():
            return found[0]
        way = f"zh/{page.name}.html" if language == "en" else f"../{page.name}.html"
        return f'<a href="{way}">{found[1]}</a>'

    text = source.read_text(encoding="utf-8")
    lines = [line if code else _LINK.sub(link, _WHOLE.sub(across, line)) for line, code in _lines(text)]
    if language == "zh" and source == page.english:
        first = next(i for i, line in enumerate(lines) if _HEADING.match(line))
        lines[first + 1 : first + 1] = ["", _UNTRANSLATED, ""]
    return "\n".join(lines)


def _anchor(source: Path, link: str, path: Path, anchor: str, other: Page, language: str) -> str:
    """The heading that is meant, as the file that the site shows calls it: translations have the same headings."""
    own = [name for _, name in headings(path.read_text(encoding="utf-8"))]
    if anchor not in own:
        raise DeadLink(f"{source}: {link}: {path.name} has no such heading; mend the link")
    shown = other.file(language)
    if shown.samefile(path):
        return anchor
    there = [name for _, name in headings(shown.read_text(encoding="utf-8"))]
    if len(there) != len(own):
        raise DeadLink(
            f"{source}: {link}: {shown.name} has not the headings of {path.name}; mend the translation"
        )
    return there[own.index(anchor)]
