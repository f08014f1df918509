"""What a case came to, as it stands in a journal: one JSON object, written once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from csc_tasks.data.conversations import Conversation, check_record

__all__ = ["Ended"]


@dataclass(frozen=True, slots=True)
class Ended:
    """A case that is over.

    Attributes:
        case: its id.
        number: its place in the run, from 0.
        conversation: what was made; ``None`` where the case was dropped.
        dropped: why, in one of few short kinds; empty for a conversation.
        provenance: how it came about, as JSON values: what the pipeline says (profile, topic, scenario, goal, marks,
            how it ended, each utterance's direction) and what the engine adds (``models``, ``prompts``, ``seed``,
            ``cost``, ``requests``: of each its role, request id, tokens, and how many answers were not usable).
    """

    case: str
    number: int
    conversation: Conversation | None
    dropped: str
    provenance: Mapping[str, Any]

    def record(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "case": self.case,
            "number": self.number,
            "dropped": self.dropped,
            "conversation": self.conversation.record() if self.conversation else None,
            "provenance": dict(self.provenance),
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Ended:
        """Read one.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        raw = record["conversation"]
        conversation = check_record(raw).conversation if raw is not None else None
        if (conversation is None) is not bool(record["dropped"]):
            raise ValueError("neither a conversation nor a reason why there is none")
        case, number, dropped = record["case"], record["number"], record["dropped"]
        if not isinstance(case, str) or not isinstance(number, int) or not isinstance(dropped, str):
            raise TypeError("case, number or dropped")
        return cls(case, number, conversation, dropped, dict(record["provenance"]))
