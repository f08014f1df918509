"""Reading lm-eval's sample logs back: turns, replies as they were read, and prompts, a chunk of lines at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from csc_tasks.errors import DataError, first_fault
from csc_tasks.outside import lines_of, parse_json
from csc_tasks.protocol.replies import Reply
from csc_tasks.protocol.scoring import read_replies
from csc_tasks.protocol.signature import BENCHMARK_VERSION, Signature
from csc_tasks.protocol.task_kind import Context, TaskKind
from csc_tasks.protocol.turns import TurnDoc
from csc_tasks.results.file_names import results_beside, task_of_log
from csc_tasks.results.log_file import log_sha256, log_stem, logs_below, open_log_file, plain
from csc_tasks.results.logged_line import LoggedDialogue, LoggedDoc, left_out, require_answer, require_items
from csc_tasks.results.results_file import ResultsFile, TaskRun

__all__ = ["Chunk", "SampleLog", "find_logs", "log_files", "no_logs", "open_log"]

CHUNK = 2000
"""Turns scored at a time."""
MAX_EMPTY = 10_000
"""Empty lines: lm-eval writes none, an editor one or two; 64 MB of them would be counted for half a minute."""
HASHED = ("doc", "prompt", "target")
"""What lm-eval hashes of a sample; over all lines in this order the results file has a hash of the log."""
_KINDS = {kind.value for kind in TaskKind}
_CONTEXTS = {context.value for context in Context}


class _LoggedTurn(NamedTuple):
    doc: TurnDoc
    reply: Reply
    answer: Any
    prompt: Any
    left_out: int = 0
    truncated: bool | None = None
    cut: bool = False


@dataclass
class Chunk:
    """Turns of a log as columns: what :func:`~csc_tasks.protocol.scoring.score_replies` wants.

    ``replies`` are the answers as the run read them; ``answers`` the answers themselves (twelve
    log-likelihoods in multiple choice). ``left_out`` is how many utterances were cut from a turn's history,
    as far as the log says; ``truncated`` whether any were: ``None`` in reference context, and where the log
    does not say. ``cut`` is whether the prompt was longer than the window, in either context, as far as is known.
    ``items`` are what the log says of the metrics that :meth:`SampleLog.chunks` was asked for;
    ``hashes`` lm-eval's three of each line, joined.
    """

    docs: list[TurnDoc] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    prompts: list[Any] = field(default_factory=list)
    left_out: list[int] = field(default_factory=list)
    truncated: list[bool] | None = None
    cut: list[bool] = field(default_factory=list)
    items: dict[str, list[Any]] = field(default_factory=dict)
    hashes: list[str] = field(default_factory=list)

    def without(self, count: int) -> Chunk | None:
        """The chunk without its first ``count`` turns; ``None`` if that is nothing."""
        if count >= len(self.docs):
            return None
        return Chunk(
            self.docs[count:],
            self.replies[count:],
            self.answers[count:],
            self.prompts[count:],
            self.left_out[count:],
            None if self.truncated is None else self.truncated[count:],
            self.cut[count:],
        )

    def add(self, turn: _LoggedTurn) -> None:
        """Add a turn."""
        self.docs.append(turn.doc)
        self.replies.append(turn.reply)
        self.answers.append(turn.answer)
        self.prompts.append(turn.prompt)
        self.left_out.append(turn.left_out)
        self.cut.append(turn.cut)
        if turn.truncated is not None:
            if self.truncated is None:
                self.truncated = []
            self.truncated.append(turn.truncated)


@dataclass(frozen=True, slots=True)
class SampleLog:
    """One ``samples_*.jsonl``, compressed or not, with the results file of its run and what that says of the task."""

    path: Path
    results: ResultsFile
    run: TaskRun

    @property
    def task(self) -> str:
        """The task's name."""
        return self.run.task

    @property
    def signature(self) -> Signature:
        """The task's."""
        return self.run.signature

    @property
    def name(self) -> str:
        """As lm-eval wrote it, without the suffix of a compression: what files made from it call it."""
        return plain(self.path).name

    @property
    def stem(self) -> str:
        """Task and date: what files made from it are called after."""
        return log_stem(self.path)

    @property
    def labelled(self) -> bool:
        """Whether the turns have gold strategies.

        Raises:
            DataError: the log's first line is damaged.
        """
        for where, line in self._lines():
            doc = self._sample(line, where).get("doc")
            if isinstance(doc, dict) and not doc.get("padding"):
                several = doc.get("strategies")
                return bool(doc.get("strategy") or (isinstance(several, list) and any(several)))
        return True

    def _lines(self) -> Iterator[tuple[str, bytes]]:
        """The lines that have something in them, each with words for its place.

        Raises:
            FileNotFoundError: there is no log.
            DataError: it cannot be read.
        """
        number = empty = 0
        try:
            with open_log_file(self.path) as file:
                for number, line in enumerate(lines_of(file), 1):  # for what follows it
                    if line.strip():
                        yield f"{self.path}: line {number}", line
                        continue
                    empty += 1
                    if empty > MAX_EMPTY:
                        raise DataError(f"{self.path}: more than {MAX_EMPTY:,} empty lines, which no log has")
        except FileNotFoundError:
            raise
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read ({error.strerror or error})") from None
        except ValueError as error:
            raise DataError(f"{self.path}: line {number + 1}: {error}") from None

    @property
    def kind(self) -> TaskKind:
        """What was asked."""
        return TaskKind(self.signature.task)

    @property
    def context(self) -> Context:
        """Whose turns stand in the history."""
        return Context(self.signature.context)

    def sha256(self) -> str:
        """Of the log's bytes, uncompressed."""
        return log_sha256(self.path)

    def chunks(self, metrics: Sequence[str] = ()) -> Iterator[Chunk]:
        """The turns in the order of the log, about :data:`CHUNK` at a time.

        Args:
            metrics: names of those whose items are wanted, which the run must have computed.

        Raises:
            DataError: a line is cut off, not from this task, or a turn stands there twice; the message
                names the line.
        """
        chunk = Chunk(items={name: [] for name in metrics})
        seen: dict[str, int] = {}  # by conversation a bit for each turn: ten bytes a turn would add up
        labelled: bool | None = None
        for where, line in self._lines():
            sample = self._sample(line, where)
            chunk.hashes.append("".join(str(sample.get(f"{part}_hash")) for part in HASHED))
            for turn in self._turns(sample, where, chunk.items):
                conversation, bit = turn.doc["conversation"], 1 << turn.doc["turn"]
                before = seen.get(conversation, 0)
                if before & bit:
                    raise DataError(
                        f"{where}: turn {turn.doc['turn']} of conversation {conversation} stands here a second time"
                    )
                seen[conversation] = before | bit
                if labelled not in (None, turn.doc["strategy"] is not None):
                    raise DataError(f"{where}: some turns have a gold strategy and others have none")
                labelled = turn.doc["strategy"] is not None
                chunk.add(turn)
            if len(chunk.docs) >= CHUNK:
                yield chunk
                chunk = Chunk(items={name: [] for name in metrics})
        if not seen:
            raise DataError(f"{self.path}: no turns in it")
        # A chunk of nothing but padding still has hashes.
        if chunk.hashes:
            yield chunk

    def _sample(self, line: bytes, where: str) -> dict[str, Any]:
        try:
            sample = parse_json(line)
        except ValueError as error:
            cut = " (the file was cut off here)" if not line.endswith(b"\n") else ""
            raise DataError(
                f"{where}: not JSON ({error}){cut}; run the evaluation again, or remove the line"
            ) from None
        if not isinstance(sample, dict):
            raise DataError(f"{where}: not a sample of {self.task} as csconv logs it (no object)")
        return sample

    def _turns(
        self, sample: dict[str, Any], where: str, items: dict[str, list[Any]]
    ) -> Iterator[_LoggedTurn]:
        """The turns of a line; what it says of metrics is added to ``items``."""
        try:
            doc = sample["doc"]
            if self.context is Context.GENERATED and doc["padding"]:
                return
            answers: list[Any] = [responses[0] if responses else None for responses in sample["resps"]]
            prompts = [arguments["arg_0"] for arguments in sample["arguments"].values()]
            if self.context is Context.GENERATED:
                dialogue = LoggedDialogue.model_validate(doc)
                found = list(self._of_dialogue(sample, dialogue, answers, prompts))
                columns = {name: sample[name] for name in items}
            else:
                found = [self._of_turn(sample, LoggedDoc.model_validate(doc), answers, prompts)]
                columns = {name: [sample[name]] for name in items}
            for name, column in columns.items():
                require_items(name, column, len(found))
        except ValidationError as error:
            raise DataError(
                f"{where}: not a sample of {self.task} as csconv logs it (doc.{first_fault(error)})"
            ) from None
        except ValueError as error:
            raise DataError(f"{where}: {error}") from None
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            what = f"{type(error).__name__}: {error}"
            raise DataError(f"{where}: not a sample of {self.task} as csconv logs it ({what})") from None
        for name, column in columns.items():
            items[name] += column
        yield from found

    def _of_turn(
        self, sample: dict[str, Any], doc: LoggedDoc, answers: list[Any], prompts: list[Any]
    ) -> _LoggedTurn:
        answer = [pair[0] for pair in answers] if self.kind is TaskKind.STRATEGY_MC else answers[0]
        require_answer(answer, self.kind)
        turn = TurnDoc(
            conversation=doc.conversation,
            topic=doc.topic,
            turn=doc.turn,
            turns=doc.turns,
            customer=doc.customer,
            strategy=doc.strategy,
            reference=doc.reference,
        )
        if doc.customers is not None:
            turn["customers"] = doc.customers
        record = self._record(sample, 0)
        reply = self._reply(record, turn, answer, prompts[0])
        return _LoggedTurn(turn, reply, answer, prompts[0], cut=bool(record.get("truncated")))

    def _record(self, sample: dict[str, Any], index: int) -> dict[str, Any]:
        """What the run made of an answer, as :class:`~csc_tasks.protocol.scoring.TurnRecord` is logged."""
        with suppress(LookupError, TypeError, ValueError):
            logged = sample["filtered_resps"][index]
            # Of an option it comes after its likelihood, as all options have that.
            record = parse_json(logged[-1] if isinstance(logged, list) else logged)
            if isinstance(record, dict):
                return record
        return {}

    def _reply(self, record: dict[str, Any], doc: TurnDoc, answer: Any, prompt: Any) -> Reply:
        with suppress(LookupError, TypeError, ValueError):
            return Reply.of(record)
        # A log that somebody else's filter went over: the answer itself is all there is.
        return read_replies(self.kind, [doc], [answer], [prompt])[0]

    def _of_dialogue(
        self, sample: dict[str, Any], doc: LoggedDialogue, answers: list[Any], prompts: list[Any]
    ) -> Iterator[_LoggedTurn]:
        flags = sample.get("truncated") or [None] * doc.turns
        for index in range(doc.turns):
            turn = TurnDoc(
                conversation=doc.conversation,
                topic=doc.topic,
                turn=index,
                turns=doc.turns,
                customer="",  # the last of the customer's turns, which are logged by themselves
                strategy=doc.strategies[index],
                reference=doc.references[index],
            )
            if doc.customers is not None:
                turn["customers"] = doc.customers[index]
            record, answer, prompt = self._record(sample, index), answers[index], prompts[index]
            require_answer(answer, self.kind)
            cut = left_out(record)
            yield _LoggedTurn(
                turn,
                self._reply(record, turn, answer, prompt),
                answer,
                prompt,
                cut,
                None if flags[index] is None else bool(flags[index]),
                cut > 0,
            )


def find_logs(paths: list[Path]) -> list[SampleLog]:
    """The csconv logs among the given files and folders, each with its results file.

    Raises:
        DataError: no such log, a log without the results file of its run, or from a newer benchmark version.
    """
    logs = [log for log in map(open_log, log_files(paths)) if log is not None]
    if not logs:
        raise no_logs(paths)
    return logs


def no_logs(paths: list[Path]) -> DataError:
    """What to say where there are none."""
    return DataError(
        f"no csconv sample logs in {', '.join(map(str, paths))}; run lm_eval with --log_samples --output_path"
    )


def log_files(paths: list[Path]) -> list[Path]:
    """The sample logs among the given files and folders, each once, of whatever task.

    Raises:
        DataError: a path that does not exist.
    """
    files: dict[Path, Path] = {}
    for path in paths:
        if not path.exists():
            raise DataError(f"{path}: no such file or folder")
        for file in logs_below(path) if path.is_dir() else [path]:
            # Unlike resolve() this bears a link to itself, about which whoever opens it complains.
            files.setdefault(Path(os.path.realpath(plain(file))), file)
    return list(files.values())


def open_log(path: Path) -> SampleLog | None:
    """The log at ``path``; ``None`` if its run says that the task is not one of csconv's.

    Raises:
        DataError: its results file is missing or damaged, or of a newer benchmark version; the message names it.
    """
    task = task_of_log(path)
    results = _results_of(path, task)
    results_path = results.path
    try:
        run = results.run(task)
    except DataError as error:
        raise DataError(f"{results_path}: {error}") from None
    if run is None:
        return None
    if run.signature.benchmark > BENCHMARK_VERSION:
        raise DataError(
            f"{path}: benchmark version {run.signature.benchmark}; this csconv knows versions up to {BENCHMARK_VERSION}"
        )
    if run.signature.task not in _KINDS:
        raise DataError(
            f"{results_path}: task {task}: csconv_signature.task: {run.signature.task!r} is unknown"
        )
    if run.signature.context not in _CONTEXTS:
        raise DataError(
            f"{results_path}: task {task}: csconv_signature.context: {run.signature.context!r} is unknown"
        )
    return SampleLog(path, results, run)


def _results_of(log: Path, task: str) -> ResultsFile:
    """The results file of the run that wrote the log."""
    found = list(results_beside(log))
    for place in found:
        results = ResultsFile.read(place)
        if task in results.tasks:
            return results
    if found:
        raise DataError(f"{found[0]}: not the results file of {log.name}: it has no task {task!r}")
    name = f"results_{log_stem(log).removeprefix(f'{task}_')}.json"
    raise DataError(f"{log}: its run's {name} is not beside it, which says how it was made")
