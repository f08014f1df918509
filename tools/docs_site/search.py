"""Search that finds Chinese: by pairs of characters, in the index and in what is asked for."""

from __future__ import annotations

import re

from sphinx.search import SearchLanguage
from sphinx.search.en import SearchEnglish

__all__ = ["EnglishAndChinese", "Pairs"]

_RUN = re.compile(r"[\u3400-\u9fff]+|[^\W\u3400-\u9fff]+")


class Pairs(SearchLanguage):
    """A run of Chinese characters is its pairs of neighbours, so that any phrase of two or more is found.

    Words of a dictionary would not do: what is asked for is cut by a script in the reader's browser, which has none.
    Other words are what they are.
    """

    lang = "zh"
    language_name = "Chinese"
    js_splitter_code = """
function splitQuery(query) {
  return (query.toLowerCase().match(/[\\u3400-\\u9fff]+|[^\\W\\u3400-\\u9fff]+/gu) || []).flatMap((run) =>
    /^[\\u3400-\\u9fff]{2,}$/u.test(run) ? Array.from(run.slice(1), (_, i) => run.slice(i, i + 2)) : [run]);
}
"""

    def split(self, input: str) -> list[str]:
        """Words, and pairs of Chinese characters."""
        return [part for run in _RUN.findall(input.lower()) for part in _parts(run)]


class EnglishAndChinese(SearchEnglish):
    """English with its stems; the labels and examples in Chinese by pairs."""

    js_splitter_code = Pairs.js_splitter_code

    def split(self, input: str) -> list[str]:
        """Words, and pairs of Chinese characters."""
        return [part for run in _RUN.findall(input.lower()) for part in _parts(run)]


def _parts(run: str) -> list[str]:
    if len(run) < 2 or not "\u3400" <= run[0] <= "\u9fff":
        return [run]
    return [run[i : i + 2] for i in range(len(run) - 1)]
