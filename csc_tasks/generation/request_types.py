"""The request types of csconv: the one thing that it adds to lm-eval's model class.

Why touch that class at all: the evaluator collects all requests before any is answered, and the prompt of a later
turn of a dialogue contains the answers to the earlier ones. But the evaluator answers requests of type T by
calling ``getattr(lm, T)(requests)``, so a method on the base class is enough, for every backend, because it only
calls the backend's own ``generate_until`` or ``loglikelihood``. It is also the one place before generation where
the model is at hand.
"""

from __future__ import annotations

from lm_eval.api.model import LM

from csc_tasks.generation.rounds import generate_dialogue
from csc_tasks.generation.turns import answer_turns, rank_options
from csc_tasks.harness.request_names import ANSWER_TURNS, GENERATE_DIALOGUE, RANK_OPTIONS

__all__ = ["install"]


def install() -> None:
    """Give every model class of the harness our methods; a subclass with its own keeps that."""
    setattr(LM, GENERATE_DIALOGUE, generate_dialogue)
    setattr(LM, ANSWER_TURNS, answer_turns)
    setattr(LM, RANK_OPTIONS, rank_options)
