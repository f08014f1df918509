"""How much prompt a model takes, where its backend says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["fits_in_window"]

_LIMITS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")


def _always(_: Any) -> bool:
    return True


def fits_in_window(lm: Any, generation: Mapping[str, Any]) -> Callable[[Any], bool]:
    """A test whether a prompt leaves room for the answer in the model's window.

    The window is known for backends with a tokenizer and a length of their own (``hf``, ``vllm``, …). An
    endpoint's is not: lm-eval's API backends hold a made-up ``max_length``, which counts only if they
    tokenise, and then cut, the prompts themselves. Where it is unknown everything fits, and
    whatever cuts the prompt is the server or the harness.
    """
    limit, encode = getattr(lm, "max_length", None), getattr(lm, "tok_encode", None)
    if not isinstance(limit, int) or encode is None or getattr(lm, "tokenized_requests", True) is False:
        return _always
    answer = next((generation[key] for key in _LIMITS if generation.get(key)), None)
    room = limit - int(answer if answer is not None else getattr(lm, "max_gen_toks", 256))

    def fits(prompt: Any) -> bool:
        if not isinstance(prompt, str):
            return True
        # No tokenizer makes more tokens than bytes, but for a few special ones: most prompts need no count.
        return len(prompt.encode("utf-8", "replace")) + 16 <= room or len(encode(prompt)) <= room

    return fits
