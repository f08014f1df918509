"""What examples are made of: the conversations of a source, read anew as often as they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from csc_tasks.data.conversations import MISSING_STRATEGY, Conversation, Defect, check_record
from csc_tasks.data.files import BrokenRecord, Located
from csc_tasks.data.sources import is_csconv_file, path_of, shown_name
from csc_tasks.data.splits import Split
from csc_tasks.data.streaming import each_record
from csc_tasks.errors import DataError
from csc_tasks.protocol.prompt import Prompt
from csc_tasks.storage import file_sha256
from csc_tasks.training.data_card import DataSource
from csc_tasks.training.examples import Example, ExampleMaker

__all__ = ["ConversationMaterial", "Material", "refuse_csconv"]


class Material(Protocol):
    """Conversations, and what examples each gives."""

    prompt: Prompt
    tasks: tuple[str, ...]

    @property
    def left_out(self) -> Mapping[str, int]:
        """What gives no example, by reason."""

    def conversations(self) -> Iterator[tuple[str, Conversation]]:
        """Each with its place in the source, in the same order every time.

        Raises:
            DataError: the source cannot be read, or one is broken.
        """

    def examples(self, conversation: Conversation) -> Iterable[Example]:
        """Those of a conversation."""

    def source(self, fingerprint: str) -> DataSource:
        """Where they come from, with the fingerprint of all of them."""


class ConversationMaterial:
    """A file of labelled conversations, of which one is held at a time.

    Args:
        name: ``hub``, ``modelscope``, ``mini``, which stand for their training halves, or a path.
        prompt: the texts of the examples.
        maker: of the examples.
        tasks: what they ask, for the card.

    Raises:
        SourceError: it cannot be had.
        DataError: it cannot be read.
    """

    def __init__(self, name: str, prompt: Prompt, maker: ExampleMaker, tasks: tuple[str, ...]) -> None:
        self.prompt = prompt
        self.tasks = tasks
        self.left_out: Mapping[str, int] = {}
        self._maker = maker
        self._path = path_of(name, Split.TRAINING)
        self._name = shown_name(name, self._path)
        try:
            self._sha256 = file_sha256(self._path) if self._path.is_file() else ""
        except OSError as error:
            raise DataError(f"{self._path}: cannot be read ({error.strerror})") from None

    def conversations(self) -> Iterator[tuple[str, Conversation]]:
        """See :meth:`Material.conversations`; the first fatal defect is told when all have been counted."""
        faults = _Faults()
        labelled = False
        unlabelled: list[str] = []
        for where, record in each_record(self._path):
            conversation, defects = _checked(record)
            if conversation is None:
                faults.add(where, [d for d in defects if d.fatal])
            elif not conversation.labelled:
                unlabelled.append(where)
            else:
                labelled = True
                if not faults.count and not unlabelled:
                    yield where, conversation
        if unlabelled and not labelled and not faults.count:
            raise DataError(
                f"{self._path}: no 客服 utterance has a strategy, and examples teach to name one; label the "
                "conversations first (docs/own-data.md), or make them with `csconv synthesize`"
            )
        for where in unlabelled:
            faults.add(where, [Defect("", "missing-strategy", MISSING_STRATEGY)])
        faults.refuse(self._path)

    def examples(self, conversation: Conversation) -> Iterable[Example]:
        """Those of a conversation."""
        return self._maker.of(conversation)

    def source(self, fingerprint: str) -> DataSource:
        """The file."""
        return DataSource(name=self._name, sha256=self._sha256, fingerprint=fingerprint)


def _checked(record: object) -> tuple[Conversation | None, list[Defect]]:
    if isinstance(record, BrokenRecord):
        return None, [Defect(record.within.removeprefix(", "), record.kind, record.message)]
    return check_record(record)


class _Faults:
    """The first fault of a file, and how many there are."""

    def __init__(self) -> None:
        self.count = 0
        self._first = ""

    def add(self, where: str, defects: list[Defect]) -> None:
        if not self.count and defects:
            glue = "." if where.startswith("[") else ", "
            place = defects[0].place
            self._first = str(Located(where + (glue + place if place else ""), defects[0]))
        self.count += len(defects)

    def refuse(self, path: Path) -> None:
        if self.count:
            more = f" ({self.count - 1:,} more)" if self.count > 1 else ""
            raise DataError(
                f"{path}: {self._first}{more}. `csconv data validate {path}` lists every defect; nothing was written"
            )


def refuse_csconv(name: str, sha256: str, size: tuple[int, int, int]) -> None:
    """Refuse the conversations of CSConv.

    Args:
        name: of the source, for the message.
        sha256: of its bytes.
        size: conversations, utterances and supporter turns.

    Raises:
        DataError: these are they, by the hash or by the published numbers.
    """
    if is_csconv_file(sha256, size):
        raise DataError(
            f"{name}: this is CSConv, which models are evaluated on: a model that was trained on it has no score. "
            "Train on RoleCS (hub or modelscope), or on conversations of your own"
        )
