"""Reading lm-eval's sample logs back: turns, replies as they were read, and prompts, a chunk of lines at a time."""

from __future__ import annotations

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
from csc_tasks.protocol.signature import Signature
from csc_tasks.protocol.task_kind import Context, TaskKind, units_of
from csc_tasks.protocol.turns import TurnDoc
from csc_tasks.results.log_file import log_sha256, log_stem, open_log_file, plain
from csc_tasks.results.logged_line import (
    LoggedCard,
    LoggedDialogue,
    LoggedDoc,
    left_out,
    require_answer,
    require_items,
)
from csc_tasks.results.results_file import ResultsFile, TaskRun
from csc_tasks.results.role_play_log import LoggedRolePlay, role_plays_in

__all__ = ["Chunk", "SampleLog"]

CHUNK = 2000
"""Turns scored at a time."""
MAX_EMPTY = 10_000
"""Empty lines: lm-eval writes none, an editor one or two; 64 MB of them would be counted for half a minute."""
HASHED = ("doc", "prompt", "target")
"""What lm-eval hashes of a sample; over all lines in this order the results file has a hash of the log."""


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
                    what = f"turn {turn.doc['turn']} of conversation"
                    if self.context is Context.ROLE_PLAY:
                        what = f"trial {turn.doc['turn'] + 1} of card"
                    raise DataError(f"{where}: {what} {conversation} stands here a second time")
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
            if self.context is not Context.REFERENCE and doc["padding"]:
                return
            answers: list[Any] = [responses[0] if responses else None for responses in sample["resps"]]
            prompts = [arguments["arg_0"] for arguments in sample["arguments"].values()]
            if self.context is Context.ROLE_PLAY:
                found = self._of_card(sample, answers, prompts)
                columns = {name: sample[name] for name in items}
            elif self.context is Context.GENERATED:
                dialogue = LoggedDialogue.model_validate(doc)
                found = list(self._of_dialogue(sample, dialogue, answers, prompts))
                columns = {name: sample[name] for name in items}
            else:
                found = [self._of_turn(sample, LoggedDoc.model_validate(doc), answers, prompts)]
                columns = {name: [sample[name]] for name in items}
            of = units_of(f"/{self.context}").turns
            for name, column in columns.items():
                require_items(name, column, len(found), of)
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

    def _of_card(self, sample: dict[str, Any], answers: list[Any], prompts: list[Any]) -> list[_LoggedTurn]:
        """Each role-play of a card's line as if it were a turn: it is what scores are of. Its reply is the first."""
        found = []
        for played in self._role_plays(sample):
            turn = TurnDoc(
                conversation=played.card,
                topic=played.topic,
                turn=played.trial,
                turns=LoggedCard.model_validate(sample["doc"]).trials,
                customer="",
                strategy=None,
                reference="",
            )
            reply = Reply.of(played.turns[0][0])
            found.append(_LoggedTurn(turn, reply, answers[0], prompts[0]))
        return found

    def _role_plays(self, sample: dict[str, Any]) -> Iterator[LoggedRolePlay]:
        doc = LoggedCard.model_validate(sample["doc"])
        records = [self._record(sample, index) for index in range(len(sample["filtered_resps"]))]
        return role_plays_in(doc.conversation, doc.topic, doc.trials, records)

    def role_plays(self) -> Iterator[LoggedRolePlay]:
        """The role-plays of a log of that context, whole, in its order.

        Raises:
            DataError: a line is damaged; the message names it.
        """
        for where, line in self._lines():
            sample = self._sample(line, where)
            try:
                if not sample["doc"]["padding"]:
                    yield from self._role_plays(sample)
            except ValidationError as error:
                raise DataError(
                    f"{where}: not a role-play as csconv logs it ({first_fault(error)})"
                ) from None
            except (ValueError, LookupError, TypeError) as error:
                raise DataError(f"{where}: not a role-play as csconv logs it ({error})") from None

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
