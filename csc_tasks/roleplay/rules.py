"""What an utterance does, read by words: asks, refuses, grants, comforts, is rude. Linear in the text.

The words stand in ``rules/``. What they find is simple and the same for every model; docs/roleplay.md says what escapes
them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from csc_tasks.roleplay.figures import figures_in, follows_from
from csc_tasks.roleplay.plain_text import plain, remembered
from csc_tasks.roleplay.word_files import WordFile

__all__ = [
    "RULES",
    "affirms",
    "asks_identity",
    "comforts",
    "commits",
    "consents",
    "denied",
    "figures_in",
    "follows_from",
    "is_rude",
    "plain",
    "questions_in",
    "refuses",
    "refuses_flatly",
    "rules_digest",
    "says_goodbye",
    "sends_elsewhere",
    "warns_of",
]

RULES = "rules-zh-1"
"""The version in use."""
_FILE = WordFile("rules", RULES)
_SENTENCE = re.compile(r"[^。！!？?；;\n…]{1,2000}[。！!？?；;\n…]{0,3}")
_CLAUSE = re.compile(r"[^，,、。！!？?；;：:\n…]{1,2000}")
_NEAR = 6
"""Characters before a word within which 不 or 没有 denies it."""
_SHORT = 7
"""Characters of a clause that asks for what the clause before it names."""
_MOST_ASKED = 14
"""Pieces of the sentences of an utterance that ask; more of them nobody answers, and they are taken for no question."""
_LIST_MARK = re.compile(
    r"(?:^|(?<=[：:；;。？?\n\s，,]))(?:[(（]?\d{1,2}[)）.、．](?!\d)|[①-⑳]|[-*•]|第[一二三四五六][，、,])"
)
_LIST_FOLLOWS = re.compile(r"(?:可以|好|行)吗[？?](?=\s{0,3}(?:[(（]?1[)）.、．]|①|[-•*]|第一))")
_LIST_OF = re.compile(r"以下|几个(?:信息|情况|问题)|几点")
_PIECE_ENDS = re.compile(r"[？，、]")
_OPENER = re.compile(
    r"请您?先?(?:回忆|确认|说明|描述|回答|回复|告知|补充|看一下)|(?<![我已经])了解(?![了您到])|想先?[问确]|烦请|麻烦"
)
"""Beside ``requests``, after which the rest of a sentence asks."""
_OFFERED = ("可以吗", "好吗", "行吗")
"""At the end of a request, which is one without it; alone they ask for nothing."""
_COURTEOUS = re.compile(
    r"(?:请您?|您)?先?(?:千万)?不要(?:着急|担心|紧张|慌|挂|难过|自责|生气|客气)|不会(?:耽误|让您|有问题|影响)|不能再?让您"
    r"|请勿挂|不方便的话|不方便透露|没有这个问题|不在您|不在身边|让您为难"
)
"""Refuse nothing, with the words of a refusal."""
_NOT_FOUNDED = re.compile(
    r"没有[^，。！？；]{0,10}(?:政策|服务|权限|渠道|功能|办法|途径|先例|规定|权利)|(?:审核|核实|查实)[^，。！？；]{0,6}(?:才能|才可以)"
)
"""A refusal that gives what is wanting as its reason."""
_TAKEN_BACK = re.compile(
    r"不了|不行|不允许|不可能|做不到|不在|没有(?!问题|关系|任何问题|任何费用|费用|手续费)|没法|无法|不能|风险|危险|隐患|违规|侵犯|虚假"
    r"|(?:但|可是|不过|然而)[^。]{0,8}(?:需要|必须|得)|需要先"
)
"""After a word in its sentence: what was named is not promised."""
_ONLY_NAMED = re.compile(r"(?:想(?!办法)|希望|要求|说|认为|如果|要是|假如|一旦|万一|等|满|到)[^，。]{0,12}$")
"""Before a word: it is somebody's wish, or depends on something."""
_CONDITION = re.compile(r"[^，。！？；]{0,4}的话")
"""After a word: it is only supposed."""
_LATER = re.compile(r"后，$")
_OFFER = re.compile(r"(?:可以|好|行|满意|没问题)(?:吗|吧|么|不)?？$|好不好？$|行不行？$")
"""At the end of a sentence that promises and asks for no more than a nod."""
_CONSENT_GOES_ON = re.compile(
    r"(?:的话|的?[，。！]?(?:那|就)?(?:请|您(?!放心)|需要|麻烦|我先|先|但|不过|只要|前提))"
)
"""After a consent, of which then only the courtesy is left: 没问题，请您提供订单号."""
_IS_ALL = re.compile(r"(?!接).{0,2}")
"""Of a clause after 马上给您办, where that is a consent by itself."""
_LEAVE = re.compile(r"(?:再见|拜拜)(?:了|啦|哦|喽)?(?:[。！？；，、…~～]|$)")


def rules_digest() -> str:
    """SHA-256 (16 digits) of the words."""
    return _FILE.digest()


@remembered
def questions_in(text: str) -> str:
    """What of a text asks for something, one piece after the other; courtesies (您看这样可以吗) ask for nothing.

    A list of questions is one sentence. A text that asks for more than anybody would answer asks for nothing.
    """
    text = _LIST_FOLLOWS.sub("：", text)
    listed = _LIST_MARK.search(text) or _LIST_OF.search(text)
    said = plain(_LIST_MARK.sub("，", text.replace("\n", "，")))
    if listed:
        said = said.replace("；", "，")
    pieces: list[str] = []
    asked = 0
    for sentence in _SENTENCE.findall(said):
        if found := list(_asking(sentence)):
            pieces += found
            asked += len(_PIECE_ENDS.findall(sentence))
    return "" if asked > _MOST_ASKED else "。".join(pieces)


def _asking(sentence: str) -> Iterator[str]:
    words = _FILE.lists
    parts = sentence.split("，")
    asking = [*words["asks"], *(words["interrogatives"] if "？" in sentence else ())]
    for n, part in enumerate(parts):
        bare = part
        for offered in _OFFERED:
            bare = bare.replace(offered, "")
        is_question = n == len(parts) - 1 and "？" in part and bare == part
        if not is_question and not any(word in bare for word in asking):
            continue
        if any(word in bare for word in words["courtesies"]):
            continue
        if any(word in bare for word in words["requests"]) or _OPENER.search(bare):
            # 您的订单号，方便告诉我吗; 请提供姓名，手机号
            yield "，".join(parts[n - 1 if n and len(part) <= _SHORT else n :])
            return
        yield "，".join(parts[n - 1 : n + 1]) if n and len(part) <= _SHORT else part


def affirms(text: str, words: Iterable[str]) -> bool:
    """Whether one of the words stands in a clause that does not deny it."""
    wanted = [plain(word) for word in words]
    said = plain(text)
    if not any(word in said for word in wanted):
        return False
    for clause in _CLAUSE.findall(said):
        for word in wanted:
            place = clause.find(word)
            if place >= 0 and not _denied_before(clause, place):
                return True
    # A word that goes over a comma (先查，再办) is in no clause.
    return any(word in said and "，" in word for word in wanted)


def _denied_before(clause: str, place: int) -> bool:
    """Whether what stands at a place of a clause is denied by what stands before it, as Chinese does it."""
    words = _FILE.lists
    before = clause[:place]
    if any(no in before for no in words["denies"]):
        return True
    near = before[-_NEAR:]
    for other in words["no_denial"]:
        near = near.replace(other, "　" * len(other))
    near = near[near.rfind("的") + 1 :]
    # The word itself may begin within one: 不(同意).
    return any(no in near for no in words["denies_near"])


def denied(text: str, words: Iterable[str]) -> bool:
    """Whether one of the words is said and nowhere affirmed."""
    wanted = list(words)
    return any(plain(word) in plain(text) for word in wanted) and not affirms(text, wanted)


def _has(text: str, kind: str) -> bool:
    said = plain(text)
    return any(word in said for word in _FILE.lists[kind])


def commits(text: str, words: Iterable[str]) -> bool:
    """Whether one of the words is promised: it stands where neither what is before it nor after it takes it back."""
    said = plain(text)
    wanted = [word for word in map(plain, words) if word in said]
    return bool(wanted) and any(
        _is_promised(sentence, word) for sentence in _SENTENCE.findall(said) for word in wanted
    )


def _is_promised(sentence: str, word: str, in_clause: bool = False) -> bool:
    place = sentence.find(word)
    if place < 0 or (sentence.endswith("？") and not _OFFER.search(sentence)):
        return False
    start = max(sentence.rfind(mark, 0, place) for mark in "，、：") + 1
    before, after = sentence[:place], _COURTEOUS.sub("", sentence[place + len(word) :])
    if in_clause:
        after = after.partition("，")[0]
    return not (
        _denied_before(sentence[start:], place - start)
        or _CONDITION.match(after)
        or _TAKEN_BACK.search(after)
        or _ONLY_NAMED.search(before)
        or _LATER.search(sentence[:start])
    )


@remembered
def refuses(text: str) -> bool:
    """Whether it refuses something, in so many words or by advising against it."""
    said = _COURTEOUS.sub("", plain(text))
    return refuses_flatly(text) or any(word in said for word in _FILE.lists["advises_against"])


@remembered
def refuses_flatly(text: str) -> bool:
    """Whether it refuses something in so many words."""
    said = _COURTEOUS.sub("", plain(text))
    return any(word in said for word in _FILE.lists["refuses"]) or bool(_NOT_FOUNDED.search(said))


def warns_of(text: str, words: Iterable[str], in_clause: bool = False) -> bool:
    """Whether a sentence (or a clause of one) that has one of the words advises against something."""
    wanted = [plain(word) for word in words]
    pieces = (_CLAUSE if in_clause else _SENTENCE).findall(plain(text))
    return any(refuses(piece) and any(word in piece for word in wanted) for piece in pieces)


def consents(text: str, about: Sequence[str] = ()) -> bool:
    """Whether it consents to something; a courtesy before a question or a condition (没问题，请您提供) does not.

    Args:
        text: what is said.
        about: words of what was wanted; without them 马上给您办理挂失 is help with something else.
    """
    words = _FILE.lists
    soon = [a + b + c for a in words["at_once"] for b in words["for_you"] for c in words["doing"]]
    said, wanted = plain(text), [plain(word) for word in about]
    for word in (word for word in (*words["consents"], *soon) if word in said):
        for sentence in _SENTENCE.findall(said):
            if not _is_promised(sentence, word, in_clause=True):
                continue
            after = sentence.find(word) + len(word)
            goes_on = _CLAUSE.match(sentence, after)
            if word in soon:
                rest = goes_on[0] if goes_on else ""
                if _IS_ALL.fullmatch(rest) or any(each in sentence for each in wanted):
                    return True
            elif not _CONSENT_GOES_ON.match(sentence, after):
                return True
    return False


@remembered
def comforts(text: str) -> bool:
    """Whether it speaks to what the customer feels."""
    return affirms(text, _FILE.lists["comforts"])


@remembered
def _rude(text: str) -> bool:
    return _has(text, "rude")


def is_rude(text: str, more: Sequence[str] = ()) -> bool:
    """Whether it is rude to anybody, or to this customer (``more``)."""
    return _rude(text) or affirms(text, more)


@remembered
def asks_identity(text: str) -> bool:
    """Whether it asks who the customer is."""
    asked = questions_in(text)
    return any(word in asked for word in _FILE.lists["identity"])


@remembered
def says_goodbye(text: str) -> bool:
    """Whether it takes leave, and asks nothing in the same breath."""
    return (bool(_LEAVE.search(plain(text))) or _has(text, "goodbyes")) and not questions_in(text)


@remembered
def sends_elsewhere(text: str) -> bool:
    """Whether it says that somebody else is to be asked."""
    return _has(text, "elsewhere")
