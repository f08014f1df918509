"""Which tokens of an example are the answer: those alone are learnt, whatever the chat template.

The whole example is written out as the model will see it and then cut into tokens once; labels are those tokens where
they belong to an answer, the token that ends it included, and ``IGNORED`` elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from csc_tasks.errors import ConfigError

__all__ = ["IGNORED", "AnswerMasks", "LabelledTokens", "Marks", "Message", "answers_of"]

IGNORED = -100
"""The label of a token that is not learnt, as PyTorch's cross-entropy has it."""

Message = dict[str, str]
"""With ``role`` and ``content``."""


class LabelledTokens(NamedTuple):
    """An example as tokens and labels, both of length n."""

    input_ids: list[int]
    labels: list[int]

    @property
    def learnt(self) -> list[int]:
        """The tokens that have a label."""
        return [label for label in self.labels if label != IGNORED]


class Marks(StrEnum):
    """How the answers of a whole conversation are found in it."""

    OWN = "the template's own generation marks"
    RENDERED = "what the template writes for each answer"
    TRAINING = "the generation marks of TRL's training form of the template"


@dataclass
class AnswerMasks:
    """Makes tokens and labels of examples with one tokenizer, which stays as it is.

    Args:
        tokenizer: of the model.
        chat: whether by the tokenizer's chat template; else the prompt is plain text.
        gap: what stands between a plain prompt and the answer to it.

    Attributes:
        marks: how answers of whole conversations were found, once one was made.
        torn: examples whose prompt is written otherwise where no answer follows.
        unlike: examples that the training form of the template writes otherwise than the template itself.
        changed: the answers that do not come back from their tokens.
    """

    tokenizer: Any
    chat: bool
    gap: str = " "
    marks: Marks | None = None
    torn: int = 0
    unlike: int = 0
    changed: list[str] = field(default_factory=list)

    def prompt_completion(self, prompt: Sequence[Message], completion: Sequence[Message]) -> LabelledTokens:
        """An example of one answer: learnt is what follows the prompt as it is written when an answer is asked for."""
        if self.chat:
            asked = self._ids(prompt, add_generation_prompt=True)
            whole = self._ids([*prompt, *completion])
        else:
            question = "\n\n".join(message["content"] for message in prompt)
            answer = "".join(message["content"] for message in completion)
            asked = self.tokenizer(question)["input_ids"]
            whole = self.tokenizer(question + self.gap + answer)["input_ids"]
            if whole[-1:] != [self.tokenizer.eos_token_id]:
                whole = [*whole, self.tokenizer.eos_token_id]
        start = _common(asked, whole)
        self.torn += start < len(asked)
        made = LabelledTokens(whole, [IGNORED] * start + whole[start:])
        self._hold_to(made, completion)
        return made

    def messages(self, messages: Sequence[Message]) -> LabelledTokens:
        """A whole conversation: learnt is each answer.

        Raises:
            ConfigError: the template writes an answer otherwise once another message follows, so that no token can be
                said to be the answer's.
        """
        if not self.chat:
            raise ConfigError(
                "examples of whole conversations (format messages) need a chat template, and this tokenizer has none, "
                "or template is plain: make examples with --format prompt-completion"
            )
        if self.marks is None:
            self.marks = self._choose(messages)
        made = (
            self._by_rendering(messages)
            if self.marks is Marks.RENDERED
            else self._by_marks(messages, self._marked_template())
        )
        if made is None or not made.learnt:
            raise ConfigError(
                f"the tokenizer's chat template does not say which tokens are the answers ({self.marks}): make "
                "examples with --format prompt-completion, which needs no marks"
            )
        self._hold_to(made, messages)
        return made

    def _choose(self, messages: Sequence[Message]) -> Marks:
        from trl.chat_template_utils import has_generation_markers, is_chat_template_stop_token_trained

        # Marks that leave out the token that ends an answer would teach never to end.
        if has_generation_markers(_default(self.tokenizer.chat_template)) and (
            is_chat_template_stop_token_trained(self.tokenizer)
        ):
            return Marks.OWN
        return Marks.TRAINING if self._by_rendering(messages) is None else Marks.RENDERED

    def _marked_template(self) -> str | None:
        """The template with marks; ``None`` for the tokenizer's own."""
        from trl.chat_template_utils import get_training_chat_template

        if self.marks is Marks.OWN:
            return None
        try:
            found: str | None = get_training_chat_template(self.tokenizer)
        except ValueError:
            found = None
        if found is None:
            raise ConfigError(
                "the tokenizer's chat template writes an answer otherwise once another message follows, has no "
                "generation marks, and TRL knows no training form of it: make examples with --format "
                "prompt-completion, which needs none"
            )
        return found

    def _by_marks(self, messages: Sequence[Message], template: str | None) -> LabelledTokens:
        made = self.tokenizer.apply_chat_template(
            messages,
            chat_template=template,
            tokenize=True,
            return_dict=True,
            return_assistant_tokens_mask=True,
        )
        ids = list(made["input_ids"])
        self.unlike += template is not None and ids != self._ids(messages)
        pairs = zip(ids, made["assistant_masks"], strict=True)
        return LabelledTokens(ids, [token if answer else IGNORED for token, answer in pairs])

    def _by_rendering(self, messages: Sequence[Message]) -> LabelledTokens | None:
        """By what each answer adds to the text; ``None`` where the template goes back on what it wrote."""
        whole = self._text(messages)
        spans = []
        for place, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            before = self._text(messages[:place], add_generation_prompt=True)
            after = self._text(messages[: place + 1])
            if not (after.startswith(before) and whole.startswith(after)):
                return None
            spans.append((len(before), len(after)))
        made = self.tokenizer(whole, add_special_tokens=False, return_offsets_mapping=True)
        labels, ahead = [], iter([*spans, (len(whole), len(whole))])
        start, end = next(ahead)
        for token, (first, last) in zip(made["input_ids"], made["offset_mapping"], strict=True):
            while first >= end and end < len(whole):
                start, end = next(ahead)
            labels.append(token if start <= first < end and last <= end else IGNORED)
        return LabelledTokens(list(made["input_ids"]), labels)

    def _ids(self, messages: Sequence[Message], **options: Any) -> list[int]:
        made = self.tokenizer.apply_chat_template(list(messages), tokenize=True, return_dict=True, **options)
        return list(made["input_ids"])

    def _text(self, messages: Sequence[Message], **options: Any) -> str:
        return str(self.tokenizer.apply_chat_template(list(messages), tokenize=False, **options))

    def _hold_to(self, made: LabelledTokens, messages: Sequence[Message]) -> None:
        """Keep in mind the answers that the learnt tokens do not say."""
        said = self.tokenizer.decode(made.learnt)
        place = 0
        for answer in answers_of(messages):
            found = said.find(answer.strip(), place)
            if found < 0:
                self.changed.append(answer)
            else:
                place = found + len(answer.strip())


def answers_of(messages: Sequence[Message]) -> list[str]:
    """What the assistant says."""
    return [message["content"] for message in messages if message["role"] == "assistant"]


def _default(template: Any) -> str:
    return str(template["default"] if isinstance(template, dict) else template or "")


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    longest = min(len(one), len(other))
    return next((place for place in range(longest) if one[place] != other[place]), longest)
