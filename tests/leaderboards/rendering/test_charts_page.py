"""The charts of fifty models in a real browser: read, chosen, pointed at, sent, on a desk and on a telephone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from csc_tasks.leaderboards.rendering.page import render_page
from csc_tasks.leaderboards.rendering.theme import config
from tests.leaderboards import boards
from tests.leaderboards.rendering.test_page import DESKTOP, PHONE, Visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    crowd = replace(boards.board(), tables=(boards.crowded_table(),), conversations=(), replies={})
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(render_page(crowd), encoding="utf-8")
    return path


@pytest.fixture
def visit(browser: Browser, file: Path) -> Iterator[Visit]:
    context = browser.new_context(viewport=DESKTOP, locale="en-US")
    yield Visit(context, file)
    context.close()


def chart(page: Page, kind: str) -> Locator:
    """A chart that has been drawn."""
    figure = page.locator(f"#t0 figure[data-kind={kind}]")
    figure.scroll_into_view_if_needed()
    page.locator(f"#t0 figure[data-kind={kind}][data-drawn]").wait_for(timeout=20_000)
    return figure


def redrawn(page: Page, figure: Locator, act: Any) -> None:
    """After the chart was drawn again."""
    figure.evaluate("figure => delete figure.dataset.drawn")
    act()
    page.wait_for_function("figure => figure.dataset.drawn !== undefined", arg=figure.element_handle())


def coloured(figure: Locator) -> Counter[str]:
    """How many lines a colour of the palette has."""
    found = figure.locator(".view svg path[stroke-width='2']").evaluate_all(
        "all => all.map(path => path.getAttribute('stroke'))"
    )
    return Counter(colour for colour in found if colour in config()["range"]["category"])


def test_the_first_picture_shows_fifty_models_above_the_table_within_a_screen(visit: Visit) -> None:
    page = visit.page
    figure = chart(page, "intervals")
    box, table = figure.locator("svg").bounding_box(), page.locator("#t0 table.scores").bounding_box()
    assert box
    assert table
    assert box["y"] + box["height"] < table["y"]
    assert box["height"] < DESKTOP["height"]
    names = figure.locator("svg .role-axis-label text").all_text_contents()
    assert len([name for name in names if "checkpoint" in name or "-chat" in name]) == 50
    bold = figure.locator("svg .role-axis-label text[font-weight='700']").count()
    best = page.locator("#t0 tbody.models td.best").evaluate_all(
        "all => all.filter(cell => cell.cellIndex === 2).length"
    )
    assert bold == best > 0
    assert visit.events == []


def test_a_picture_of_another_column_is_in_the_address_and_comes_back(visit: Visit) -> None:
    page = visit.page
    figure = chart(page, "intervals")
    redrawn(page, figure, lambda: figure.locator("select").last.select_option(label="ROUGE-L"))
    assert "t0.intervals.metric=rouge_l" in page.url
    page.reload()
    figure = chart(page, "intervals")
    assert figure.locator("select").last.evaluate("menu => menu.selectedOptions[0].text") == "ROUGE-L"
    assert "ROUGE-L" in (figure.locator("[role=graphics-document]").get_attribute("aria-label") or "")
    redrawn(page, figure, lambda: figure.locator("select").last.select_option(index=0))
    assert "intervals" not in page.url


def test_no_more_lines_are_in_colour_than_there_are_colours_and_the_rest_is_grey(visit: Visit) -> None:
    page = visit.page
    figure = chart(page, "depth")
    assert set(coloured(figure).values()) == {1}
    first = len(coloured(figure))
    figure.locator("summary").click()
    boxes = figure.locator(".choose input:not(:checked)")
    for _ in range(8 - first):
        redrawn(page, figure, lambda: boxes.first.check())
    assert len(coloured(figure)) == 8
    assert set(coloured(figure).values()) == {1}
    assert figure.locator(".choose input:disabled").count() == 53 - 8
    grey = figure.locator(f"svg path[stroke='{config()['style']['crowd']['color']}']").count()
    assert grey == 53 - 8
    redrawn(page, figure, lambda: figure.locator(".choose input:checked").first.uncheck())
    assert figure.locator(".choose input:disabled").count() == 0
    chosen = re.search(r"t0\.depth\.models=([^&]+)", page.url)
    assert chosen
    assert len(chosen[1].split("%2C")) == 7
    page.reload()
    assert len(coloured(chart(page, "depth"))) == 7


def test_a_model_keeps_its_colour_while_others_come_and_go(visit: Visit) -> None:
    page = visit.page
    figure = chart(page, "slope")

    def colour_of(name: str) -> str:
        names = figure.locator(".role-legend-label text").all_text_contents()
        symbols = figure.locator(".role-legend-symbol path").evaluate_all(
            "all => all.map(path => path.getAttribute('fill'))"
        )
        return next(symbols[i] for i, each in enumerate(names) if name in each)

    name = "organisation-45"
    before = colour_of(name)
    figure.locator("summary").click()
    redrawn(page, figure, lambda: figure.locator(".choose input:checked").first.uncheck())
    assert before in config()["range"]["category"]
    assert colour_of(name) == before


def test_a_grey_line_that_is_pointed_at_comes_to_the_front_and_is_chosen_by_a_click(visit: Visit) -> None:
    page = visit.page
    figure = chart(page, "depth")
    before = len(coloured(figure))
    # The line of a model in the middle of the crowd, between two of its points.
    place = (
        figure.locator("svg path[stroke-width='1']")
        .nth(20)
        .evaluate(
            """path => {
          const [at, length] = [path.getScreenCTM(), path.getTotalLength()];
          const { x, y } = path.getPointAtLength(length / 14);
          return { x: at.a * x + at.e, y: at.d * y + at.f };
        }"""
        )
    )
    page.mouse.move(place["x"], place["y"])
    ink = config()["style"]["pointed"]["color"]
    page.locator(f"figure.depth svg path[stroke='{ink}'][stroke-width='3']").wait_for()
    assert re.search("organisation|run-", page.locator("#tip").inner_text())
    redrawn(page, figure, lambda: page.mouse.click(place["x"], place["y"]))
    assert len(coloured(figure)) == before + 1
    assert visit.events == []


def test_trainings_are_lines_that_go_one_way(visit: Visit) -> None:
    figure = chart(visit.page, "trend")
    paths = figure.locator("svg path[stroke-width='2']").evaluate_all(
        "all => all.map(p => p.getAttribute('d'))"
    )
    lines = [path for path in paths if path.count("L") == 3]
    assert len(lines) == 3
    for line in lines:
        steps = [float(x) for x in re.findall(r"[ML]([\d.]+),", line)]
        assert steps == sorted(set(steps))


def test_headings_of_a_heat_map_are_on_every_screenful(visit: Visit) -> None:
    figure = chart(visit.page, "strategies")
    tops = sorted(
        figure.locator("svg text", has_text="Feedback Request").evaluate_all(
            "all => all.map(text => text.getBoundingClientRect().bottom + scrollY)"
        )
    )
    box = figure.locator("svg").bounding_box()
    assert box
    ends = [*tops, box["y"] + visit.page.evaluate("scrollY") + box["height"]]
    assert len(tops) == 3
    assert max(later - one for one, later in pairwise(ends)) < PHONE["height"]


def test_charts_change_with_the_language_and_back(visit: Visit) -> None:
    page = visit.page
    figure = chart(page, "intervals")
    assert "Rank" in (figure.locator("svg").text_content() or "")
    redrawn(page, figure, lambda: page.evaluate("language.choose('zh')"))
    told = f"{figure.locator('svg').text_content()} {figure.inner_text()}"
    assert "名次" in told
    assert "下限" in told
    assert not re.search(r"\b(Rank|floor|Section|Metric|Dots)\b", told.replace("floor-", ""))
    redrawn(page, figure, lambda: page.evaluate("language.choose('en')"))
    assert "名次" not in (figure.locator("svg").text_content() or "")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_a_chart_has_its_room_before_it_is_drawn(browser: Browser, file: Path, size: Any) -> None:
    context = browser.new_context(viewport=size, locale="en-US")
    context.add_init_script(
        """window.reserved = {};
        new MutationObserver(() => {
          for (const view of document.querySelectorAll("figure.chart:not([data-drawn]) .view")) {
            const room = parseFloat(view.style.minHeight);
            if (room) window.reserved[view.closest("figure").dataset.kind] ??= room;
          }
        }).observe(document, { subtree: true, attributes: true, childList: true });"""
    )
    page = Visit(context, file).page
    for kind in ("intervals", "slope", "depth", "strategies", "confusion", "transitions", "trend", "judge"):
        figure = chart(page, kind)
        height = figure.locator(".view").evaluate("view => view.getBoundingClientRect().height")
        assert page.evaluate(f"reserved['{kind}']") == pytest.approx(height, abs=20), kind
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
    context.close()
