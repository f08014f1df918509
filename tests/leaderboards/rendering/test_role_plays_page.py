"""Whole role-plays in the page's sample browser: card, what each turn did, the customer, the end; texts stay texts."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from csc_tasks.leaderboards.board import Board, to_json
from csc_tasks.leaderboards.browsed import KEPT
from csc_tasks.leaderboards.build import build_board
from csc_tasks.leaderboards.rendering.language import Language, value
from csc_tasks.leaderboards.rendering.page import render_page
from csc_tasks.leaderboards.rendering.role_play_words import outcome
from csc_tasks.leaderboards.rendering.samples import samples
from tests.leaderboards.boards import HOSTILE
from tests.leaderboards.logs import change_line, log_of, results_file
from tests.leaderboards.rendering.test_page import DESKTOP, PHONE, Visit
from tests.role_plays import ROLE_PLAY, card_set, supporter_lm, write_role_plays
from tests.running import FunctionLM

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def board(role_played: Path, kept: Path) -> Board:
    return build_board([role_played / "scripted", role_played / "faulty"], cache=kept)


@pytest.fixture(scope="module")
def shown(board: Board) -> dict[str, Any]:
    found = samples(board)
    assert found is not None
    (texts,) = found.texts
    return {**found.index, "texts": texts["cases"]}


def plays_of(shown: dict[str, Any], table: int, model: str) -> dict[str, Any]:
    (row,) = (row for row, name in shown["tables"][table]["rows"] if name == model)
    return {
        name.partition("/")[2]: case["plays"][row]["response/roleplay"]
        for name, case in shown["texts"].items()
        if name.startswith(f"{table}/")
    }


def told(words: list[Any], language: Language = Language.EN) -> list[str]:
    return [value(each, language) for each in words]


def test_a_case_is_shown_with_all_that_its_card_says(shown: dict[str, Any]) -> None:
    cases = shown["tables"][0]["cases"]
    assert [(card, trial) for _, card, trial, *_ in cases[:3]] == [
        ("case-aa", 1), ("case-aa", 2), ("case-ab", 1),
    ]  # fmt: skip
    about = {value(name, Language.EN): lines for name, lines in shown["texts"]["0/case-aa#0"]["about"]}
    assert about["Customer"][0].startswith("你三十出头")
    assert about["Must be asked"] == ["坐的哪条线", "什么时候上的车", "袋子的样子"]
    assert len(about["System information"]) == 2
    # What is in play, and not the card's slots.
    assert all("{" not in line for lines in about.values() for line in lines)


def test_each_turn_says_what_it_did_and_the_role_play_how_it_ended(shown: dict[str, Any]) -> None:
    good = plays_of(shown, 0, "org/good")
    assert set(good) == {case[0] for case in shown["tables"][0]["cases"]}
    played = good["case-aa#0"]
    assert (played["kind"], played["against"]) == ("resolved", False)
    assert told(played["outcome"]) == ["resolved at turn 8", "the customer leaves content"]
    assert told(played["outcome"], Language.ZH) == ["第 8 轮解决", "客户满意离开"]
    did = [word for turn in played["turns"] for word in told(turn[2])]
    assert [word for word in did if word.startswith(("asked ", "step "))] == [
        "asked 坐的哪条线", "asked 什么时候上的车", "asked 袋子的样子", "step 1 done", "step 2 done",
    ]  # fmt: skip
    assert "refused the demand" in did
    customers = [turn[4] for turn in played["turns"]]
    assert customers[0].endswith("。") or customers[0].endswith("！")
    assert played["turns"][0][5] == 2


def test_what_speaks_against_a_supporter_stands_apart(shown: dict[str, Any]) -> None:
    lost = [p for p in plays_of(shown, 0, "org/half").values() if p["kind"] == "open"]
    assert lost
    assert all(played["against"] for played in lost)
    assert "something was promised against the card" in told(lost[0]["outcome"])
    against = {word for played in lost for turn in played["turns"] for word in told(turn[3])}
    assert against == {"granted the demand, against the card"}


def test_a_customer_that_could_not_be_played_is_nobodys_failure(shown: dict[str, Any]) -> None:
    lost = [p for p in plays_of(shown, 1, "org/good").values() if p["kind"] == "fault"]
    assert lost
    assert told(lost[0]["outcome"]) == ["the customer could not be played; counts nowhere"]
    assert told(lost[0]["turns"][-1][6]) == ["could not be played: it spoke as the supporter"]


def test_what_is_not_resolved_says_what_is_missing(tmp_path: Path, build: Callable[..., Board]) -> None:
    write_role_plays(tmp_path, "org/rude", supporter_lm("rude"), card_set(1))
    (played,) = (
        p for plays in build(tmp_path).role_plays.values() for p in plays["response/roleplay"].values()
    )
    assert (
        told(outcome(played))[0]
        == "not resolved: not asked: 坐的哪条线, 什么时候上的车, 袋子的样子; 0 of 2 steps"
    )


def test_a_customer_in_a_low_mood_does_not_leave_content(
    role_played: Path, tmp_path: Path, build: Callable[..., Board]
) -> None:
    folder = Path(shutil.copytree(role_played / "once", tmp_path / "runs"))

    def spoil(sample: dict[str, Any]) -> None:
        records = [json.loads(record) for record in sample["filtered_resps"]]
        for record in records:
            if "heard" in record:
                record["heard"]["mood"] = 2
        sample["filtered_resps"] = [json.dumps(record) for record in records]

    change_line(log_of(results_file(folder), ROLE_PLAY), 0, spoil)
    (plays,) = (each["response/roleplay"] for each in build(folder).role_plays.values())
    ends = [told(outcome(played))[-1] for played in plays.values() if played.end == "resolved"]
    assert ends[0] == "the customer ends the call"
    assert set(ends[1:]) == {"the customer leaves content"}


def test_withheld_scores_have_their_reason_in_sight_on_the_page(board: Board) -> None:
    page = re.sub(r"title=\"[^\"]*\"", "", render_page(board, None, [Language.EN]))
    (line,) = re.findall(r'<p class="legend"><bdi>(Role-play, Resolved; .*?)</bdi>', page)
    assert "– for org/good (9 of 16 role-plays could be played " in line
    assert "it spoke as the supporter: " in line


def test_of_many_role_plays_the_first_trials_are_kept_and_the_same_of_every_model(
    tmp_path: Path, build: Callable[..., Board]
) -> None:
    cards = card_set(30)
    for name in ("org/a", "org/b"):
        write_role_plays(tmp_path / name, name, supporter_lm("rude"), cards, 2)
    board = build(tmp_path)
    one, two = (plays["response/roleplay"] for plays in board.role_plays.values())
    assert len(one) == KEPT
    assert set(one) == set(two) == {case.id for case in board.cases["t1"]}
    assert sum(name.endswith("#0") for name in one) == 30
    found = samples(board)
    assert found is not None
    table = found.index["tables"][0]
    assert (len(table["cases"]), table["of"]) == (KEPT, {"response/roleplay": 60})


def test_what_was_kept_is_what_was_read_and_a_page_without_texts_has_none(
    role_played: Path, tmp_path: Path, board: Board
) -> None:
    folders = [role_played / "scripted", role_played / "faulty"]
    again = [build_board(folders, cache=tmp_path) for _ in range(2)]
    assert again[0].role_plays == again[1].role_plays == board.role_plays
    assert again[0].cases == again[1].cases == board.cases
    bare = json.loads(to_json(board, texts=False))
    assert "role_plays" not in bare
    assert "cases" not in bare
    assert json.loads(to_json(board))["cases"]["t1"][0]["card"] == "case-aa"
    assert samples(board.without_texts()) is None


# In a browser.


@pytest.fixture(scope="module")
def page_file(board: Board, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(render_page(board), encoding="utf-8")
    return path


@pytest.fixture
def page(browser: Browser, page_file: Path) -> Iterator[Page]:
    context = browser.new_context(viewport=DESKTOP)
    visit = Visit(context, page_file)
    yield visit.settle()
    assert visit.events == []
    context.close()


@pytest.mark.slow
def test_role_plays_are_chosen_by_card_trial_and_outcome(page: Page) -> None:
    assert page.locator("[data-pick=strategy], [data-pick=order], [data-pick=labels]").count() == 3
    assert not page.locator("[data-pick=strategy]").is_visible()
    assert page.locator("#samples .status").inner_text() == "16 of 16 role-plays fit."
    page.locator("[data-pick=trial]").select_option("2")
    assert page.locator(".talks li").count() == 8
    page.locator("[data-pick=outcome]").select_option("open")
    assert 0 < page.locator(".talks li").count() < 8
    page.locator(".talks li").first.click()
    assert "trial 2" in page.locator(".talk h3").inner_text()
    assert page.locator(".play").count() == 2
    ends = page.locator(".outcome").all_inner_texts()
    assert ends[0].startswith("✓ resolved at turn")
    assert ends[1].startswith("✗ not resolved: not asked: 坐的哪条线, ")
    assert "; demand not refused; something was promised against the card; " in ends[1]
    page.locator("[data-pick=b]").select_option("-")
    assert page.locator(".talks li").count() == 0
    assert "No role-play fits." in page.locator(".talk").inner_text()


@pytest.mark.slow
def test_the_customers_mood_and_direction_stand_beside_what_was_said(page: Page) -> None:
    first = page.locator(".play").first.locator(".heard").first
    assert "mood 2 of 5 (upset)" in first.inner_text()
    assert "说明为什么打来电话" in first.locator(".small").inner_text()
    assert "System information" in page.locator(".card").inner_text()


@pytest.mark.slow
def test_role_plays_are_read_with_the_keyboard_alone(page: Page) -> None:
    page.locator(".talks").focus()
    for key, card in (
        ("ArrowDown", "case-aa · trial 2"),
        ("ArrowDown", "case-ab · trial 1"),
        ("End", "case-ah"),
    ):
        page.keyboard.press(key)
        assert page.locator(".talk h3").inner_text().startswith(card)
    page.locator(".card summary").focus()
    page.keyboard.press("Enter")
    assert not page.locator(".card dl").is_visible()


@pytest.mark.slow
def test_axe_finds_nothing_and_nothing_scrolls_sideways(browser: Browser, page_file: Path) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="no axe-playwright-python"
    ).Axe()
    context = browser.new_context(viewport=DESKTOP)
    page = Visit(context, page_file).settle()
    found = {}
    for scheme, size in (("light", DESKTOP), ("dark", PHONE)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
        assert (
            page.evaluate("(pane => pane.scrollWidth - pane.clientWidth)(document.querySelector('.talk'))")
            <= 0
        )
        for violation in axe.run(page, {"exclude": [["svg"]]}).response["violations"]:
            found[violation["id"], scheme] = violation["nodes"][0]["failureSummary"]
    assert found == {}
    context.close()


@pytest.mark.slow
def test_hostile_cards_replies_and_logs_are_text_and_nothing_else(
    browser: Browser, tmp_path: Path, build: Callable[..., Board]
) -> None:
    cards = card_set(2, who=HOSTILE, topic=HOSTILE, satisfied=HOSTILE)
    lm = FunctionLM(lambda request: f"[礼貌问候] {HOSTILE}")
    results = write_role_plays(tmp_path / "runs", HOSTILE, lm, cards)

    def spoil(sample: dict[str, Any]) -> None:
        sample["doc"]["conversation"] = HOSTILE
        records = [json.loads(record) for record in sample["filtered_resps"]]
        records[0]["did"] = {"asked": [HOSTILE], "marks": [HOSTILE], "figures": [HOSTILE], "done": [10**9]}
        records[0]["heard"] = {
            "text": HOSTILE * 50,
            "direction": HOSTILE,
            "told": [HOSTILE],
            "fault": HOSTILE,
        }
        records[-1]["outcome"] = {"end": HOSTILE, "resolved_at": 10**9}
        sample["filtered_resps"] = [json.dumps(record) for record in records]

    change_line(log_of(results, ROLE_PLAY), 0, spoil)
    path = tmp_path / "hostile.html"
    path.write_text(render_page(build(tmp_path / "runs")), encoding="utf-8")
    context = browser.new_context(viewport=PHONE)
    visit = Visit(context, path)
    page = visit.settle()
    for entry in range(2):
        page.locator(".talks li").nth(entry).click()
        assert HOSTILE.split("\u202e")[0] in page.locator(".talk").inner_text()
    assert page.locator("img, b:not(#tip b)").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert visit.events == []
    context.close()
