"""What the lm-eval tasks of both contexts share: data, prompts, few-shot examples, scores.

The tasks are thin adapters from the harness's hooks to prompts, replies and metrics. The YAML files in
``task_configs/`` name the classes and choose the subset and the generation settings; everything else is
decided in Python, because lm-eval compiles a Jinja field anew for every document.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from datasets import Dataset
from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask

from csc_tasks.data.sources import Corpus, evaluation_corpus, select, training_corpus
from csc_tasks.errors import ConfigError, needs_extra
from csc_tasks.generation.request_types import install
from csc_tasks.generation.response_cache import begin_run
from csc_tasks.harness import abilities
from csc_tasks.harness.lm_eval import check_version, show_messages_plainly, speak_as_loudly_as_lm_eval
from csc_tasks.harness.log_secrets import hide_secrets_in_logs
from csc_tasks.harness.ranks import of_all_ranks
from csc_tasks.harness.wandb_tables import Columns, know_groups
from csc_tasks.metrics import AdditiveMetric, Metric, Needs, column_name
from csc_tasks.protocol.networks import prepare
from csc_tasks.protocol.options import Options
from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.protocol.reply_counts import ReplyCounts
from csc_tasks.protocol.report import RunReport
from csc_tasks.protocol.scoring import Scored, TurnRecord, metrics_of_task
from csc_tasks.protocol.signature import Signature
from csc_tasks.protocol.signature_parts import DataSignature
from csc_tasks.protocol.task_kind import Context, TaskKind
from csc_tasks.protocol.tuned_from import KEY, TunedFrom
from csc_tasks.protocol.turns import PromptBook, TurnDoc
from csc_tasks.tasks.aggregation import Aggregation, ClusteredError
from csc_tasks.tasks.prompting import Prompting, PromptOptions
from csc_tasks.tasks.reply_warnings import warn_of_replies

if TYPE_CHECKING:
    from csc_tasks.judging.live_run import JudgeInRun

__all__ = ["FILTER", "CSConvTask"]

logger = logging.getLogger(__name__)

LOGGED_OF_TURN = 1300
"""Bytes of a log for a turn besides its prompts and its metrics' items, measured."""
FILTER = "none"
"""lm-eval's name for "no filter", so that scores are found under the usual ``metric,none``."""


class CSConvTask(ConfigurableTask):  # type: ignore[misc]
    """What the tasks of both contexts share: data, prompts, few-shot examples, scores."""

    KIND: TaskKind
    CONTEXT: Context
    LOGGED_OF_METRIC = 130
    """Bytes of a log for a turn's item of a metric and of its error, measured."""

    def __init__(self, config: dict[str, Any] | None = None, **_: object) -> None:
        install()
        show_messages_plainly()
        hide_secrets_in_logs()
        check_version()
        abilities.install()
        know_groups()
        speak_as_loudly_as_lm_eval()
        config = {key: value for key, value in (config or {}).items() if key != "class"}
        metadata = dict(config.get("metadata") or {})
        self.options = Options.from_metadata(metadata)
        self.skip_unsupported = self.options.skip_unsupported
        self.tuned_from = TunedFrom.of_run(metadata, self.options.base)
        self.prompt_texts = load_prompt(self.options.prompt)
        self._read_data()
        self.prompting = Prompting(self.prompt_texts, self.KIND, self.book, self._training, self._on_drawn)
        self._world_size = 1
        self._stops_chosen = False
        self.report = RunReport()
        self._records: dict[int, TurnRecord] = {}
        self._columns = Columns()
        self.metrics: tuple[Metric, ...] = self._metrics_of_run(config.get("task"))
        self.judge = self._judge_of_run()
        if self.judge is not None:
            self.metrics += self.judge.metrics
        self.signature = self._sign()
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
        self._usual_stops = list((self.config.generation_kwargs or {}).get("until", ()))

    def _read_data(self) -> None:
        """Read what is evaluated: ``book`` makes prompts of it, and what is in it is no example."""
        self.corpus = evaluation_corpus(self.options.subset, self.options.data)
        self.conversations = select(self.corpus.conversations, self.options.subset)
        if self.KIND.needs_labels and not self.corpus.labelled:
            raise ConfigError(
                f"csconv_{self.KIND.value} needs the strategies of the supporter's utterances, and "
                f"{self.corpus.path} has none: evaluate csconv_response and csconv_dialogue, which do without, or "
                "label the file (docs/own-data.md)"
            )
        self.book = PromptBook(self.conversations, self.prompt_texts, self.KIND)

    def _metrics_of_run(self, task: object) -> tuple[Metric, ...]:
        """What is computed; what cannot be is said."""
        choice = self.KIND, self.CONTEXT, self.options.tokenizer, self.options.models
        metrics = metrics_of_task(*choice, self.corpus.labelled)
        if not self.corpus.labelled:
            absent = [m.info.name for m in metrics_of_task(*choice) if m not in metrics]
            reason = f"the supporter's utterances of {self.corpus.name} have no strategies"
            self.report.absent(absent, reason)
            logger.warning("%s: %s: not computed are %s", task, reason, ", ".join(absent))
        return metrics

    def _sign(self) -> Signature:
        """How it is asked and scored."""
        return Signature.of(
            self.KIND,
            self.CONTEXT,
            self.prompt_texts,
            DataSignature.of(self.corpus, self.options.subset, len(self.conversations)),
            self.options.tokenizer,
            self.metrics,
            self.judge.signature if self.judge else None,
        )

    def _judge_of_run(self) -> JudgeInRun | None:
        """The judge that ``csconv_judge`` names; ``None`` where nothing is judged."""
        if self.options.judge is None or not self.KIND.writes_text:
            return None
        with needs_extra("csconv_judge", "judge"):
            from csc_tasks.judging.live_run import JudgeInRun
        return JudgeInRun(self.options.judge, self.KIND, self.CONTEXT, self.prompt_texts.version)

    def _judge(self, docs: Sequence[Any], scored: Scored, history: Callable[[int], Sequence[str]]) -> None:
        """Add the judge's items to the records, if there is a judge; ``history`` gives the lines before a turn."""
        if self.judge is not None and self.metrics:
            self.judge.add_items(self.task_name, docs, scored.records, history)

    # --- data ---

    def download(self, dataset_kwargs: dict[str, Any] | None = None, **_: object) -> None:
        """Hand lm-eval the documents; the conversations were read and checked before."""
        self.dataset = {"test": Dataset.from_list(self._documents())}

    def _documents(self) -> list[Any]:
        raise NotImplementedError

    def fewshot_docs(self) -> None:
        """No few-shot documents for lm-eval's own sampler: they are drawn when asked for."""
        return

    # --- prompts ---

    def set_fewshot_seed(self, seed: int | None = None) -> None:
        """Remember lm-eval's few-shot seed; examples are drawn from it once a run."""
        self.prompting.set_seed(seed)

    def _training(self) -> Corpus:
        return training_corpus(self.options.subset, self.options.train, self.corpus)

    def _on_drawn(self, training: Corpus, seed: int | None) -> None:
        self.signature = self.signature.with_fewshot(training.name, training.fingerprint, seed)

    def build_all_requests(self, **options: Any) -> None:
        """Load what scoring needs, then build the prompts, whatever ``--cache_requests`` says.

        This is the last hook before generation, and the first that knows of ``--predict_only``.

        lm-eval's cache of requests is keyed by the task's name and not by data, prompt version or
        examples, so it would answer with the prompts of another file; and building takes two seconds.
        """
        begin_run()
        prepare(self.metrics)
        if self.judge is not None and self.metrics:
            self.judge.prepare()
        if any(m.info.needs is Needs.TEXT for m in self.metrics) and self.options.models.bertscore is None:
            logger.info(
                "%s: without BERTScore; --metadata csconv_bertscore_model=… (and _layer=…) names an encoder",
                self.task_name,
            )
        self.signature = self.signature.with_metrics(self.metrics, self.options.tokenizer)
        self._world_size = options.get("world_size") or 1
        self._set_stops(bool(options.get("apply_chat_template")))
        if options.get("cache_requests"):
            logger.info("%s: --cache_requests is ignored; prompts are built anew", self.task_name)
        super().build_all_requests(**{**options, "cache_requests": False})
        if not options.get("rank"):
            # Prompts are most of a log, and the harness writes each whole: a thing to know before the disk is full.
            turns = len({(instance.doc_id, instance.doc.get("turn")) for instance in self._instances})
            beside = turns * (LOGGED_OF_TURN + self.LOGGED_OF_METRIC * len(self.metrics))
            size = (self._prompt_bytes() + beside) * (options.get("world_size") or 1)
            logger.info(
                "%s: with --log_samples its log will take about %s MB; `csconv logs compress` makes a twelfth of it",
                self.task_name,
                f"{size / 1e6:,.0f}" if size >= 1e7 else f"{size / 1e6:.1f}",
            )

    def _set_stops(self, chat: bool) -> None:
        """Give a plain prompt its own stops as well, unless the user chose others.

        A chat model ends its answer itself, and may quote the conversation in its thoughts before.
        """
        if self._usual_stops and not self._stops_chosen:
            stops = self._usual_stops if chat else [*self._usual_stops, *self.prompt_texts.stops]
            super().set_config("generation_kwargs", {"until": stops}, update=True)

    def set_config(self, key: str, value: Any, update: bool = False) -> None:
        """lm-eval's way to change a setting; stops that come by it (``--gen_kwargs``) are the user's."""
        if key == "generation_kwargs" and isinstance(value, dict) and "until" in value:
            self._stops_chosen = True
        super().set_config(key, value, update=update)

    def _prompt_bytes(self) -> int:
        """How much the prompts of this process's requests take in a log, in UTF-8; nearly, for dialogues."""
        # The requests of a multiple-choice document share their prompt, which is logged with each.
        sizes: dict[int, int] = {}
        for instance in self._instances:
            prompt = instance.args[0]
            if id(prompt) not in sizes:
                sizes[id(prompt)] = len(str(prompt).encode("utf-8", "replace"))
        return sum(sizes[id(instance.args[0])] for instance in self._instances)

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
            name = column_name(metric, self.options.tokenizer)
            better = {1: True, -1: False, 0: None}[metric.info.better]
            score = self._of_documents(Aggregation(metric, name, self.report))
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

    def _hand_over(self, instance: Instance, record: TurnRecord, *before: object) -> None:
        """Put what is known of a turn where lm-eval logs it: as plain values, of which W&B can make a table.

        Args:
            instance: the request of the turn.
            record: the turn; its text is logged, and :meth:`_record` finds it again.
            before: what else is logged, in front of it.
        """
        text = str(record)
        value = (*before, text) if before else text
        instance.filtered_resps[FILTER] = value
        # By the very object that comes back: a file may have the same conversation twice.
        self._records[id(value)] = record

    def _record(self, value: object) -> TurnRecord:
        """The turn of what :meth:`_hand_over` logged."""
        return self._records[id(value)]

    def override_metric(self, metric_name: str) -> None:
        """``--predict_only``: replies are read and logged, nothing is scored."""
        super().override_metric(metric_name)
        self.metrics = ()

    def dump_config(self) -> dict[str, Any]:
        """The configuration for the results file, with signature and report in its metadata."""
        config: dict[str, Any] = super().dump_config()
        config["metadata"]["csconv_signature"] = self.signature.to_json()
        if self.tuned_from is not None:
            config["metadata"][KEY] = self.tuned_from.model_dump()
        # All that reads this list is W&B's logger, which makes a table of the samples' values.
        listed = {entry["metric"]: entry for entry in config["metric_list"]}
        names = self._columns.tabular(listed) if self.metrics else ["bypass"]
        config["metric_list"] = [listed.get(name, {"metric": name}) for name in names]
        if self.report.figures:
            config["metadata"]["csconv_report"] = self.report.figures
        return config

    def _summarise(
        self,
        docs: Sequence[TurnDoc],
        scored: Scored,
        answers: Sequence[object],
        truncated: Sequence[bool] | None = None,
    ) -> None:
        """Say what could not be read or scored, and what is odd, so that no low number comes without its reason.

        Args:
            docs: n turns of this process.
            scored: what was made of them.
            answers: n, as they came.
            truncated: whether their prompts were longer than the model's window, where that is known.
        """
        mine = ReplyCounts(self.KIND, self.CONTEXT, self.prompt_texts.head(self.KIND))
        mine.add(docs, [record.reply for record in scored.records], answers, truncated)
        counts, *others = of_all_ranks(mine, self._world_size)
        counts.merge(others)
        figures = counts.figures()
        self.report.figures.update(figures)
        warn_of_replies(str(self.task_name), counts, figures["signs"])
        for name, reason in scored.failures.items():
            logger.error("%s: %s was NOT scored (%s)", self.task_name, name, reason)
            self.report.reasons[name] = reason
