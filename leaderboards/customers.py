"""How much a score of role-plays owes to who plays the customer: one model with several simulators, all else alike.

Each simulator has its own table, for scores with one are not compared with those of another; what is told here is only
how far apart they lie.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from csc_tasks.leaderboards.board import BoardTable, CustomerSpread
from csc_tasks.leaderboards.table_builder import TableBuilder

__all__ = ["with_customers"]

_TOLD = "resolved"
"""The metric by which it is told."""
_NOT_THE_SIMULATOR = {"trials", "line", "rules", "system"}
"""Of a customer's signature, what is not about who plays."""


def with_customers(builders: Sequence[TableBuilder], tables: Sequence[BoardTable]) -> list[BoardTable]:
    """The same tables, each with what its models score with other customers.

    Counted are customers of other simulators where benchmark, prompt, cards, subset, model, settings, the rules that
    role-plays are read by and what the supporter is shown agree, and all cards were played. How often each card was
    played may differ: the score is a mean over cards' trials in both.

    Args:
        builders: of n classes.
        tables: n, made by them.
    """
    families: dict[tuple[object, ...], list[int]] = {}
    for number, builder in enumerate(builders):
        customer, protocol = builder.members[0].run.signature.customer, builder.protocol
        if customer is not None:
            family = (
                *(protocol.benchmark, protocol.prompt, protocol.data, protocol.subset),
                *(customer.rules, customer.system),
            )
            families.setdefault(family, []).append(number)
    spreads: dict[int, tuple[CustomerSpread, ...]] = {}
    for members in families.values():
        for own in members:
            others = [builders[n] for n in members if _simulator(builders[n]) != _simulator(builders[own])]
            spreads[own] = tuple(_spreads(tables[own], builders[own], others))
    return [replace(table, customers=spreads.get(n, ())) for n, table in enumerate(tables)]


def _simulator(builder: TableBuilder) -> dict[str, object]:
    """Everything of a customer's signature that says who plays."""
    customer = builder.members[0].run.signature.customer
    assert customer is not None
    return {k: v for k, v in customer.model_dump().items() if k not in _NOT_THE_SIMULATOR}


def _spreads(
    table: BoardTable, own: TableBuilder, others: Sequence[TableBuilder]
) -> Iterator[CustomerSpread]:
    for column in table.columns:
        if column.metric != _TOLD:
            continue
        for key in own.models:
            scores: dict[str, float] = {}
            for builder in (own, *others):
                found = builder.score(key, column)
                whole = builder.complete.get((key, column.section), False)
                if found is not None and whole and not math.isnan(found.value):
                    scores[builder.protocol.customer] = found.value
            if len(scores) > 1 and own.protocol.customer in scores:
                yield CustomerSpread(own.row_ids[key], column.id, scores)
