"""A turn in reference context as a request of the harness."""

from __future__ import annotations

from collections.abc import Sequence

from lm_eval.api.instance import Instance

from csc_tasks.framework import Strategy
from csc_tasks.harness.request_names import ANSWER_TURNS, METHODS, RANK_OPTIONS

__all__ = ["TurnRequest"]

_OURS = {METHODS[ours]: ours for ours in (ANSWER_TURNS, RANK_OPTIONS)}


class TurnRequest(Instance):  # type: ignore[misc]
    """A turn, or in multiple choice one of its options, as a request of csconv's own type.

    ``method`` of the model is what answers it. ``truncated`` says whether the prompt was longer than the model's
    window; ``None`` where that is not known. ``earlier`` are the gold labels of the supporter's turns before.
    """

    method: str = "generate_until"
    truncated: bool | None = None
    earlier: tuple[Strategy | None, ...] = ()

    @classmethod
    def of(cls, instance: Instance, earlier: Sequence[Strategy | None]) -> TurnRequest:
        """A request of lm-eval's own as one of ours."""
        request = cls(
            _OURS[instance.request_type],
            instance.doc,
            instance.arguments,
            idx=instance.idx,
            metadata=instance.metadata,
        )
        request.method = instance.request_type
        request.earlier = tuple(earlier)
        return request
