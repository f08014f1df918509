"""What the sample browser of the page reads, in lists rather than records: there may be thousands of turns.

An *index* has what conversations are found and ordered by: labels and scores. The *texts* are in parts, which a script
asks for when somebody wants to read them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from csc_tasks.framework import Strategy
from csc_tasks.leaderboards.board import Board, BoardTable, BrowsedConversation, BrowsedReply, Row
from csc_tasks.leaderboards.browsed import BrowsedCase, BrowsedRemark, BrowsedRolePlay
from csc_tasks.leaderboards.rendering.labels import row_labels
from csc_tasks.leaderboards.rendering.language import column_text, section_text, spec_of
from csc_tasks.leaderboards.rendering.role_play_words import about_case, exchange, outcome
from csc_tasks.metrics.judge.scores import PREFIX

__all__ = ["Samples", "samples"]

NOT_ASKED = 12
"""A label that nobody asked for, in the index; -1 is one that could not be read."""
_YES_NO = {"no": 0.0, "yes": 1.0}


@dataclass(frozen=True, slots=True)
class Samples:
    """``index`` as JSON values, and the parts of ``texts`` that it names by their number."""

    index: dict[str, Any]
    texts: tuple[dict[str, Any], ...]


def samples(board: Board, part: int | None = None) -> Samples | None:
    """All of it; ``None`` where no table has anything to read.

    Args:
        board: with its texts.
        part: how many characters a part of the texts may have before another is begun; by default there is one part.
    """
    shown = [
        (table, rows) for table in board.tables if (rows := [r for r in table.rows if _has_texts(board, r)])
    ]
    if not shown:
        return None
    texts = _Parts(part)
    talks = [
        [talk.id, talk.topic, [turn.strategy for turn in talk.turns], texts.add("talks", str(i), text)]
        for i, (talk, text) in enumerate((talk, _talk(board, talk)) for talk in board.conversations)
    ]
    tables: list[dict[str, Any]] = []
    for table, rows in shown:
        labels = row_labels(table.rows)
        tables.append(
            {
                "title": spec_of(table.title),
                "sections": [[section.id, section_text(section)] for section in table.sections],
                "rows": [[row.id, labels[row.id]] for row in rows],
                "metrics": {column.metric: column_text(column) for column in table.columns},
                "percent": [column.metric for column in table.columns if column.percent],
                "of": _measured(table),
                "cases": [
                    [
                        *(case.id, case.card, case.trial + 1, case.topic),
                        texts.add("cases", f"{len(tables)}/{case.id}", _case(board, rows, case)),
                    ]
                    for case in board.cases.get(table.id, ())
                ],
            }
        )
    index = {
        "strategies": [[s.zh, s.en] for s in Strategy],
        "tables": tables,
        "talks": talks,
        "facts": _facts(board),
        "plays": {
            row: {
                section: {case: [_kind(played), _against(played)] for case, played in plays.items()}
                for section, plays in sections.items()
            }
            for row, sections in board.role_plays.items()
        },
    }
    return Samples(index, tuple(texts.parts))


class _Parts:
    """Gathers texts in parts of about one size."""

    def __init__(self, most: int | None) -> None:
        self.parts: list[dict[str, Any]] = []
        self._most = most
        self._size = 0

    def add(self, kind: str, name: str, content: dict[str, Any]) -> int:
        """Put a text into the last part, or a new one; its number."""
        if not self.parts or (self._most is not None and self._size >= self._most):
            self.parts.append({"talks": {}, "cases": {}})
            self._size = 0
        self.parts[-1][kind][name] = content
        self._size += _characters(content)
        return len(self.parts) - 1


def _characters(content: Any) -> int:
    """About how many characters a value has as JSON."""
    if isinstance(content, dict):
        return sum(len(name) + 4 + _characters(item) for name, item in content.items())
    if isinstance(content, list):
        return 2 + sum(1 + _characters(item) for item in content)
    return len(content) + 2 if isinstance(content, str) else 4


def _has_texts(board: Board, row: Row) -> bool:
    talks = bool(board.conversations) and bool(board.replies.get(row.id))
    return talks or bool(board.role_plays.get(row.id))


def _measured(table: BoardTable) -> dict[str, int]:
    """Of how many conversations, or role-plays, the scores of a section are; a few of them are kept to be read."""
    return {
        section.id: max(
            (
                row.figures[section.id].turns
                if section.is_role_play
                else row.figures[section.id].conversations
                for row in table.rows
                if section.id in row.figures
            ),
            default=0,
        )
        for section in table.sections
    }


def _talk(board: Board, talk: BrowsedConversation) -> dict[str, Any]:
    """What was said in a conversation, by customer and annotation, by every model, and of every model's replies."""
    found: dict[str, Any] = {"said": [[turn.customer, turn.reference] for turn in talk.turns]}
    replies = {
        row: {
            section: [None if reply is None else reply.text for reply in talks[talk.id]]
            for section, talks in sections.items()
            if talk.id in talks
        }
        for row, sections in board.replies.items()
    }
    found["replies"] = {row: sections for row, sections in replies.items() if sections}
    found["remarks"] = _remarks(board, board.replies, talk.id)
    return found


def _case(board: Board, rows: list[Row], case: BrowsedCase) -> dict[str, Any]:
    """A card, and what every model of its table made of it."""
    own = {row.id: board.role_plays.get(row.id, {}) for row in rows}
    plays = {
        row: {section: _role_play(plays[case.id]) for section, plays in sections.items() if case.id in plays}
        for row, sections in own.items()
    }
    return {"about": about_case(case), "plays": plays, "remarks": _remarks(board, own, case.id)}


def _remarks(board: Board, rows: Mapping[str, Any], name: str) -> dict[str, dict[str, list[list[Any]]]]:
    found: dict[str, dict[str, list[list[Any]]]] = defaultdict(dict)
    for row in rows:
        for section, remarks in board.remarks.get(row, {}).items():
            if name in remarks:
                found[row][section] = [_remark(remark) for remark in remarks[name]]
    return found


def _remark(remark: BrowsedRemark) -> list[Any]:
    """[turn or null, whether a person's, whose, [dimension, value] each, reason, why there are no scores]."""
    scores = [list(score) for score in remark.scores]
    return [remark.turn, remark.human, remark.by, scores, remark.reason, remark.status]


def _facts(board: Board) -> dict[str, Any]:
    """Row → section → number of the conversation → [labels, {metric: scores}], a label and a score a turn."""
    numbers = {talk.id: i for i, talk in enumerate(board.conversations)}
    return {
        row: {
            section: {
                str(numbers[talk]): _fact(turns, board.remarks.get(row, {}).get(section, {}).get(talk, ()))
                for talk, turns in talks.items()
                if talk in numbers
            }
            for section, talks in sections.items()
        }
        for row, sections in board.replies.items()
    }


def _fact(turns: tuple[BrowsedReply | None, ...], remarks: tuple[BrowsedRemark, ...]) -> list[Any]:
    labels = [
        None if reply is None else NOT_ASKED if reply.strategy is None else reply.strategy for reply in turns
    ]
    scores: dict[str, list[float | None]] = {}
    for turn, name, value in (*_scores(turns), *_graded(turns, remarks)):
        scores.setdefault(name, [None] * len(turns))[turn] = value
    return [labels, scores]


def _scores(turns: tuple[BrowsedReply | None, ...]) -> Iterator[tuple[int, str, float]]:
    for turn, reply in enumerate(turns):
        for name, value in reply.scores.items() if reply else ():
            if value == value and abs(value) < 1e300:
                yield turn, name, round(value, 3)


def _graded(
    turns: tuple[BrowsedReply | None, ...], remarks: tuple[BrowsedRemark, ...]
) -> Iterator[tuple[int, str, float]]:
    """What judges and people gave turns, where it is a number: by dimension the mean over people."""
    given: dict[tuple[int, str], list[float]] = defaultdict(list)
    for remark in remarks:
        if remark.turn is None or remark.status or not 0 <= remark.turn < len(turns):
            continue
        for dimension, value in remark.scores:
            prefix = "human_" if remark.human else PREFIX
            if value in _YES_NO or (value.isascii() and value.isdecimal() and len(value) < 4):
                number = _YES_NO[value] if value in _YES_NO else float(value)
                given[remark.turn, f"{prefix}{dimension}"].append(number)
    for (turn, name), values in given.items():
        yield turn, name, round(sum(values) / len(values), 3)


def _kind(played: BrowsedRolePlay) -> str:
    return "fault" if played.end == "fault" else "resolved" if played.resolved_at else "open"


def _against(played: BrowsedRolePlay) -> bool:
    return played.broken or played.disclosed


def _role_play(played: BrowsedRolePlay) -> dict[str, Any]:
    return {
        "kind": _kind(played),
        "against": _against(played),
        "outcome": outcome(played),
        "turns": [exchange(each) for each in played.exchanges],
    }
