"""Preferences: which of two saved replies to the same turn a judge preferred, as chosen and rejected answers."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from csc_tasks.chat.journal import read_journal
from csc_tasks.data.conversations import Conversation, Speaker, Utterance
from csc_tasks.errors import ConfigError, DataError
from csc_tasks.judging.config import JudgeConfig, load_config
from csc_tasks.judging.keeper import Known
from csc_tasks.judging.pairwise import Contest, contests
from csc_tasks.metrics.judge.pairs import Outcome, both_orders, outcome_of
from csc_tasks.metrics.judge.rubric import Unit, rubric_for_unit
from csc_tasks.metrics.judge.verdict import Status, Verdict
from csc_tasks.protocol.prompt import Prompt, load_prompt
from csc_tasks.protocol.replies import Reply
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.turns import TurnDoc, gold_strategy
from csc_tasks.results.histories import Histories
from csc_tasks.results.sample_log import SampleLog
from csc_tasks.training.data_card import DataSource
from csc_tasks.training.examples import Example, turn_example

__all__ = ["PreferenceMaterial"]

SAME = "both replies are the same"
SILENT = "one reply is empty"
UNJUDGED = "not judged in both orders"
TIED = "tied: the judge preferred neither"
FLIPPED = "tied: the judge followed the order"
UNREADABLE = "the preferred reply names no strategy"

Place = tuple[str, int | None]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A turn as it was asked: its document, the whole prompt without examples."""

    doc: TurnDoc
    question: str


class PreferenceMaterial:
    """The pairs that a judge decided in both orders, by the conversations that they are of.

    Args:
        runs: two or more results folders, as ``csconv judge --pairwise`` took them.
        judge: the configuration that judged; its key is not needed, for nothing is asked.
        rubric: name or folder; by default the newest for pairs.
        with_reference: whether the judge was shown the gold reply.
        system: the system message of every example, if there is to be one.

    Raises:
        ConfigError: the runs have nothing in common.
        DataError: there are no verdicts of them, or a log is damaged.
        ChatError: the configuration is wrong.
    """

    prompt: Prompt
    tasks: tuple[str, ...]

    def __init__(
        self,
        runs: Sequence[Path],
        judge: Path,
        rubric: str | None = None,
        with_reference: bool = False,
        system: str | None = None,
    ) -> None:
        config: JudgeConfig = load_config(judge)
        found = contests(runs, rubric_for_unit(Unit.PAIR, rubric), config, with_reference)
        self._system = system
        self._names = tuple(contest.task for contest in found)
        self._runs = tuple(dict.fromkeys(model for contest in found for model in contest.logs))
        kinds = (log.kind.value for contest in found for log in contest.logs.values())
        self.tasks = tuple(dict.fromkeys(kinds))
        self._left_out: Counter[str] = Counter()
        self._examples: dict[str, list[Example]] = defaultdict(list)
        self._turns: dict[str, dict[int, TurnDoc]] = defaultdict(dict)
        self._hash = hashlib.sha256()
        prompts = {log.signature.prompt.version for contest in found for log in contest.logs.values()}
        if len(prompts) > 1:
            raise ConfigError(f"the runs were asked under different prompts: {', '.join(sorted(prompts))}")
        self.prompt = load_prompt(*prompts)
        for contest in found:
            self._add(contest)

    @property
    def left_out(self) -> Mapping[str, int]:
        """The pairs that give no example, by reason."""
        return dict(self._left_out)

    def conversations(self) -> Iterator[tuple[str, Conversation]]:
        """Those with at least one pair, as far as the logs have them."""
        for identity, turns in self._turns.items():
            if identity not in self._examples:
                continue
            utterances: list[Utterance] = []
            for _, doc in sorted(turns.items()):
                said = doc["customers"] if "customers" in doc else [doc["customer"]]
                utterances += [Utterance(Speaker.CUSTOMER, None, text) for text in said if text]
                utterances.append(Utterance(Speaker.SUPPORTER, gold_strategy(doc), doc["reference"]))
            topic = next(iter(turns.values()))["topic"]
            yield f"conversation {identity}", Conversation(identity, topic, tuple(utterances))

    def examples(self, conversation: Conversation) -> Iterable[Example]:
        """Those of a conversation."""
        return self._examples[conversation.id]

    def source(self, fingerprint: str) -> DataSource:
        """The tasks and the runs, with the hash of the journals."""
        name = ", ".join(self._names)
        return DataSource(name=name, sha256=self._hash.hexdigest(), fingerprint=fingerprint, runs=self._runs)

    def _add(self, contest: Contest) -> None:
        verdicts = self._verdicts(contest)
        first_log = next(iter(contest.logs.values()))
        kind = first_log.kind
        asked: dict[Place, _Asked] = {}
        replies = {model: dict(self._replies(log, asked)) for model, log in contest.logs.items()}
        for first, second in contest.pairs():
            one, other = contest.side(first), contest.side(second)
            for place in contest.places(first, second):
                if one[place].silent or other[place].silent:
                    self._left_out[SILENT] += 1
                    continue
                if one[place].fields["reply"] == other[place].fields["reply"]:
                    self._left_out[SAME] += 1
                    continue
                keys = (contest.questions.task(s).key for s in both_orders(one[place], other[place]))
                forward, backward = (verdicts.get(key) for key in keys)
                decided = outcome_of(forward, backward) if forward and backward else None
                if decided is None:
                    self._left_out[UNJUDGED] += 1
                    continue
                outcome, flipped = decided
                if outcome is Outcome.TIE:
                    self._left_out[FLIPPED if flipped else TIED] += 1
                    continue
                pair = replies[first][place], replies[second][place]
                self._keep(kind, asked[place], *(pair if outcome is Outcome.WIN else pair[::-1]))

    def _keep(self, kind: TaskKind, asked: _Asked, better: Reply, worse: Reply) -> None:
        if kind.predicts_strategy and better.strategy is None:
            self._left_out[UNREADABLE] += 1  # whoever learns it unlearns the form of an answer
            return
        made = turn_example(
            asked.doc, kind, asked.question, self._answer(kind, asked.doc, better), self._system
        )
        rejected = self._answer(kind, asked.doc, worse)
        strategy = better.strategy if kind.predicts_strategy else gold_strategy(asked.doc)
        self._examples[asked.doc["conversation"]].append(
            replace(made, rejected=rejected, strategies=(strategy,))
        )

    def _answer(self, kind: TaskKind, doc: TurnDoc, reply: Reply) -> str:
        strategy = reply.strategy if kind.predicts_strategy else gold_strategy(doc)
        return self.prompt.target(kind, strategy, reply.text)

    def _replies(self, log: SampleLog, asked: dict[Place, _Asked]) -> Iterator[tuple[Place, Reply]]:
        """The replies of a log by place; what was asked there is put down on the way."""
        said = Histories(log)
        head = self.prompt.head(log.kind)
        for chunk in log.chunks():
            for index, (doc, reply) in enumerate(zip(chunk.docs, chunk.replies, strict=True)):
                place: Place = (doc["conversation"], doc["turn"])
                if place not in asked:
                    try:
                        lines = said.lines(chunk, index)
                    except ValueError as error:
                        raise DataError(f"{log.path}: {error}") from None
                    history = "".join(f"{line}\n" for line in lines)
                    cue = self.prompt.cue(log.kind, gold_strategy(doc))
                    asked[place] = _Asked(doc, head + history + cue)
                    self._turns[doc["conversation"]][doc["turn"]] = doc
                yield place, reply

    def _verdicts(self, contest: Contest) -> dict[str, Verdict]:
        """What the journal of a contest says, by the key of the question."""
        # Both orders of a pair are asked, so that its questions are the same whichever run is named first.
        places = [log.path.with_name(contest.journal_path.name) for log in contest.logs.values()]
        path = next((place for place in places if place.is_file()), None)
        if path is None:
            pattern = f"verdicts_pairwise_{contest.task}_*.jsonl"
            others = sorted({p.name for place in places for p in place.parent.glob(pattern)})
            hint = f"; {', '.join(others)} there is by another judge or rubric" if others else ""
            raise DataError(
                f"{contest.journal_path}: no such file{hint}. `csconv judge --pairwise {' '.join(self._runs)} --config "
                "JUDGE` makes it; --judge, --rubric and --with-reference must say what was said there"
            )
        self._hash.update(path.read_bytes())
        verdicts: dict[str, Verdict] = {}
        for line in read_journal(path):
            with suppress(ValueError, TypeError, AttributeError, KeyError):
                known = Known.of(line, contest.rubric)
                if known.verdict.status is Status.SCORED:
                    verdicts[str(line["key"])] = known.verdict
        return verdicts
