"""The leaderboard's page in a real browser: it works from a file, for everyone, and nothing in it can act."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from csc_tasks.leaderboards.rendering.page import render_page
from tests.leaderboards import boards

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.slow

DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(render_page(boards.board()), encoding="utf-8")
    return path


class Visit:
    """A page and all that happened on it that should not have."""

    def __init__(self, context: BrowserContext, file: Path) -> None:
        self.events: list[str] = []
        self.page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("console", lambda m: self._note(m.type, m.text, m.type in ("error", "warning")))
        self.page.on("pageerror", lambda error: self._note("exception", str(error)))
        self.page.on("dialog", lambda dialog: (self._note("dialog", dialog.message), dialog.dismiss()))
        self.page.on("request", lambda r: self._note("request", r.url, r.url.split("#")[0] != file.as_uri()))
        self.page.goto(file.as_uri())

    def _note(self, kind: str, text: str, bad: bool = True) -> None:
        if bad:
            self.events.append(f"{kind}: {text}")

    def settle(self) -> Page:
        """With all charts drawn and the sample browser filled."""
        from playwright.sync_api import expect

        page = self.page
        page.locator("#samples").scroll_into_view_if_needed()
        expect(page.locator("#samples[data-ready]")).to_have_count(1)
        expect(page.locator("figure[data-drawn]")).to_have_count(
            page.locator("figure.chart").count(), timeout=20_000
        )
        return page


@pytest.fixture
def visit(browser: Browser, file: Path) -> Iterator[Visit]:
    context = browser.new_context(viewport=DESKTOP)
    yield Visit(context, file)
    context.close()


def names(page: Page, group: str = "models") -> list[str]:
    return page.locator(f"#t0 tbody.{group} tr:visible th.model .name").all_text_contents()


def header(page: Page, column: int) -> Any:
    return page.locator("#t0 thead tr:last-child th").nth(column)


def test_nothing_is_requested_logged_or_run_while_everything_is_used(visit: Visit) -> None:
    page = visit.settle()
    for choice in ("BLEU-4", "Helpfulness"):
        page.locator("figure[data-kind=slope] select").last.select_option(choice)
    page.locator("figure[data-kind=confusion] select").last.select_option(index=3)
    page.emulate_media(color_scheme="dark")
    page.locator("figure[data-kind=strategies] svg path").nth(5).hover(force=True)
    page.locator("#tip:visible").wait_for()
    page.locator("#t0 [data-run]").first.click()
    page.keyboard.press("Escape")
    assert page.locator("figure[data-kind=slope] .view").count() == 1
    assert visit.events == []


def test_hostile_names_are_text_and_nothing_else(visit: Visit) -> None:
    page = visit.settle()
    assert page.locator("img, b:not(#tip b)").count() == 0
    assert boards.HOSTILE in names(page)
    for talk in range(4):
        page.locator(".talks li").nth(talk).click()
    assert page.locator(".talk", has_text="alert('evil')").count() == 1
    assert (
        page.locator("script").count() == 8
    )  # boot, charts of two tables, samples, texts, configuration, Vega, ours
    assert visit.events == []


def test_a_click_on_a_heading_sorts_and_a_second_turns_the_order_round(visit: Visit) -> None:
    page = visit.page
    first = names(page)
    assert header(page, 2).get_attribute("aria-sort") == "descending"
    header(page, 2).locator("button").click()
    assert names(page) == first[::-1]
    assert header(page, 2).get_attribute("aria-sort") == "ascending"
    header(page, 1).locator("button").click()
    assert header(page, 2).get_attribute("aria-sort") is None
    assert names(page) == sorted(first, key=str.lower) or names(page)[0].startswith("<")
    assert "sorted by name, A to Z" in page.locator("#t0 [data-status]").inner_text()


def test_floors_and_incomplete_rows_stay_beneath_whatever_the_order(visit: Visit) -> None:
    page = visit.page
    header(page, 2).locator("button").click()
    assert page.locator("#t0 .scores tbody").evaluate_all("all => all.map(body => body.className)") == [
        "models",
        "incomplete",
        "floors",
    ]
    assert names(page, "floors") == ["csconv-retrieval"]
    assert "300 of 375 turns" in page.locator("#t0 tbody.incomplete").inner_text()
    assert page.locator("#t0 tbody.floors td.rank").inner_text() == "–"


def test_models_that_share_a_rank_are_joined_by_a_bracket(visit: Visit) -> None:
    page = visit.page

    def marks() -> list[tuple[str, str]]:
        return [
            (
                cell.locator(".number").inner_text(),
                (cell.get_attribute("class") or "").removeprefix("rank").strip(),
            )
            for cell in page.locator("#t0 tbody.models td.rank").all()
        ]

    before = marks()
    assert before[:2] == [("1", "tie first"), ("1", "tie last")]
    header(page, 2).locator("button").click()
    assert marks()[-2:] == [("1", "tie first"), ("1", "tie last")]
    header(page, 2).locator("button").click()
    assert marks() == before


def test_models_are_filtered_by_their_settings(visit: Visit) -> None:
    page = visit.page
    page.locator("#t0 [data-filter]").fill("4bit")
    assert names(page) == ["Qwen/Qwen2.5-72B-Instruct"]


def test_models_are_filtered_by_words_of_their_names(visit: Visit) -> None:
    page = visit.page
    page.locator("#t0 [data-filter]").fill("TUNED 2,000")
    assert names(page) == ["ours/tuned"]
    assert page.locator("#t0 tbody.floors").is_hidden()
    assert "1 of 8 rows" in page.locator("#t0 [data-status]").inner_text()


def test_columns_are_hidden_by_section_and_by_importance(visit: Visit) -> None:
    page = visit.page

    def shown() -> list[str]:
        return [
            text.split("\n")[0]
            for text in page.locator("#t0 thead tr:last-child th:visible").all_inner_texts()
        ]

    short = len(shown())
    page.locator("#t0 [data-all]").check()
    assert len(shown()) == 2 + 2 * len(boards.METRICS)
    page.locator("#t0 [data-section='1']").uncheck()
    assert len(shown()) == 2 + len(boards.METRICS)
    page.locator("#t0 [data-all]").uncheck()
    assert len(shown()) == 2 + (short - 2) // 2
    assert page.locator("#t0 thead .section:visible").get_attribute("colspan") == str((short - 2) // 2)


def test_a_run_is_told_in_full_one_click_away(visit: Visit) -> None:
    page = visit.page
    page.locator("#t0 tbody.models tr", has_text="very-long-name").locator("[data-run]").click()
    told = page.locator("dialog[open]").inner_text()
    for text in (
        boards.LONG,
        "csconv:1|task:response|data:mini@4f1c|ctx:generated",
        "BERTScore was not computed in this run",
        "the chat template was read",
        "results/long/results_2025.json",
    ):
        assert text in told
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0


def test_charts_follow_their_menus_and_chosen_models(visit: Visit) -> None:
    from playwright.sync_api import expect

    page = visit.settle()
    slope = page.locator("figure[data-kind=slope]")
    slope.locator("select").last.select_option("ROUGE-L")
    expect(slope.locator("[role=graphics-document]")).to_have_attribute(
        "aria-label", re.compile("ROUGE-L, %")
    )
    slope.locator("summary").click()
    shown = slope.locator("summary").inner_text()
    slope.locator("label", has_text="retrieval").locator("input").uncheck()
    expect(slope.locator("summary")).not_to_have_text(shown)
    expect(slope.locator("svg", has_text="Qwen2.5-72B")).to_have_count(1)


def test_samples_stand_beside_the_annotation_and_can_be_filtered(visit: Visit) -> None:
    page = visit.settle()
    samples = page.locator("#samples")
    assert samples.locator(".talks li").count() == 12
    assert samples.locator(".turn").first.locator("h4").all_inner_texts() == [
        "Gold",
        "A · Qwen/Qwen2.5-72B-Instruct",
        "B · ours/tuned step 3,000",
    ]
    samples.locator("[data-pick=strategy]").select_option("1")
    samples.locator("[data-pick=labels]").select_option("wrong")
    assert 0 < samples.locator(".talks li").count() < 12
    hit = samples.locator(".turn.hit")
    assert hit.count() == 1
    assert "确认身份" in hit.locator(".gold").inner_text()
    assert hit.locator(".wrong").count() > 0


def test_samples_are_ordered_by_the_lowest_score(visit: Visit) -> None:
    page = visit.settle()
    page.locator("[data-pick=order]").select_option("low:bleu_4")
    scores = [float(t.rsplit(" ", 1)[1]) for t in page.locator(".talks li small").all_inner_texts()]
    assert scores == sorted(scores)
    assert len(set(scores)) > 1


def test_three_models_can_be_compared(visit: Visit) -> None:
    page = visit.settle()
    page.locator("#samples .others summary").click()
    page.locator("#samples .models input").first.check()
    assert page.locator("#samples .turn").first.locator(".reply").count() == 4


def test_the_page_can_be_used_with_the_keyboard_alone(visit: Visit) -> None:
    page = visit.settle()
    page.evaluate("scrollTo(0, 0)")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the tables"
    header(page, 3).locator("button").focus()
    page.keyboard.press("Enter")
    assert header(page, 3).get_attribute("aria-sort") == "descending"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.locator(".talks").focus()
    for key, talk in (
        ("ArrowDown", "001"),
        ("ArrowDown", "002"),
        ("ArrowUp", "001"),
        ("End", "011"),
        ("Home", "000"),
    ):
        page.keyboard.press(key)
        assert page.locator(".talk h3 bdi").first.inner_text() == f"dialogue-{talk}"
        active = page.locator(".talks").get_attribute("aria-activedescendant")
        assert page.locator(f"#{active}").get_attribute("aria-selected") == "true"


def test_axe_finds_nothing_to_mend_in_light_and_dark_on_desktop_and_phone(
    browser: Browser, tmp_path: Path
) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="no axe-playwright-python"
    ).Axe()
    path = tmp_path / "small.html"
    path.write_text(render_page(boards.small_board()), encoding="utf-8")
    context = browser.new_context(viewport=DESKTOP)
    page = Visit(context, path).settle()
    page.locator("details").evaluate_all("all => all.forEach(part => part.open = true)")
    found = {}
    for scheme, size in (("light", DESKTOP), ("dark", DESKTOP), ("dark", PHONE), ("light", PHONE)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        # What is drawn in a chart is graphics; its colours are held to account with the palette.
        for violation in axe.run(page, {"exclude": [["svg"]]}).response["violations"]:
            found[violation["id"], scheme, size["width"]] = violation["nodes"][0]["failureSummary"]
    assert found == {}
    context.close()


def test_on_a_phone_the_table_scrolls_and_the_page_does_not(browser: Browser, file: Path) -> None:
    context = browser.new_context(viewport=PHONE)
    page = Visit(context, file).settle()
    page.locator("[data-all]").first.check()
    page.locator("details").evaluate_all("all => all.forEach(part => part.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate("document.querySelector('.scroll').scrollWidth") > 390
    context.close()


def test_the_page_prints_without_its_controls_and_with_what_was_folded(visit: Visit, tmp_path: Path) -> None:
    page = visit.settle()
    page.emulate_media(media="print")
    assert page.locator(".controls:visible, .picks:visible, nav:visible").count() == 0
    assert page.locator("#t0 table.scores").is_visible()
    pdf = page.pdf(path=str(tmp_path / "page.pdf"), prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 20_000


def test_without_scripts_all_tables_can_be_read(browser: Browser, file: Path) -> None:
    context = browser.new_context(viewport=DESKTOP, java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    assert page.get_by_text("Scripts are off").is_visible()
    assert page.locator(".controls:visible, .charts:visible, #samples:visible").count() == 0
    # Every column, the ranks in each, and what the paper reports.
    assert page.locator("#t0 thead tr:last-child th:visible").count() == 2 + 2 * len(boards.METRICS)
    assert "rank 1 (1–2)" in page.locator("#t0 tbody.models tr").first.inner_text()
    assert "never ranked" in page.locator("#reported").inner_text()
    page.locator("#t0 [data-run]").first.click()
    assert page.locator("#t0-r0").is_visible()
    context.close()


def test_a_page_says_what_was_measured_what_differs_and_what_could_not_be_read(visit: Visit) -> None:
    text = visit.page.locator("body").inner_text()
    for said in (
        "2,000 resamples, seed 13",
        "csconv 0.4.0",
        "The prompt is en-2 instead of zh-1.",
        "100 of 375 were run (--limit 100)",
        "7 results of other tasks were ignored",
        "results/broken.json",
        "not JSON: line 3, <script>alert(1)</script>",
    ):
        assert said in text


def test_fifty_models_with_forty_columns_sort_and_filter(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "large.html"
    path.write_text(render_page(boards.large_board()), encoding="utf-8")
    context = browser.new_context(viewport=DESKTOP)
    visit = Visit(context, path)
    page = visit.page
    page.locator("[data-all]").check()
    first = names(page)
    assert len(first) == 50
    page.locator("#t0 thead tr:last-child th").nth(30).locator("button").click()
    assert names(page) != first
    page.locator("#t0 [data-filter]").fill("number-49")
    assert names(page) == ["organisation/model-number-49"]
    assert visit.events == []
    context.close()


@pytest.mark.parametrize("spoil", [lambda b: b[:1000], lambda b: b"", lambda b: b.replace(b"vega", b"evil")])
def test_a_page_never_carries_a_kept_script_that_was_changed(
    spoil: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    page = render_page(boards.board(), first)
    (kept,) = first.iterdir()
    second.mkdir()
    (second / kept.name).write_bytes(spoil(kept.read_bytes()))
    assert render_page(boards.board(), second) == page
    assert (second / kept.name).read_bytes() == kept.read_bytes()
