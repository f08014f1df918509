"""What is wrong with a run's replies, counted: what people look for by hand when a score is low.

Each count is of all turns of a task. None is a score: a good model has few of them, and a low BLEU beside
"37 of 37 replies are the same" needs no further reading.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from csc_tasks.metrics.normalized import nfkc
from csc_tasks.printable import printable
from csc_tasks.protocol.replies import Reply
from csc_tasks.protocol.task_kind import Context, TaskKind
from csc_tasks.protocol.turns import TurnDoc
from csc_tasks.sentences import Sentence

__all__ = ["MANY", "SIGNS", "ReplyCounts", "models_in_words", "said_in", "signs_in_words"]

MANY = 0.1
"""The share of replies from which on a sign is a warning and not a remark."""
MOST_LABELS = 20
"""How many of the labels that could not be read are counted one by one."""
SIGNS = {
    "failed": Sentence("sign.failed", "the backend had an error in the place of an answer"),
    "no-answer": Sentence("sign.no-answer", "nothing was said"),
    "unclosed-thinking": Sentence("sign.unclosed-thinking", "cut off while thinking"),
    "no-label": Sentence("sign.no-label", "no strategy named"),
    "unknown-label": Sentence("sign.unknown-label", "a label that is none of the twelve"),
    "no-text": Sentence("sign.no-text", "a strategy and no utterance"),
    "identical": Sentence("sign.identical", "the same utterance at another turn"),
    "repeated": Sentence("sign.repeated", "an earlier utterance of the conversation"),
    "prompt_words": Sentence("sign.prompt_words", "words of the prompt"),
    "other_language": Sentence("sign.other_language", "not in Chinese"),
    "truncated": Sentence("sign.truncated", "to a prompt longer than the model's window"),
}
"""What is counted, by its name in results files, in words that fit "37 of 407 replies: …"."""

_SHORT = 4
"""Letters below which an utterance says too little to be suspicious: everybody says 好的."""
_RUN = 12
"""Letters of the prompt in one piece that are no coincidence."""
_EXAMPLES, _EXCERPT = 3, 80

_NO_LETTERS = re.compile(r"[\W_]+")
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_OTHERS = (
    r"(?P<kana>[\u3041-\u30ff\u31f0-\u31ff])|(?P<hangul>[\uac00-\ud7af\u1100-\u11ff])"
    r"|(?P<latin>[A-Za-z\u00c0-\u024f]+)|(?P<cyrillic>[\u0400-\u04ff]+)|(?P<arabic>[\u0600-\u06ff]+)"
    r"|(?P<thai>[\u0e00-\u0e7f]+)|(?P<devanagari>[\u0900-\u097f]+)"
)
_OTHER, _SCRIPTS = re.compile(_OTHERS), re.compile(rf"(?P<han>[{_HAN}])|{_OTHERS}")


@dataclass(frozen=True, slots=True)
class _Row:
    """What is kept of a turn: enough for every count, and to be sent from one process to another."""

    conversation: str
    turn: int
    said: str
    before: tuple[str, ...]
    reference: str
    signs: tuple[str, ...]
    incomplete: bool = False
    label: str = ""
    thinking: str = ""
    further: bool = False
    model: str = ""


@dataclass
class ReplyCounts:
    """Counts of a task's replies, of any number of processes.

    Args:
        kind: what was asked.
        context: whose turns stand in the history.
        head: the prompt's instructions.
    """

    kind: TaskKind
    context: Context
    head: str
    rows: list[_Row] = field(default_factory=list)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self._head = _letters(self.head)
        self._runs = {self._head[i : i + _RUN] for i in range(len(self._head) - _RUN + 1)}

    def add(
        self,
        docs: Sequence[TurnDoc],
        replies: Sequence[Reply],
        raw: Sequence[object] | None = None,
        truncated: Sequence[bool] | None = None,
    ) -> None:
        """Add n turns, in any order.

        Args:
            docs: the turns.
            replies: to them, as read.
            raw: the answers as they came, for examples.
            truncated: whether their prompts were longer than the model's window.
        """
        for index, (doc, reply) in enumerate(zip(docs, replies, strict=True)):
            signs = [reply.problem.value] if reply.problem else []
            said = _letters(reply.text) if self.kind.writes_text else ""
            if len(said) >= _SHORT and self._is_of_prompt(said):
                signs.append("prompt_words")
            if language := _other_language(reply.text) if self.kind.writes_text else "":
                signs += ["other_language", f"language:{language}"]
            if truncated is not None and truncated[index]:
                signs.append("truncated")
            customers = doc.get("customers") or [doc["customer"]]
            self.rows.append(
                _Row(
                    conversation=doc["conversation"],
                    turn=doc["turn"],
                    said=said,
                    before=tuple(map(_letters, customers)) if self.kind.writes_text else (),
                    reference=_letters(doc["reference"]) if self.kind.writes_text else "",
                    signs=tuple(signs),
                    incomplete=reply.problem is not None,
                    label=reply.label,
                    thinking=reply.thinking,
                    further=reply.further,
                    model=reply.model,
                )
            )
            for sign in signs:
                self._example(sign, reply.text if raw is None else raw[index])

    def merge(self, others: Iterable[ReplyCounts]) -> None:
        """Add what others counted."""
        for other in others:
            self.rows += other.rows
            for sign, texts in other.examples.items():
                self.examples[sign] = [*self.examples[sign], *texts][:_EXAMPLES]

    def figures(self) -> dict[str, Any]:
        """For the results file's report; of the model's own words only what it wrote in a label's place.

        ``signs`` has how many replies were ``read``, how many ``incomplete``, and how many have each of
        :data:`SIGNS`, by name; ``replies`` what was seen in them, where there was anything.
        """
        signs = Counter(sign for row in self.rows for sign in row.signs)
        signs.update(self._of_run())
        found = {
            "read": len(self.rows),
            "incomplete": sum(row.incomplete for row in self.rows),
            "counts": {sign: signs[sign] for sign in SIGNS if signs[sign]},
            "languages": {k.partition(":")[2]: n for k, n in signs.items() if k.startswith("language:")},
            "models": dict(Counter(r.model for r in self.rows if r.model).most_common(MOST_LABELS)),
        }
        seen = {
            "unreadable_labels": dict(
                Counter(r.label for r in self.rows if r.label).most_common(MOST_LABELS)
            ),
            "thinking": dict(Counter(r.thinking for r in self.rows if r.thinking)),
            "further_turns": sum(r.further for r in self.rows),
        }
        return {
            "signs": found,
            **({"replies": {"read": len(self.rows), **seen}} if any(seen.values()) else {}),
        }

    def _of_run(self) -> dict[str, int]:
        """The signs that one reply alone does not show."""
        if not self.kind.writes_text:
            return {}
        times = Counter(row.said for row in self.rows if len(row.said) >= _SHORT)
        identical = sum(count for count in times.values() if count > 1)
        repeated = 0
        conversations: dict[str, list[_Row]] = defaultdict(list)
        for row in self.rows:
            conversations[row.conversation].append(row)
        for rows in conversations.values():
            earlier: set[str] = set()
            for row in sorted(rows, key=lambda row: row.turn):
                earlier.update(row.before)
                repeated += len(row.said) >= _SHORT and row.said in earlier
                earlier.add(row.reference if self.context is Context.REFERENCE else row.said)
        return {"identical": identical, "repeated": repeated}

    def commonest(self) -> str:
        """The utterance that stands at most turns, as letters."""
        times = Counter(row.said for row in self.rows if len(row.said) >= _SHORT)
        return times.most_common(1)[0][0][:_EXCERPT] if times else ""

    def _is_of_prompt(self, said: str) -> bool:
        # An empty head is of a prompt that is not known.
        return said in self._head or any(
            said[i : i + _RUN] in self._runs for i in range(len(said) - _RUN + 1)
        )

    def _example(self, sign: str, answer: object) -> None:
        if len(self.examples[sign]) < _EXAMPLES:
            self.examples[sign].append(said_in(answer))


def signs_in_words(read: int, counts: Mapping[str, int]) -> Iterator[tuple[str, str, bool]]:
    """Each sign, in words how many of ``read`` replies have it, and whether it is a warning; the most frequent first.

    It is one from a tenth of the replies on, and in any case for what failed: an error is no doing of the model's.
    """
    known = [(count, sign) for sign, count in counts.items() if count and sign in SIGNS]
    for count, sign in sorted(known, key=lambda entry: -entry[0]):
        words = Sentence("sign.counted", "{n} of {all} replies: {sign}", n=count, all=read, sign=SIGNS[sign])
        yield sign, words, sign == "failed" or count >= MANY * read


def models_in_words(models: Mapping[str, int]) -> str:
    """That an endpoint changed its model, where it did; '' where it did not."""
    if len(models) < 2:
        return ""
    names = ", ".join(f"{model} ({count:,})" for model, count in models.items())
    return Sentence("sign.models", "the endpoint says that several models answered: {names}", names=names)


def said_in(answer: object) -> str:
    """An answer in one short line that does nothing to a terminal."""
    return "" if answer is None else printable(str(answer)[: 4 * _EXCERPT], _EXCERPT)


def _letters(text: str) -> str:
    """A text without what does not tell two utterances apart: width, case, spaces, punctuation."""
    return _NO_LETTERS.sub("", nfkc(text).casefold())


def _other_language(text: str) -> str:
    """The script that most of a text is in, where that is not the Chinese one; '' for Chinese and for too little.

    A word of an alphabet counts as much as a Chinese character. Kana in some number is Japanese, whatever the rest.
    """
    if _OTHER.search(text) is None:  # as it is with nearly all
        return ""
    counts = Counter(match.lastgroup for match in _SCRIPTS.finditer(text))
    han = counts.pop("han", 0)
    script, _ = counts.most_common(1)[0]
    total = han + sum(counts.values())
    if counts["kana"] > 2 and 4 * counts["kana"] > total:
        return "kana"
    return str(script) if total >= _SHORT and 2 * han < total else ""
