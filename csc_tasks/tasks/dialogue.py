"""The task in generated context: one document is one conversation, with the model's own history."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any, cast

from csc_tasks.data.conversations import Conversation
from csc_tasks.generation.dialogue import (
    PADDING,
    Dialogue,
    DialogueDoc,
    DialogueRequest,
    GoldDialogue,
    dialogue_doc,
)
from csc_tasks.harness.request_names import GENERATE_DIALOGUE
from csc_tasks.metrics import AdditiveMetric, column_name
from csc_tasks.protocol.answers import clean
from csc_tasks.protocol.scoring import read_replies, score_replies
from csc_tasks.protocol.task_kind import Context, TaskKind
from csc_tasks.protocol.turns import TurnDoc, gold_strategy
from csc_tasks.tasks.aggregation import OfConversations
from csc_tasks.tasks.base import FILTER, CSConvTask
from csc_tasks.tasks.prompting import PromptOptions

__all__ = ["DialogueTask"]


class DialogueTask(CSConvTask):
    """``csconv_dialogue``: the response task with the model's own earlier turns in the history.

    One document is one conversation with one request a turn, so that a conversation stays on one rank.
    """

    KIND = TaskKind.RESPONSE
    CONTEXT = Context.GENERATED
    LOGGED_OF_METRIC = 40  # in lists, without names
    PADDING: Any = PADDING
    """The document of a rank that has none."""

    def __init__(self, config: dict[str, Any] | None = None, **_: object) -> None:
        self._prompt_options = PromptOptions()
        super().__init__(config=config)
        # The evaluator pads ranks by this name; the config's own output_type stays "generate_until", by
        # which --gen_kwargs finds the task.
        self.OUTPUT_TYPE = GENERATE_DIALOGUE

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
        return "\n".join(f"[{strategy}] {text}" if strategy else text for strategy, text in pairs)

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
            yield 0, self.PADDING

    def _context(self, doc: DialogueDoc, options: PromptOptions) -> Any:
        self._prompt_options = options
        if doc["padding"]:
            return ""
        dialogue = self._dialogue(self.book.conversation(doc["conversation"]), options)
        dialogue.hear()
        return dialogue.prompt(dialogue.turns[0])[0]

    def _dialogue(self, conversation: Conversation, options: PromptOptions) -> Dialogue:
        def render(history: str, turn: TurnDoc) -> Any:
            return self.prompting.prompt(
                history + self.prompt_texts.cue(self.KIND, gold_strategy(turn)), options
            )

        return GoldDialogue(conversation, self.prompt_texts, render, self.options.think)

    def construct_requests(self, doc: DialogueDoc, ctx: Any, **options: Any) -> list[DialogueRequest]:
        """One request a turn; all of a conversation share its :class:`Dialogue`."""
        meta, generation = options["metadata"], deepcopy(self.config.generation_kwargs)
        if doc["padding"]:
            return [DialogueRequest.of(None, doc, 0, "", generation, meta)]
        dialogue = self._dialogue(self.book.conversation(doc["conversation"]), self._prompt_options)
        return [
            DialogueRequest.of(dialogue, turn, index, ctx, generation, meta)
            for index, turn in enumerate(dialogue.turns)
        ]

    def _prompt_bytes(self) -> int:
        """As if the model's turns were as long as the gold ones, for the prompts are not known yet."""
        first = head = 0
        for instance in self._instances:
            if instance.dialogue is None:
                continue
            if instance.idx == 0:
                head = len(str(instance.args[0]).encode("utf-8", "replace"))
                first += head
            else:
                first += head + len(self.book.history(instance.doc).encode("utf-8", "replace"))
        return first

    def apply_filters(self) -> None:
        """Read and score all replies of this process at once."""
        for instance in self._instances:
            instance.filtered_resps[FILTER] = ""
        turns = [i for i in self._instances if i.dialogue is not None]
        docs, answers = [i.doc for i in turns], [i.resps[0] if i.resps else "" for i in turns]
        # Each was read when its answer came, for the history of the next turn; but a model class may have a
        # `generate_dialogue` of its own.
        replies = [
            i.reply or read_replies(self.KIND, [i.doc], [a], [i.args[0]], self.options.think)[0]
            for i, a in zip(turns, answers, strict=True)
        ]
        for instance in self._instances:  # more than one are copies, as in TurnTask
            instance.resps = [clean(r) for r in instance.resps[:1]]
        left_out = [i.left_out for i in turns]
        scored = score_replies(docs, replies, self.options.tokenizer, self.metrics, left_out=left_out)
        self._judge(docs, scored, lambda k: turns[k].dialogue.history_lines(turns[k].turn, turns[k].left_out))
        for instance, record in zip(turns, scored.records, strict=True):
            self._hand_over(instance, record)
        self._summarise(docs, scored, answers, [number > 0 for number in left_out])

    def process_results(self, doc: DialogueDoc, results: Sequence[Any]) -> dict[str, Any]:
        """The items of a conversation's turns, in order: a list for each metric."""
        if not self.metrics:
            return {"bypass": 999.0}
        records = [] if doc["padding"] else [self._record(result) for result in results]
        picked: dict[str, Any] = {}
        for metric in self.metrics:
            name = column_name(metric, self.options.tokenizer)
            # A judge's verdict on the dialogue stands with its first turn.
            picked[name] = [record.items[name] for record in records if name in record.items]
            if isinstance(metric, AdditiveMetric):
                picked[f"{name}_stderr"] = [[doc["conversation"], item] for item in picked[name]]
        self._columns.see(picked)
        return picked

    def _of_documents(self, aggregation: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
        return OfConversations(aggregation)
