"""Several runs become one: their journals side by side, their cases numbered anew, files and card of all of them."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from csc_tasks.chat.exclusive import one_at_a_time
from csc_tasks.chat.journal import FORMAT
from csc_tasks.errors import ChatError, DataError
from csc_tasks.outside import json_bytes, lines_of, open_regular, parse_json, read_file
from csc_tasks.synthesis.ended import Ended
from csc_tasks.synthesis.facts import asked_in
from csc_tasks.synthesis.journal import JOURNALS, Index, ended_in, head_of, index_of
from csc_tasks.synthesis.output.export import INFO, write_outputs
from csc_tasks.synthesis.output.outputs import OutputReport, OutputRules, RunFacts
from csc_tasks.synthesis.output.run_facts import facts_of

__all__ = ["MergeReport", "merge_runs"]


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What came of it.

    Attributes:
        twice: cases that are over in several folders, and came to the same.
        differing: those that came to something else; the folder named first counts.
        outputs: what was written.
    """

    twice: int
    differing: int
    outputs: OutputReport

    def lines(self) -> list[str]:
        """For a terminal, each fit for it."""
        said = []
        if self.twice:
            said.append(f"{self.twice:,} cases are over in several folders, all to the same end: taken once")
        if self.differing:
            said.append(
                f"{self.differing:,} cases came to something else in several folders: the one named first counts"
            )
        said += replace(self.outputs, unfinished=0).lines()
        if self.outputs.unfinished:
            said.append(
                f"{self.outputs.unfinished:,} cases are not over: what began them goes on with them in "
                "their own folders, which can then be merged again"
            )
        return said


def merge_runs(folders: Sequence[Path], out: Path, rules: OutputRules) -> MergeReport:
    """Put runs together in a new folder, which is there as a whole or not at all; the old ones stay as they are.

    A case that is over in any folder is over; where it is in several, the folder named first counts. Cases are numbered
    by folder and then by their number there. Journals are copied with their answers, so that what was paid for is
    counted, and the new folder can be merged again.

    Raises:
        DataError: a folder has no journals, is named twice, or one of them cannot be read; ``out`` exists.
        SourceError, ConfigError, ChatError: as of writing the files, and of journals.
    """
    _require_sound(folders, out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise DataError(f"{out}: cannot be made ({error.strerror})") from None
    try:
        with ExitStack() as stack:
            for folder in sorted(folders, key=Path.resolve):
                with suppress(ChatError):  # a folder that nobody can write to
                    waiting = f"another csconv is writing to {folder}; waiting for it"
                    stack.enter_context(one_at_a_time(folder / ".lock", waiting))
            report = _merge(folders, new, rules)
        if out.is_dir():
            out.rmdir()  # empty
        new.chmod(0o755)
        new.rename(out)
    except OSError as error:
        raise DataError(f"{error.filename or out}: {error.strerror}; nothing was changed") from None
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return replace(report, outputs=replace(report.outputs, folder=out))


def _require_sound(folders: Sequence[Path], out: Path) -> None:
    seen: set[Path] = set()
    for folder in folders:
        if not (folder / JOURNALS).is_dir():
            raise DataError(
                f"{folder}: not the output folder of `csconv synthesize`: it has no folder {JOURNALS}"
            )
        if folder.resolve() in seen:
            raise DataError(f"{folder}: named twice")
        seen.add(folder.resolve())
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise DataError(f"{out}: exists; name a new folder with --out")
    if any(out.resolve().is_relative_to(folder) for folder in seen):
        raise DataError(f"{out}: lies within a folder that is to be merged; name another one with --out")


def _merge(folders: Sequence[Path], new: Path, rules: OutputRules) -> MergeReport:
    copies = _Copies(new)
    runs: dict[str, RunFacts] = {}
    for number, folder in enumerate(folders, start=1):
        index = index_of(folder)
        facts = _facts(folder, index)
        name = folder.resolve().name
        named = {name: facts} if not facts.merged else {f"{name}/{run}": f for run, f in facts.merged.items()}
        for each, of_run in named.items():
            runs[each if each not in runs else f"{each} ({number})"] = of_run
        copies.add(folder, index, number)
    copies.begin_with({"kind": "merge", "runs": {name: _head(run) for name, run in runs.items()}})
    report = write_outputs(new, lambda: ended_in(new), _together(runs), rules)
    return MergeReport(copies.twice, copies.differing, report)


class _Copies:
    """The journals of the new folder."""

    def __init__(self, new: Path) -> None:
        self.twice = self.differing = 0
        self._folder = new / JOURNALS
        self._folder.mkdir()
        self._next = 0
        self._taken: dict[str, bytes] = {}

    def begin_with(self, head: Mapping[str, Any]) -> None:
        """Write what the run is, into the journal that is read first: no pipeline goes on with it."""
        (self._folder / "0000_merge.jsonl").write_bytes(json_bytes({"format": FORMAT, "run": head}) + b"\n")

    def add(self, folder: Path, index: Index, number: int) -> None:
        """Copy a folder's journals; cases that are over get the next numbers."""
        new_numbers: dict[tuple[Path, int], int] = {}
        for each in ended_in(folder, index):
            if each.case not in self._taken:
                self._taken[each.case] = _digest(each)
                place = index.places[each.case]
                new_numbers[place.path, place.offset] = self._next
                self._next += 1
            elif self._taken[each.case] == _digest(each):
                self.twice += 1
            else:
                self.differing += 1
        for count, path in enumerate(sorted((folder / JOURNALS).glob("*.jsonl"))):
            with (
                open_regular(path) as file,
                (self._folder / f"{number:04}_{count:04}.jsonl").open("xb") as copy,
            ):
                _copy(file, copy, {at: new for (of, at), new in new_numbers.items() if of == path})


def _copy(file: BinaryIO, copy: BinaryIO, new_numbers: Mapping[int, int]) -> None:
    """The lines of a journal, those at these offsets with other numbers. Of two that end a case the first is read."""
    offset = 0
    for line in lines_of(file):
        if offset in new_numbers:
            ended = parse_json(line)["ended"]
            line_of_it = json_bytes({"format": FORMAT, "ended": {**ended, "number": new_numbers[offset]}})
        else:
            line_of_it = line.rstrip(b"\n")
        copy.write(line_of_it + b"\n")
        offset += len(line)


def _digest(ended: Ended) -> bytes:
    """What a case came to: the conversation, or why there is none."""
    return (ended.conversation.id if ended.conversation else f"dropped: {ended.dropped}").encode(
        "utf-8", "replace"
    )


def _facts(folder: Path, index: Index) -> RunFacts:
    """What is known of a run: its journals, and what it wrote last where it got that far."""
    written = None
    with suppress(OSError, ValueError, KeyError, TypeError):  # it was stopped before it wrote anything
        written = RunFacts.of(parse_json(read_file(folder / INFO))["run"])
    if written and written.merged:
        return written
    sums = asked_in(folder, index)
    return facts_of(
        head_of(folder) or {},
        sums,
        currency=next(iter(written.cost), "") if written else "",
        source=written.source if written else "",
        unfinished=max(sums.begun, written.unfinished if written else 0),
        redacted=written.redacted if written else None,
    )


def _head(facts: RunFacts) -> dict[str, Any]:
    """What a run's journals begin with."""
    return {"kind": facts.kind, "seed": facts.seed, "prompts": facts.prompts, **facts.signature}


def _together(runs: Mapping[str, RunFacts]) -> RunFacts:
    """The sums of several runs."""
    requests, prompt_tokens, answer_tokens = (Counter[str]() for _ in range(3))
    models: dict[str, Counter[str]] = {}
    rejected: dict[str, Counter[str]] = {}
    cost: dict[str, float] = {}
    redacted: Counter[str] | None = None
    for run in runs.values():
        requests.update(run.requests)
        prompt_tokens.update(run.prompt_tokens)
        answer_tokens.update(run.answer_tokens)
        for role, of_role in run.models.items():
            models.setdefault(role, Counter()).update(of_role)
        for role, reasons in run.not_usable.items():
            rejected.setdefault(role, Counter()).update(reasons)
        for unit, amount in run.cost.items():
            cost[unit] = cost.get(unit, 0.0) + amount
        if run.redacted is not None:
            redacted = (redacted or Counter()) + Counter(run.redacted)
    return RunFacts(
        kind="merge",
        signature={},
        prompts="",
        seed=None,
        scripted=all(run.scripted for run in runs.values()),
        unfinished=sum(run.unfinished for run in runs.values()),
        models=models,
        requests=requests,
        prompt_tokens=prompt_tokens,
        answer_tokens=answer_tokens,
        not_usable=rejected,
        cost=cost if all(run.cost or run.scripted or not run.requests for run in runs.values()) else {},
        redacted=redacted,
        merged=runs,
    )
