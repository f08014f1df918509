"""csconv: evaluate language models on Chinese customer-support conversations (CSConv) with lm-eval.

What stands in ``__all__`` is the Python API (docs/api.md); each name is loaded when it is first used, so that
importing the package is cheap: no torch, no lm-eval, no numpy, no data.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from csc_tasks._version import __version__

if TYPE_CHECKING:
    from csc_tasks.api.evaluate_modules import metric_module
    from csc_tasks.api.results import Results, compare, gate, load_results
    from csc_tasks.api.scoring import Scores, build_prompt, load_conversations, read_reply, score, turns
    from csc_tasks.data.conversations import Conversation, Speaker, Utterance
    from csc_tasks.errors import CSConvError
    from csc_tasks.framework import Stage, Strategy

__all__ = [
    "CSConvError",
    "Conversation",
    "Results",
    "Scores",
    "Speaker",
    "Stage",
    "Strategy",
    "Utterance",
    "__version__",
    "build_prompt",
    "compare",
    "gate",
    "load_conversations",
    "load_results",
    "metric_module",
    "read_reply",
    "score",
    "turns",
]

_HOMES = {
    **dict.fromkeys(
        ("build_prompt", "load_conversations", "read_reply", "score", "Scores", "turns"), "api.scoring"
    ),
    **dict.fromkeys(("compare", "gate", "load_results", "Results"), "api.results"),
    "metric_module": "api.evaluate_modules",
    **dict.fromkeys(("Conversation", "Speaker", "Utterance"), "data.conversations"),
    "CSConvError": "errors",
    **dict.fromkeys(("Stage", "Strategy"), "framework"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"csc_tasks.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
