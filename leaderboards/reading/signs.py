"""What was wrong with a model's replies, in words: the first thing to read beside a low score."""

from __future__ import annotations

from collections.abc import Iterator

from csc_tasks.protocol.reply_counts import MANY, SIGNS
from csc_tasks.results.records import Signs

__all__ = ["signs_in_words"]


def signs_in_words(signs: Signs | None) -> Iterator[tuple[str, bool]]:
    """Each sign with how many replies have it, the most frequent first, and whether it belongs beside a score.

    That is so from a tenth of the replies on, and with whatever failed: an error is no doing of the model's.
    """
    if signs is None:
        return
    known = [(count, name) for name, count in signs.counts.items() if count and name in SIGNS]
    for count, name in sorted(known, key=lambda entry: -entry[0]):
        serious = name == "failed" or count >= MANY * signs.read
        yield f"{count:,} of {signs.read:,} replies: {SIGNS[name]}", serious
    if len(signs.models) > 1:
        names = ", ".join(f"{model} ({count:,})" for model, count in signs.models.items())
        yield f"the endpoint says that several models answered: {names}", True
