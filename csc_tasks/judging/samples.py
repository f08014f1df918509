"""From a sample log to what a judge is shown: a turn and the conversation before it, or a whole dialogue."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from csc_tasks.data.conversations import Speaker, Utterance
from csc_tasks.data.sampling import digest, stratified
from csc_tasks.errors import DataError
from csc_tasks.metrics.judge.rubric import Rubric, Unit
from csc_tasks.metrics.judge.sample import Sample
from csc_tasks.protocol.prompt import Prompt, load_prompt
from csc_tasks.protocol.replies import Reply
from csc_tasks.protocol.task_kind import Context, TaskKind
from csc_tasks.protocol.turns import TurnDoc, gold_answer, gold_strategy
from csc_tasks.results.histories import Histories
from csc_tasks.results.role_play_log import LoggedRolePlay, name_of
from csc_tasks.results.sample_log import SampleLog

__all__ = ["AnsweredTurn", "choose_sample", "samples_of_log", "samples_of_turns", "strata_of_log"]

Judged = tuple[str, int | None]
"""Conversation and turn of what is judged; a dialogue has no turn."""
START = "（对话刚开始，此前没有人说话）"
NO_LABEL = "（没有标明策略）"
NOTHING = "（没有说话）"


class AnsweredTurn(NamedTuple):
    """A turn with what a judge is shown of it.

    ``customers`` are the customer's utterances since the supporter's last turn; ``history`` is all that was said
    before, one utterance a line.
    """

    doc: TurnDoc
    reply: Reply
    customers: Sequence[str]
    history: Sequence[str]


def strata_of_log(log: SampleLog, unit: Unit) -> Iterator[tuple[tuple[str, int | None], str]]:
    """What of a log can be judged, each with its stratum: topic and gold strategy, or the topic of a dialogue."""
    if log.context is Context.ROLE_PLAY:
        yield from (((name_of(p.card, p.trial), None), p.topic) for p in log.role_plays())
        return
    for chunk in log.chunks():
        for doc in chunk.docs:
            if unit is not Unit.DIALOGUE:
                yield (doc["conversation"], doc["turn"]), f"{doc['topic']}/{doc['strategy'] or ''}"
            elif doc["turn"] == 0:
                yield (doc["conversation"], None), doc["topic"]


def choose_sample(units: Sequence[tuple[Judged, str]], size: int, seed: int = 0) -> set[Judged]:
    """The stratified sample of what can be judged: each strategy its share, and of a strategy each topic its share.

    Strata are told apart only where two units of each are to be had on average. Of more of them most would get no unit,
    and the small ones more often than the large, so that a mean would be that of the large; where these are one, chance
    decides, and a mean over the sample estimates the mean over all.

    Args:
        units: from :func:`strata_of_log`.
        size: how many.
        seed: another one chooses others; 0 those that ``csconv judge --sample`` judges.
    """
    return _nested(units, size, seed, (_strategy, str))


def _nested(
    units: Sequence[tuple[Judged, str]], size: int, seed: int, levels: Sequence[Callable[[str], str]]
) -> set[Judged]:
    """So many of the units, each stratum of the first level its share, and within it of the other levels."""

    def rank(unit: Hashable) -> str:
        return digest((seed, unit) if seed else unit)

    if not levels:
        return stratified([(unit, "") for unit, _ in units], size, rank)
    strata: dict[str, list[tuple[Judged, str]]] = defaultdict(list)
    for unit, stratum in units:
        strata[levels[0](stratum)].append((unit, stratum))
    if size < 2 * len(strata):
        return _nested(units, size, seed, ())
    stratum_of = {unit: name for name, members in strata.items() for unit, _ in members}
    quotas = Counter(stratum_of[unit] for unit in stratified(stratum_of.items(), size, rank, rank))
    chosen = (_nested(members, quotas[name], seed, levels[1:]) for name, members in strata.items())
    return set().union(*chosen)


def _strategy(stratum: str) -> str:
    return stratum.rpartition("/")[2]


def samples_of_log(log: SampleLog, rubric: Rubric) -> Iterator[Sample]:
    """What of a log is judged under a rubric, in the order of the log.

    Raises:
        DataError: an old log's prompts show no conversation.
    """
    if log.context is Context.ROLE_PLAY:
        texts = load_prompt(log.signature.prompt.version)
        for played in log.role_plays():
            yield from samples_of_turns(rubric, log.kind, list(_turns_of(played)), texts)
        return
    said = Histories(log)
    for chunk in log.chunks():
        try:
            turns = [
                AnsweredTurn(doc, reply, said.customers(chunk, index), said.lines(chunk, index))
                for index, (doc, reply) in enumerate(zip(chunk.docs, chunk.replies, strict=True))
            ]
        except ValueError as error:
            raise DataError(f"{log.path}: {error}; it cannot be judged") from None
        yield from samples_of_turns(rubric, log.kind, turns, said.texts)


def _turns_of(played: LoggedRolePlay) -> Iterator[AnsweredTurn]:
    customers: list[str] = []
    for number, (record, turn) in enumerate(played.turns):
        doc = TurnDoc(
            conversation=name_of(played.card, played.trial),
            topic=played.topic,
            turn=number,
            turns=len(played.turns),
            customer="",
            strategy=None,
            reference="",
        )
        yield AnsweredTurn(doc, Reply.of(record), customers, ())
        customers = [turn.heard.text] if turn.heard and turn.heard.text else []


def samples_of_turns(
    rubric: Rubric, kind: TaskKind, turns: Sequence[AnsweredTurn], texts: Prompt
) -> Iterator[Sample]:
    """What of these turns is judged under a rubric, dialogues whole."""
    if rubric.unit is Unit.DIALOGUE:
        for conversation, own in groupby(turns, key=lambda turn: turn.doc["conversation"]):
            yield _dialogue(conversation, list(own), texts)
        return
    for doc, reply, _, history in turns:
        strategy = gold_strategy(doc) if kind is TaskKind.RESPONSE_ORACLE else reply.strategy
        yield Sample(
            doc["conversation"],
            doc["turn"],
            {
                "history": "\n".join(history) or START,
                "strategy": strategy.zh if strategy else NO_LABEL,
                "reply": reply.text,
                "reference": gold_answer(doc),
            },
            silent=not reply.text,
        )


def _dialogue(conversation: str, turns: Sequence[AnsweredTurn], texts: Prompt) -> Sample:
    """A whole dialogue: what the customer says between the turns, and the model's own turns."""
    lines: list[str] = []
    gold: list[str] = []
    for doc, reply, customers, _ in turns:
        spoken = (texts.line(Utterance(Speaker.CUSTOMER, None, customer)) for customer in customers)
        customer = [line.removesuffix("\n") for line in spoken]
        said = " ".join(reply.text.split()) or NOTHING
        strategy = reply.strategy.zh if reply.strategy else texts.unknown_strategy
        lines += [*customer, texts.supporter_line.format(strategy=strategy, text=said)]
        gold += [
            *customer,
            texts.gold_line(Utterance(Speaker.SUPPORTER, gold_strategy(doc), doc["reference"]))[:-1],
        ]
    return Sample(
        conversation,
        None,
        {"dialogue": "\n".join(lines), "reference": "\n".join(gold)},
        silent=not any(turn.reply.text for turn in turns),
    )
