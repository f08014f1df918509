"""What a run says of its replies while somebody is still looking."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from csc_tasks.protocol.reply_counts import MANY, ReplyCounts, models_in_words, signs_in_words

__all__ = ["warn_of_replies"]

logger = logging.getLogger(__name__)

_CURES = {
    "failed": "with --use_cache the same command asks for these again",
    "unclosed-thinking": "give the model room (--gen_kwargs max_gen_toks=4096), or, without a chat template, "
    "other stops (--gen_kwargs until=<|endoftext|>)",
    "no-answer": "see the answers in the sample log (--log_samples)",
    "truncated": "a longer window (--model_args max_length=…) or fewer examples",
    "identical": "a chat model wants its template (--apply_chat_template)",
    "prompt_words": "the model copies what it was told",
}


def warn_of_replies(task: str, counts: ReplyCounts, signs: Mapping[str, Any]) -> None:
    """Log what was wrong with how many replies: a warning with three of them, or a remark where they are few.

    Args:
        task: its name.
        counts: for examples.
        signs: of the counts' figures.
    """
    read, incomplete = signs["read"], signs["incomplete"]
    if incomplete:
        level = logging.WARNING if incomplete >= MANY * read else logging.INFO
        logger.log(level, "%s: %s of %s replies incomplete", task, f"{incomplete:,}", f"{read:,}")
    for sign, text, serious in signs_in_words(read, signs["counts"]):
        if not serious:
            logger.info("%s: %s", task, text)
            continue
        examples = [example for example in counts.examples.get(sign, ()) if example]
        if sign == "identical":
            examples = [counts.commonest()]
        if examples:
            text += "; for instance " + " · ".join(f"“{example}”" for example in examples)
        if cure := _CURES.get(sign):
            text += f". {cure[0].upper()}{cure[1:]}"
        logger.warning("%s: %s", task, text)
    if words := models_in_words(signs["models"]):
        logger.warning("%s: %s", task, words)
