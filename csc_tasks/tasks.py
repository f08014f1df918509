"""The lm-eval tasks: thin adapters from the harness's hooks to prompts, replies and metrics.

One document is one turn. The YAML files in ``task_configs/`` name these classes and choose the scale
and the generation settings; everything else is decided here, in Python, because lm-eval compiles a
Jinja field anew for every document.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from typing import Any

from datasets import Dataset
from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask
from lm_eval.api.utils import Message, multiturn_to_singleturn

from csc_tasks.aggregation import Aggregation, ClusteredError
from csc_tasks.errors import ConfigError
from csc_tasks.framework import Stage, Strategy
from csc_tasks.harness import check_version, show_messages_plainly
from csc_tasks.metrics import AdditiveMetric, Metric, column_name
from csc_tasks.metrics.strategy import class_scores, confusion
from csc_tasks.prompts import TaskKind, load_prompt
from csc_tasks.replies import clean
from csc_tasks.scoring import Scored, TurnRecord, metrics_of_task, score_turns
from csc_tasks.settings import Settings
from csc_tasks.signature import build_signature
from csc_tasks.sources import evaluation_corpus, select, training_corpus
from csc_tasks.turns import PromptBook, TurnDoc, turn_docs

__all__ = ["ResponseOracleTask", "ResponseTask", "StrategyChoiceTask", "StrategyTask", "TurnTask"]

logger = logging.getLogger(__name__)

show_messages_plainly()

FILTER = "none"
"""lm-eval's name for "no filter", so that scores are found under the usual ``metric,none``."""


class TurnTask(ConfigurableTask):  # type: ignore[misc]
    """A task with one document a supporter turn, in reference context."""

    KIND: TaskKind
    CONTEXT = "reference"

    def __init__(self, config: dict[str, Any] | None = None, **_: object) -> None:
        check_version()
        config = {key: value for key, value in (config or {}).items() if key != "class"}
        metadata = dict(config.get("metadata") or {})
        self.settings = Settings.from_metadata(metadata)
        self.prompt_texts = load_prompt()
        self.corpus = evaluation_corpus(self.settings.scale, self.settings.data)
        conversations = select(self.corpus.conversations, self.settings.scale)
        self.book = PromptBook(conversations, self.prompt_texts, self.KIND)
        self._docs = list(turn_docs(conversations))
        self._shots: list[tuple[str, str]] = []
        self._fewshot_seed: int | None = None
        self._prefixes: dict[tuple[int, str | None], str] = {}
        self._report: dict[str, Any] = {}
        self.metrics: tuple[Metric, ...] = metrics_of_task(self.KIND, self.settings.tokenizer)
        metadata["csconv_signature"] = build_signature(
            self.KIND,
            self.CONTEXT,
            self.prompt_texts,
            self.corpus,
            self.settings.scale,
            len(conversations),
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
        """Hand lm-eval the turns; they were read and checked before."""
        self.dataset = {"test": Dataset.from_list(self._docs)}

    def fewshot_docs(self) -> None:
        """No few-shot documents for lm-eval's own sampler: they are drawn by :meth:`_draw` when asked for."""
        return

    # --- prompts ---

    def doc_to_text(self, doc: TurnDoc, doc_to_text: object = None) -> str:
        """The zero-shot prompt."""
        return self.prompt_texts.head(self.KIND) + self.book.question(doc)

    def doc_to_target(self, doc: TurnDoc, doc_to_target: object = None) -> str:
        """The gold answer as a model that follows the format would write it."""
        return self.book.target(doc)

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

    def fewshot_context(
        self,
        doc: TurnDoc,
        num_fewshot: int = 0,
        system_instruction: str | None = None,
        apply_chat_template: bool = False,
        fewshot_as_multiturn: bool = False,
        chat_template: Callable[..., str] | None = None,
        gen_prefix: str | None = None,
        **_: object,
    ) -> str:
        """The prompt that is sent: instruction, examples, history, cue, and the chat template around them."""
        if apply_chat_template and chat_template is not None:
            messages = self._messages(doc, num_fewshot, system_instruction)
            turns = (
                [m.to_dict() for m in messages] if fewshot_as_multiturn else multiturn_to_singleturn(messages)
            )
            return chat_template(turns, add_generation_prompt=True)
        key = num_fewshot, system_instruction
        prefix = self._prefixes.get(key)
        if prefix is None:
            texts = self.prompt_texts
            shots = "".join(
                q + texts.answer_gap + a + texts.next_dialogue for q, a in self._draw(num_fewshot)
            )
            system = system_instruction + "\n\n" if system_instruction else ""
            prefix = self._prefixes[key] = system + texts.head(self.KIND) + shots
        return prefix + self.book.question(doc)

    def _messages(self, doc: TurnDoc, num_fewshot: int, system_instruction: str | None) -> list[Message]:
        texts = self.prompt_texts
        messages = [Message("system", system_instruction)] if system_instruction else []
        opening = texts.head(self.KIND)
        for question, answer in self._draw(num_fewshot):
            messages.append(Message("user", opening + question, texts.answer_gap))
            # The blank line belongs to the joined form only; a chat message begins with the heading.
            messages.append(Message("assistant", answer, "\n\n"))
            opening = texts.next_dialogue.lstrip("\n")
        messages.append(Message("user", opening + self.book.question(doc)))
        return messages

    # --- scoring ---

    def _metric_list(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = []
        for metric in self.metrics:
            name = column_name(metric, self.settings.tokenizer)
            better = {1: True, -1: False, 0: None}[metric.info.better]
            entries.append({"metric": name, "aggregation": Aggregation(metric), "higher_is_better": better})
            if isinstance(metric, AdditiveMetric):
                # lm-eval gives a metric of ours no standard error ("N/A" under `name_stderr`). A metric
                # of exactly that name, reported after it, puts the clustered one in its place.
                entries.append(
                    {
                        "metric": f"{name}_stderr",
                        "aggregation": ClusteredError(metric),
                        "higher_is_better": False,
                    }
                )
        return entries

    def override_metric(self, metric_name: str) -> None:
        """``--predict_only``: replies are read and logged, nothing is scored."""
        super().override_metric(metric_name)
        self.metrics = ()

    def aggregation(self) -> dict[str, Callable[[list[Any]], Any]]:
        """Aggregations by metric; the macro-F1's items also give the per-strategy report."""
        functions = dict(self._aggregation_list)
        if (macro := functions.get("strategy_f1_macro")) is not None:

            def score_and_report(items: list[Any]) -> Any:
                self._report = _strategy_report(items)
                return macro(items)

            functions["strategy_f1_macro"] = score_and_report
        return functions

    def dump_config(self) -> dict[str, Any]:
        """The configuration for the results file, with the per-strategy report in its metadata."""
        config: dict[str, Any] = super().dump_config()
        if self._report:
            config["metadata"]["csconv_report"] = self._report
        return config

    def apply_filters(self) -> None:
        """Read and score all replies of this process at once: the one hook that sees them together."""
        by_doc: dict[int, list[Instance]] = {}
        for instance in self._instances:
            instance.resps = [clean(r) if r is None or isinstance(r, str) else r for r in instance.resps]
            by_doc.setdefault(instance.doc_id, []).append(instance)
        groups = [sorted(group, key=lambda instance: instance.idx) for group in by_doc.values()]
        docs = [group[0].doc for group in groups]
        answers = [self._answer(group) for group in groups]
        scored = score_turns(self.KIND, docs, answers, self.settings.tokenizer, self.metrics)
        for group, record in zip(groups, scored.records, strict=True):
            for instance in group:
                instance.filtered_resps[FILTER] = instance.resps[0] if instance.resps else ""
            group[0].filtered_resps[FILTER] = record
        self._summarise(scored)

    def _answer(self, group: Sequence[Instance]) -> object:
        return group[0].resps[0] if group[0].resps else None

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


def _strategy_report(items: Sequence[Any]) -> dict[str, Any]:
    """Confusion matrix and per-strategy figures, for the results file; ``None`` where undefined."""
    pairs = [item for item in items if item is not None]
    if not pairs:
        return {}
    counts = confusion([p[0] for p in pairs], [p[1] for p in pairs])
    scores = class_scores(counts)

    def number(value: float) -> float | None:
        return None if value != value else float(value)

    return {
        "confusion": counts.astype(int).tolist(),
        "confusion_columns": [*(s.zh for s in Strategy), "unreadable"],
        "per_strategy": {
            s.zh: {
                "precision": number(scores.precision[s.index]),
                "recall": number(scores.recall[s.index]),
                "f1": number(scores.f1[s.index]),
                "gold": int(scores.support[s.index]),
                "predicted": int(scores.predicted[s.index]),
            }
            for s in Strategy
        },
        "stages": {stage.en: [s.zh for s in Strategy if s.stage is stage] for stage in Stage},
    }
