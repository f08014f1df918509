"""One conversation whose supporter is the model under test: the prompts of its turns, one after the other.

In generated context the customer's turns are gold. A subclass may have a customer who answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypedDict

from lm_eval.api.instance import Instance

from csc_tasks.data.conversations import Conversation, Speaker, Utterance
from csc_tasks.framework import Strategy
from csc_tasks.harness.request_names import GENERATE_DIALOGUE
from csc_tasks.protocol.prompt import Prompt
from csc_tasks.protocol.replies import Reply
from csc_tasks.protocol.scoring import read_replies
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.thinking import ThinkingFormat
from csc_tasks.protocol.turns import TurnDoc, turn_docs

__all__ = [
    "PADDING",
    "Dialogue",
    "DialogueDoc",
    "DialogueRequest",
    "GoldDialogue",
    "conversations_of",
    "dialogue_doc",
]


class DialogueDoc(TypedDict):
    """One conversation as the harness sees and logs it: the gold answer of each of its ``turns`` turns.

    ``customers`` has for each turn what the customer says before it, since the supporter's last turn.
    ``padding`` marks the entry of a rank that got no conversation (more ranks than conversations); it
    has no turns, is never sent to the model and counts nowhere.
    """

    conversation: str
    topic: str
    turns: int
    customers: list[list[str]]
    strategies: list[str | None]
    references: list[str]
    padding: bool


def dialogue_doc(conversation: Conversation) -> DialogueDoc:
    """The document of a conversation."""
    turns = list(turn_docs([conversation]))
    return DialogueDoc(
        conversation=conversation.id,
        topic=conversation.topic,
        turns=len(turns),
        customers=[t["customers"] for t in turns],
        strategies=[t["strategy"] for t in turns],
        references=[t["reference"] for t in turns],
        padding=False,
    )


PADDING = DialogueDoc(
    conversation="", topic="", turns=0, customers=[], strategies=[], references=[], padding=True
)


class Dialogue:
    """A conversation while the model plays the supporter; ``labels`` are those of its turns so far, as read.

    Args:
        turns: a document of each turn that the supporter has, or may have.
        texts: the prompt texts; they say how an utterance is written as a line of history.
        render: makes the prompt that is sent, chat template included, from a history and a turn.
        formats: of thinking, beside those that are known.
        before: what stands before the history in every prompt, and is never cut.
    """

    def __init__(
        self,
        turns: Sequence[TurnDoc],
        texts: Prompt,
        render: Callable[[str, TurnDoc], Any],
        formats: Sequence[ThinkingFormat] = (),
        before: str = "",
    ) -> None:
        self.formats = formats
        self.labels: list[Strategy | None] = []
        self.turns = list(turns)
        self._texts = texts
        self._render_after = render
        self._before = before
        self._lines: list[str] = []
        self._starts: list[int] = []  # how many lines stand before each turn

    def hear(self) -> None:
        """Have the customer say what comes before the next turn. May take as long as a server takes."""
        raise NotImplementedError

    @property
    def over(self) -> bool:
        """Whether nothing more is to be asked, although there are turns left."""
        return False

    @property
    def listeners(self) -> int:
        """How many dialogues like this one may :meth:`hear` at once, because they wait; 0 where nobody waits."""
        return 0

    @property
    def unfinished(self) -> str:
        """Why it broke off where the same command would go on; '' where it did not."""
        return ""

    def stop(self) -> None:
        """The run ends before the dialogue: let go of whatever it holds."""

    def _render(self, history: str, turn: TurnDoc) -> Any:
        return self._render_after(self._before + history, turn)

    def prompt(self, turn: TurnDoc, fits: Callable[[Any], bool] | None = None) -> tuple[Any, int]:
        """The prompt of the next turn, and how many of the oldest utterances were left out to make it fit.

        Instructions, few-shot examples and the latest utterances are kept. If not even the prompt without
        any history fits, that one is returned.
        """
        prompt = self._render("".join(self._lines), turn)
        if fits is None or fits(prompt):
            return prompt, 0
        # A longer history never fits where a shorter one does not: bisect for the smallest cut.
        low, high = 1, len(self._lines)
        while low < high:
            middle = (low + high) // 2
            if fits(self._render("".join(self._lines[middle:]), turn)):
                high = middle
            else:
                low = middle + 1
        return self._render("".join(self._lines[low:]), turn), min(low, len(self._lines))

    def history_lines(self, index: int, left_out: int = 0) -> list[str]:
        """The lines before turn ``index``, which was asked for, without the oldest ``left_out`` of them."""
        return [line.removesuffix("\n") for line in self._lines[left_out : self._starts[index]]]

    def add_reply(self, reply: Reply) -> None:
        """Add the model's turn to the history: an unreadable strategy is written as 其它."""
        self.labels.append(reply.strategy)
        self._starts.append(len(self._lines))
        self._add_line(Utterance(Speaker.SUPPORTER, reply.strategy, reply.text))

    def _add_line(self, utterance: Utterance) -> None:
        self._lines.append(self._texts.line(utterance))


class GoldDialogue(Dialogue):
    """A conversation in generated context: what the customer says is gold, whatever the supporter says.

    Args:
        conversation: the gold conversation.
        texts, render, formats: as for every dialogue.
    """

    def __init__(
        self,
        conversation: Conversation,
        texts: Prompt,
        render: Callable[[str, TurnDoc], Any],
        formats: Sequence[ThinkingFormat] = (),
    ) -> None:
        super().__init__(list(turn_docs([conversation])), texts, render, formats)
        self._utterances = conversation.utterances

    def hear(self) -> None:
        """Go on to the supporter's next turn."""
        while self._utterances[len(self._lines)].speaker is Speaker.CUSTOMER:
            self._add_line(self._utterances[len(self._lines)])


class DialogueRequest(Instance):  # type: ignore[misc]
    """One turn of a dialogue as a request. Its prompt is not known before the turns before it are answered.

    ``turn`` is its place in the dialogue, from 0; ``left_out`` is how many of the oldest utterances did not fit into
    the model's window; ``reply`` is the answer as it was read for the history. A request without a ``dialogue`` is
    padding.
    """

    dialogue: Dialogue | None = None
    turn: int = 0
    left_out: int = 0
    reply: Reply | None = None

    @property
    def earlier(self) -> tuple[Strategy | None, ...]:
        """The labels of the model's own turns before this one, as they were read; ``None`` for the unreadable."""
        return () if self.dialogue is None else tuple(self.dialogue.labels[: self.turn])

    def ask(self, fits: Callable[[Any], bool] | None) -> None:
        """Make the prompt, now that all turns before are answered."""
        assert self.dialogue is not None
        prompt, self.left_out = self.dialogue.prompt(self.doc, fits)
        self.arguments = (prompt, self.args[1])

    def take(self, answer: object) -> None:
        """Read the model's answer, once for history and scores."""
        assert self.dialogue is not None
        asked, sent = [self.doc], [self.args[0]]
        (self.reply,) = read_replies(TaskKind.RESPONSE, asked, [answer], sent, self.dialogue.formats)
        self.dialogue.add_reply(self.reply)

    @classmethod
    def of(
        cls,
        dialogue: Dialogue | None,
        doc: TurnDoc | DialogueDoc,
        index: int,
        first: Any,
        kwargs: Any,
        meta: Any,
        turn: int | None = None,
    ) -> DialogueRequest:
        """The request of a turn; ``first`` is the prompt of the first turn, which is known.

        ``index`` is its place among the requests of its document, ``turn`` in the dialogue, where that is another.
        """
        turn = index if turn is None else turn
        request = cls(GENERATE_DIALOGUE, doc, (first if turn == 0 else "", kwargs), index, meta)
        request.dialogue, request.turn = dialogue, turn
        return request


def conversations_of(requests: Sequence[DialogueRequest]) -> list[list[DialogueRequest]]:
    """The distinct requests grouped by dialogue, each group in turn order; padding is left out.

    Ranks of a distributed run are padded to equal length with the very object of the last request.
    """
    groups: dict[int, dict[int, DialogueRequest]] = {}
    for request in requests:
        if request.dialogue is not None:
            groups.setdefault(id(request.dialogue), {})[request.turn] = request
    return [[group[index] for index in sorted(group)] for group in groups.values()]
