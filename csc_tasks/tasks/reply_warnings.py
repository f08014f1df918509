"""What a run says of its replies while somebody is still looking."""

from __future__ import annotations

import logging

from csc_tasks.protocol.reply_counts import MANY, SIGNS, ReplyCounts

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


def warn_of_replies(task: str, counts: ReplyCounts) -> None:
    """Log what was wrong with how many replies: a warning with three of them from a tenth on, a remark below.

    What failed is always a warning, for it is no doing of the model's.
    """
    figures = counts.figures()["signs"]
    total, found, incomplete = figures["read"], figures["counts"], figures["incomplete"]
    if incomplete:
        level = logging.WARNING if incomplete >= MANY * total else logging.INFO
        logger.log(level, "%s: %s of %s replies incomplete", task, f"{incomplete:,}", f"{total:,}")
    for sign, number in found.items():
        serious = number >= MANY * total or sign == "failed"
        text = f"{task}: {number:,} of {total:,} replies: {SIGNS[sign]}"
        if not serious:
            logger.info("%s", text)
            continue
        examples = [example for example in counts.examples.get(sign, ()) if example]
        if sign == "identical":
            examples = [counts.commonest()]
        if examples:
            text += "; for instance " + " · ".join(f"\u201c{example}\u201d" for example in examples)
        if cure := _CURES.get(sign):
            text += f". {cure[0].upper()}{cure[1:]}"
        logger.warning("%s", text)
    if len(figures["models"]) > 1:
        names = ", ".join(f"{name} ({number:,})" for name, number in figures["models"].items())
        logger.warning("%s: the endpoint says that several models answered: %s", task, names)
