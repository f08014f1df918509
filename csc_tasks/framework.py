"""The Customer Support Conversation framework: twelve strategies in five stages, and label reading.

Source: arXiv 2508.04423 (AAAI-26). Numbers and Chinese names are those of the upstream code; the
stage of each strategy is the recommended one, not the only one in which it occurs.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum

from csc_tasks.metrics.stages import NO_STAGE, STAGE_OF

__all__ = ["Stage", "Strategy", "read_strategy"]


class Stage(Enum):
    """One of the five stages of a support conversation; ``number`` runs from 1 to 5."""

    CONNECTING = (1, "Connecting", "建立联系")
    IDENTIFYING = (2, "Identifying", "识别问题")
    EXPLORING = (3, "Exploring", "探索方案")
    RESOLVING = (4, "Resolving", "解决确认")
    MAINTAINING = (5, "Maintaining", "维系关系")

    def __init__(self, number: int, en: str, zh: str) -> None:
        self.number = number
        self.en = en
        self.zh = zh


class Strategy(Enum):
    """One of the twelve supporter strategies.

    ``number`` runs from 1 to 12, ``index`` from 0 to 11, ``letter`` from A to L (the option letters
    of the multiple-choice task); ``stage`` is ``None`` for :attr:`OTHERS` alone.
    """

    GREETING = (1, "GT", "礼貌问候", "Greeting")
    IDENTITY_VERIFICATION = (2, "IV", "确认身份", "Identity Verification")
    RESTATEMENT = (3, "RP", "重述或转述", "Restatement or Paraphrasing")
    PROBLEM_REFINEMENT = (4, "PR", "细化问题", "Problem Refinement")
    EMOTIONAL_MANAGEMENT = (5, "EM", "情感管理", "Emotional Management")
    PROVIDING_SUGGESTIONS = (6, "PS", "提供建议", "Providing Suggestions")
    INFORMATION_DELIVERY = (7, "ID", "信息传达", "Information Delivery")
    RESOLUTION_IMPLEMENTATION = (8, "RI", "解决实施", "Resolution Implementation")
    FEEDBACK_REQUEST = (9, "FR", "反馈请求", "Feedback Request")
    RELATIONSHIP_CONTINUATION = (10, "RC", "关系延续", "Relationship Continuation")
    APPRECIATION_AND_CLOSURE = (11, "AC", "感谢与告别", "Appreciation and Closure")
    OTHERS = (12, "OT", "其它", "Others")

    def __init__(self, number: int, abbreviation: str, zh: str, en: str) -> None:
        self.number = number
        self.abbreviation = abbreviation
        self.zh = zh
        self.en = en
        stage = STAGE_OF[number - 1]
        self.stage = None if stage == NO_STAGE else list(Stage)[stage]

    @property
    def index(self) -> int:
        """Position from 0 to 11, the row and column of every confusion matrix."""
        return self.number - 1

    @property
    def letter(self) -> str:
        """Option letter from A to L."""
        return chr(ord("A") + self.index)

    @classmethod
    def from_index(cls, index: int) -> Strategy:
        """The strategy at ``index`` (0 to 11)."""
        return _BY_NUMBER[index + 1]


_BY_NUMBER = {s.number: s for s in Strategy}


def _key(text: str) -> str:
    """Fold away what never distinguishes two labels: case, spaces, width, joining punctuation."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


# Spellings that published files and models use for the official names.
_ALIASES = {
    "其他": Strategy.OTHERS,
    "身份确认": Strategy.IDENTITY_VERIFICATION,
    "身份核实": Strategy.IDENTITY_VERIFICATION,
    "核实身份": Strategy.IDENTITY_VERIFICATION,
    "重述": Strategy.RESTATEMENT,
    "转述": Strategy.RESTATEMENT,
    "重述与转述": Strategy.RESTATEMENT,
    "问题细化": Strategy.PROBLEM_REFINEMENT,
    "情绪管理": Strategy.EMOTIONAL_MANAGEMENT,
    "感谢和告别": Strategy.APPRECIATION_AND_CLOSURE,
    "restatement": Strategy.RESTATEMENT,
    "paraphrasing": Strategy.RESTATEMENT,
    "other": Strategy.OTHERS,
}
_BY_NAME: dict[str, Strategy] = {
    **{_key(alias): strategy for alias, strategy in _ALIASES.items()},
    **{_key(name): s for s in Strategy for name in (s.zh, s.en, s.abbreviation)},
}

# "策略6 提供建议", "策略 6：提供建议", "Strategy 6", "6. 提供建议", "6"; digits may be full-width (NFKC).
_NUMBERED = re.compile(
    r"(?:(?:客服)?策略|strategy)?\s*[(\[]?\s*(?P<number>1[0-2]|0?[1-9])(?![0-9])\s*[)\]]?\s*[.:、,，。\-\s]*(?P<name>.*)",
    re.IGNORECASE | re.DOTALL,
)
_PREFIX = re.compile(r"^(?:客服)?(?:策略|strategy)(?:名称)?\s*[:：]?\s*", re.IGNORECASE)
_GLOSS = re.compile(r"^(?P<name>[^()（）]+)[(（](?P<gloss>[^()（）]*)[)）]$")


def read_strategy(label: object) -> Strategy | None:
    """Turn a published or model-written label into a :class:`Strategy`, or ``None`` if it names none.

    Read are the Chinese and English names, abbreviations, numbers 1–12 and combinations
    (``策略6 提供建议``, ``策略6: 提供建议``, ``６．提供建议``, ``Providing Suggestions``, ``PS``,
    ``提供建议（PS）``). A number and a name that contradict each other are no label, and neither is a
    list of several strategies. Option letters are not read here: ``A`` means something only in a
    prompt that lists options.
    """
    if isinstance(label, bool) or not isinstance(label, (str, int)):
        return None
    if isinstance(label, int):
        return _BY_NUMBER.get(label)
    text = unicodedata.normalize("NFKC", label).strip().strip("[]【】<>「」『』\"'“”*`#.。:：,，;； ")
    if not text or len(text) > 60:
        return None
    by_name = _BY_NAME.get(_key(text)) or _BY_NAME.get(_key(_PREFIX.sub("", text)))
    if by_name is not None:
        return by_name
    if match := _NUMBERED.fullmatch(text):
        numbered = _BY_NUMBER[int(match["number"])]
        if not _key(match["name"]):
            return numbered
        named = read_strategy(match["name"]) if match["name"] != text else None
        return numbered if named is numbered else None
    if match := _GLOSS.fullmatch(text):
        named, gloss = read_strategy(match["name"]), read_strategy(match["gloss"])
        return named if gloss is None or gloss is named else None
    return None
