"""Reading lm-eval's sample logs back: turns, replies and prompts, a chunk of lines at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from csc_tasks.errors import DataError
from csc_tasks.framework import Strategy
from csc_tasks.protocol.task_kind import Context, TaskKind
from csc_tasks.protocol.signature import BENCHMARK_VERSION
from csc_tasks.protocol.turns import TurnDoc
from csc_tasks.results.log_file import log_sha256, log_stem, logs_below, open_log_file, plain

__all__ = ["Chunk", "SampleLog", "find_logs", "log_files", "no_logs", "open_log"]

CHUNK = 2000
"""Turns scored at a time."""
HASHED = ("doc", "prompt", "target")
"""What lm-eval hashes of a sample; over all lines in this order the results file has a hash of the log."""
_NAMES = {s.zh for s in Strategy}
_OF_RUN = (
    *("config", "n-shot", "versions", "lm_eval_version", "model_name", "git_hash"),
    *("system_instruction_sha", "chat_template_sha", "fewshot_as_multiturn"),
)
"""What a results file says of the run as a whole: by what, how and with what model it was made."""


@dataclass
class Chunk:
    """Turns of a log as columns: what :func:`~csc_tasks.protocol.scoring.score_turns` wants.

    ``truncated`` is ``None`` in reference context, and where the log does not say. ``items`` are what the
    log says of the metrics that :meth:`SampleLog.chunks` was asked for; ``hashes`` lm-eval's three of each
    line, joined.
    """

    docs: list[TurnDoc] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    prompts: list[Any] = field(default_factory=list)
    truncated: list[bool] | None = None
    items: dict[str, list[Any]] = field(default_factory=dict)
    hashes: list[str] = field(default_factory=list)

    def without(self, count: int) -> Chunk | None:
        """The chunk without its first ``count`` turns; ``None`` if that is nothing."""
        if count >= len(self.docs):
            return None
        flags = None if self.truncated is None else self.truncated[count:]
        return Chunk(self.docs[count:], self.answers[count:], self.prompts[count:], flags)


@dataclass(frozen=True, slots=True)
class SampleLog:
    """One ``samples_*.jsonl``, compressed or not, with the results file of its run.

    ``results`` is that file's content; ``signature`` the task's.
    """

    path: Path
    task: str
    results_path: Path
    results: dict[str, Any]
    signature: dict[str, Any]

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
        with open_log_file(self.path) as file:
            for number, line in enumerate(file, 1):
                doc = self._sample(line, f"{self.path}: line {number}").get("doc") if line.strip() else None
                if isinstance(doc, dict) and not doc.get("padding"):
                    return bool(doc.get("strategy") or any(doc.get("strategies") or ()))
        return True

    @property
    def kind(self) -> TaskKind:
        """What was asked."""
        return TaskKind(self.signature["task"])

    @property
    def context(self) -> Context:
        """Whose turns stand in the history."""
        return Context(self.signature["context"])

    def about_the_run(self) -> dict[str, Any]:
        """What a results file made of this log repeats, so that it is known to be of the same model."""
        return {key: self.results[key] for key in _OF_RUN if key in self.results}

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
        with open_log_file(self.path) as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                where = f"{self.path}: line {number}"
                sample = self._sample(line, where)
                chunk.hashes.append("".join(str(sample.get(f"{part}_hash")) for part in HASHED))
                for doc, answer, prompt, truncated in self._turns(sample, where, chunk.items):
                    conversation, bit = doc["conversation"], 1 << doc["turn"]
                    before = seen.get(conversation, 0)
                    if before & bit:
                        raise DataError(
                            f"{where}: turn {doc['turn']} of conversation {conversation} stands here a second time"
                        )
                    seen[conversation] = before | bit
                    chunk.docs.append(doc)
                    chunk.answers.append(answer)
                    chunk.prompts.append(prompt)
                    if truncated is not None:
                        if chunk.truncated is None:
                            chunk.truncated = []
                        chunk.truncated.append(truncated)
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
            sample = json.loads(line)
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
    ) -> Iterator[tuple[TurnDoc, Any, Any, bool | None]]:
        """The turns of a line; what it says of metrics is added to ``items``."""
        try:
            doc = sample["doc"]
            replies: list[Any] = [responses[0] if responses else None for responses in sample["resps"]]
            prompts = [arguments["arg_0"] for arguments in sample["arguments"].values()]
            if self.context is Context.GENERATED:
                if not doc["padding"]:
                    for name, column in items.items():
                        if len(sample[name]) != doc["turns"]:
                            raise KeyError(name)
                        column += sample[name]
                yield from self._of_dialogue(sample, doc, replies, prompts)
                return
            if doc["strategy"] is not None and doc["strategy"] not in _NAMES:
                raise KeyError("strategy")
            answer = [pair[0] for pair in replies] if self.kind is TaskKind.STRATEGY_MC else replies[0]
            turn: TurnDoc = {key: doc[key] for key in TurnDoc.__annotations__}  # type: ignore[assignment]
            for name, column in items.items():
                column.append(sample[name])
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            what = f"{type(error).__name__}: {error}"
            raise DataError(f"{where}: not a sample of {self.task} as csconv logs it ({what})") from None
        yield turn, answer, prompts[0], None

    def _of_dialogue(
        self, sample: dict[str, Any], doc: dict[str, Any], replies: list[Any], prompts: list[Any]
    ) -> Iterator[tuple[TurnDoc, Any, Any, bool | None]]:
        flags = sample.get("truncated") or [None] * doc["turns"]
        if doc["padding"]:
            return
        for index in range(doc["turns"]):
            turn = TurnDoc(
                conversation=doc["conversation"],
                topic=doc["topic"],
                turn=index,
                turns=doc["turns"],
                customer="",  # not logged with a dialogue, and not needed for scoring
                strategy=doc["strategies"][index],
                reference=doc["references"][index],
            )
            yield turn, replies[index], prompts[index], None if flags[index] is None else bool(flags[index])


def find_logs(paths: list[Path]) -> list[SampleLog]:
    """The csconv logs among the given files and folders, each with its results file.

    Raises:
        DataError: no such log, a log without the results file of its run, or from another benchmark version.
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
            files.setdefault(plain(file).resolve(), file)
    return list(files.values())


def open_log(path: Path) -> SampleLog | None:
    """The log at ``path``; ``None`` if its run says that the task is not one of csconv's.

    Raises:
        DataError: its results file is missing or damaged, or of another benchmark version.
    """
    task, _, date = log_stem(path).rpartition("_")
    results_path = path.with_name(f"results_{date}.json")
    try:
        results = json.loads(results_path.read_text(encoding="utf-8"))
        metadata = results["configs"][task].get("metadata") or {}
    except FileNotFoundError:
        raise DataError(
            f"{path}: its run's {results_path.name} is not beside it, which says how it was made"
        ) from None
    except (ValueError, KeyError, OSError) as error:
        raise DataError(
            f"{results_path}: not the results file of {path.name} ({type(error).__name__}: {error})"
        ) from None
    signature = metadata.get("csconv_signature")
    if signature is None:
        return None
    if signature["benchmark"] != BENCHMARK_VERSION:
        raise DataError(
            f"{path}: benchmark version {signature['benchmark']}; this csconv scores version {BENCHMARK_VERSION}"
        )
    return SampleLog(path, task, results_path, results, signature)
