"""A turn in reference context as a request of the harness."""

from __future__ import annotations

from lm_eval.api.instance import Instance

__all__ = ["ANSWER_TURNS", "RANK_OPTIONS", "TurnRequest"]

ANSWER_TURNS = "answer_turns"
"""The request type of turns that are answered in words, and the method of the model class for it."""
RANK_OPTIONS = "rank_options"
"""The request type of options whose log-likelihood is asked for, and the method of the model class for it."""
_OURS = {"generate_until": ANSWER_TURNS, "loglikelihood": RANK_OPTIONS}


class TurnRequest(Instance):  # type: ignore[misc]
    """A turn, or in multiple choice one of its options, as a request of csconv's own type.

    ``method`` of the model is what answers it. ``truncated`` says whether the prompt was longer than the model's
    window; ``None`` where that is not known.
    """

    method: str = "generate_until"
    truncated: bool | None = None

    @classmethod
    def of(cls, instance: Instance) -> TurnRequest:
        """A request of lm-eval's own as one of ours."""
        request = cls(
            _OURS[instance.request_type],
            instance.doc,
            instance.arguments,
            idx=instance.idx,
            metadata=instance.metadata,
        )
        request.method = instance.request_type
        return request
