"""A verdict: what the judge said about one sample, or why it said nothing that counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

__all__ = ["NO_USAGE", "SILENT", "Status", "Usage", "Value", "Verdict"]

_MOST = 10**12
"""More tokens, attempts or seconds than any request takes."""
SILENT = "silent"
"""Flag of a verdict that was not asked for, because the model under test had not answered."""

Value = int | bool | str
"""A grade from 1 to 5, yes or no, or one of a dimension's options."""


class Status(Enum):
    """What became of a sample. Only :attr:`SCORED` enters a mean; everything else lowers the coverage."""

    SCORED = "scored"
    UNPARSABLE = "unparsable"
    """The judge answered, but not with a verdict of the rubric."""
    REFUSED = "refused"
    """The judge or its content filter declined."""
    FAILED = "failed"
    """No answer: the request failed for good, or every attempt at it."""
    SKIPPED = "skipped"
    """Not asked: the budget was used up, or the run was stopped."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a request; ``estimated`` where the server did not count them."""

    prompt: int = 0
    completion: int = 0
    estimated: bool = False


NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class Verdict:
    """One verdict.

    ``scores`` is empty unless scored; ``reason`` is the judge's own where scored, else why not;
    ``raw`` is the judge's text as it came; ``latency`` in seconds, of the last attempt; ``attempts`` the
    requests that were sent; ``flags`` what is suspicious in the judged text; ``model`` the one that the server
    said it answered with, if it did.
    """

    status: Status
    scores: Mapping[str, Value] = field(default_factory=dict)
    reason: str = ""
    raw: str = ""
    usage: Usage = NO_USAGE
    latency: float = 0.0
    attempts: int = 0
    flags: tuple[str, ...] = ()
    model: str = ""

    def record(self) -> dict[str, Any]:
        """The verdict as a JSON object."""
        return {
            "status": self.status.value,
            "scores": dict(self.scores),
            "reason": self.reason,
            "raw": self.raw,
            "usage": {
                "prompt": self.usage.prompt,
                "completion": self.usage.completion,
                "estimated": self.usage.estimated,
            },
            "latency": round(self.latency, 4),
            "attempts": self.attempts,
            "flags": list(self.flags),
            **({"model": self.model} if self.model else {}),
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Verdict:
        """The verdict of a JSON object; whether its scores are a rubric's, the rubric says.

        Raises:
            ValueError: it is not one.
        """
        try:
            usage, scores, flags = record["usage"], record["scores"], record["flags"]
            if not isinstance(scores, Mapping) or not isinstance(flags, list):
                raise TypeError("scores or flags")
            latency = float(record["latency"])
            if not 0 <= latency < _MOST:
                raise ValueError(f"not a verdict (latency {latency})")
            return cls(
                Status(record["status"]),
                dict(scores),
                str(record["reason"]),
                str(record["raw"]),
                Usage(_count(usage["prompt"]), _count(usage["completion"]), bool(usage["estimated"])),
                latency,
                _count(record["attempts"]),
                tuple(map(str, flags)),
                str(record.get("model", "")),
            )
        except (KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"not a verdict ({type(error).__name__}: {error})") from None


def _count(value: object) -> int:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < _MOST:
        raise TypeError(f"{value!r:.40} is no count")
    return int(value)
