"""The documentation: its links lead somewhere, its commands exist, and its site needs no other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docs_site.commands import commands, mentions, unknown
from docs_site.outside import foreign_loads
from docs_site.pages import LANGUAGES, DeadLink, find_pages, headings, slug, staged
from tests.door import csconv
from tests.paths import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WRITTEN = sorted([*(ROOT / "docs").glob("*.md"), *ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md"])


def keep(path: Path) -> str:
    return f"files/{path.name}"


# Commands.


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_every_command_and_option_that_is_named_exists(path: Path) -> None:
    found = list(mentions(path.read_text(encoding="utf-8")))
    assert [f"{each.text}: {wrong}" for each in found if (wrong := unknown(each))] == []


def test_every_command_that_is_named_says_what_it_does() -> None:
    named = {each.path for path in WRITTEN for each in mentions(path.read_text(encoding="utf-8"))} - {()}
    assert len(named) > 25
    for path in sorted(named):
        done = csconv(*path, "--help")
        assert done.code == 0, path
        assert f"Usage: root {' '.join(path)} " in done.out or f"csconv {' '.join(path)} " in done.out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("`csconv table results`", ""),
        ("`csconv tabel results`", "csconv tabel is no command"),
        ("`csconv judge results --config j.yaml`", ""),  # a group that is a command itself
        ("`csconv judge agreement V --humans r.csv`", "csconv judge agreement has no --humans"),
        ("`csconv gate results --max-dorp strategy_acc=0.01`", "csconv gate has no --max-dorp"),
        ("`csconv synthesize everything`", "csconv synthesize everything is no command"),
        ("`csconv leaderboard results --browse=all`", ""),
        ("`csconv floor shuffle --limit 3`", ""),  # goes to lm_eval
        ("`csconv --version`", ""),
        ("```\ncsconv table r | sort --reverse\n```", ""),  # another command's option
        ("```\ncsconv table r \\\n  --nothing\n```", "csconv table has no --nothing"),
        ("```yaml\n  - run: csconv gone r\n```", "csconv gone is no command"),
        ("```\nX=1 csconv table r --nothing   # --all\n```", "csconv table has no --nothing"),
        ("```\nlm_eval --tasks csconv --log_samples\n```", None),  # the name of a group of tasks
        ("A plain csconv gone in a sentence.", None),
    ],
)
def test_a_command_that_is_not_there_is_found(text: str, told: str | None) -> None:
    assert [unknown(each) for each in mentions(text)] == ([] if told is None else [told])


def test_all_commands_are_known_and_none_is_hidden_behind_a_group() -> None:
    known = dict(commands())
    for path in (
        ("table",),
        ("judge",),
        ("judge", "agreement"),
        ("synthesize", "roleplay"),
        ("data", "convert"),
    ):
        assert path in known
    assert ("judge", "run") not in known  # a name that nobody needs


# Pages and links.


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_link_of_a_page_is_dead(language: str) -> None:
    pages = find_pages(ROOT)
    assert len(pages) > 20
    for page in pages:
        assert staged(page, language, pages, ROOT, keep)


def test_every_page_of_docs_has_a_place_and_those_of_a_family_stand_together() -> None:
    names = [page.name for page in find_pages(ROOT)]
    assert len(names) == len(set(names))
    assert {path.name.split(".")[0] for path in (ROOT / "docs").glob("*.md")} <= set(names)
    assert names[:2] == ["index", "protocol"]
    at = names.index("synthesis")
    assert names[at + 1 : at + 3] == ["synthesis-output", "synthesis-review"]


def test_a_translation_has_the_headings_of_its_page() -> None:
    translated = [page for page in find_pages(ROOT) if page.chinese and page.name != "index"]
    for page in translated:
        levels = [
            [level for level, _ in headings(page.file(language).read_text(encoding="utf-8"))]
            for language in LANGUAGES
        ]
        assert levels[0] == levels[1], page.name


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A repository of three pages, one of them in Chinese."""
    (tmp_path / "docs").mkdir()
    texts = {
        "README.md": "# Top\n\n[中文](README.zh-CN.md)\n\n## Documentation\n\n[b](docs/b.md) [a](docs/a.md#one-two)\n",
        "README.zh-CN.md": "# 顶\n\n[English](README.md)\n\n## 文档\n\n[乙](docs/b.md)\n",
        "docs/a.md": "# A\n\n## One two\n\n## One two\n\n[b](b.md#second) ![p](p.png)\n\n```\n[x](gone.md)\n```\n",
        "docs/b.md": "# B\n\n## Second\n\n[again](a.md#one-two-1)\n",
        "docs/b.zh.md": "# 乙\n\n## 第二\n\n[甲](a.md)\n",
        "docs/p.png": "",
    } | dict.fromkeys(("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"), "# X\n")
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def page_of(root: Path, name: str, language: str) -> str:
    pages = find_pages(root)
    (page,) = (page for page in pages if page.name == name)
    return staged(page, language, pages, root, keep)


def test_links_lead_to_the_page_in_the_language_that_is_read(small: Path) -> None:
    assert [page.name for page in find_pages(small)][:3] == ["index", "b", "a"]
    english, chinese = page_of(small, "a", "en"), page_of(small, "a", "zh")
    assert "[b](b.md#second) ![p](files/p.png)" in english
    assert "[b](b.md#第二)" in chinese
    assert "本页还没有中文版" in chinese
    assert "本页还没有中文版" not in page_of(small, "b", "zh") + english
    assert "[x](gone.md)" in english  # code
    assert '<a href="zh/index.html">中文</a>' in page_of(small, "index", "en")
    assert '<a href="../index.html">English</a>' in page_of(small, "index", "zh")
    assert "[again](a.md#one-two-1)" in page_of(small, "b", "en")


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("[x](gone.md)", "gone.md: there is no such file"),
        ("[x](b.md#third)", "b.md has no such heading"),
        ("[x](#nowhere)", "a.md has no such heading"),
        ("[x](../../outside.md)", "there is no such file"),
    ],
)
def test_a_dead_link_is_refused_with_its_page(small: Path, link: str, told: str) -> None:
    path = small / "docs" / "a.md"
    path.write_text(f"# A\n\n{link}\n", encoding="utf-8")
    with pytest.raises(DeadLink, match=r"docs/a\.md: ") as raised:
        page_of(small, "a", "en")
    assert told in str(raised.value)


def test_anchors_are_those_of_github() -> None:
    assert slug("What a run costs, and what it cannot lose") == "what-a-run-costs-and-what-it-cannot-lose"
    assert slug("`synthesis.yaml`") == "synthesisyaml"
    assert slug("你自己的对话") == "你自己的对话"
    assert headings("# A\n```\n# no\n```\n## A\n") == [(1, "a"), (2, "a-1")]


# The site.


def test_what_would_be_loaded_from_elsewhere_is_found(tmp_path: Path) -> None:
    texts = {
        "a.html": '<a href="https://x.org">x</a><img src="a.png"><script src="//cdn.x/y.js"></script>'
        '<style>@import "https://fonts.x/z";</style><p style="background: url(http://x/i.png)">',
        "b.css": "body { background: url('https://x/b.png') } p { background: url(data:image/png;base64,A) }",
        "sub/c.html": '<link rel="stylesheet" href="../b.css"><iframe src="HTTPS://x.org/"></iframe>',
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert foreign_loads(tmp_path) == [
        "a.html: <script src=//cdn.x/y.js>",
        "a.html: https://fonts.x/z",
        "a.html: http://x/i.png",
        "b.css: https://x/b.png",
        "sub/c.html: <iframe src=HTTPS://x.org/>",
    ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("furo", reason="needs csconv-eval[docs]")
    out = tmp_path_factory.mktemp("docs") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "docs_site", str(out), "--no-examples"],
        cwd=ROOT / "tools",
        env={"PATH": "/usr/bin:/bin", "HOME": str(out.parent), "PYTHONPATH": f"{ROOT}:{ROOT / 'tools'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.slow
def test_the_site_is_searched_in_chinese_from_a_folder_and_asks_nobody(browser: Browser, site: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for tree, title in (("", "The protocol"), ("zh/", "评测协议")):
        page.goto(f"{site.as_uri()}/{tree}search.html?q=提供建议")  # a label within English pages too
        page.locator("#search-results li", has_text=title).first.wait_for()
        page.goto(f"{site.as_uri()}/{tree}search.html?q=没有人写过这样的话")
        page.locator("#search-results p").first.wait_for()
        assert page.locator("#search-results li").count() == 0
    page.goto(f"{site.as_uri()}/running.html")
    page.get_by_role("link", name="中文", exact=True).first.click()
    assert page.url.endswith("/zh/running.html")
    assert page.evaluate("document.documentElement.lang").startswith("zh")
    page.get_by_role("link", name="English", exact=True).first.click()
    assert page.url.endswith("/running.html")
    assert [url for url in asked if not url.startswith((site.as_uri(), "data:"))] == []
    context.close()


@pytest.mark.slow
def test_the_site_has_the_api_the_commands_and_every_page_twice(site: Path) -> None:
    for tree in ("", "zh"):
        have = {path.stem for path in (site / tree).glob("*.html")}
        assert {page.name for page in find_pages(ROOT)} <= have
    told = (site / "reference" / "python.html").read_text(encoding="utf-8")
    assert 'id="csc_tasks.api.results.load_results"' in told
    assert "csconv judge agreement" in (site / "reference" / "commands.html").read_text(encoding="utf-8")
    assert foreign_loads(site) == []
