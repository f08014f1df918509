"""What the two roles of a model customer are told: versioned texts, filled from what each may see."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from csc_tasks.chat.messages import Message
from csc_tasks.roleplay.asking.prompts import Framed, PromptTexts, read_texts
from csc_tasks.roleplay.model_customer.information import CUSTOMER_SEES, CaseItem, CustomerRole, shown_to
from csc_tasks.roleplay.rules import plain
from csc_tasks.roleplay.wordings import Wordings, wordings_of

__all__ = ["CUSTOMER_PROMPT", "CustomerPrompts", "load_customer_prompts"]

CUSTOMER_PROMPT = "customer-zh-1"
"""The version in use."""
_COPIED = 9
"""Characters of a prompt that nobody says by chance."""
_SLOT = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class CustomerPrompts:
    """One version.

    Attributes:
        version: its name. ``sha256``: 16 digits, over every text.
        folder: what the roles are sent.
        leaves: said to whoever takes leave twice.
        moods: how each from 1 to 5 is put. ``endings``: what the customer is told of how far the call is.
    """

    version: str
    sha256: str
    folder: PromptTexts
    leaves: tuple[Wordings, ...]
    lines: Mapping[str, str]
    moods: Mapping[int, str]
    endings: Mapping[str, str]

    def messages(self, role: CustomerRole, everything: Mapping[CaseItem, Framed]) -> tuple[Message, ...]:
        """What a role is sent, filled from what it may see of everything that is known."""
        return self.folder.filled(role, shown_to(role, everything))

    def copied_in(self, text: str) -> bool:
        """Whether it has a mark, or nine characters, of what the customer is told in these words in every case."""
        said = plain(text)
        own = _own_pieces(self.version)
        if any(mark in said for mark in _own_marks(self.version)):
            return True
        return any(said[at : at + _COPIED] in own for at in range(len(said) - _COPIED + 1))

    def line(self, which: str, /, **values: object) -> str:
        """How something that is known is put."""
        return _SLOT.sub(lambda slot: str(values[slot[1]]), self.lines[which])


@cache
def _own_pieces(version: str) -> frozenset[str]:
    prompts = load_customer_prompts(version)
    texts = [*prompts.folder.texts[CustomerRole.CUSTOMER], *prompts.endings.values()]
    lines = [plain(line) for text in texts for line in text.splitlines() if "{" not in line]
    return frozenset(line[at : at + _COPIED] for line in lines for at in range(len(line) - _COPIED + 1))


@cache
def _own_marks(version: str) -> frozenset[str]:
    """情境开始 and the like."""
    texts = load_customer_prompts(version).folder.texts[CustomerRole.CUSTOMER]
    return frozenset(plain(mark) for text in texts for mark in re.findall(r"<<<([^<>]{1,40})>>>", text))


@cache
def load_customer_prompts(version: str = CUSTOMER_PROMPT) -> CustomerPrompts:
    """Read a version.

    Raises:
        ConfigError: there is none of that name.
    """
    folder = read_texts("csc_tasks.roleplay", version, tuple(CustomerRole), CUSTOMER_SEES)
    head = folder.head
    return CustomerPrompts(
        folder.version,
        folder.sha256(json.dumps(head, ensure_ascii=False, sort_keys=True)),
        folder,
        tuple(wordings_of(text) for text in head["leaves"]),
        head["lines"],
        {int(mood): text for mood, text in head["moods"].items()},
        head["endings"],
    )
