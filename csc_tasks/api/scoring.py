"""Conversations, prompts and scores from Python, without a harness and without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from csc_tasks.data.conversations import Conversation
from csc_tasks.data.sources import fingerprint, load, select
from csc_tasks.data.splits import Split, Subset
from csc_tasks.errors import ConfigError
from csc_tasks.metrics import NO_MODELS, AdditiveMetric, Models, clustered_stderr, column_name
from csc_tasks.metrics.tokenizers import tokenizer as tokenizer_of
from csc_tasks.protocol.networks import Unnamed, prepare, read_models
from csc_tasks.protocol.prompt import DEFAULT_PROMPT, load_prompt
from csc_tasks.protocol.replies import Problem, Reply
from csc_tasks.protocol.replies import read_reply as read
from csc_tasks.protocol.scoring import gold_ranks, metrics_of_task, read_replies, score_replies
from csc_tasks.protocol.signature import Signature
from csc_tasks.protocol.signature_parts import DataSignature
from csc_tasks.protocol.task_kind import Context, TaskKind
from csc_tasks.protocol.turns import PromptBook, TurnDoc, turn_docs

if TYPE_CHECKING:
    import pandas

__all__ = ["Scores", "build_prompt", "load_conversations", "read_reply", "score", "turns"]


def load_conversations(
    source: str = "mini", split: str = "evaluation", subset: str = "full"
) -> tuple[Conversation, ...]:
    """The conversations of a source.

    Args:
        source: ``mini`` (shipped), ``hub``, ``modelscope``, or a ``.json``, ``.jsonl`` or ``.parquet`` file.
        split: ``evaluation`` or ``training``.
        subset: ``full``, or ``lite`` for the fixed sample of 128 conversations.

    Raises:
        SourceError: the source is unknown or cannot be reached.
        DataError: the file breaks the schema; the message names the place.
        ConfigError: there is no such split or subset.
    """
    corpus = load(source, _one_of(Split, "split", split))
    return select(corpus.conversations, _one_of(Subset, "subset", subset))


def turns(conversations: Sequence[Conversation]) -> list[TurnDoc]:
    """Every supporter turn of some conversations, in order: what a model is asked and scored on.

    A turn is a dictionary: ``conversation`` (id), ``topic``, ``turn`` (from 0), ``turns`` (how many its
    conversation has), ``customer`` (what was said last), ``strategy`` (``None`` in
    unlabelled data) and ``reference`` (the gold answer).
    """
    return list(turn_docs(conversations))


def build_prompt(
    conversation: Conversation, turn: int, task: str = "response", version: str = DEFAULT_PROMPT
) -> str:
    """The zero-shot prompt of one turn, to the letter as a run sends it.

    Args:
        conversation: with the history; of your own, ``Conversation.of(topic, utterances)``.
        turn: which of the supporter's turns, from 0.
        task: ``response``, ``response_oracle``, ``strategy`` or ``strategy_mc``.
        version: of the prompt texts.

    Raises:
        ConfigError: there is no such turn, task or version.
    """
    kind, docs = _one_of(TaskKind, "task", task), turns([conversation])
    if not 0 <= turn < len(docs):
        raise ConfigError(f"turn {turn}: the conversation has {len(docs)} supporter turns, counted from 0")
    texts = load_prompt(version)
    return texts.head(kind) + PromptBook([conversation], texts, kind).question(docs[turn])


def read_reply(text: object, task: str = "response") -> Reply:
    """What a model's reply says: its strategy, its utterance, and the problem if one of them is missing.

    Never raises because of the text. The rule is in docs/protocol.md.
    """
    return read(text, _one_of(TaskKind, "task", task))


@dataclass(frozen=True, slots=True)
class Scores:
    """What n replies come to.

    ``scores`` has a number a metric, in 0-1 unless the metric says otherwise, NaN where it is undefined; ``stderrs``
    its standard error with the conversation as the cluster, where it has one; ``items`` a JSON value a turn and
    metric, from which any other score can be made; ``replies`` what was read; ``problems`` how many replies
    lack what; ``failures`` why a metric could not be computed.
    """

    scores: Mapping[str, float]
    stderrs: Mapping[str, float]
    items: Mapping[str, Sequence[Any]]
    replies: Sequence[Reply]
    problems: Mapping[Problem, int]
    failures: Mapping[str, str]
    signature: Signature

    def to_dataframe(self) -> pandas.DataFrame:
        """A row a metric: ``metric``, ``score``, ``stderr``, and ``signature``, how it was computed."""
        import pandas

        rows = [
            (name, value, self.stderrs.get(name), self.signature.metrics[name])
            for name, value in self.scores.items()
        ]
        return pandas.DataFrame(rows, columns=["metric", "score", "stderr", "signature"])


def score(
    turns: Sequence[TurnDoc],
    replies: Sequence[object],
    task: str = "response",
    tokenizer: str = "zh",
    bertscore: str | None = None,
    bertscore_layer: int | None = None,
    source: str = "python",
    prompt: str = DEFAULT_PROMPT,
) -> Scores:
    """Score replies as a run scores them, to the last digit; without labels no strategy metrics.

    Args:
        turns: n turns, from :func:`turns`.
        replies: n replies as the model wrote them (``None``: no answer); for ``strategy_mc`` n sequences of the
            twelve options' log-likelihoods.
        task: what was asked: ``response``, ``response_oracle``, ``strategy`` or ``strategy_mc``.
        tokenizer: ``zh``, ``char`` or ``jieba``.
        bertscore: an encoder's name or folder; without it BERTScore is left out.
        bertscore_layer: of an encoder for which bert-score knows none.
        source: a name for the data, for the signature; the content's fingerprint stands in it as well.
        prompt: the version that was asked with, for the signature.

    Raises:
        ConfigError: the numbers of turns and replies differ, the task needs labels that the turns lack, or there
            is no such task, tokenizer, encoder or prompt.
    """
    if len(turns) != len(replies):
        raise ConfigError(f"{len(turns)} turns and {len(replies)} replies: there must be one reply a turn")
    kind, texts = _one_of(TaskKind, "task", task), load_prompt(prompt)
    labelled = all(turn["strategy"] is not None for turn in turns)
    if kind.needs_labels and not labelled:
        raise ConfigError(
            f"task={task!r} needs the gold strategy of every turn; unlabelled turns have 'response'"
        )
    try:
        tokenizer_of(tokenizer)
    except (ValueError, ModuleNotFoundError) as error:
        raise ConfigError(str(error)) from error
    models = _models(bertscore, bertscore_layer)
    metrics = metrics_of_task(kind, Context.REFERENCE, tokenizer, models, labelled)
    prepare(metrics)
    read = read_replies(kind, turns, replies)
    ranks = gold_ranks(turns, replies) if kind is TaskKind.STRATEGY_MC else None
    scored = score_replies(turns, read, tokenizer, metrics, ranks)
    conversations = [turn["conversation"] for turn in turns]
    items: dict[str, list[Any]] = {}
    scores: dict[str, float] = {}
    stderrs: dict[str, float] = {}
    for metric in metrics:
        name = column_name(metric, tokenizer)
        items[name] = scored.columns[name]
        if None in items[name]:
            scores[name] = float("nan")
            continue
        scores[name] = metric.score(items[name])
        if isinstance(metric, AdditiveMetric):
            stderrs[name] = clustered_stderr(metric, items[name], conversations)
    ids = tuple(dict.fromkeys(conversations))
    signature = Signature.of(
        kind,
        Context.REFERENCE,
        texts,
        DataSignature(
            name=source, scale=Subset.FULL.value, conversations=len(ids), fingerprint=fingerprint(ids)
        ),
        tokenizer,
        metrics,
    )
    return Scores(scores, stderrs, items, read, scored.problems, scored.failures, signature)


def _models(bertscore: str | None, layer: int | None) -> Models:
    if bertscore is None:
        return NO_MODELS
    options = {"csconv_bertscore_model": bertscore, "csconv_bertscore_layer": layer}
    return read_models({k: v for k, v in options.items() if v is not None}, Unnamed.OFF)


def _one_of(kind: Any, what: str, value: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise ConfigError(f"{what}={value!r} is none of {', '.join(each.value for each in kind)}") from None
