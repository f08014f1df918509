"""The interactive task: a customer who answers back. One document is one case card, with all its trials."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, TypedDict

from csc_tasks.data.sources import Corpus, training_corpus
from csc_tasks.generation.dialogue import DialogueRequest
from csc_tasks.harness.ranks import of_all_ranks
from csc_tasks.metrics import Metric, column_name
from csc_tasks.metrics.roleplay import role_play_metrics
from csc_tasks.protocol.answers import clean
from csc_tasks.protocol.scoring import Scored, TurnRecord
from csc_tasks.protocol.signature import Signature
from csc_tasks.protocol.signature_parts import CustomerSignature, DataSignature
from csc_tasks.protocol.task_kind import Context
from csc_tasks.protocol.turns import PromptBook, TurnDoc
from csc_tasks.results.role_play_log import card_of, faults_in_words
from csc_tasks.roleplay.card_sets import CardSet, cards_of_subset, chosen_card_set
from csc_tasks.roleplay.cards import CaseCard
from csc_tasks.roleplay.choice import simulator_of
from csc_tasks.roleplay.dialogue import RolePlayDialogue
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.logged import logged_turns
from csc_tasks.roleplay.outcome import figures_of_card
from csc_tasks.roleplay.playing import Played
from csc_tasks.roleplay.rules import RULES, rules_digest
from csc_tasks.roleplay.simulators import SCRIPTED, Simulator
from csc_tasks.roleplay.supporter_texts import SUPPORTER_TEXT, supporter_text_digest
from csc_tasks.roleplay.transcript import MOST_TURNS
from csc_tasks.tasks.base import FILTER
from csc_tasks.tasks.dialogue import DialogueTask
from csc_tasks.tasks.prompting import PromptOptions

__all__ = ["RolePlayTask"]

logger = logging.getLogger(__name__)


class RolePlayDoc(TypedDict):
    """One case card as the harness sees and logs it; a card is the cluster of its trials.

    ``padding`` marks the entry of a rank that got no card, as in dialogues.
    """

    conversation: str
    topic: str
    trials: int
    padding: bool


class RolePlayTask(DialogueTask):
    """``csconv_roleplay``: the model under test is the supporter, and a simulated customer answers it."""

    CONTEXT = Context.ROLE_PLAY
    PADDING = RolePlayDoc(conversation="", topic="", trials=0, padding=True)

    def __init__(self, config: dict[str, Any] | None = None, **_: object) -> None:
        self._dialogues: dict[str, list[RolePlayDialogue]] = {}
        self._items: dict[str, dict[str, list[Any]]] = {}
        super().__init__(config=config)

    # --- what is evaluated ---

    def _read_data(self) -> None:
        self.card_set: CardSet = chosen_card_set(self.options.cards)
        cards = cards_of_subset(self.card_set, self.options.subset)
        self.cards: dict[str, CaseCard] = {card.id: card for card in cards}
        self.trials = self.options.trials or 1
        self.simulator: Simulator = simulator_of(self.options.customer)
        self.book = PromptBook([], self.prompt_texts, self.KIND)

    def _metrics_of_run(self, task: object) -> tuple[Metric, ...]:
        if self.simulator.identity["kind"] == SCRIPTED:
            logger.warning(
                "%s: customers are scripted, which is good for smoke tests and CI; --metadata "
                "csconv_customer=customer.yaml has a model play them (docs/roleplay.md)",
                task,
            )
        return tuple(role_play_metrics(self.trials).values())

    def _sign(self) -> Signature:
        identity = self.simulator.identity
        customer = CustomerSignature.of(
            identity,
            f"{RULES}@{rules_digest()}",
            f"{SUPPORTER_TEXT}@{supporter_text_digest()}",
            self.trials,
            str(identity.get("model") or identity["version"]),
        )
        data = DataSignature(
            name=self.card_set.name,
            scale=self.options.subset.value,
            conversations=len(self.cards),
            fingerprint=self.card_set.fingerprint[:16],
            sha256=self.card_set.fingerprint,
        )
        judge = self.judge.signature if self.judge else None
        choice = self.prompt_texts, data, self.options.tokenizer, self.metrics, judge, customer
        return Signature.of(self.KIND, self.CONTEXT, *choice)

    def _documents(self) -> list[Any]:
        return [
            RolePlayDoc(conversation=card.id, topic=card.topic, trials=self.trials, padding=False)
            for card in self.cards.values()
        ]

    def _training(self) -> Corpus:
        return training_corpus(self.options.subset, self.options.train)

    def build_all_requests(self, **options: Any) -> None:
        """Find out whether customers can be had, then as every task."""
        self._dialogues.clear()
        # Each evaluation has its own: in a training loop the task is evaluated again, and the last one's is closed.
        self.simulator = simulator_of(self.options.customer)
        self.simulator.prepare()
        super().build_all_requests(**options)

    # --- prompts ---

    def doc_to_target(self, doc: Any, doc_to_target: object = None) -> str:
        """Nothing: no answer is gold."""
        return ""

    def _context(self, doc: Any, options: PromptOptions) -> Any:
        self._prompt_options = options
        if doc["padding"]:
            return ""
        dialogue = self._role_play(doc["conversation"], 0, options)
        return dialogue.prompt(dialogue.turns[0])[0]

    def _role_play(self, card: str, trial: int, options: PromptOptions) -> RolePlayDialogue:
        def render(history: str, turn: TurnDoc) -> Any:
            return self.prompting.prompt(history + self.prompt_texts.cue(self.KIND, None), options)

        case = CaseInPlay(self.cards[card], CaseInPlay.key_of(self.cards[card], trial))
        return RolePlayDialogue(
            case,
            trial,
            self.simulator.customer(case),
            self.simulator.connections,
            self.simulator.close,
            self.prompt_texts,
            render,
            self.options.think,
        )

    def construct_requests(self, doc: Any, ctx: Any, **options: Any) -> list[DialogueRequest]:
        """A request for each turn that there may be; those that were never asked are taken out afterwards."""
        meta, generation = options["metadata"], deepcopy(self.config.generation_kwargs)
        if doc["padding"]:
            return [DialogueRequest.of(None, doc, 0, "", generation, meta)]
        trials = [
            self._role_play(doc["conversation"], trial, self._prompt_options) for trial in range(self.trials)
        ]
        self._dialogues[doc["conversation"]] = trials
        requests = []
        for trial, dialogue in enumerate(trials):
            first = dialogue.prompt(dialogue.turns[0])[0]
            for turn, slot in enumerate(dialogue.turns):
                index = trial * MOST_TURNS + turn
                requests.append(DialogueRequest.of(dialogue, slot, index, first, generation, meta, turn))
        return requests

    def _prompt_bytes(self) -> int:
        """As if half of the turns were used, each with as much before it as a short call has."""
        first = sum(
            len(str(i.args[0]).encode("utf-8", "replace"))
            for i in self._instances
            if i.dialogue is not None and i.turn == 0
        )
        return first * MOST_TURNS // 2

    # --- scores ---

    def apply_filters(self) -> None:
        """Score all role-plays of this process; requests that were never asked are no part of the log."""
        self.simulator.close()
        asked = [i for i in self._all_instances() if i.dialogue is None or i.turn < len(_played(i).turns)]
        # lm-eval pads ranks with the very object of the last request, and logs what it finds here.
        self._instances: list[DialogueRequest] = asked
        turns = [i for i in asked if i.dialogue is not None]
        for instance in asked:
            instance.filtered_resps[FILTER] = ""
            instance.resps = [clean(r) for r in instance.resps[:1]]
        answers = [i.resps[0] if i.resps else "" for i in turns]
        records = [TurnRecord(i.reply, {}, i.left_out) for i in turns if i.reply is not None]
        beside = {id(d): logged_turns(d.played, d.trial) for each in self._dialogues.values() for d in each}
        for instance, record in zip(turns, records, strict=True):
            turn = beside[id(instance.dialogue)][instance.turn].to_json()
            instance.filtered_resps[FILTER] = json.dumps(json.loads(str(record)) | turn, ensure_ascii=False)
        self._items = self._scored()
        docs = [i.doc for i in turns]
        if self.judge is not None and self.metrics:
            self._judge_role_plays(turns, records)
        self._summarise(docs, Scored(records, {}), answers, [i.left_out > 0 for i in turns])

    def _all_instances(self) -> list[DialogueRequest]:
        return list(self._instances)

    def _scored(self) -> dict[str, dict[str, list[Any]]]:
        """For each card of this process its items by metric: one a trial, or ``None`` where scores are withheld."""
        figures = {
            card: figures_of_card([d.played for d in trials]) for card, trials in self._dialogues.items()
        }
        mine = Counter(
            fault for trials in self._dialogues.values() for d in trials if (fault := d.played.fault)
        )
        everyone = of_all_ranks((sum(map(len, figures.values())), mine), self._world_size)
        total = sum(count for count, _ in everyone)
        together = dict(sum((found for _, found in everyone), Counter[str]()))
        self.report.figures["customers"] = {"role_plays": total, "faults": together}
        withheld = self._withheld(total, together)
        return {
            card: {
                name: [None if withheld and name != "customer_coverage" else metric.item(f) for f in each]
                for name, metric in role_play_metrics(self.trials).items()
            }
            for card, each in figures.items()
        }

    def _judge_role_plays(self, turns: Sequence[DialogueRequest], records: Sequence[TurnRecord]) -> None:
        """Add a judge's items: whole role-plays are judged, and what could not be played counts nowhere."""
        assert self.judge is not None
        self.judge.add_items(self.task_name, [i.doc for i in turns], records, lambda _: ())
        for request, record in zip(turns, records, strict=True):
            if request.turn:
                continue
            own = self._items[card_of(request.doc["conversation"])]
            for metric in self.judge.metrics:
                name = metric.info.name
                counts = not _played(request).fault or name == "judge_coverage"
                own.setdefault(name, []).append(record.items[name] if counts else [])

    def _withheld(self, total: int, faults: dict[str, int]) -> str:
        """Why there are no scores; '' where enough customers could be played."""
        lost = sum(faults.values())
        if not lost:
            return ""
        what = ", ".join(f"{name} {count}" for name, count in sorted(faults.items()))
        logger.warning(
            "%s: %d of %d role-plays could not be played to their end (%s); they count nowhere",
            self.task_name, lost, total, faults_in_words(what),
        )  # fmt: skip
        least = self.simulator.min_coverage
        if total - lost >= least * total:
            return ""
        reason = (
            f"{total - lost} of {total} role-plays could be played to their end, and {least:.0%} are needed "
            f"({what})"
        )
        for metric in self.metrics:
            if metric.info.name != "customer_coverage":
                self.report.reasons[column_name(metric, self.options.tokenizer)] = reason
        return reason

    def process_results(self, doc: Any, results: Sequence[Any]) -> dict[str, Any]:
        """The items of a card's trials, in order: a list for each metric."""
        if not self.metrics:
            return {"bypass": 999.0}
        items = {} if doc["padding"] else self._items[doc["conversation"]]
        picked: dict[str, Any] = {}
        for metric in self.metrics:
            name = column_name(metric, self.options.tokenizer)
            picked[name] = items.get(name, [])
            picked[f"{name}_stderr"] = [[doc["conversation"], item] for item in picked[name]]
        self._columns.see(picked)
        return picked


def _played(request: DialogueRequest) -> Played:
    assert isinstance(request.dialogue, RolePlayDialogue)
    return request.dialogue.played
