"""The twelve strategies as a page shows them: names, stages and what they mean, in both languages."""

from __future__ import annotations

from typing import Any

from csc_tasks.framework import Strategy
from csc_tasks.metrics.strategy_definitions import strategy_definitions

__all__ = ["strategies_on_page"]

_DEFINITIONS = {"zh": "zh-2", "en": "en-1"}


def strategies_on_page() -> list[dict[str, Any]]:
    """Each strategy as a JSON object, in the order of their numbers."""
    meanings = {language: strategy_definitions(version) for language, version in _DEFINITIONS.items()}
    return [
        {
            "zh": s.zh,
            "en": s.en,
            "stage": {"zh": s.stage.zh, "en": s.stage.en} if s.stage else None,
            "meaning": {language: texts[s.index] for language, texts in meanings.items()},
        }
        for s in Strategy
    ]
