"""The review page in a real browser: from the file to decisions by keyboard alone, and nothing on it can act."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from csc_tasks.data.files import read_file
from csc_tasks.human.shares import Share
from csc_tasks.synthesis.review.form import read_review_file, review_page
from tests.door import csconv
from tests.synthesis.reviewing import HOSTILE, conversations, review_folder

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.slow

DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return review_folder(tmp_path_factory.mktemp("review"), provenance=True)


@pytest.fixture(scope="module")
def file(talks: Path) -> Path:
    path = talks.with_name("page.html")
    assert csconv("synthesize", "review", talks, "--out", path).code == 0
    return path


class Opened:
    """The page, its context, and all that happened on it that should not have."""

    def __init__(self, context: BrowserContext, file: Path) -> None:
        self.events: list[str] = []
        self.context, self.file = context, file
        self.page = self.open()

    def open(self) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda m: self.events.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda error: self.events.append(f"exception: {error}"))
        page.on("request", lambda r: r.url != self.file.as_uri() and self.events.append(f"request: {r.url}"))
        page.goto(self.file.as_uri())
        return page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def begin(self, name: str = "王敏") -> Page:
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
def opened(browser: Browser, file: Path) -> Iterator[Opened]:
    context = browser.new_context(viewport=DESKTOP, locale="zh-CN")
    yield Opened(context, file)
    context.close()


def test_a_review_by_keyboard_survives_a_reload_and_is_accepted(
    opened: Opened, talks: Path, tmp_path: Path
) -> None:
    page = opened.begin()
    # A label, by its menu; a text; the last utterance deleted; accepted.
    opened.press("ArrowDown", "ArrowDown", "l", "ArrowDown", "Enter", "ArrowUp", "e", "Control+A")
    page.keyboard.type("您好，我想问问。")
    opened.press("Control+Enter")
    count = len(conversations()[0].utterances)
    opened.press(*["ArrowDown"] * (count - 2), "d", "c")
    page.keyboard.type("n a r x 都是字")
    opened.press("Escape", "a")
    assert page.locator("h1").inner_text() == "对话 2"
    opened.press("r", "6")
    assert page.locator("h1").inner_text() == "对话 3"
    page.reload()
    assert page.locator("dialog").count() == 0, "the name is remembered"
    assert page.locator(".done").inner_text() == "已决定 2 / 4"
    assert page.locator("h1").inner_text() == "对话 3"
    content = opened.export(tmp_path / "decisions.json")
    first, second = content["items"].values()
    assert first == {
        "decision": "accept",
        "comment": "n a r x 都是字",
        "labels": {"3": 3},
        "texts": {"2": "您好，我想问问。"},
        "keep": count - 1,
    }
    assert second == {"decision": "reject", "reason": "ending"}
    assert content["person"] == "王敏"
    done = csconv(
        "synthesize", "accept", talks, tmp_path / "decisions.json", "--out", tmp_path / "out/new.json"
    )
    assert done.code == 0, done.err
    (new,) = read_file(tmp_path / "out/new.json").conversations
    assert new.utterances[1].text == "您好，我想问问。"
    assert new.utterances[2].strategy is not None
    assert new.utterances[2].strategy.number == 3
    assert len(new.utterances) == count - 1
    assert opened.events == []


def test_what_is_hostile_is_shown_as_text(opened: Opened) -> None:
    page = opened.begin()
    assert page.locator("img, script:not(#data)").count() == 1, "the page's own script"
    said = page.locator("li[data-number='2'] .said")
    assert said.inner_text() == HOSTILE.replace("\u202e", "U+202E").replace("\u202c", "U+202C")
    assert HOSTILE.partition("\u202e")[0] in page.locator(".facts").inner_text()
    opened.press("ArrowDown", "e")
    assert page.locator("textarea").first.input_value() == HOSTILE
    assert opened.events == []


def test_what_machines_said_is_said_in_the_reviewer_s_language(opened: Opened) -> None:
    page = opened.begin()
    assert page.locator(".marks .tag").all_inner_texts() == ["自然：是", "不重复：否"]
    page.get_by_role("button", name="English").click()
    assert page.locator(".marks .tag").all_inner_texts() == ["Natural: yes", "Varied: no"]


def test_what_a_reviewer_folded_stays_folded_while_they_correct(opened: Opened) -> None:
    page = opened.begin()
    page.locator("summary").first.click()
    assert not page.locator(".facts").is_visible()
    opened.press("ArrowDown", "ArrowDown", "l", "ArrowDown", "Enter", "n")
    assert page.locator("h1").inner_text() == "对话 2"
    assert not page.locator(".facts").is_visible()
    assert opened.events == []


def test_undo_takes_back_one_step_after_the_other_wherever_it_was(opened: Opened) -> None:
    page = opened.begin()
    opened.press("l", "ArrowDown", "Enter", "a", "r", "1")
    assert page.locator(".done").inner_text() == "已决定 2 / 4"
    opened.press("u")
    assert (page.locator("h1").inner_text(), page.locator(".state").inner_text()) == ("对话 2", "未决定")
    opened.press("u", "u")
    assert page.locator("h1").inner_text() == "对话 1"
    assert page.locator("li.changed").count() == 0
    assert page.evaluate("Object.keys(CSConvPage.state.answers).length") == 0


def test_a_text_that_cannot_be_accepted_is_not_kept_and_the_page_stays(opened: Opened) -> None:
    page = opened.begin()
    for text, said in (("", "不能为空"), ("长" * 501, "超过 500 字")):
        opened.press("e", "Control+A", "Delete")
        page.keyboard.insert_text(text)
        opened.press("Control+Enter")
        assert said in page.locator("#status").inner_text()
        assert page.locator("textarea").count() == 2, "still being edited"
        page.locator("[data-focus=next]").click()
        assert page.locator("h1").inner_text() == "对话 1"
        page.locator("textarea").first.press("Escape")
    assert page.evaluate("JSON.stringify(CSConvPage.state.answers)") == "{}"


def test_half_a_character_is_refused_on_the_page_and_not_after_hours_of_review(
    opened: Opened, tmp_path: Path
) -> None:
    page = opened.begin()
    opened.press("ArrowDown", "e")
    page.locator("textarea").first.evaluate(
        "box => (box.value = 'a\\ud83d', box.dispatchEvent(new Event('input')))"
    )
    opened.press("Control+Enter")
    assert "残缺的字符" in page.locator("#status").inner_text()
    opened.press("Escape", "c")
    page.locator("textarea").first.evaluate("box => (box.value = '好\\ud83d')")
    opened.press("Escape", "a")
    (answer,) = opened.export(tmp_path / "d.json")["items"].values()
    assert answer == {"decision": "accept", "comment": "好"}


def test_a_text_that_is_being_written_is_kept_when_the_window_goes(opened: Opened) -> None:
    page = opened.begin()
    opened.press("e", "Control+A")
    page.keyboard.insert_text("写到一半")
    page.reload()
    assert page.locator("li[data-number='1'] .said").inner_text() == "写到一半"


def test_filters_jump_language_and_the_meanings_of_labels(opened: Opened) -> None:
    page = opened.begin()
    opened.press("a", "a")
    page.locator("[data-focus=filter]").select_option("open")
    assert page.locator("h1").inner_text() == "对话 3"
    opened.press("Escape", "p")
    assert page.locator("h1").inner_text() == "对话 4"
    opened.press("g")
    page.keyboard.type("2")
    opened.press("Enter", "Escape")
    assert page.locator("h1").inner_text() == "对话 2"
    opened.press("i")
    assert page.locator("dialog .meanings > *").count() == 12
    opened.press("Tab", "Enter")
    assert page.locator("li.changed").count() == 1
    page.locator("[data-focus=language]").click()
    assert page.locator("h1").inner_text() == "Conversation 2"
    assert page.evaluate("document.documentElement.lang") == "en"
    opened.press("?")
    page.get_by_label("Single keys act").uncheck()
    opened.press("Escape", "a", "n")
    assert page.locator("h1").inner_text() == "Conversation 2"
    assert opened.events == []


def test_an_exported_file_is_imported_elsewhere_and_another_one_refused(
    opened: Opened, browser: Browser, file: Path, tmp_path: Path
) -> None:
    opened.begin()
    opened.press("a", "r", "2")
    content = opened.export(tmp_path / "decisions.json")
    context = browser.new_context(locale="en-GB")
    other = Opened(context, file)
    page = other.begin("B")
    for wrong, said in (
        ({**content, "fingerprint": "0" * 16}, "other data"),
        ({**content, "format": "x"}, "not exported from"),
        ([], "not exported from"),
    ):
        (tmp_path / "wrong.json").write_text(json.dumps(wrong), encoding="utf-8")
        other.press("?")
        page.locator("input[type=file]").set_input_files(tmp_path / "wrong.json")
        page.get_by_text(said).wait_for()
    texts = {"1": ["<b>"], "2": "  ", "3": "长" * 501, "99": "x"}
    hostile = {key: {"decision": "accept", "texts": texts, "keep": "all"} for key in content["items"]}
    (tmp_path / "odd.json").write_text(
        json.dumps({**content, "items": {**hostile, "__proto__": {}}}), encoding="utf-8"
    )
    for name, said in (("odd.json", "1 are not of this page"), ("decisions.json", "2 imported")):
        other.press("?")
        page.locator("input[type=file]").set_input_files(tmp_path / name)
        page.get_by_text(said).wait_for()
        if name == "odd.json":
            kept = page.evaluate("CSConvPage.state.answers")
            assert kept == {key: {"decision": "accept"} for key in hostile}
    assert other.export(tmp_path / "again.json")["items"] == content["items"]
    assert other.events == []
    context.close()


def test_two_windows_of_one_page_are_one_review(opened: Opened) -> None:
    first = opened.begin()
    second = opened.open()
    first.bring_to_front()
    first.keyboard.press("a")
    second.locator(".done", has_text="已决定 1 / 4").wait_for()
    second.bring_to_front()
    second.keyboard.press("g")
    second.keyboard.type("3")
    second.keyboard.press("Enter")
    second.keyboard.press("Escape")
    second.keyboard.press("a")
    first.locator(".done", has_text="已决定 2 / 4").wait_for()


def test_where_the_browser_keeps_nothing_the_page_says_so_and_works(browser: Browser, file: Path) -> None:
    context = browser.new_context(locale="zh-CN")
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })"
    )
    opened = Opened(context, file)
    page = opened.begin()
    assert "务必导出" in page.locator("#status").inner_text()
    opened.press("a")
    assert page.locator(".done").inner_text() == "已决定 1 / 4"
    # What the page answers when it is asked; the browser's own dialog has brought Chromium down here before.
    asked = "() => !window.dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    assert page.evaluate(asked) is True
    context.close()


def test_where_the_browser_has_no_room_left_the_page_says_so(opened: Opened) -> None:
    page = opened.begin()
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full'); }; }")
    opened.press("a")
    assert "没有空间" in page.locator("#status").inner_text()
    assert page.locator(".done").inner_text() == "已决定 1 / 4"


def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(browser: Browser, file: Path) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="no axe-playwright-python"
    ).Axe()
    found = {}
    for scheme in ("light", "dark"):
        for size in (DESKTOP, PHONE):
            context = browser.new_context(viewport=size, color_scheme=scheme, locale="zh-CN")
            opened = Opened(context, file)
            states = {"welcome": (), "first": (), "labels": ("i",), "changed": ("Escape", "l", "ArrowDown", "Enter"),
                      "cut": (*["ArrowDown"] * 4, "d"), "edit": ("ArrowUp", "e"), "reject": ("Escape", "r"),
                      "menu": ("1", "p", "?"), "export": ("Escape", "x")}  # fmt: skip
            for name, keys in states.items():
                if name == "first":
                    opened.begin()
                opened.press(*keys)
                for violation in axe.run(opened.page).response["violations"]:
                    found[violation["id"], name, scheme, size["width"]] = violation["nodes"][0][
                        "failureSummary"
                    ]
                assert opened.page.evaluate("document.documentElement.scrollWidth") == size["width"], name
            context.close()
    assert found == {}


def test_five_hundred_conversations_stay_fast(browser: Browser, tmp_path: Path) -> None:
    folder = review_folder(tmp_path, count=32)
    records = json.loads(folder.read_text(encoding="utf-8"))
    many = [{**records[i % 32], "source": f"主题{i // 32}"} for i in range(500)]
    folder.write_text(json.dumps(many, ensure_ascii=False), encoding="utf-8")
    path = tmp_path / "page.html"
    path.write_bytes(review_page(read_review_file(folder), Share()))
    context = browser.new_context(locale="zh-CN")
    opened = Opened(context, path)
    page = opened.begin()
    opened.press(*["a"] * 20)
    assert page.locator(".done").inner_text() == "已决定 20 / 500"
    drawn = "for (let i = 0; i < 20; i++) CSConvPage.draw();"
    took = page.evaluate(
        f"(() => {{ const began = performance.now(); {drawn} return performance.now() - began; }})()"
    )
    assert took < 2000, "milliseconds for 20"
    assert page.locator(".talk").count() == 1
    context.close()
