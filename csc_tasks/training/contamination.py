"""A last look at what will be learnt: whether answers of evaluation conversations stand in it, word for word.

``csconv train-data`` compares whole conversations and leaves out what overlaps; files may have been changed or joined
since, and CSConv may have come onto this machine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from csc_tasks.data.conversations import Conversation, Speaker
from csc_tasks.errors import DataError
from csc_tasks.protocol.replies import read_reply
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.synthesis.output.overlap import evaluation_data

__all__ = ["AnswerCheck"]

_LONG = 15
"""Letters and digits that an answer must have: shorter ones are phrases that every agent says."""
_SHARE, _FEWEST = 0.3, 2
"""Of a conversation's long answers, from which on it is in the data."""


class AnswerCheck:
    """Which conversations that models are evaluated on have their answers among those that are learnt."""

    def __init__(self, named: Iterable[tuple[str, Iterable[Conversation]]]) -> None:
        self._owners: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self._sizes: dict[tuple[str, str], int] = defaultdict(int)
        self._found: dict[tuple[str, str], int] = defaultdict(int)
        self._seen: set[str] = set()
        for name, conversations in named:
            for conversation in conversations:
                owner = (name, conversation.id)
                for text in {_key(u.text) for u in conversation.utterances if u.speaker is Speaker.SUPPORTER}:
                    if len(text) >= _LONG:
                        self._owners[text].add(owner)
                        self._sizes[owner] += 1

    @classmethod
    def on_this_machine(cls) -> AnswerCheck:
        """Against csconv_mini and whatever evaluation data is here already; nothing is fetched."""
        data = evaluation_data(training_half=False)
        return cls((name, corpus.conversations) for name, corpus in data.corpora)

    def take(self, answers: Iterable[str]) -> None:
        """Look at answers, with or without the strategy before them."""
        for answer in answers:
            key = _key(read_reply(answer, TaskKind.RESPONSE).text or answer)
            if key in self._owners and key not in self._seen:
                self._seen.add(key)
                for owner in self._owners[key]:
                    self._found[owner] += 1

    def require_clean(self, folder: Path) -> None:
        """Refuse the data if it has evaluation conversations in it.

        Raises:
            DataError: it has; the message names them.
        """
        known = sorted(
            owner
            for owner, count in self._found.items()
            if count >= _FEWEST and count >= _SHARE * self._sizes[owner]
        )
        if known:
            name, conversation = known[0]
            more = f" and {len(known) - 1:,} more conversations" if len(known) > 1 else ""
            raise DataError(
                f"{folder}: has answers of {name} {conversation}{more} in it, word for word: a model that has learnt "
                "what it is evaluated on has scores that mean nothing; make the data anew from training conversations "
                "alone, with csconv train-data"
            )


def _key(text: str) -> str:
    """Letters and digits alone."""
    return "".join(filter(str.isalnum, text))
