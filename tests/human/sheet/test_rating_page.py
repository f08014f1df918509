"""The rating page in a real browser: rated by keyboard alone, interrupted, exported, and nothing on it can act."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from csc_tasks.human.answers_file import read_answers
from csc_tasks.human.study import ANSWERS_FORMAT, ItemRole, RatingAnswer, StudyKey
from tests.human.sheet.studies import make
from tests.human.sheet.test_files import HOSTILE, hostile
from tests.leaderboards.logs import answering, write_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.slow

DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, StudyKey]]:
    """Twenty items of grades for one rater, and as many pairs, of a hostile model and another."""
    folder = tmp_path_factory.mktemp("rating")
    write_run(folder / "runs", "org/hostile", hostile, date=1.0, limit=26)
    write_run(folder / "runs", "org/other", answering(0.5), date=2.0, limit=26)
    grades = make(folder / "runs", folder / "rate", "--sample", "9", "--repeats", "2", "--attention", "2")
    pairs = make(folder / "runs", folder / "pair", "--sample", "14", "--kind", "pair", "--lang", "en")
    return {"rate": (folder / "rate", grades), "pair": (folder / "pair", pairs)}


class Opened:
    """A rater's page, its context, and all that happened on it that should not have."""

    def __init__(self, context: BrowserContext, file: Path) -> None:
        self.events: list[str] = []
        self.file = file
        self.page = self.open(context)

    def open(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda m: self.events.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda error: self.events.append(f"exception: {error}"))
        page.on("request", lambda r: r.url != self.file.as_uri() and self.events.append(f"request: {r.url}"))
        page.goto(self.file.as_uri())
        return page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def begin(self, name: str = "评分员 7") -> Page:
        self.page.keyboard.type(name)
        self.press("Enter")
        return self.page

    def export(self, path: Path) -> dict[str, Any]:
        self.press("x")
        with self.page.expect_download() as got:
            self.press("Enter")
        got.value.save_as(path)
        content = json.loads(path.read_text(encoding="utf-8"))
        assert isinstance(content, dict)
        return content


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=DESKTOP, locale="zh-CN")
    yield context
    context.close()


def test_twenty_items_are_rated_by_keyboard_with_a_reload_in_the_middle_and_nothing_is_lost(
    context: BrowserContext, studies: dict[str, tuple[Path, StudyKey]], tmp_path: Path
) -> None:
    folder, key = studies["rate"]
    items = key.raters[0].items
    assert len(items) >= 20
    opened = Opened(context, folder / "rater-1.html")
    page = opened.begin()
    given: dict[str, dict[str, Any]] = {}
    for number, name in enumerate(items):
        if number == 11:
            # Half of the item is answered when the page goes.
            opened.press("5", "4", "c")
            page.keyboard.type("1 2 n 写到一半")
            page.reload()
            assert page.locator("dialog").count() == 0, "the name is remembered"
            assert page.locator(".done").inner_text() == f"已评 11 / {len(items)}"
            assert page.locator("h1").inner_text() == "第 12 题"
            assert page.locator(".question [aria-pressed=true]").all_inner_texts()[-1] == "4"
            assert page.locator("textarea").input_value() == "1 2 n 写到一半"
            opened.press("ArrowDown", "ArrowDown")
        wanted = key.by_id[name].right or {
            d.name: 1 + (number + k) % 5 if d.kind.value == "scale" else number % 2 == 0
            for k, d in enumerate(key.rubric.dimensions)
        }
        if number == 11:
            wanted = {**wanted, "strategy_choice": 5, "strategy_execution": 4}
        given[name] = dict(wanted)
        for k, dimension in enumerate(key.rubric.dimensions):
            if number != 11 or k > 1:
                value = wanted[dimension.name]
                opened.press(str(value) if dimension.kind.value == "scale" else "1" if value else "2")
        assert page.locator(".state").inner_text() == "已评"
        opened.press("Enter")
    assert page.locator(".done").inner_text() == f"已评 {len(items)} / {len(items)}"
    assert "请导出" in page.locator("#status").inner_text()
    path = tmp_path / "back.json"
    opened.export(path)
    read = read_answers(path, ANSWERS_FORMAT, key.fingerprint, "key.json")
    assert (read.person, read.share["part"], read.shown) == ("评分员 7", 1, items)
    answers = {name: RatingAnswer.model_validate(answer) for name, answer in read.items.items()}
    assert {name: answer.scores for name, answer in answers.items()} == given
    assert {name: a.comment for name, a in answers.items() if a.comment} == {items[11]: "1 2 n 写到一半"}
    assert all(answer.seconds is not None for answer in answers.values())
    assert opened.events == []


def test_time_is_counted_for_the_item_that_is_shown_and_not_while_nobody_is_there(
    context: BrowserContext, studies: dict[str, tuple[Path, StudyKey]], tmp_path: Path
) -> None:
    folder, key = studies["rate"]
    first, second = key.raters[0].items[:2]
    page = context.new_page()
    page.clock.install()
    page.goto((folder / "rater-1.html").as_uri())
    page.keyboard.type("a")
    page.keyboard.press("Enter")

    def spend(seconds: int) -> None:
        for _ in range(seconds):
            page.clock.run_for(1000)

    spend(30)
    page.keyboard.press("4")
    page.keyboard.press("n")
    spend(20)
    page.keyboard.press("3")
    spend(300)  # at lunch
    page.keyboard.press("u")  # which takes back the answer, and no time
    page.keyboard.press("p")
    seconds = page.evaluate(
        "Object.fromEntries(Object.entries(CSConvPage.state.answers).map(([k, v]) => [k, v.seconds]))"
    )
    assert 29 <= seconds[first] <= 32
    assert 20 + 85 <= seconds[second] <= 20 + 95


def test_pairs_are_rated_by_keyboard_and_touch_and_go_on_in_another_browser(
    browser: Browser, context: BrowserContext, studies: dict[str, tuple[Path, StudyKey]], tmp_path: Path
) -> None:
    folder, key = studies["pair"]
    opened = Opened(context, folder / "rater-1.html")
    page = opened.begin("r2")
    assert page.locator("#bar").get_by_text("中文").count() == 0, "one language was asked for"
    for digit in "1233":
        opened.press(digit, "Enter")
    content = opened.export(tmp_path / "half.json")
    assert [a["scores"]["winner"] for a in content["items"].values() if a.get("scores")] == [
        "甲",
        "乙",
        "平",
        "平",
    ]
    phone = browser.new_context(viewport=PHONE, locale="zh-CN", has_touch=True)
    other = Opened(phone, folder / "rater-1.html")
    other.begin("r2").get_by_role("button", name="Menu").tap()
    other.page.locator("input[type=file]").set_input_files(tmp_path / "half.json")
    count = len(key.raters[0].items)
    other.page.get_by_text(f"4 of {count} rated").wait_for()
    other.page.locator("[data-focus=filter]").select_option("open")
    while (
        other.page.locator(".done").inner_text()
        != f"{len(key.raters[0].items)} of {len(key.raters[0].items)} rated"
    ):
        other.page.locator(".long button").nth(1).tap()
        other.page.locator("[data-focus=on]").tap()
    done = other.export(tmp_path / "whole.json")
    said = [answer["scores"]["winner"] for answer in done["items"].values()]
    assert (said[:4], set(said[4:])) == (["甲", "乙", "平", "平"], {"乙"})
    assert other.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert opened.events == other.events == []
    phone.close()


def test_what_is_hostile_is_shown_as_text_and_what_is_answered_otherwise_is_refused(
    context: BrowserContext, studies: dict[str, tuple[Path, StudyKey]]
) -> None:
    folder, key = studies["rate"]
    opened = Opened(context, folder / "rater-1.html")
    page = opened.begin()
    assert page.locator("img, script:not(#data)").count() == 1, "the page's own script"
    said = []
    for name in key.raters[0].items:
        if key.by_id[name].role is ItemRole.ITEM:
            said.append(page.locator(".reply > .said").inner_text())
        opened.press("n")
    assert set(HOSTILE) & set(said)
    first = key.raters[0].items[0]
    content = {
        "format": ANSWERS_FORMAT,
        "fingerprint": key.fingerprint,
        "items": {
            first: {
                "scores": {"empathy": 9, "naturalness": "4", "resolved_step": 1, "__proto__": 1},
                "seconds": "x",
            }
        },
    }
    page.evaluate("text => CSConvPage.import(text)", json.dumps(content))
    assert "不属于这一页" in page.locator("#status").inner_text()
    assert page.evaluate(f"CSConvPage.state.answers['{first}']?.scores ?? null") is None
    assert opened.events == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_can_be_read_and_used_by_everybody(
    browser: Browser, studies: dict[str, tuple[Path, StudyKey]], size: Any, scheme: Any
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    context = browser.new_context(viewport=size, color_scheme=scheme, locale="zh-CN", bypass_csp=True)
    for kind in ("rate", "pair"):
        page = context.new_page()
        page.goto((studies[kind][0] / "rater-1.html").as_uri())
        found = axe.Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        page.keyboard.type("a")
        page.keyboard.press("Enter")
        page.keyboard.press("2")
        found = axe.Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    context.close()
