"""The tasks in reference context: one document is one turn, with the gold history before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lm_eval.api.instance import Instance

from csc_tasks.framework import Strategy
from csc_tasks.generation.turn_requests import TurnRequest
from csc_tasks.harness.request_names import ANSWER_TURNS, RANK_OPTIONS
from csc_tasks.metrics import AdditiveMetric, column_name
from csc_tasks.protocol.answers import clean
from csc_tasks.protocol.scoring import gold_ranks, read_replies, score_replies
from csc_tasks.protocol.task_kind import Context, TaskKind
from csc_tasks.protocol.turns import TurnDoc, turn_docs
from csc_tasks.tasks.base import FILTER, CSConvTask
from csc_tasks.tasks.prompting import PromptOptions

__all__ = ["ResponseOracleTask", "ResponseTask", "StrategyChoiceTask", "StrategyTask", "TurnTask"]


class TurnTask(CSConvTask):
    """A task with one document a supporter turn, in reference context."""

    CONTEXT = Context.REFERENCE

    def __init__(self, config: dict[str, Any] | None = None, **_: object) -> None:
        super().__init__(config=config)
        # The evaluator pads ranks by this name; the config's own output_type stays lm-eval's.
        self.OUTPUT_TYPE = RANK_OPTIONS if self.KIND is TaskKind.STRATEGY_MC else ANSWER_TURNS

    def construct_requests(self, doc: TurnDoc, ctx: Any, **options: Any) -> list[TurnRequest]:
        """lm-eval's own requests of a turn, by our request types (:mod:`csc_tasks.generation.turns`)."""
        ours, self.OUTPUT_TYPE = self.OUTPUT_TYPE, self.config.output_type
        try:
            made = super().construct_requests(doc, ctx, **options)
        finally:
            self.OUTPUT_TYPE = ours
        earlier = self.book.labels_before(doc)
        return [
            TurnRequest.of(instance, earlier) for instance in (made if isinstance(made, list) else [made])
        ]

    def _documents(self) -> list[Any]:
        return list(turn_docs(self.conversations))

    def doc_to_text(self, doc: TurnDoc, doc_to_text: object = None) -> str:
        """The zero-shot prompt."""
        return self.prompt_texts.head(self.KIND) + self.book.question(doc)

    def doc_to_target(self, doc: TurnDoc, doc_to_target: object = None) -> str:
        """The gold answer as a model that follows the format would write it."""
        return self.book.target(doc)

    def _context(self, doc: TurnDoc, options: PromptOptions) -> Any:
        return self.prompting.prompt(self.book.question(doc), options)

    def apply_filters(self) -> None:
        """Read and score all replies of this process at once: the one hook that sees them together."""
        by_doc: dict[int, list[Instance]] = {}
        for instance in self._instances:
            # A rank is padded with copies of its last request, which then has several answers.
            instance.resps = instance.resps[: self.config.repeats]
            by_doc.setdefault(instance.doc_id, []).append(instance)
        groups = [sorted(group, key=lambda instance: instance.idx) for group in by_doc.values()]
        docs = [group[0].doc for group in groups]
        answers = [self._answer(group) for group in groups]
        prompts = [group[0].args[0] for group in groups]
        replies = read_replies(self.KIND, docs, answers, prompts, self.options.think)
        for instance in self._instances:  # what is logged must be text that can be written
            instance.resps = [clean(r) if r is None or isinstance(r, str) else r for r in instance.resps]
        ranks = gold_ranks(docs, answers) if self.KIND is TaskKind.STRATEGY_MC else None
        cut = [bool(group[0].truncated) for group in groups]
        scored = score_replies(docs, replies, self.options.tokenizer, self.metrics, ranks)
        self._judge(docs, scored, lambda index: self.book.history_lines(docs[index]))
        for group, record, was_cut in zip(groups, scored.records, cut, strict=True):
            for instance in group:
                instance.filtered_resps[FILTER] = instance.resps[0] if instance.resps else ""
            record = replace(record, truncated=True) if was_cut else record
            self._hand_over(group[0], record, *self._logged_before(group[0]))
        self._summarise(docs, scored, answers, cut)

    def _logged_before(self, instance: Instance) -> tuple[object, ...]:
        """What stands in a log before what is known of a turn; where there are options, what all of them have."""
        return ()

    def _answer(self, group: Sequence[Instance]) -> Any:
        return group[0].resps[0] if group[0].resps else None

    def process_results(self, doc: TurnDoc, results: Sequence[Any]) -> dict[str, Any]:
        """Pick the turn's items; the scoring is done."""
        if not self.metrics:
            return {"bypass": 999.0}
        record = self._record(results[0])
        picked: dict[str, Any] = {}
        for metric in self.metrics:
            name = column_name(metric, self.options.tokenizer)
            picked[name] = record.items[name]
            if isinstance(metric, AdditiveMetric):
                picked[f"{name}_stderr"] = [doc["conversation"], record.items[name]]
        self._columns.see(picked)
        return picked


class StrategyTask(TurnTask):
    """``csconv_strategy``: name the strategy of the supporter's next utterance."""

    KIND = TaskKind.STRATEGY


class StrategyChoiceTask(TurnTask):
    """``csconv_strategy_mc``: the same by log-likelihood of the option letters A to L."""

    KIND = TaskKind.STRATEGY_MC

    def __init__(self, config: dict[str, Any] | None = None, **_: object) -> None:
        super().__init__(config={**(config or {}), "doc_to_choice": [s.letter for s in Strategy]})

    def _answer(self, group: Sequence[Instance]) -> Any:
        # One instance an option, in the order of the letters; a response is (log-likelihood, is_greedy).
        return [instance.resps[0][0] for instance in group]

    def _logged_before(self, instance: Instance) -> tuple[object, ...]:
        # W&B takes the best of all options by the first value of each.
        return tuple(instance.resps[0])


class ResponseTask(TurnTask):
    """``csconv_response``: choose a strategy and write the utterance, in one reply."""

    KIND = TaskKind.RESPONSE


class ResponseOracleTask(TurnTask):
    """``csconv_response_oracle``: write the utterance for the gold strategy."""

    KIND = TaskKind.RESPONSE_ORACLE
