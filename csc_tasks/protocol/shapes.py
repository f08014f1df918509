"""Taking a reply apart: the label in whatever shape it stands, and the utterance without what is no part of it.

The rule of what is a label, and of what belongs to an utterance, is in docs/protocol.md. What surrounds an answer
(thinking, tags, JSON) is gone before: :mod:`~csc_tasks.protocol.replies`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import NamedTuple

from csc_tasks.framework import Strategy
from csc_tasks.labels import HAN_OF_LABELS, has_name, names_in, plain, read_plain, read_strategy

__all__ = ["Labelled", "Said", "labelled", "labelled_and_said", "utterance_of"]

# --- patterns; all over plain() text, whose punctuation is half-width. Each is linear: no repetition of
# --- anything that can be empty or that overlaps with what follows it, and none without a bound but of one class.

_SUPPORTERS = r"客服(?:回复|策略|人员|代表|的?下一句话?)?|supporter|assistant|agent|customer service"
_CUSTOMERS = r"客户|用户|顾客|customer|user|client"
_ANSWERS = r"回复(?:内容)?|回答(?:内容)?|答案|答复?|话术|内容|response|reply|answer|text|content"
_STRATEGIES = r"(?:客服|所选|采用的?|选择的?)?策略(?:名称|选择)?|strategy(?:[ _]name)?"
_ECHOED = (
    rf"(?:对话|回合|输出|下一句)[ \t]*:"  # the prompt's last heading, echoed
    rf"|[*_#]{{0,4}}[ \t]?(?:{_SUPPORTERS}|{_ANSWERS})[*_ \t]{{0,4}}:[*_]{{0,4}}"
    rf"|#{{1,4}}[ \t]*(?:{_STRATEGIES}|{_SUPPORTERS}|{_ANSWERS})[ \t]*\n"
    rf"|[\[【](?:{_STRATEGIES}|策略名|{_ANSWERS}|客服)[\]】][ \t]*:?"  # the format line's own slots
    rf"|(?:\d{{1,2}}[.、)]|[-•])[ \t]+(?=(?:{_STRATEGIES}|{_SUPPORTERS}|{_ANSWERS})[*_ \t]{{0,4}}:|[\[【])"
)
_BEFORE_LABEL = re.compile(rf"{_ECHOED}|[ \t\r\n*_#`>]+", re.IGNORECASE)
_BEFORE_TEXT = re.compile(rf"{_ECHOED}|[ \t\r\n]+", re.IGNORECASE)
_BRACKETED = re.compile(
    r"\[(?P<a>[^\[\]\n]{1,60})\]|【(?P<b>[^【】\n]{1,60})】|\((?P<c>[^()\n]{1,40}(?:\([^()\n]{0,30}\))?)\)"
    r"|「(?P<d>[^「」\n]{1,40})」|『(?P<e>[^『』\n]{1,40})』|〔(?P<f>[^〔〕\n]{1,40})〕|《(?P<g>[^《》\n]{1,40})》"
    r"|<(?P<h>[^<>\n]{1,40})>|“(?P<i>[^“”\n]{1,40})”|\"(?P<j>[^\"\n]{1,40})\"|\{(?P<k>[^{}\n]{1,40})\}"
)
_AFTER_LABEL = re.compile(r"[*_`]{0,4}(?P<gap>(?::[*_`]{0,4})?[ \t\r\n]*)")
_BETWEEN = re.compile(r"[ \t+、/,&→>=与和及或\-]{0,8}")
_FIELD = re.compile(
    rf"(?:{_STRATEGIES})[*_ \t]{{0,4}}:[*_ \t]{{0,4}}(?P<label>[^\n:;,。]{{1,40}})", re.IGNORECASE
)
_FIELD_END = re.compile(r"[。;,*_ \t]{0,4}\n?")
_BARE = re.compile(r"[^\n:]{1,40}")
_HAN_BEFORE_LABELS = HAN_OF_LABELS | set(_BEFORE_LABEL.pattern) | set(_FIELD.pattern)
_HAN_BEFORE_TEXTS = frozenset(_BEFORE_TEXT.pattern)
_QUOTES = {"“": "”", '"': '"', "「": "」", "『": "』", "'": "'", "‘": "’"}
_CUSTOMER_TURN = re.compile(rf"(?:\A|\n)[ \t*_#>]*(?:{_CUSTOMERS})[*_ \t]{{0,4}}:", re.IGNORECASE)
_NEXT_TURN = re.compile(
    rf"\n[ \t*_#>]*(?:(?:{_SUPPORTERS})[*_ \t]{{0,4}}:|对话[ \t]*:)|\n[ \t]*[-=]{{3,}}[ \t]*\n", re.IGNORECASE
)
_TURNS = ((":", _CUSTOMER_TURN), ("\n", _NEXT_TURN))
"""What begins another turn, and a character that it has."""
_TURN_LABEL = re.compile(r"\[(?P<a>[^\[\]\n]{1,60})\]|【(?P<b>[^【】\n]{1,60})】")
_PREFACE = re.compile(
    r"\A(?:[^\n]{1,60}:[*_ \t]{0,4}"
    r"|[*_#\[【 \t]{0,4}(?:思考|分析|推理|理由|原因)(?:过程)?[*_\]】 \t]{0,4}:[^\n]{0,2000})\n+"
)


class Labelled(NamedTuple):
    """A reply taken apart: strategy, the rest, and what stood in the label's place where it was not readable."""

    strategy: Strategy | None
    rest: str
    label: str = ""


def _is_other(first: str, known: Set[str]) -> bool:
    """Whether what begins with this character begins an utterance: a Chinese one that no pattern begins with."""
    return "\u4e00" <= first <= "\u9fff" and first not in known


def _skip(pattern: re.Pattern[str], shown: str, at: int = 0) -> int:
    """Where a text goes on behind echoed headings, slots, speakers and field names."""
    while match := pattern.match(shown, at):
        at = match.end()
    return at


def labelled(text: str) -> Labelled:
    """Split a reply into strategy and rest; the first of the shapes in which a label can stand."""
    return _labelled(text, plain(text))


def _labelled(text: str, shown: str) -> Labelled:
    at = _skip(_BEFORE_LABEL, shown)
    if (quote := shown[at : at + 1]) in _QUOTES and text.rstrip().endswith(_QUOTES[quote]):
        inner = _at_label(text, shown, _skip(_BEFORE_LABEL, shown, at + 1))
        if inner is not None and inner.strategy is not None:
            return inner._replace(rest=inner.rest.rstrip().removesuffix(_QUOTES[quote]))
    if (found := _at_label(text, shown, at)) is not None:
        return found
    if match := _PREFACE.match(shown):  # "好的，我的回复如下：" and then the reply
        found = _at_label(text, shown, _skip(_BEFORE_LABEL, shown, match.end()))
        if found is not None and found.strategy is not None:
            return found
    return Labelled(None, text)


def _at_label(text: str, shown: str, at: int) -> Labelled | None:
    """The label at a place of a reply, and the rest behind it; ``None`` if none stands there.

    A second label directly behind the first says the same again (``策略六：提供建议``), or makes two labels, which
    are none.
    """
    found = _one_label(text, shown, at)
    if found is None or found.strategy is None:
        return found
    # Plain text has the length of the text, and the rest is its end.
    shown = shown[len(shown) - len(found.rest) :]
    if _is_other(shown[:1], _HAN_BEFORE_LABELS):
        return found
    place = _BETWEEN.match(shown)
    at_second = place.end() if place else 0
    again = _one_label(found.rest, shown, at_second)
    if again is None or again.strategy is None:
        return found
    second = found.rest[: len(found.rest) - len(again.rest)]
    # A number begins many an utterance, and so does a bracket that nothing closes.
    bracketed = second.lstrip()[:1] in "[【" and _BRACKETED.match(shown, at_second)
    if not bracketed and not has_name(second):
        return found
    if again.strategy is found.strategy:
        return again
    written = text[at : len(text) - len(again.rest)].strip()
    return Labelled(None, again.rest, written)


def _one_label(text: str, shown: str, at: int) -> Labelled | None:
    if match := _BRACKETED.match(shown, at):
        return _at_bracket(text, shown, match)
    if match := _FIELD.match(shown, at):
        written = match["label"].strip()
        inner = _BRACKETED.fullmatch(written)
        strategy = read_strategy(content_of(inner) if inner else written)
        if strategy is not None:
            end = _FIELD_END.match(shown, match.end())
            return Labelled(strategy, text[end.end() if end else match.end() :])
        return Labelled(None, text[match.end() :], text[match.start("label") : match.end("label")].strip())
    return _at_bare(text, shown, at)


def content_of(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group is not None)


def _at_bracket(text: str, shown: str, match: re.Match[str]) -> Labelled | None:
    strategy = read_strategy(content_of(match))
    after = _AFTER_LABEL.match(shown, match.end())
    end, gap = (after.end(), after["gap"]) if after else (match.end(), "")
    written = text[match.start() + 1 : match.end() - 1]
    if strategy is None:
        # `[姓名]先生，您好` begins with a placeholder that belongs to the text; `[安抚] 您别急` with a label of
        # the model's own making. The gap after the bracket tells them apart, and names in it do.
        if gap or names_in(written):
            return Labelled(None, text[end:], written)
        return None
    return Labelled(strategy, text[end:])


def _at_bare(text: str, shown: str, at: int) -> Labelled | None:
    """A label without brackets: ``提供建议：…``, ``策略6 …``, ``6. 提供建议 …``, alone on a line or set off."""
    line = _BARE.match(shown, at)
    if line is None:
        return None
    whole = line[0].rstrip("*_ \t\r")
    if strategy := read_plain(whole):
        end = line.end()
        if shown[end : end + 1] == ":":
            end += 1
        return Labelled(strategy, text[end:].lstrip("*_ \t：:"))
    # Set off by a space: as many words of the line as are a label. A bare number or abbreviation is none here,
    # for many an utterance begins with one.
    for gap in _gaps(whole):
        head = whole[:gap]
        if has_name(head) and (strategy := read_strategy(head)) is not None:
            return Labelled(strategy, text[at + gap :].lstrip())
    return None


def _gaps(line: str) -> Iterator[int]:
    """Where a label of up to four words may end in a line, the longest first."""
    places = [at for at, c in enumerate(line) if c in " \t"][:4] if " " in line or "\t" in line else []
    yield from reversed(places)


class Said(NamedTuple):
    """An utterance, and whether something that is a turn of its own was cut off behind it."""

    text: str
    further: bool


def utterance_of(text: str) -> Said:
    """The utterance alone: no field names or speaker before it, no quotes around it, no further turn behind it."""
    return _said(text, plain(text))


def labelled_and_said(text: str, whole_without_label: bool) -> tuple[Labelled, Said]:
    """A reply taken apart, and the utterance in it.

    Args:
        text: the reply.
        whole_without_label: whether a bracket that is no strategy belongs to the utterance.
    """
    shown = plain(text)
    found = _labelled(text, shown)
    if whole_without_label and found.strategy is None:
        found = Labelled(None, text)
    rest = found.rest
    # The rest is the end of the text, but where a closing quote was taken off.
    return found, _said(rest, shown[len(text) - len(rest) :] if text.endswith(rest) else plain(rest))


def _said(text: str, shown: str) -> Said:
    start = 0 if _is_other(shown[:1], _HAN_BEFORE_TEXTS) else _skip(_BEFORE_TEXT, shown)
    text, shown = text[start:], shown[start:]
    ends = [m.start() for mark, p in _TURNS if mark in shown and (m := p.search(shown))]
    label = None
    if "[" in shown or "【" in shown:
        brackets = _TURN_LABEL.finditer(shown)
        label = next((m.start() for m in brackets if read_strategy(content_of(m)) is not None), None)
    cut = min([*ends, *([] if label is None else [label])], default=len(text))
    text = text[:cut].strip()
    quote = text[:1]
    if quote in _QUOTES and len(text) > 2 and text.find(_QUOTES[quote], 1) == len(text) - 1:
        text = text[1:-1].strip()
    return Said(text, label is not None and cut == label)
