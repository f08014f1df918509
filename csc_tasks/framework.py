"""The Customer Support Conversation framework: twelve strategies in five stages.

Source: arXiv 2508.04423 (AAAI-26). Numbers and Chinese names are those of the upstream code; the
stage of each strategy is the recommended one, not the only one in which it occurs.
"""

from __future__ import annotations

from enum import Enum

from csc_tasks.metrics.stages import NO_STAGE, STAGE_OF

__all__ = ["Stage", "Strategy"]


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

    @classmethod
    def from_name(cls, zh: str) -> Strategy:
        """The strategy of this official Chinese name, as files have it; ``KeyError`` for any other text."""
        return _BY_NAME[zh]


_BY_NUMBER = {s.number: s for s in Strategy}
_BY_NAME = {s.zh: s for s in Strategy}
