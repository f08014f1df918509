"""The formats of training data: who reads the files, and what one example is made of."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["DataFormat", "ExampleUnit"]


class DataFormat(StrEnum):
    """Who reads the files, and how."""

    PROMPT_COMPLETION = "prompt-completion"
    """TRL: ``{"prompt": [user message], "completion": [assistant message]}``, one a turn."""
    MESSAGES = "messages"
    """TRL: ``{"messages": [user, assistant, user, …]}``, one a conversation."""
    LLAMAFACTORY = "llamafactory"
    """LLaMA-Factory: ``{"conversations": [{"from": "human", "value": …}, …]}`` and ``dataset_info.json``."""
    SWIFT = "swift"
    """ms-swift: ``{"messages": […]}`` and nothing else."""
    PREFERENCE = "preference"
    """TRL's DPO: ``{"prompt": [user message], "chosen": [assistant message], "rejected": [assistant message]}``."""


class ExampleUnit(StrEnum):
    """What one example is made of."""

    TURN = "turn"
    CONVERSATION = "conversation"
