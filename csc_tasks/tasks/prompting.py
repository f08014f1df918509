"""The prompts of a run as they are sent: instruction, examples, history and cue, the chat template around them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lm_eval.api.utils import Message, multiturn_to_singleturn

from csc_tasks.data.sources import Corpus
from csc_tasks.errors import ConfigError
from csc_tasks.protocol.prompt import Prompt
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.turns import PromptBook, turn_docs

__all__ = ["PromptOptions", "Prompting"]


@dataclass(frozen=True, slots=True)
class PromptOptions:
    """What the user's options add to a prompt."""

    num_fewshot: int = 0
    system_instruction: str | None = None
    fewshot_as_multiturn: bool = False
    chat_template: Callable[..., Any] | None = None


class Prompting:
    """Makes the prompts of a task.

    Args:
        texts: the prompt's.
        kind: what is asked.
        book: the conversations that are evaluated, of which none may be an example.
        training: reads where examples come from; called when there are to be any.
        on_drawn: told when examples were drawn: from where, and with which seed.
    """

    def __init__(
        self,
        texts: Prompt,
        kind: TaskKind,
        book: PromptBook,
        training: Callable[[], Corpus],
        on_drawn: Callable[[Corpus, int | None], None],
    ) -> None:
        self._texts = texts
        self._kind = kind
        self._book = book
        self._training = training
        self._on_drawn = on_drawn
        self._shots: list[tuple[str, str]] = []
        self._seed: int | None = None
        self._prefixes: dict[tuple[int, str | None], str] = {}

    def set_seed(self, seed: int | None) -> None:
        """Draw the examples from this seed, once."""
        self._seed = seed
        self._shots.clear()
        self._prefixes.clear()

    def prompt(self, question: str, options: PromptOptions) -> Any:
        """The prompt that is sent: a string, or what the backend's ``apply_chat_template`` makes of the messages.

        Raises:
            ConfigError: there are no examples, or not enough of them.
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
            texts = self._texts
            shots = "".join(
                q + texts.answer_gap + a + texts.next_dialogue for q, a in self._draw(options.num_fewshot)
            )
            system = options.system_instruction + "\n\n" if options.system_instruction else ""
            prefix = self._prefixes[key] = system + texts.head(self._kind) + shots
        return prefix + question

    def _messages(self, question: str, options: PromptOptions) -> list[Message]:
        texts = self._texts
        messages = [Message("system", options.system_instruction)] if options.system_instruction else []
        opening = texts.head(self._kind)
        for asked, answer in self._draw(options.num_fewshot):
            messages.append(Message("user", opening + asked, texts.answer_gap))
            # The blank line belongs to the joined form only; a chat message begins with the heading.
            messages.append(Message("assistant", answer, "\n\n"))
            opening = texts.next_dialogue.lstrip("\n")
        messages.append(Message("user", opening + question))
        return messages

    def _draw(self, count: int) -> list[tuple[str, str]]:
        """The run's few-shot examples as (history and cue, answer).

        They are the same for every turn: prompts that share a prefix cost a server with prefix caching
        almost nothing, and no turn is luckier in its examples than another.
        """
        if len(self._shots) != count:
            training = self._training()
            if not training.labelled:
                raise ConfigError(
                    f"--num_fewshot {count}: {training.path} has no strategies, which an example must show; "
                    "--metadata csconv_train= names another file"
                )
            # A conversation that is evaluated must not be an example.
            pool = [c for c in training.conversations if c.id not in self._book]
            if count > len(pool):
                raise ConfigError(
                    f"--num_fewshot {count}: {training.path} has only {len(pool)} conversations to draw from"
                )
            rng = random.Random(self._seed)
            chosen = rng.sample(pool, count)
            book = PromptBook(chosen, self._texts, self._kind)
            docs = [rng.choice(list(turn_docs([c]))) for c in chosen]
            self._shots = [(book.question(doc), book.target(doc)) for doc in docs]
            self._on_drawn(training, self._seed)
        return self._shots
