"""A view of the page can be sent, its links land, and it speaks two languages: in a real browser, from a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from csc_tasks.leaderboards.board import Board
from csc_tasks.leaderboards.build import reported_results
from csc_tasks.leaderboards.pairwise import PairwisePair, PairwiseRating, PairwiseTable
from csc_tasks.leaderboards.provenance import Provenance
from csc_tasks.leaderboards.rendering.language import Language
from csc_tasks.leaderboards.rendering.page import render_page
from csc_tasks.metrics import metric_named
from csc_tasks.sentences import Sentence
from tests.leaderboards import boards

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
PAIRS = PairwiseTable(
    "csconv_mini_response",
    "turn by a-judge",
    40,
    "pairwise_x.json",
    (PairwisePair("org/a", "org/b", 40, 20, 10, 10, 0.625, 0.5, 0.74, 0.1),),
    (PairwiseRating("org/a", 1040.0, 1000.0, 1080.0), PairwiseRating("org/b", 960.0, 920.0, 1000.0)),
)


def told() -> Board:
    """The synthetic board with what only real ones have: sentences of ours, metrics of ours, where runs come from."""
    board = boards.board()
    made = Provenance(1_750_000_000.0, "hf", "0.4.13", "0.4.0", "api.example.org", "results/model")
    tables = []
    for table in board.tables:
        columns = tuple(
            replace(c, title=found.info.title if (found := metric_named(c.metric)) else c.title)
            for c in table.columns
            if c.metric not in ("judge_helpfulness", "judge_accuracy", "judge_resolved")
        )
        rows = tuple(
            replace(
                row,
                notes=(),
                incomplete=row.incomplete and Sentence("row.all", "all"),
                figures={k: replace(f, made=made) for k, f in row.figures.items()},
                cells={
                    k: replace(
                        c,
                        why=c.why and Sentence("why.undefined", "undefined for these turns"),
                        floor_why=c.floor_why and Sentence("why.undefined", "undefined for these turns"),
                    )
                    for k, c in row.cells.items()
                },
            )
            for row in table.rows
        )
        tables.append(
            replace(
                table,
                title=Sentence("data.cards", "{n} {n:card|cards}", n=24),
                apart=table.apart and Sentence("row.all", "all"),
                partial=table.partial and Sentence("row.all", "all"),
                columns=columns,
                rows=rows,
                facts={"data": "mini@4f1c", "prompt": "zh-1"},
            )
        )
    return replace(board, tables=tuple(tables), problems=(), pairwise=(PAIRS,), reported=reported_results())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, board = tmp_path_factory.mktemp("views"), told()
    pages = {"both": tuple(Language), "zh": (Language.ZH,), "en": (Language.EN,)}
    for name, languages in pages.items():
        (folder / f"{name}.html").write_text(render_page(board, None, languages), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in pages}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=DESKTOP, locale="en-GB")
    made = context.new_page()
    made.set_default_timeout(20_000)
    made.on("pageerror", lambda error: pytest.fail(str(error)))
    yield made
    context.close()


def view(page: Page) -> Any:
    return page.evaluate(
        """() => ({
          names: [...document.querySelectorAll("#t0 tbody.models tr:not([hidden]) .name")].map((n) => n.textContent),
          heads: [...document.querySelectorAll("#t0 thead tr:last-child th")].filter((h) => h.offsetParent).length,
          sorted: document.querySelector("#t0 [aria-sort]")?.dataset.c ?? "name",
          ranks: document.querySelector("#t0 table").classList.contains("ranks"),
        })"""
    )


def test_a_view_is_restored_from_its_address(page: Page, files: dict[str, Path]) -> None:
    page.goto(files["both"].as_uri())
    plain = view(page)
    page.locator("#t0 thead tr:last-child th").nth(3).locator("button").click()
    page.locator("#t0 thead tr:last-child th").nth(3).locator("button").click()
    page.locator("#t0 [data-all]").check()
    page.locator("#t0 [data-ranks]").check()
    page.locator("#t0 [data-section='1']").uncheck()
    page.locator("#t0 [data-filter]").fill("ours")
    page.locator("[data-language=zh]").click()
    sent, seen = page.url, view(page)
    assert seen != plain
    other = page.context.new_page()
    other.goto(sent)
    assert view(other) == seen
    assert other.locator("#t0 [data-filter]").input_value() == "ours"
    assert other.locator("html").get_attribute("lang") == "zh-Hans"
    # A link to a part keeps the view; a reader who empties the address gets the page as it was.
    other.locator("nav a[href='#input']").first.click()
    assert view(other) == seen
    assert "#input?" in other.url
    assert "t0.filter=ours" in other.url


def test_an_address_that_names_nothing_harms_nothing(page: Page, files: dict[str, Path]) -> None:
    page.goto(files["both"].as_uri())
    plain = view(page)
    page.goto(f"{files['both'].as_uri()}#nowhere?t0.sort=x%22%5D:down&t0.without=%3Cb%3E&lang=xx&t9.filter=1")
    page.reload()
    assert view(page) == plain


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1440", "390"])
@pytest.mark.parametrize("part", ["t1", "samples", "reported"])
def test_a_part_that_a_link_leads_to_stays_where_it_was_put(
    browser: Browser, files: dict[str, Path], size: Any, part: str
) -> None:
    context = browser.new_context(viewport=size, locale="en-GB")
    page = context.new_page()
    page.goto(files["both"].as_uri())
    page.locator(f"nav a[href='#{part}']").first.click()
    page.wait_for_timeout(3000)
    top, lowest = page.evaluate(
        f"""() => [document.getElementById("{part}").getBoundingClientRect().top,
          document.documentElement.scrollHeight - innerHeight - scrollY]"""
    )
    # At the top, but for the room that is kept there; what is too near the page's end cannot be.
    assert -2 <= top <= 40 or lowest < 2
    context.close()


ENGLISH = re.compile(r"[A-Za-z]{3,}")
NAMES = re.compile(
    r"CSConv|RoleCS|BLEU|ROUGE|BERTScore|Distinct|README|Markdown|JSON|CSV|Hugging Face|"
    r"csconv floor|csconv[\w-]*|lm-eval|Holm|"
    r"Bradley-Terry|Elo|Jensen-Shannon|arXiv|Qwen|DianJin|English|sacrebleu|scikit-learn|zh-norm|docs/[\w.]+|"
    r"aliyun/[\w-]+|[\w/-]+\.(?:png|json|jsonl|md|html)|JSD|ASCII|EAD|GPT\S*|DeepSeek\S*|LLaMA\S*|BLEURT|UTC"
)


def words_of(page: Page) -> list[str]:
    """All texts and labels of the page but for names, signatures, conversations and what users wrote."""
    return page.evaluate(
        """() => {
          const skip = "script, style, code, bdi.name, .tags bdi, dd bdi, .pairs dt bdi, .talks, .talk, .models, svg, "
            + ".reported th[scope=row], .pairwise th[scope=row], .pairwise td bdi, .pairwise .legend bdi, "
            + ".pairwise h3, figure.chart, #samples, .language";
          const found = [];
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const node = walker.currentNode;
            if (!node.parentElement.closest(skip) && node.textContent.trim()) found.push(node.textContent.trim());
          }
          for (const element of document.body.querySelectorAll("[title], [aria-label]")) {
            if (element.closest(skip)) continue;
            found.push(element.getAttribute("title") ?? "", element.getAttribute("aria-label") ?? "");
          }
          return found;
        }"""
    )


def test_a_chinese_page_has_no_english_left(page: Page, files: dict[str, Path]) -> None:
    for name in ("zh", "both"):
        page.goto(f"{files[name].as_uri()}#?lang=zh")
        page.reload()
        left = [
            text
            for text in words_of(page)
            if ENGLISH.search(NAMES.sub("", re.sub(r"[\w./@-]*/[\w./@…-]+|</script>.*", "", text)))
        ]
        assert left == [], name
    assert page.locator("[data-language=zh]").get_attribute("aria-pressed") == "true"


def test_an_english_page_has_no_chinese_left_and_a_switched_one_is_as_it_was(
    page: Page, files: dict[str, Path]
) -> None:
    chinese = re.compile(r"[\u3400-\u9fff]")
    page.goto(files["both"].as_uri())
    before = words_of(page)
    # The Chinese strategies are data; the summaries name one of them.
    assert [t for t in before if chinese.search(t.replace("其它", ""))] == []
    page.locator("[data-language=zh]").click()
    page.locator("[data-language=en]").click()
    assert words_of(page) == before
    page.goto(files["en"].as_uri())
    # Where texts may change each is an element of its own.
    assert "".join(words_of(page)).replace(" ", "") == "".join(before).replace(" ", "")
    assert page.locator("[data-language]").count() == 0


def test_a_reader_who_prefers_chinese_gets_chinese(browser: Browser, files: dict[str, Path]) -> None:
    context = browser.new_context(viewport=DESKTOP, locale="zh-CN")
    page = context.new_page()
    page.goto(files["both"].as_uri())
    assert page.locator("h1").inner_text() == "CSConv 排行榜"
    context.close()
