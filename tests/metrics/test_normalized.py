from __future__ import annotations

import sys
import unicodedata

from hypothesis import given

from csc_tasks.metrics.normalized import nfkc
from tests.growth import assert_linear
from tests.texts import any_text


@given(any_text)
def test_it_is_unicodes_own_form(text: str) -> None:
    assert nfkc(text) == unicodedata.normalize("NFKC", text)


def test_a_character_keeps_thirty_marks_and_the_rest_of_the_text_everything() -> None:
    assert nfkc("a" + "\u0327" * 30 + "ｂ") == unicodedata.normalize("NFKC", "a" + "\u0327" * 30 + "b")
    assert nfkc("a" + "\u0327" * 99 + "ｂ" + "。" * 99) == nfkc("a" + "\u0327" * 30 + "b") + "。" * 99


def test_marks_without_end_take_their_number_of_time() -> None:
    assert_linear(nfkc, "\u0301\u0327", "a")
    assert_linear(nfkc, "\u0344\u0327", "a")  # which is two marks


def test_no_mark_is_a_letter_or_space_which_would_hide_it_from_the_bound() -> None:
    marks = [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.combining(chr(c))]
    assert len(marks) > 800
    assert [c for c in marks if c.isalnum() or c.isspace()] == []
