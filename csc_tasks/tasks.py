"""The lm-eval tasks: thin adapters from the harness's hooks to prompts, replies and metrics.

In reference context one document is one turn, in generated context one conversation. The YAML files in
``task_configs/`` name these classes and choose the scale and the generation settings; everything else
is decided here, in Python, because lm-eval compiles a Jinja field anew for every document.
"""

from __future__ import annotations

import dataclasses
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any, cast

from datasets import Dataset
from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask
from lm_eval.api.utils import Message, multiturn_to_singleturn

from csc_tasks.aggregation import Aggregation, ClusteredError, OfConversations
from csc_tasks.conversations import Conversation
from csc_tasks.dialogue import PADDING, REQUEST_TYPE, Dialogue, DialogueDoc, DialogueRequest, dialogue_doc
from csc_tasks.errors import ConfigError
from csc_tasks.framework import Strategy
from csc_tasks.harness import check_version, show_messages_plainly
from csc_tasks.metrics import AdditiveMetric, Metric, column_name
from csc_tasks.prompts import TaskKind, load_prompt
from csc_tasks.replies import clean
from csc_tasks.report import Report
from csc_tasks.rounds import install
from csc_tasks.scoring import Scored, TurnRecord, metrics_of_task, score_turns
from csc_tasks.settings import Settings
from csc_tasks.signature import build_signature
from csc_tasks.sources import evaluation_corpus, select, training_corpus
from csc_tasks.turns import PromptBook, TurnDoc, gold_strategy, turn_docs

__all__ = [
    "CSConvTask",
    "DialogueTask",
    "ResponseOracleTask",
    "ResponseTask",
    "StrategyChoiceTask",
    "StrategyTask",
    "TurnTask",
]

logger = logging.getLogger(__name__)

show_messages_plainly()
install()

FILTER = "none"
"""lm-eval's name for "no filter", so that scores are found under the usual ``metric,none``."""


@dataclasses.dataclass(frozen=True, slots=True)
class PromptOptions:
    """What the user's options add to a prompt."""

    num_fewshot: int = 0
    system_instruction: str | None = None
    fewshot_as_multiturn: bool = False
    chat_template: Callable[..., Any] | None = None


class CSConvTask(ConfigurableTask):  # type: ignore[misc]
    """What the tasks of both contexts share: data, prompts, few-shot examples, scores."""

    KIND: TaskKind
    CONTEXT: str

    def __init__(self, config: dict[str, Any] | None = None, **_: object) -> None:
        check_version()
        config = {key: value for key, value in (config or {}).items() if key != "class"}
        metadata = dict(config.get("metadata") or {})
        self.settings = Settings.from_metadata(metadata)
        self.prompt_texts = load_prompt()
        self.corpus = evaluation_corpus(self.settings.scale, self.settings.data)
        self.conversations = select(self.corpus.conversations, self.settings.scale)
        self.book = PromptBook(self.conversations, self.prompt_texts, self.KIND)
        self._shots: list[tuple[str, str]] = []
        self._fewshot_seed: int | None = None
        self._prefixes: dict[tuple[int, str | None], str] = {}
        self.report = Report()
        self.metrics: tuple[Metric, ...] = metrics_of_task(self.KIND, self.CONTEXT, self.settings.tokenizer)
        metadata["csconv_signature"] = build_signature(
            self.KIND,
            self.CONTEXT,
            self.prompt_texts,
            self.corpus,
            self.settings.scale,
            len(self.conversations),
            self.settings.tokenizer,
            self.metrics,
        )
        super().__init__(
            config={
                **config,
                "metadata": metadata,
                "test_split": "test",
                "metric_list": self._metric_list(),
                # Any value here keeps lm-eval from looking our metric names up on the hub.
                "process_results": "csconv",
                "target_delimiter": self.prompt_texts.answer_gap,
            }
        )

    # --- data ---

    def download(self, dataset_kwargs: dict[str, Any] | None = None, **_: object) -> None:
        """Hand lm-eval the documents; the conversations were read and checked before."""
        self.dataset = {"test": Dataset.from_list(self._documents())}

    def _documents(self) -> list[Any]:
        raise NotImplementedError

    def fewshot_docs(self) -> None:
        """No few-shot documents for lm-eval's own sampler: they are drawn by :meth:`_draw` when asked for."""
        return

    # --- prompts ---

    def set_fewshot_seed(self, seed: int | None = None) -> None:
        """Remember lm-eval's few-shot seed; examples are drawn from it once a run."""
        self._fewshot_seed = seed
        self._shots.clear()
        self._prefixes.clear()

    def _draw(self, count: int) -> list[tuple[str, str]]:
        """The run's few-shot examples as (history and cue, answer).

        They are the same for every turn: prompts that share a prefix cost a server with prefix caching
        almost nothing, and no turn is luckier in its examples than another.
        """
        if len(self._shots) != count:
            training = training_corpus(self.settings.scale, self.settings.train, self.corpus)
            # A conversation that is evaluated must not be an example.
            pool = [c for c in training.conversations if c.id not in self.book]
            if count > len(pool):
                raise ConfigError(
                    f"--num_fewshot {count}: {training.path} has only {len(pool)} conversations to draw from"
                )
            rng = random.Random(self._fewshot_seed)
            chosen = rng.sample(pool, count)
            book = PromptBook(chosen, self.prompt_texts, self.KIND)
            docs = [rng.choice(list(turn_docs([c]))) for c in chosen]
            self._shots = [(book.question(doc), book.target(doc)) for doc in docs]
            self.config.metadata["csconv_signature"]["fewshot"] = {
                "data": training.name,
                "fingerprint": training.fingerprint,
                "seed": self._fewshot_seed,
            }
        return self._shots

    def _prompt(self, question: str, options: PromptOptions) -> Any:
        """The prompt that is sent: instruction, examples, history and cue, the chat template around them.

        A string, or what the backend's ``apply_chat_template`` makes of the messages.
        """
        if options.chat_template is not None:
            messages = self._messages(question, options)
            turns = (
                [m.to_dict() for m in messages]
                if options.fewshot_as_multiturn
                else multiturn_to_singleturn(messages)
            )
            return options.chat_template(turns, add_generation_prompt=True)
        key = options.num_fewshot, options.system_instruction
        prefix = self._prefixes.get(key)
        if prefix is None:
            texts = self.prompt_texts
            shots = "".join(
                q + texts.answer_gap + a + texts.next_dialogue for q, a in self._draw(options.num_fewshot)
            )
            system = options.system_instruction + "\n\n" if options.system_instruction else ""
            prefix = self._prefixes[key] = system + texts.head(self.KIND) + shots
        return prefix + question

    def _messages(self, question: str, options: PromptOptions) -> list[Message]:
        texts = self.prompt_texts
        messages = [Message("system", options.system_instruction)] if options.system_instruction else []
        opening = texts.head(self.KIND)
        for asked, answer in self._draw(options.num_fewshot):
            messages.append(Message("user", opening + asked, texts.answer_gap))
            # The blank line belongs to the joined form only; a chat message begins with the heading.
            messages.append(Message("assistant", answer, "\n\n"))
            opening = texts.next_dialogue.lstrip("\n")
        messages.append(Message("user", opening + question))
        return messages

    def build_all_requests(self, **options: Any) -> None:
        """Build the prompts anew each time, whatever ``--cache_requests`` says.

        lm-eval's cache of requests is keyed by the task's name and not by data, prompt version or
        examples, so it would answer with the prompts of another file; and building takes two seconds.
        """
        if options.get("cache_requests"):
            logger.info("%s: --cache_requests is ignored; prompts are built anew", self.task_name)
        super().build_all_requests(**{**options, "cache_requests": False})

    def fewshot_context(
        self,
        doc: Any,
        num_fewshot: int = 0,
        system_instruction: str | None = None,
        apply_chat_template: bool = False,
        fewshot_as_multiturn: bool = False,
        chat_template: Callable[..., Any] | None = None,
        gen_prefix: str | None = None,
        **_: object,
    ) -> Any:
        """The prompt of a document, as lm-eval asks for it."""
        template = chat_template if apply_chat_template else None
        options = PromptOptions(num_fewshot, system_instruction, fewshot_as_multiturn, template)
        return self._context(doc, options)

    def _context(self, doc: Any, options: PromptOptions) -> Any:
        raise NotImplementedError

    # --- scoring ---

    def _metric_list(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = []
        for metric in self.metrics:
            name = column_name(metric, self.settings.tokenizer)
            better = {1: True, -1: False, 0: None}[metric.info.better]
            score = self._of_documents(Aggregation(metric, self.report.observe))
            entries.append({"metric": name, "aggregation": score, "higher_is_better": better})
            if isinstance(metric, AdditiveMetric):
                # lm-eval gives a metric of ours no standard error ("N/A" under `name_stderr`). A metric
                # of exactly that name, reported after it, puts the clustered one in its place.
                entries.append(
                    {
                        "metric": f"{name}_stderr",
                        "aggregation": self._of_documents(ClusteredError(metric)),
                        "higher_is_better": False,
                    }
                )
        return entries

    def _of_documents(self, aggregation: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
        """An aggregation of turns as one of documents."""
        return aggregation

    def override_metric(self, metric_name: str) -> None:
        """``--predict_only``: replies are read and logged, nothing is scored."""
        super().override_metric(metric_name)
        self.metrics = ()

    def dump_config(self) -> dict[str, Any]:
        """The configuration for the results file, with the report in its metadata."""
        config: dict[str, Any] = super().dump_config()
        if self.report.figures:
            config["metadata"]["csconv_report"] = self.report.figures
        return config

    def _summarise(self, scored: Scored) -> None:
        """Say what could not be read or scored, so that no low number comes without its reason."""
        total, problems = len(scored.records), scored.problems
        if problems:
            detail = ", ".join(f"{count} {problem.value}" for problem, count in problems.most_common())
            level = logging.WARNING if 2 * problems.total() > total else logging.INFO
            logger.log(
                level, "%s: %d of %d replies incomplete: %s", self.task_name, problems.total(), total, detail
            )
        for name, reason in scored.failures.items():
            logger.error("%s: %s was NOT scored (%s)", self.task_name, name, reason)


class TurnTask(CSConvTask):
    """A task with one document a supporter turn, in reference context."""

    CONTEXT = "reference"

    def _documents(self) -> list[Any]:
        return list(turn_docs(self.conversations))

    def doc_to_text(self, doc: TurnDoc, doc_to_text: object = None) -> str:
        """The zero-shot prompt."""
        return self.prompt_texts.head(self.KIND) + self.book.question(doc)

    def doc_to_target(self, doc: TurnDoc, doc_to_target: object = None) -> str:
        """The gold answer as a model that follows the format would write it."""
        return self.book.target(doc)

    def _context(self, doc: TurnDoc, options: PromptOptions) -> Any:
        return self._prompt(self.book.question(doc), options)

    def apply_filters(self) -> None:
        """Read and score all replies of this process at once: the one hook that sees them together."""
        by_doc: dict[int, list[Instance]] = {}
        for instance in self._instances:
            # A rank is padded with copies of its last request, which then has several answers.
            given = instance.resps[: self.config.repeats]
            instance.resps = [clean(r) if r is None or isinstance(r, str) else r for r in given]
            by_doc.setdefault(instance.doc_id, []).append(instance)
        groups = [sorted(group, key=lambda instance: instance.idx) for group in by_doc.values()]
        docs = [group[0].doc for group in groups]
        answers = [self._answer(group) for group in groups]
        prompts = [group[0].args[0] for group in groups]
        scored = score_turns(self.KIND, docs, answers, self.settings.tokenizer, self.metrics, prompts)
        for group, record in zip(groups, scored.records, strict=True):
            for instance in group:
                instance.filtered_resps[FILTER] = instance.resps[0] if instance.resps else ""
            group[0].filtered_resps[FILTER] = record
        self._summarise(scored)

    def _answer(self, group: Sequence[Instance]) -> object:
        return group[0].resps[0] if group[0].resps else None

    def process_results(self, doc: TurnDoc, results: Sequence[Any]) -> dict[str, Any]:
        """Pick the turn's items; the scoring is done."""
        record = results[0]
        assert isinstance(record, TurnRecord)
        if not self.metrics:
            return {"bypass": 999.0}
        picked: dict[str, Any] = {}
        for metric in self.metrics:
            name = column_name(metric, self.settings.tokenizer)
            picked[name] = record.items[name]
            if isinstance(metric, AdditiveMetric):
                picked[f"{name}_stderr"] = [doc["conversation"], record.items[name]]
        return picked


class StrategyTask(TurnTask):
    """``csconv_strategy``: name the strategy of the supporter's next utterance."""

    KIND = TaskKind.STRATEGY


class StrategyChoiceTask(TurnTask):
    """``csconv_strategy_mc``: the same by log-likelihood of the option letters A to L."""

    KIND = TaskKind.STRATEGY_MC

    def __init__(self, config: dict[str, Any] | None = None, **_: object) -> None:
        super().__init__(config={**(config or {}), "doc_to_choice": [s.letter for s in Strategy]})

    def _answer(self, group: Sequence[Instance]) -> object:
        # One instance an option, in the order of the letters; a response is (log-likelihood, is_greedy).
        return [instance.resps[0][0] for instance in group]


class ResponseTask(TurnTask):
    """``csconv_response``: choose a strategy and write the utterance, in one reply."""

    KIND = TaskKind.RESPONSE


class ResponseOracleTask(TurnTask):
    """``csconv_response_oracle``: write the utterance for the gold strategy."""

    KIND = TaskKind.RESPONSE_ORACLE


class DialogueTask(CSConvTask):
    """``csconv_dialogue``: the response task with the model's own earlier turns in the history.

    One document is one conversation with one request a turn, so that a conversation stays on one rank.
    """

    KIND = TaskKind.RESPONSE
    CONTEXT = "generated"

    def __init__(self, config: dict[str, Any] | None = None, **_: object) -> None:
        self._options = PromptOptions()
        super().__init__(config=config)
        # The evaluator pads ranks by this name; the config's own output_type stays "generate_until", by
        # which --gen_kwargs finds the task.
        self.OUTPUT_TYPE = REQUEST_TYPE

    def _documents(self) -> list[Any]:
        return [dialogue_doc(c) for c in self.conversations]

    def doc_to_text(self, doc: DialogueDoc, doc_to_text: object = None) -> str:
        """The zero-shot prompt of the first turn, the only one that is known beforehand."""
        return str(self._context(doc, PromptOptions()))

    def doc_to_target(self, doc: DialogueDoc | TurnDoc, doc_to_target: object = None) -> str:
        """The gold answers of a conversation, one a line; of a turn (``--write_out`` asks for one) its own."""
        if "references" not in doc:
            return self.book.target(doc)
        whole = cast(DialogueDoc, doc)
        pairs = zip(whole["strategies"], whole["references"], strict=True)
        return "\n".join(f"[{strategy}] {reference}" for strategy, reference in pairs)

    def doc_iterator(
        self,
        *,
        rank: int = 0,
        limit: int | None = None,
        world_size: int = 1,
        samples: list[int] | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """The documents of a rank; a rank without any gets one of padding, for lm-eval cannot do with none."""
        empty = True
        for entry in super().doc_iterator(rank=rank, limit=limit, world_size=world_size, samples=samples):
            empty = False
            yield entry
        if empty:
            yield 0, PADDING

    def _context(self, doc: DialogueDoc, options: PromptOptions) -> Any:
        self._options = options
        if doc["padding"]:
            return ""
        dialogue = self._dialogue(self.book.conversation(doc["conversation"]), options)
        return dialogue.prompt(dialogue.turns[0])[0]

    def _dialogue(self, conversation: Conversation, options: PromptOptions) -> Dialogue:
        def render(history: str, turn: TurnDoc) -> Any:
            return self._prompt(history + self.prompt_texts.cue(self.KIND, gold_strategy(turn)), options)

        return Dialogue(conversation, self.prompt_texts, render)

    def construct_requests(self, doc: DialogueDoc, ctx: Any, **options: Any) -> list[DialogueRequest]:
        """One request a turn; all of a conversation share its :class:`Dialogue`."""
        meta, generation = options["metadata"], deepcopy(self.config.generation_kwargs)
        if doc["padding"]:
            return [DialogueRequest.of(None, doc, 0, "", generation, meta)]
        dialogue = self._dialogue(self.book.conversation(doc["conversation"]), self._options)
        return [
            DialogueRequest.of(dialogue, turn, index, ctx, generation, meta)
            for index, turn in enumerate(dialogue.turns)
        ]

    def apply_filters(self) -> None:
        """Read and score all replies of this process at once."""
        for instance in self._instances:
            instance.resps = [clean(r) for r in instance.resps[:1]]  # more are copies, as in TurnTask
            instance.filtered_resps[FILTER] = ""
        turns = [i for i in self._instances if i.dialogue is not None]
        scored = score_turns(
            self.KIND,
            [i.doc for i in turns],
            [i.resps[0] if i.resps else None for i in turns],
            self.settings.tokenizer,
            self.metrics,
            [i.args[0] for i in turns],
            truncated=[i.truncated for i in turns],
        )
        for instance, record in zip(turns, scored.records, strict=True):
            instance.filtered_resps[FILTER] = record
        self._summarise(scored)

    def process_results(self, doc: DialogueDoc, results: Sequence[Any]) -> dict[str, Any]:
        """The items of a conversation's turns, in order: a list for each metric."""
        if not self.metrics:
            return {"bypass": 999.0}
        records = [] if doc["padding"] else results
        picked: dict[str, Any] = {}
        for metric in self.metrics:
            name = column_name(metric, self.settings.tokenizer)
            picked[name] = [record.items[name] for record in records]
            if isinstance(metric, AdditiveMetric):
                picked[f"{name}_stderr"] = [[doc["conversation"], item] for item in picked[name]]
        return picked

    def _of_documents(self, aggregation: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
        return OfConversations(aggregation)
