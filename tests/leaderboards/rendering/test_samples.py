"""The sample browser: how much there is to read, who is right, what differs, what was said of it, where texts lie."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from csc_tasks.leaderboards.board import Board, BrowsedReply
from csc_tasks.leaderboards.browsed import KEPT, BrowsedRemark
from csc_tasks.leaderboards.rendering.packed_texts import FOLDER, PART, sample_files, write_texts
from csc_tasks.leaderboards.rendering.page import render_page
from csc_tasks.leaderboards.rendering.samples import samples
from csc_tasks.leaderboards.rendering.site import SiteOptions, write_site
from tests.door import csconv
from tests.judge_server import JudgeServer
from tests.leaderboards import boards
from tests.leaderboards.logs import answering, write_run
from tests.leaderboards.rendering.test_page import DESKTOP, PHONE, Visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REFERENCE = "response/reference"
REMARKS = (
    BrowsedRemark(0, "org/judge · t-2", False, (("empathy", "4"), ("resolved_step", "yes")), f"礼貌{boards.HOSTILE}"),
    BrowsedRemark(0, "1", True, (("helpfulness", "2"),), "太短"),
    BrowsedRemark(1, "org/judge · turn-2", False, (), "", "refused"),
    BrowsedRemark(None, "org/judge · dialogue-2", False, (("emotional_handling", "5"),), "整体不错"),
)  # fmt: skip


def remarked() -> Board:
    whole = boards.board()
    return replace(whole, remarks={"qwen": {REFERENCE: {"dialogue-000": REMARKS}}})


def lay(board: Board, folder: Path) -> Path:
    """The page with its texts beside it."""
    shown = samples(board, PART)
    assert shown is not None
    files = sample_files(shown)
    write_texts(folder / FOLDER, files.files)
    (folder / "index.html").write_text(render_page(board, texts_beside=files), encoding="utf-8")
    return folder


def files_of(folder: Path) -> set[str]:
    return {path.name for path in (folder / "texts").glob("*")}


# Which texts are kept.


@pytest.mark.parametrize(("browse", "count"), [(3, 3), (KEPT, 32), (None, 32)])
def test_so_many_conversations_are_kept_as_were_asked_for(
    board: Board, build: Callable[..., Board], measured: Path, browse: int | None, count: int
) -> None:
    few = build(measured, browse=browse)
    assert len(few.conversations) == count
    assert {len(t) for sections in few.replies.values() for t in sections.values()} == {count}
    # The fewer are among the more, whole.
    assert {talk.id: talk for talk in board.conversations}.items() >= {
        t.id: t for t in few.conversations
    }.items()


def test_a_judges_reasons_stand_with_the_replies_that_they_are_of(
    tmp_path: Path, build: Callable[..., Board]
) -> None:
    runs = tmp_path / "runs"
    write_run(runs, "org/a", answering(0.7), limit=16)
    with JudgeServer() as server:
        (tmp_path / "judge.yaml").write_text(f"model: fake\nbase_url: {server.url}\n", encoding="utf-8")
        judged = csconv("judge", runs, "--config", tmp_path / "judge.yaml")
    assert judged.code == 0, judged.output
    built = build(runs)
    (sections,) = built.remarks.values()
    (talks,) = sections.values()
    lines = [json.loads(line) for path in runs.rglob("verdicts_*") for line in path.read_text().splitlines()]
    assert {(talk, remark.turn): remark.reason for talk, remarks in talks.items() for remark in remarks} == {
        (line["conversation"], line["turn"]): line["reason"] for line in lines
    }
    shown = samples(built)
    assert shown is not None
    (facts,) = (sections[next(iter(sections))] for sections in shown.index["facts"].values())
    graded = [scores["judge_empathy"] for _, scores in facts.values() if "judge_empathy" in scores]
    assert all(value is None or 1 <= value <= 5 for values in graded for value in values)
    assert graded
    (journal,) = runs.rglob("verdicts_*")
    journal.unlink()
    assert "not there; reasons of the judge are not shown" in " ".join(
        p.message for p in build(runs).problems
    )


# Where they lie.


def test_files_beside_the_page_hold_what_the_page_would(tmp_path: Path) -> None:
    whole, parts = samples(remarked()), samples(remarked(), part=2000)
    assert whole is not None
    assert parts is not None
    assert len(parts.texts) > 3
    joined = {
        kind: {name: text for part in parts.texts for name, text in part[kind].items()}
        for kind in ("talks", "cases")
    }
    assert joined == whole.texts[0]
    for number, (_, _, _, part) in enumerate(parts.index["talks"]):
        assert str(number) in parts.texts[part]["talks"]


def test_a_hostile_text_cannot_end_a_file_of_texts() -> None:
    shown = samples(remarked())
    assert shown is not None
    for name, data in sample_files(shown).files.items():
        call = re.fullmatch(rb'csconvTexts\("[0-9a-f]{16}","(index|\d{3,})","[A-Za-z0-9+/=]+"\);\n', data)
        assert call, name
        assert f"{call[1].decode()}.js" == name


def test_texts_of_an_earlier_leaderboard_are_not_left_where_none_are_wanted(
    board: Board, tmp_path: Path
) -> None:
    write_site(board, SiteOptions(tmp_path, beside=True))
    own = tmp_path / "texts" / "mine.js"
    own.write_text("// not csconv's")
    assert files_of(tmp_path) == {"index.js", "000.js", "mine.js"}
    write_site(board, SiteOptions(tmp_path, texts=False))
    assert files_of(tmp_path) == {"mine.js"}


def test_only_a_page_with_files_beside_it_may_load_scripts() -> None:
    def policies(page: str) -> list[str]:
        return re.findall(r'Content-Security-Policy" content="([^"]*)"', page)

    shown = samples(boards.board())
    assert shown is not None
    alone, beside = render_page(boards.board()), render_page(boards.board(), texts_beside=sample_files(shown))
    (strict,) = policies(alone)
    assert "strict-dynamic" not in strict
    first, second = policies(beside)
    assert "default-src &#39;none&#39;" in first
    assert second.endswith("&#39;self&#39; file:")
    assert all("unsafe" not in policy and "http" not in policy for policy in (strict, first, second))
    assert len(beside) < len(alone)


@pytest.mark.parametrize("wrong", ["0", "-1", "some", "1.5", "１０"])
def test_what_is_no_number_of_conversations_is_refused(wrong: str, tmp_path: Path) -> None:
    done = csconv("leaderboard", tmp_path, "--browse", wrong)
    assert done.code == 1
    assert "give how many conversations, from 1 on, or all" in done.err
    assert "exclude each other" in csconv("leaderboard", tmp_path, "--browse", "all", "--no-texts").err


# In a browser.


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("samples") / "index.html"
    path.write_text(render_page(remarked()), encoding="utf-8")
    return path


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Page]:
    context = browser.new_context(viewport=DESKTOP, locale="en-GB")
    visit = Visit(context, file)
    yield visit.settle()
    assert visit.events == []
    context.close()


def listed(page: Page) -> list[str]:
    return page.locator(".talks li bdi:first-child").all_inner_texts()


@pytest.mark.slow
def test_turns_are_found_where_one_model_is_right_and_the_other_wrong(page: Page) -> None:
    page.locator("[data-pick=labels]").select_option("a")
    hits = page.locator(".turn.hit")
    assert hits.count() > 0
    for hit in hits.all():
        marks = hit.locator(".reply:not(.gold) .mark").evaluate_all("all => all.map(each => each.className)")
        assert marks == ["mark right", "mark wrong"]
        assert "A and B gave different labels" in hit.inner_text()
    first = listed(page)
    page.locator("[data-pick=labels]").select_option("b")
    marks = page.locator(".turn.hit").first.locator(".reply:not(.gold) .mark")
    assert marks.evaluate_all("all => all.map(each => each.className)") == ["mark wrong", "mark right"]
    assert listed(page) != first


@pytest.mark.slow
def test_conversations_are_ordered_by_how_far_one_model_is_ahead(page: Page) -> None:
    orders = []
    for way in ("a", "b"):
        page.locator("[data-pick=order]").select_option(f"{way}:rouge_l")
        small = page.locator(".talks li small").all_inner_texts()
        gaps = [float(text.rsplit(" ", 1)[1].replace("−", "-")) for text in small]
        assert gaps == sorted(gaps, reverse=way == "a")
        assert gaps[0] != gaps[-1]
        orders.append(listed(page))
    assert orders[0] == orders[1][::-1]
    board = remarked()
    a, b = (board.replies[row][REFERENCE][orders[0][0]] for row in ("qwen", "tuned-3"))
    pairs = [(x.scores["rouge_l"], y.scores["rouge_l"]) for x, y in zip(a, b, strict=True) if x and y]
    assert gaps[-1] == pytest.approx(100 * sum(x - y for x, y in pairs) / len(pairs), abs=0.1)


@pytest.mark.slow
def test_texts_are_searched_and_what_is_found_is_marked(page: Page) -> None:
    page.locator("[data-pick=find]").fill("ALERT('EVIL')")
    page.locator(".talk mark").first.wait_for()
    assert set(page.locator(".talk mark").all_inner_texts()) == {"alert('evil')"}
    assert page.locator(".turn.hit").count() > 0
    page.locator("[data-pick=find]").fill("没有这句话")
    page.get_by_text("No conversation fits.").wait_for()
    assert page.locator("#samples .status").inner_text() == "0 of 12 conversations fit."


@pytest.mark.slow
def test_a_judges_and_a_persons_words_stand_under_the_reply(page: Page) -> None:
    first = page.locator(".turn").first.locator(".reply").nth(1)
    told = first.locator(".remark").all_inner_texts()
    assert ["Person 1" in told[1], "太短" in told[1], "Helpfulness 2" in told[1]] == [True] * 3
    assert "Judge org/judge · t-2" in told[0]
    assert boards.HOSTILE.split("\u202e")[0] in told[0]
    second = page.locator(".turn").nth(1).locator(".remark")
    assert "no verdict: the judge declined" in second.inner_text()
    assert "整体不错" in page.locator(".talk > .remark").inner_text()


@pytest.mark.slow
def test_the_address_brings_back_what_is_read(page: Page, browser: Browser, file: Path) -> None:
    page.locator("[data-pick=section]").select_option("response/generated")
    page.locator("[data-pick=b]").select_option("long")
    page.locator("[data-pick=labels]").select_option("differ")
    page.locator("[data-pick=order]").select_option("b:bleu_4")
    page.locator(".talks li").nth(2).click()
    told = page.locator("#samples .talk").inner_text()
    context = browser.new_context(viewport=PHONE, locale="en-GB")
    other = context.new_page()
    other.goto(page.url)
    other.locator("#samples").scroll_into_view_if_needed()
    other.locator("#samples[data-ready]").wait_for()
    assert listed(other) == listed(page)
    assert other.locator("#samples .talk").inner_text() == told
    context.close()


@pytest.mark.slow
def test_differences_are_those_that_an_edit_script_has(page: Page) -> None:
    chance = random.Random(7)
    pairs = [("", ""), ("同", "同"), ("", "多"), ("您好，请问", "您好，请稍等"), ("a😀b您好c", "a😁b您好d")]
    pairs += [
        tuple("".join(chance.choices("甲乙丙丁戊", k=chance.randrange(40))) for _ in range(2))
        for _ in range(60)
    ]  # type: ignore[misc]
    pairs.append(("天" * 3000 + "一", "地" * 3000 + "二"))
    found = page.evaluate("pairs => pairs.map(([a, b]) => differences(a, b))", pairs)
    for (a, b), (in_a, in_b) in zip(pairs, found, strict=True):
        kept = [
            "".join(c for i, c in enumerate(t) if not any(s <= i < e for s, e in r))
            for t, r in ((a, in_a), (b, in_b))
        ]
        assert kept[0] == kept[1], (a, b)
        assert all(s < e for s, e in in_a + in_b)
    assert found[3] == [[[3, 5]], [[3, 6]]] or found[3] == [[[4, 5]], [[4, 6]]]
    assert found[4] == [[[1, 2], [5, 6]], [[1, 2], [5, 6]]] or found[4][0][0][0] == 1
    assert found[-1] == [[[0, 3001]], [[0, 3001]]]
    seconds = page.evaluate(
        "() => { const a = '服务'.repeat(5000), b = '客户'.repeat(5000), at = performance.now();"
        " differences(a, b); return (performance.now() - at) / 1000; }"
    )
    assert seconds < 1


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As many conversations as CSConv has, of ten models, in files."""
    folder = tmp_path_factory.mktemp("large")
    talks = boards.conversations(1855)
    whole = boards.large_board(10, 5)
    texts: dict[str, dict[str, dict[str, Any]]] = {}
    for row in whole.tables[0].rows:
        chance = random.Random(row.id)
        texts[row.id] = {
            REFERENCE: {
                talk.id: tuple(
                    BrowsedReply(
                        chance.choice((turn.strategy, chance.randrange(12))),
                        f"{turn.reference}{chance.random()}",
                        {"metric_0": chance.random(), "metric_1": chance.random()},
                    )
                    for turn in talk.turns
                )
                for talk in talks
            }
        }
    texts["m3"][REFERENCE]["dialogue-1234"] = (
        BrowsedReply(0, "独一无二", {}),
        *texts["m3"][REFERENCE]["dialogue-1234"][1:],
    )
    return lay(replace(whole, conversations=talks, replies=texts), folder)


class Files(Visit):
    """A page that may load the files beside it, and nothing else."""

    def _note(self, kind: str, text: str, bad: bool = True) -> None:
        if not (kind == "request" and re.fullmatch(r"file:///.*/texts/(index|\d{3})\.js", text)):
            super()._note(kind, text, bad)


@pytest.mark.slow
def test_thousands_of_conversations_lie_beside_the_page_and_are_loaded_when_wanted(
    browser: Browser, large: Path
) -> None:
    context = browser.new_context(viewport=DESKTOP, locale="en-GB")
    visit = Files(context, large / "index.html")
    loaded: list[str] = []
    visit.page.on("request", lambda request: loaded.append(request.url.rpartition("/")[2]))
    page = visit.settle()
    assert (large / "index.html").stat().st_size < 3_000_000
    assert page.locator(".talks li").count() == 1855
    assert loaded == ["index.js", "000.js"]
    page.locator("[data-pick=a]").select_option("m3")
    page.locator("[data-pick=find]").fill("独一无二")
    page.get_by_text("1 of 1,855 conversations fit.").wait_for()
    assert page.locator(".talk h3").inner_text().startswith("dialogue-1234")
    assert len(set(loaded)) == len(files_of(large))
    assert len(loaded) == len(set(loaded))
    assert visit.events == []
    context.close()


def of_another_page(path: Path) -> None:
    path.write_bytes(re.sub(rb'"\w{16}"', b'"0123456789abcdef"', path.read_bytes(), count=1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (Path.unlink, "texts/000.js cannot be read"),
        (lambda path: path.write_bytes(path.read_bytes()[:500]), "texts/000.js cannot be read"),
        (of_another_page, "another leaderboard"),
    ],
)
def test_a_file_that_is_gone_cut_off_or_of_another_page_is_told(
    browser: Browser, tmp_path: Path, spoil: Callable[[Path], Any], told: str
) -> None:
    lay(boards.small_board(), tmp_path)
    spoil(tmp_path / "texts" / "000.js")
    context = browser.new_context(viewport=DESKTOP, locale="en-GB")
    page = context.new_page()
    page.goto((tmp_path / "index.html").as_uri())
    page.locator("#samples").scroll_into_view_if_needed()
    page.locator(".talk p", has_text=told).wait_for()
    assert page.locator(".talks li").count() == 2
    context.close()


@pytest.mark.slow
def test_markup_that_came_in_cannot_load_a_script_though_the_page_may(
    browser: Browser, tmp_path: Path
) -> None:
    lay(boards.small_board(), tmp_path)
    (tmp_path / "texts" / "evil.js").write_text("document.title = 'evil'")
    path = tmp_path / "index.html"
    page_text = path.read_text(encoding="utf-8")
    path.write_text(
        page_text.replace("<body>", "<body><script src='texts/evil.js'></script>", 1), encoding="utf-8"
    )
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    page.goto(path.as_uri())
    page.locator("#samples").scroll_into_view_if_needed()
    page.locator("#samples[data-ready]").wait_for()
    assert page.title() != "evil"
    # Nor can the page's own script have one from a network.
    blocked = page.evaluate(
        "() => new Promise(done => { addEventListener('securitypolicyviolation', e => done(e.blockedURI));"
        " document.head.append(make('script', { src: 'http://127.0.0.1:9/x.js' })); })"
    )
    assert blocked.startswith("http://127.0.0.1:9")
    context.close()
