"""What the sample browser of the page reads, in lists rather than records: there may be thousands of turns."""

from __future__ import annotations

from typing import Any

from csc_tasks.framework import Strategy
from csc_tasks.leaderboards.board import Board, BoardTable, Row
from csc_tasks.leaderboards.browsed import BrowsedCase, BrowsedExchange, BrowsedRolePlay
from csc_tasks.leaderboards.rendering.labels import row_labels
from csc_tasks.results.role_play_log import fault_words

__all__ = ["samples"]

_MARKS = {
    "identity": "asked who the customer is",
    "refused": "refused the demand",
    "granted": "granted the demand, against the card",
    "promised": "promised, against the card",
    "disclosed": "disclosed something private",
    "rude": "was rude",
    "comforts": "comforted",
    "goodbye": "said goodbye",
    "elsewhere": "sent the customer elsewhere",
    "repeated": "said again what had been said",
}
_WRONG = ("granted", "promised", "disclosed", "rude")
"""Marks of what speaks against the supporter."""


def samples(board: Board) -> dict[str, Any] | None:
    """All of it as JSON values; ``None`` where no table has anything to read."""
    tables = []
    for table in board.tables:
        rows = [row for row in table.rows if _has_texts(board, row)]
        if rows:
            labels = row_labels(table.rows)
            tables.append(
                {
                    "title": table.title,
                    "sections": [[section.id, section.title] for section in table.sections],
                    "rows": [[row.id, labels[row.id]] for row in rows],
                    "metrics": {column.metric: column.title for column in table.columns},
                    "percent": [column.metric for column in table.columns if column.percent],
                    "cases": [_case(case) for case in board.cases.get(table.id, ())],
                    "played": _most_role_plays(table),
                }
            )
    if not tables:
        return None
    return {
        "strategies": [[s.zh, s.en] for s in Strategy],
        "tables": tables,
        "conversations": [
            [talk.id, talk.topic, [[turn.customer, turn.strategy, turn.reference] for turn in talk.turns]]
            for talk in board.conversations
        ],
        "replies": {
            row: {
                section: {
                    talk: [
                        None if reply is None else [reply.strategy, reply.text, _rounded(reply.scores)]
                        for reply in turns
                    ]
                    for talk, turns in talks.items()
                }
                for section, talks in sections.items()
            }
            for row, sections in board.replies.items()
        },
        "plays": {
            row: {
                section: {case: _role_play(played) for case, played in plays.items()}
                for section, plays in sections.items()
            }
            for row, sections in board.role_plays.items()
        },
    }


def _has_texts(board: Board, row: Row) -> bool:
    talks = bool(board.conversations) and bool(board.replies.get(row.id))
    return talks or bool(board.role_plays.get(row.id))


def _most_role_plays(table: BoardTable) -> int:
    """How many the table's scores are of, of which a few are kept to be read."""
    return max(
        (
            row.figures[section.id].turns
            for row in table.rows
            for section in table.sections
            if section.is_role_play and section.id in row.figures
        ),
        default=0,
    )


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in scores.items() if value == value and abs(value) < 1e300}


def _case(case: BrowsedCase) -> dict[str, Any]:
    """A case with what its card says, each part under its heading."""
    told = [
        ("Customer", [case.who]),
        ("Scenario", [case.scenario]),
        ("Goal", [case.goal]),
        ("Content when", [case.satisfied]),
        ("Must be refused", [case.demand] if case.demand else []),
        ("系统信息", list(case.system_information)),
        ("Must be asked", list(case.facts)),
        ("May be asked", list(case.optional)),
    ]
    return {
        "id": case.id,
        "card": case.card,
        "trial": case.trial + 1,
        "topic": case.topic,
        "about": [[heading, lines] for heading, lines in told if lines],
    }


def _role_play(played: BrowsedRolePlay) -> dict[str, Any]:
    kind = "fault" if played.end == "fault" else "resolved" if played.resolved_at else "open"
    return {
        "kind": kind,
        "against": played.broken or played.disclosed,
        "outcome": list(played.outcome),
        "turns": [_exchange(each) for each in played.exchanges],
    }


def _exchange(each: BrowsedExchange) -> list[Any]:
    """[strategy, text, what it did, what speaks against it, what the customer said, mood, small print]."""
    did = [f"asked {name}" for name in each.asked] + [f"step {n} done" for n in each.done]
    did += [_MARKS.get(mark, mark) for mark in each.marks if mark not in _WRONG]
    against = [_MARKS[mark] for mark in each.marks if mark in _WRONG]
    against += [f"invented {figure}" for figure in each.figures]
    small = [f"told {name}" for name in each.told]
    small += [each.direction] if each.direction else []
    small += [f"could not be played: {fault_words(each.fault)}"] if each.fault else []
    return [each.strategy, each.text, did, against, each.customer, each.mood, small]
