"""The page as a file: data that nothing breaks out of, a policy that allows nothing else, two languages."""

from __future__ import annotations

import base64
import json
import re
from hashlib import sha256
from importlib.resources import files

import pytest

from csc_tasks.human.page import Form, HumanPage, render_page
from csc_tasks.human.shares import Share

FORM = Form("review", "csconv-review-1")
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>&amp;&lt;",
    "\u2028\u2029\x00\r\n",
    "{{policy}}{{script}}",
    "half \ud800 of a pair",
]


def rendered(text: str) -> str:
    item = {"id": "0" * 16, "text": text}
    return render_page(HumanPage(FORM, text, "1" * 16, Share(), [item], {"m": text})).decode("utf-8")


def data_of(page: str) -> dict[str, object]:
    """As a browser finds it: up to the first end tag."""
    found = re.search(
        r'<script type="application/json" id="data">(.*?)</script', page, re.DOTALL | re.IGNORECASE
    )
    assert found
    content = json.loads(found[1])
    assert isinstance(content, dict)
    return content


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_text_holds_it_stays_data(text: str) -> None:
    page = rendered(text)
    kept = text.encode("utf-8", "replace").decode()
    data = data_of(page)
    assert (data["file"], data["material"]) == (kept, {"m": kept})
    assert page.count("<script") == 2
    assert page.count("</script") == 2
    block = page.partition('id="data">')[2].partition("</script")[0]
    assert not re.search("[<>&\u2028\u2029\x00]", block)


def test_the_policy_allows_the_pages_own_script_and_style_and_nothing_else() -> None:
    page = rendered("x")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert script
    assert style
    digests = [base64.b64encode(sha256(part[1].encode()).digest()).decode() for part in (script, style)]
    assert policy[1] == (
        f"default-src 'none'; script-src 'sha256-{digests[0]}'; style-src 'sha256-{digests[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r"https?:|//[a-z]+\.|src=|@import|url\(", style[1] + page.partition("<style>")[0])


def test_the_script_puts_texts_in_as_text_alone() -> None:
    script = rendered("x").rpartition("<script>")[2]
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function|fetch\(\s*[\"'h]", script
    )


def test_a_page_of_one_language_says_so() -> None:
    page = HumanPage(FORM, "x", "1" * 16, Share(), [{"id": "0" * 16}], languages=["en"])
    assert data_of(render_page(page).decode("utf-8"))["languages"] == ["en"]


def test_the_same_content_is_the_same_file() -> None:
    assert rendered("x") == rendered("x") != rendered("y")


@pytest.mark.parametrize("form", ["review", "rate"])
def test_every_text_that_the_script_names_is_there_in_both_languages(form: str) -> None:
    folder = files("csc_tasks.human").joinpath("page")
    texts = json.loads(folder.joinpath("texts.json").read_text(encoding="utf-8"))
    table = {**texts["page"], **texts[form]}
    for key, languages in table.items():
        assert len(languages) == 2, key
        zh, en = languages
        assert re.search("[\u4e00-\u9fff]", zh), key
        assert not re.search("[\u4e00-\u9fff]", en), key
        assert set(re.findall(r"\{[a-z]+\}", zh)) == set(re.findall(r"\{[a-z]+\}", en)), key
    script = "".join(
        folder.joinpath(n).read_text() for n in ("page.js", "dialogs.js", "keeping.js", f"{form}.js")
    )
    named = set(re.findall(r"""(?:\bt|\bsay)\("([a-z_-]+)\"""", script)) | set(
        re.findall(r'"(key_[a-z]+)"', script)
    )
    assert len(named) > 50
    assert named <= set(table)
