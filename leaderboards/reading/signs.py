"""What was wrong with a model's replies, in words: the first thing to read beside a low score."""

from __future__ import annotations

from collections.abc import Iterator

from csc_tasks.protocol.reply_counts import models_in_words, signs_in_words
from csc_tasks.results.records import Signs

__all__ = ["notes_on_replies"]


def notes_on_replies(signs: Signs | None) -> Iterator[tuple[str, bool]]:
    """What is wrong with replies, the most frequent first, and whether it belongs beside a score."""
    if signs is None:
        return
    for _, text, serious in signs_in_words(signs.read, signs.counts):
        yield text, serious
    if words := models_in_words(signs.models):
        yield words, True
