"""The request types of csconv, each with the method of a model class that answers it in the end.

A request type is also the name of the method that csconv adds to lm-eval's model class for it
(:mod:`csc_tasks.generation.request_types`).
"""

from __future__ import annotations

__all__ = ["ANSWER_TURNS", "GENERATE_DIALOGUE", "METHODS", "RANK_OPTIONS"]

GENERATE_DIALOGUE = "generate_dialogue"
"""Turns of a dialogue, each with the model's own answers before it."""
ANSWER_TURNS = "answer_turns"
"""Turns in reference context that are answered in words."""
RANK_OPTIONS = "rank_options"
"""Options whose log-likelihood is asked for."""
METHODS = {
    GENERATE_DIALOGUE: "generate_until",
    ANSWER_TURNS: "generate_until",
    RANK_OPTIONS: "loglikelihood",
}
