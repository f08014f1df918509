"""How much prompt a model takes, where its backend says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["fits_in_window"]

_LIMITS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")


def fits_in_window(
    lm: Any, generation: Mapping[str, Any], answer: int | None = None
) -> Callable[[Any], bool] | None:
    """A test whether a prompt leaves room for the answer in the model's window; ``None`` where that is not known.

    The window is known for backends with a tokenizer and a length of their own (``hf``, ``vllm``, …). An
    endpoint's is not: lm-eval's API backends hold a made-up ``max_length``, which counts only if they
    tokenise, and then cut, the prompts themselves. Where it is unknown whatever cuts the prompt is the server
    or the harness.

    Args:
        lm: the model.
        generation: the settings of the request, which may say how long an answer is.
        answer: tokens of the answer, where nothing is generated.
    """
    limit, encode = getattr(lm, "max_length", None), getattr(lm, "tok_encode", None)
    if not isinstance(limit, int) or encode is None or getattr(lm, "tokenized_requests", True) is False:
        return None
    if answer is None:
        said = next((generation[key] for key in _LIMITS if generation.get(key)), None)
        answer = int(said if said is not None else getattr(lm, "max_gen_toks", 256))
    room = limit - answer

    def fits(prompt: Any) -> bool:
        if not isinstance(prompt, str):
            return True
        # No tokenizer makes more tokens than bytes, but for a few special ones: most prompts need no count.
        return len(prompt.encode("utf-8", "replace")) + 16 <= room or len(encode(prompt)) <= room

    return fits
