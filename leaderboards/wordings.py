"""How much a score owes to the wording of the prompt: one model asked with several wordings, all else alike.

Each wording has its own table, for its scores are not compared with another's; what is told here is only how far
apart they lie.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from csc_tasks.leaderboards.board import BoardTable, WordingSpread
from csc_tasks.leaderboards.table_builder import TableBuilder
from csc_tasks.protocol.prompt import Prompt, load_prompt, prompt_versions

__all__ = ["with_wordings"]


def with_wordings(builders: Sequence[TableBuilder], tables: Sequence[BoardTable]) -> list[BoardTable]:
    """The same tables, with the spread over wordings in the table of the first wording of each model.

    Counted are prompts that say the same in other words (:attr:`~csc_tasks.protocol.prompt.Prompt.wording_of`), where
    benchmark, data, subset, customer, model, settings, metric and turns agree. Floors read no prompt and are passed
    over.

    Args:
        builders: of n classes.
        tables: n, made by them.
    """
    families: dict[tuple[object, ...], list[int]] = {}
    prompts: dict[int, Prompt] = {}
    for number, builder in enumerate(builders):
        if (prompt := _known(builder)) is not None:
            protocol = builder.protocol
            family = (
                *(protocol.benchmark, protocol.data, protocol.subset, protocol.customer),
                prompt.wording_of,
            )
            families.setdefault(family, []).append(number)
            prompts[number] = prompt
    spreads: dict[int, list[WordingSpread]] = {}
    for members in families.values():
        # The prompt that the others say in other words comes first.
        members.sort(key=lambda n: (prompts[n].version != prompts[n].wording_of, prompts[n].version))
        for key in dict.fromkeys(key for n in members for key in builders[n].models):
            having = [n for n in members if key in builders[n].models]
            if len(having) > 1 and not builders[having[0]].models[key].is_floor:
                asked = {prompts[n].version: builders[n] for n in having}
                spreads.setdefault(having[0], []).extend(_spreads(tables[having[0]], asked, key))
    return [replace(table, wordings=tuple(spreads.get(n, ()))) for n, table in enumerate(tables)]


def _known(builder: TableBuilder) -> Prompt | None:
    """The prompt of a class; ``None`` for one that this csconv does not have."""
    told = builder.members[0].run.signature.prompt
    if told.version not in prompt_versions():
        return None
    prompt = load_prompt(told.version)
    return prompt if prompt.sha256 == told.sha256 else None


def _spreads(
    table: BoardTable, asked: dict[str, TableBuilder], key: tuple[str, ...]
) -> Iterator[WordingSpread]:
    """Of each ranked headline column of a table, the scores of a model by prompt."""
    first = next(iter(asked.values()))
    for column in table.columns:
        if not (column.headline and column.ranked):
            continue
        scores: dict[str, float] = {}
        turns = ""
        for version, builder in asked.items():
            found = builder.score(key, column)
            if found is None or found.source is None or math.isnan(found.value):
                continue
            # Of the same turns as the first.
            turns = turns or found.source.digest
            if found.source.digest == turns:
                scores[version] = found.value
        if len(scores) > 1:
            yield WordingSpread(first.row_ids[key], column.id, scores)
