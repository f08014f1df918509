"""From the cases that are over to the files of an output folder, in one pass, holding one conversation at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, BinaryIO

from csc_tasks.data.conversations import Conversation, check_record
from csc_tasks.data.files import conversation_writer
from csc_tasks.data.sources import fingerprint
from csc_tasks.data.statistics import record_of
from csc_tasks.errors import DataError
from csc_tasks.outside import json_bytes
from csc_tasks.printable import printable
from csc_tasks.storage import HashedFile, open_whole
from csc_tasks.synthesis.ended import Ended
from csc_tasks.synthesis.output.balance import Balance
from csc_tasks.synthesis.output.card import card
from csc_tasks.synthesis.output.near_duplicates import NearDuplicates, empty_signature, near_duplicates
from csc_tasks.synthesis.output.outputs import ComparedWith, OutputReport, OutputRules, RunFacts
from csc_tasks.synthesis.output.overlap import EvaluationData, Overlap, Shared, evaluation_data
from csc_tasks.synthesis.output.provenance_file import PROVENANCE
from csc_tasks.synthesis.output.quality import Quality
from csc_tasks.synthesis.output.shingles import shingles_of

__all__ = ["CARD", "DATA", "DROPPED", "INFO", "check_rules", "write_outputs"]

DATA, TABLE = "conversations.json", "conversations.parquet"
DROPPED, INFO, CARD = "dropped.jsonl", "info.json", "README.md"
OF_CONVERSATIONS = (DATA, TABLE, PROVENANCE)
"""Files that are not there where there is no conversation."""
FILES = (*OF_CONVERSATIONS, DROPPED, INFO, CARD)
BEYOND = "beyond the balanced beginning"
REPEATED = "near-duplicate of an earlier one"
OVERLAPS = "overlaps with evaluation data"
_REASONS = 60
"""Reasons that are told apart; the pipelines have few."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """The file of conversations, for ``csconv data info``'s figures."""

    path: PurePath
    sha256: str
    fingerprint: str
    labelled: bool = True


def check_rules(rules: OutputRules) -> None:
    """Check before anything is paid for that :func:`write_outputs` will be able to hold conversations to the rules.

    Raises:
        SourceError, DataError: data to compare with that is named cannot be had.
        ConfigError: a package is missing, or ``balance`` is no share.
    """
    empty_signature()
    if rules.balance is not None:
        Balance(rules.balance)
    evaluation_data(rules.against)


def write_outputs(
    folder: Path, ended: Callable[[], Iterator[Ended]], facts: RunFacts, rules: OutputRules
) -> OutputReport:
    """Write the files of a run: all of them, or none where the disk refuses.

    What is written depends on the cases that are over alone, not on the order in which they ended.

    Args:
        folder: where to.
        ended: the cases that are over, in the order of their numbers.
        facts: about the run.
        rules: what the conversations are held to.

    Raises:
        SourceError, DataError: data to compare with that was named cannot be had; the disk refuses.
        ConfigError: a package is missing, or ``balance`` is no share.
    """
    data = evaluation_data(rules.against)
    sorting = _Sorting(Overlap(data), rules)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in (left for name in FILES for left in folder.glob(f".{name}.*")):
            left.unlink()  # by a process that was killed while it wrote
        return _write(folder, ended(), facts, rules, data, sorting)
    except OSError as error:
        raise DataError(
            f"{error.filename or folder}: cannot be written ({error.strerror}); what was there is as it was, and the "
            "same command writes it again from the journals"
        ) from None


def _write(
    folder: Path,
    ended: Iterator[Ended],
    facts: RunFacts,
    rules: OutputRules,
    data: EvaluationData,
    sorting: _Sorting,
) -> OutputReport:
    quality = Quality()
    ids: list[str] = []
    with ExitStack() as stack:
        # No file takes its name before all are written: a full disk leaves them as they were.
        files = {name: stack.enter_context(open_whole(folder / name)) for name in FILES}
        hashed = HashedFile(files[DATA])
        repeats = stack.enter_context(near_duplicates(folder))
        with (
            conversation_writer(hashed, PurePath(DATA).suffix) as write_json,
            conversation_writer(files[TABLE], PurePath(TABLE).suffix) as write_row,
        ):
            for each in ended:
                verdict = sorting.sort(each, repeats)
                line: dict[str, Any] = {"case": each.case, "number": each.number}
                if verdict.like:
                    line["like"] = dict(verdict.like)
                if verdict.reason:
                    line |= {"reason": verdict.reason, "provenance": dict(each.provenance)}
                    _put_line(files[DROPPED], line)
                    continue
                conversation = each.conversation
                assert conversation is not None
                write_json(conversation)
                write_row(conversation)
                line = {"id": conversation.id, **line, "provenance": dict(each.provenance)}
                _put_line(files[PROVENANCE], line)
                quality.add(conversation, each.provenance)
                ids.append(conversation.id)
        figures = quality.figures(data.csconv)
        gone = () if ids else OF_CONVERSATIONS
        report = OutputReport(
            folder,
            tuple(name for name in FILES if name not in gone),
            len(ids),
            sorting.ended,
            facts.unfinished,
            dict(sorting.dropped.most_common()),
            dict(sorting.refused.most_common()),
            sorting.overlapping,
            tuple(ComparedWith(name, len(c.conversations), c.fingerprint) for name, c in data.corpora),
            data.unchecked,
            rules.balance,
            sorting.balanced,
        )
        written = WrittenFile(PurePath(DATA), hashed.sha256 if ids else "", fingerprint(ids))
        info = {
            **record_of(written, figures.statistics),
            "quality": figures.record(),
            "cases": report.record(),
            "run": facts.record(),
            "license": rules.license,
        }
        files[INFO].write(json_bytes(_plain(info), indent=2) + b"\n")
        files[CARD].write(card(facts, figures, report, rules.license).encode())
        for file in files.values():
            file.flush()
    for name in gone:
        (folder / name).unlink()
    return report


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Why a case gives no conversation, '' where it does; and what it is like."""

    reason: str = ""
    like: Mapping[str, Any] | None = None


class _Sorting:
    """Which cases give a conversation; asked about each once, in the order of their numbers."""

    def __init__(self, overlap: Overlap, rules: OutputRules) -> None:
        self.ended = self.overlapping = 0
        self.dropped: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._overlap = overlap
        self._allow_overlap = rules.allow_overlap
        self._balance = Balance(rules.balance) if rules.balance is not None else None
        self._ids: set[str] = set()

    @property
    def balanced(self) -> bool:
        """Whether a balanced beginning came."""
        return self._balance is not None and self._balance.end is not None

    def sort(self, ended: Ended, repeats: NearDuplicates) -> _Verdict:
        """What becomes of a case."""
        self.ended += 1
        beyond = self.balanced
        if self._balance is not None:
            self._balance.add(ended)
        if ended.conversation is None:
            reason = printable(ended.dropped, 160)
            self.dropped[_bounded(reason, self.dropped)] += 1
            return _Verdict(reason)
        verdict = _Verdict(BEYOND) if beyond else self._of(ended.case, ended.conversation, repeats)
        if verdict.reason:
            self.refused[_bounded(verdict.reason, self.refused)] += 1
        return verdict

    def _of(self, case: str, conversation: Conversation, repeats: NearDuplicates) -> _Verdict:
        if defects := check_record(conversation.record()).defects:
            return _Verdict(f"breaks the schema: {defects[0].kind}")
        if not conversation.labelled:
            return _Verdict("breaks the schema: missing-strategy")
        shingles = shingles_of(conversation)
        shared = self._overlap.find(shingles)
        if shared and not self._allow_overlap:
            return _Verdict(OVERLAPS, _like(shared))
        twin = repeats.find(case, shingles)
        if twin:
            return _Verdict(REPEATED, {"case": twin.case, "jaccard": round(twin.jaccard, 4)})
        if conversation.id in self._ids:  # without a letter or a digit, which are all that is compared
            return _Verdict(REPEATED)
        self._ids.add(conversation.id)
        self.overlapping += shared is not None
        return _Verdict("", _like(shared) if shared else None)


def _like(shared: Shared) -> dict[str, Any]:
    return {
        "source": shared.source,
        "conversation": shared.conversation,
        "jaccard": round(shared.jaccard, 4),
        "contained": round(shared.contained, 4),
        "passage": shared.passage,
    }


def _bounded(reason: str, counts: Mapping[str, int]) -> str:
    return reason if reason in counts or len(counts) < _REASONS else "other"


def _put_line(file: BinaryIO, record: Mapping[str, Any]) -> None:
    file.write(json_bytes(_plain(record)) + b"\n")


def _plain(value: Any) -> Any:
    """A JSON value in which no number is one that JSON does not have."""
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return None
    if isinstance(value, Mapping):
        return {("null" if key is None else key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
