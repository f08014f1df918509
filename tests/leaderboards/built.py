"""What tests ask of a board that was built of real logs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from csc_tasks.leaderboards.board import Board, BoardTable, Cell, Row

ACCURACY = "response/reference/strategy_acc"


def results_of(folder: Path, model: str) -> Path:
    (path,) = (p for p in folder.glob(f"{model.replace('/', '__')}/results_*.json") if "_re" not in p.stem)
    return path


def row_of(table: BoardTable, model: str) -> Row:
    (row,) = (r for r in table.rows if r.model == model)
    return row


def only_table(board: Board) -> BoardTable:
    (table,) = board.tables
    return table


def cell(board: Board, model: str, column: str = ACCURACY) -> Cell:
    return row_of(only_table(board), model).cells[column]


def told(board: Board) -> str:
    return "\n".join(f"{p.path}: {p.message}" for p in board.problems)


def rows_as_plain(board: Board) -> list[Any]:
    return [asdict(row) for table in board.tables for row in table.rows]
