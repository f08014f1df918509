"""Weightless models: the floors that any model must beat.

On Chinese the chance level of a text metric is far from zero, so a score means little without it.

* ``random`` draws a strategy and a training reply.
* ``majority`` answers the most frequent training strategy, with its most typical training reply.
* ``retrieval`` answers as the supporter did at the nearest training turn (character n-gram TF-IDF of
  what the customer just said).
* ``labels`` guesses the strategy from the labels so far and the position, and reads no word for that
  (:mod:`csc_tasks.generation.label_predictor`); in generated context from its own labels. It replies as ``retrieval``
  does, among the training turns of that strategy.
* ``shuffle`` answers with the gold strategy and reply of a turn of *another* evaluated conversation:
  real supporter talk that has nothing to do with the question.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Any, cast

import numpy as np
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

from csc_tasks.data.sources import load
from csc_tasks.data.splits import Split
from csc_tasks.errors import ConfigError
from csc_tasks.framework import Strategy
from csc_tasks.generation.dialogue import DialogueRequest, conversations_of
from csc_tasks.generation.label_predictor import LabelHistory, LabelPredictor
from csc_tasks.generation.rounds import generate_dialogue
from csc_tasks.metrics.base import Floats
from csc_tasks.protocol.turns import TurnDoc, gold_strategy, turn_docs

__all__ = ["MODEL_NAME", "Floor", "FloorLM", "register"]

MODEL_NAME = "csconv-baseline"
BLOCK = 256


class Floor(StrEnum):
    """The weightless models; ``csconv-`` and the value is a model's name in results."""

    RANDOM = "random"
    MAJORITY = "majority"
    RETRIEVAL = "retrieval"
    LABELS = "labels"
    SHUFFLE = "shuffle"


_LEARNING = (Floor.MAJORITY, Floor.RETRIEVAL, Floor.LABELS)
"""Those that learn strategies, and need training conversations with labels."""

Answer = tuple[list[float], str]
"""A score for each of the twelve strategies (the best is the answer; all 0: none), and the reply."""


class FloorLM(LM):  # type: ignore[misc]
    """A floor as a model of the harness; it reads the documents and the labels before them, not the prompts.

    Args:
        model: ``csconv-`` and the floor; lm-eval names the output folder after it.
        train: training conversations, ``hub``, ``mini`` or a path.
        seed: of the random draws. A draw depends on the seed and the turn alone, so ``--limit`` or
            another order does not change it.
    """

    def __init__(self, model: str, train: str = "mini", seed: int = 0, **_: object) -> None:
        super().__init__()
        try:
            self.floor = Floor(str(model).removeprefix("csconv-"))
        except ValueError:
            raise ConfigError(f"no floor {model!r}: choose {', '.join(f.value for f in Floor)}") from None
        self.seed = seed
        self._train = str(train)
        self._dialogue_turns: dict[str | None, list[TurnDoc]] = {}

    @cached_property
    def training(self) -> list[TurnDoc]:
        """The training turns."""
        corpus = load(self._train, Split.TRAINING)
        if not corpus.labelled and self.floor in _LEARNING:
            raise ConfigError(
                f"the {self.floor.value} floor learns strategies, and {corpus.path} has none: choose others "
                "with --train, or the floors random and shuffle"
            )
        turns = list(turn_docs(corpus.conversations))
        if self.floor in (Floor.RETRIEVAL, Floor.LABELS) and not any(turn["customer"] for turn in turns):
            raise ConfigError(
                f"the {self.floor.value} floor answers as the supporter did after a customer, and in {corpus.path} no "
                "customer says anything before a supporter's turn: choose others with --train"
            )
        return turns

    @property
    def tokenizer_name(self) -> str:
        """None; chat templates make no difference to a model that reads no prompt."""
        return ""

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """The messages' texts, joined."""
        return "".join(m["content"] for m in chat_history)

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Answer in the format of the response task; the other tasks read what they need from it."""
        answers = self._answers(requests)
        replies = []
        for request in requests:
            scores, text = answers[id(request.doc)]
            label = f"[{Strategy.from_index(int(np.argmax(scores))).zh}] " if any(scores) else ""
            replies.append(label + text)
        return replies

    def generate_dialogue(self, requests: Sequence[DialogueRequest]) -> list[Any]:
        """Answer dialogues round by round like any model, with all their turns known to ``shuffle``."""
        for group in conversations_of(requests):
            if self.floor is Floor.SHUFFLE and not any(request.doc["reference"] for request in group):
                raise ConfigError(
                    f"{group[0].task_name}: the shuffle floor exchanges gold replies, which role-plays lack; evaluate "
                    "it with the other floors"
                )
            for request in group:
                self._dialogue_turns.setdefault(request.task_name, []).append(cast(TurnDoc, request.doc))
        return generate_dialogue(self, requests)

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """The score of the option that a request asks about."""
        answers = self._answers(requests)
        results = []
        for request in requests:
            scores = answers[id(request.doc)][0]
            index = ord(request.args[1].strip()) - ord("A")
            results.append((float(scores[index]), bool(index == int(np.argmax(scores)))))
        return results

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        """Not offered: no csconv task asks for it."""
        raise ConfigError("a floor has no likelihood of free text; it runs the csconv tasks only")

    def _answers(self, requests: Sequence[Instance]) -> dict[int, Answer]:
        """An answer for each document, by the document's identity (a request an option shares one)."""
        by_task: dict[str | None, dict[int, Instance]] = {}
        for request in requests:
            if not isinstance(request.doc, dict) or "conversation" not in request.doc:
                raise ConfigError(f"task {request.task_name} is not a csconv task; floors answer those only")
            by_task.setdefault(request.task_name, {})[id(request.doc)] = request
        answers: dict[int, Answer] = {}
        for task, by_id in by_task.items():
            docs = [cast(TurnDoc, request.doc) for request in by_id.values()]
            match self.floor:
                case Floor.RANDOM:
                    given = self._random(docs)
                case Floor.MAJORITY:
                    given = [self._most_frequent] * len(docs)
                case Floor.RETRIEVAL:
                    given = self._retrieval(docs)
                case Floor.LABELS:
                    given = self._from_labels(docs, [request.earlier for request in by_id.values()])
                case Floor.SHUFFLE:
                    # In a dialogue the requests are those of one round, and the exchange is among all.
                    given = self._shuffle(docs, self._dialogue_turns.get(task, docs))
            answers.update(zip(by_id, given, strict=True))
        return answers

    def _rng(self, doc: TurnDoc) -> random.Random:
        return random.Random(f"{self.seed}/{doc['conversation']}/{doc['turn']}")

    def _random(self, docs: list[TurnDoc]) -> list[Answer]:
        answers = []
        for doc in docs:
            rng = self._rng(doc)
            scores = [rng.random() for _ in Strategy]
            answers.append((scores, rng.choice(self.training)["reference"]))
        return answers

    @cached_property
    def _most_frequent(self) -> Answer:
        """What the majority floor says, whatever is asked."""
        counts = Counter(gold_strategy(d) for d in self.training)
        scores = [counts[s] / len(self.training) for s in Strategy]
        strategy = Strategy.from_index(int(np.argmax(scores)))
        replies = [d["reference"] for d in self.training if gold_strategy(d) is strategy]
        vectors = _tfidf(replies)[1]
        typical = replies[int(np.argmax(np.asarray(vectors @ vectors.mean(axis=0).T).ravel()))]
        return scores, typical

    @cached_property
    def _questions(self) -> tuple[list[TurnDoc], Any, Any]:
        """Training turns with a question before them, the vectorizer fitted to those, their vectors.

        Once a run: in a dialogue every round asks again.
        """
        turns = [t for t in self.training if t["customer"]]
        return turns, *_tfidf([t["customer"] for t in turns])

    def _retrieval(self, docs: list[TurnDoc]) -> list[Answer]:
        # What opens a conversation has no question before it: it is answered with another opening.
        openings = [t for t in self.training if not t["customer"]] or self.training
        others, vectorizer, index = self._questions
        golds = np.array([cast(Strategy, gold_strategy(t)).index for t in others])
        answers: list[Answer] = []
        for doc, row in _similarities(docs, vectorizer, index):
            if not doc["customer"]:
                opening = self._rng(doc).choice(openings)
                answers.append((_one_hot(gold_strategy(opening)), opening["reference"]))
                continue
            scores = [float(row[golds == k].max(initial=-1.0)) for k in range(len(Strategy))]
            answers.append((scores, others[int(np.argmax(row))]["reference"]))
        return answers

    @cached_property
    def _predictor(self) -> LabelPredictor:
        return LabelPredictor(self.training)

    def _from_labels(
        self, docs: list[TurnDoc], earlier: Sequence[tuple[Strategy | None, ...]]
    ) -> list[Answer]:
        histories = [
            LabelHistory(labels, bool(doc["customers"])) for doc, labels in zip(docs, earlier, strict=True)
        ]
        probabilities = self._predictor.probabilities(histories)
        chosen = probabilities.argmax(axis=1)
        replies: dict[int, str] = {}
        for k in np.unique(chosen):
            places = np.flatnonzero(chosen == k).tolist()
            found = self._replies_of(Strategy.from_index(int(k)), [docs[i] for i in places])
            replies.update(zip(places, found, strict=True))
        return [(scores, replies[i]) for i, scores in enumerate(probabilities.tolist())]

    @cached_property
    def _of_strategy(self) -> dict[Strategy, tuple[list[TurnDoc], Any, list[TurnDoc]]]:
        """By strategy: training turns with a question before them, the questions' vectors, and turns without one.

        Once a run, as above. A strategy that opens no training conversation has all its turns in the last place.
        """
        asked, _, index = self._questions
        golds = np.array([cast(Strategy, gold_strategy(turn)).index for turn in asked], dtype=int)
        all_of: dict[Strategy, list[TurnDoc]] = {}
        for turn in self.training:
            all_of.setdefault(cast(Strategy, gold_strategy(turn)), []).append(turn)
        return {
            strategy: (
                [turn for turn in turns if turn["customer"]],
                index[np.flatnonzero(golds == strategy.index)],
                [turn for turn in turns if not turn["customer"]] or turns,
            )
            for strategy, turns in all_of.items()
        }

    def _replies_of(self, strategy: Strategy, docs: list[TurnDoc]) -> list[str]:
        """The reply to what the customer just said at the nearest training turn of a strategy that training has."""
        turns, index, others = self._of_strategy[strategy]
        replies = []
        for doc, row in _similarities(docs, self._questions[1], index):
            if turns and doc["customer"]:
                replies.append(turns[int(np.argmax(row))]["reference"])
            else:
                replies.append(self._rng(doc).choice(others)["reference"])
        return replies

    def _shuffle(self, docs: list[TurnDoc], pool: list[TurnDoc]) -> list[Answer]:
        if len(pool) < 2:
            raise ConfigError("the shuffle floor needs at least two turns to exchange")
        answers = []
        conversations = {d["conversation"] for d in pool}
        for doc in docs:
            rng = self._rng(doc)
            other = rng.choice(pool)
            # With a single conversation (--limit), another of its turns is the best there is.
            while other["conversation"] == doc["conversation"] if len(conversations) > 1 else other is doc:
                other = rng.choice(pool)
            answers.append((_one_hot(gold_strategy(other)), other["reference"]))
        return answers


def _one_hot(strategy: Strategy | None) -> list[float]:
    return [float(s is strategy) for s in Strategy]


def _similarities(docs: Sequence[TurnDoc], vectorizer: Any, index: Any) -> Iterator[tuple[TurnDoc, Floats]]:
    """Each turn, and how like its question each row (n, terms) of an index is, (n,)."""
    # In blocks: all turns of CSConv against all of RoleCS would be 14 GB of similarities.
    for start in range(0, len(docs), BLOCK):
        block = docs[start : start + BLOCK]
        found = (vectorizer.transform([doc["customer"] for doc in block]) @ index.T).toarray()
        yield from zip(block, found, strict=True)


def _tfidf(texts: Sequence[str]) -> tuple[Any, Any]:
    """A fitted character 1- to 3-gram TF-IDF vectorizer and the texts' vectors (n, terms)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
    return vectorizer, vectorizer.fit_transform(texts)


def register() -> None:
    """Make the floors known to the harness as ``--model csconv-baseline``.

    lm-eval finds models by no entry point, and makes the model before it reads a task's file: whoever names
    the model has to call this first, as ``csconv floor`` does.
    """
    # lm-eval fills its registry of models only if it is still empty when asked, so a model registered before
    # its own would hide them all.
    import lm_eval.models  # noqa: F401

    register_model(MODEL_NAME)(FloorLM)
