"""Which rows of a table are tuned from which others, and what the tuning changed: paired, and corrected together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from csc_tasks.leaderboards.board import BoardTable, Column
from csc_tasks.leaderboards.comparing.asking import asked_between
from csc_tasks.leaderboards.comparing.paired import FEW
from csc_tasks.leaderboards.names import title_of
from csc_tasks.leaderboards.reading.asked import asked_of
from csc_tasks.leaderboards.reading.identity import ADAPTERS, Identity
from csc_tasks.leaderboards.table_builder import TableBuilder
from csc_tasks.leaderboards.tuned import PairedScore, TunedPair
from csc_tasks.metrics.comparison import Difference, paired_difference, simultaneous
from csc_tasks.protocol.tuned_from import TunedFrom
from csc_tasks.sentences import Sentence

__all__ = ["with_pairs"]

Key = tuple[str, ...]
_OWN = (*ADAPTERS, "revision", "step", "commit", "template", "csconv_think", "tokenizer")
"""Settings that belong to the weights: a tuned model and its base may differ in them."""


@dataclass(frozen=True, slots=True)
class _Base:
    """The row that is the base, or in words why there is none."""

    key: Key | None
    why: str = ""


def with_pairs(builders: Sequence[TableBuilder], tables: Sequence[BoardTable]) -> list[BoardTable]:
    """The same tables with the pairs of a base and a model tuned from it.

    Paired are headline scores with a better side, in the order of the columns; all those of a table are one family
    (Holm). Pairs come in the order of the tuned rows.

    Args:
        builders: of n classes.
        tables: n, made by them.
    """
    return [
        replace(table, pairs=tuple(_pairs(builder, table)))
        for builder, table in zip(builders, tables, strict=True)
    ]


def _pairs(builder: TableBuilder, table: BoardTable) -> Iterator[TunedPair]:
    keys = {row_id: key for key, row_id in builder.row_ids.items()}
    bare: list[TunedPair] = []
    for row in table.rows:
        key = keys[row.id]
        said = _said(builder, key)
        if row.floor or said is None:
            continue
        found = _base(builder, key, said)
        base = "" if found.key is None else builder.row_ids[found.key]
        bare.append(TunedPair(row.id, base, said.name, said.told_by, (), found.why, _caution(said)))
    columns = [c for c in table.columns if c.headline and c.better and c.ranked]
    scores = [
        [_score(builder, column, keys[pair.base], keys[pair.tuned]) for column in columns]
        if pair.base
        else []
        for pair in bare
    ]
    tested = [(found, score.conversations) for each in scores for score, found in each if found is not None]
    adjusted = iter(simultaneous([found for found, _ in tested], [clusters for _, clusters in tested]))
    for pair, each in zip(bare, scores, strict=True):
        told = []
        for score, alone in each:
            if alone is not None:
                both = next(adjusted)
                low, high, p = both.difference.low, both.difference.high, both.p
                score = replace(score, low=_known(low), high=_known(high), p=_known(p))
                if score.low is None:
                    score = replace(score, why=FEW)
            if score.base is not None or score.tuned is not None:
                told.append(score)
        yield replace(pair, scores=tuple(told))


def _known(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _said(builder: TableBuilder, key: Key) -> TunedFrom | None:
    """What the newest run that says anything says of the base."""
    runs = [run for m in builder.members if m.identity.key == key for run in m.all_runs]
    said = [(run.date, run.model.tuned_from) for run in runs if run.model.tuned_from is not None]
    return max(said, key=lambda each: each[0])[1] if said else None


def _caution(said: TunedFrom) -> str:
    if not said.trained_on:
        return ""
    return Sentence(
        "pairs.of-another",
        "the folder of its weights says that it was trained on {other}: scores on top of {base} mean nothing unless "
        "the two are one model",
        other=said.trained_on,
        base=said.name,
    )


# --- which row is the base ---


def _base(builder: TableBuilder, tuned: Key, said: TunedFrom) -> _Base:
    others = {
        key: identity for key, identity in builder.models.items() if key != tuned and not identity.is_floor
    }
    called = _called(others, said.name)
    if not called:
        return _Base(
            None,
            Sentence(
                "pairs.absent",
                "no row of this table is its base {name}: evaluate that too, or name it as its run is called, with "
                "--metadata csconv_base=NAME",
                name=said.name,
            ),
        )
    if len({identity.full for identity in called.values()}) > 1:
        return _Base(None, _several(builder, called))
    alike = {key: identity for key, identity in called.items() if _asked_alike(builder, tuned, key)}
    if not alike:
        return _Base(
            None,
            Sentence(
                "pairs.asked-otherwise",
                "its base {name} was asked otherwise (few-shot examples, generation, template or system instruction): "
                "evaluate both alike",
                name=said.name,
            ),
        )
    mine = _settings(builder.models[tuned])
    kept = {key: identity for key, identity in alike.items() if _settings(identity) == mine} or alike
    # Of a model and its checkpoints the one without a step or revision is meant.
    kept = {k: i for k, i in kept.items() if not (i.revision or i.step)} or kept
    if len(kept) > 1:
        return _Base(None, _several(builder, kept))
    return _Base(next(iter(kept)))


def _called(others: Mapping[Key, Identity], name: str) -> dict[Key, Identity]:
    """The models without an adapter that a name can mean: its own, else those whose path ends so, or the other way."""
    bare = {key: identity for key, identity in others.items() if not identity.adapter}
    for revision in (False, True):
        full, _, wanted = name.rpartition("@") if revision and "@" in name else (name, "", "")
        among = {k: i for k, i in bare.items() if not wanted or i.revision == wanted}
        exact = {k: i for k, i in among.items() if _parts(i.full) == _parts(full)}
        found = exact or {k: i for k, i in among.items() if _end_alike(_parts(i.full), _parts(full))}
        if found:
            return found
    return {}


def _parts(name: str) -> tuple[str, ...]:
    return tuple(
        part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", ".", "..", "~")
    )


def _end_alike(one: tuple[str, ...], two: tuple[str, ...]) -> bool:
    short = min(len(one), len(two))
    return short > 0 and one[-short:] == two[-short:]


def _settings(identity: Identity) -> dict[str, str]:
    return {name: value for name, value in identity.settings if name not in _OWN}


def _asked_alike(builder: TableBuilder, tuned: Key, base: Key) -> bool:
    how = {(m.identity.key, m.section): asked_of(m.run.model) for m in builder.members}
    return not any(
        apart.refused
        for (key, section), mine in how.items()
        if key == tuned and (theirs := how.get((base, section))) is not None
        for apart in asked_between(mine, theirs, False)
    )


def _several(builder: TableBuilder, found: Mapping[Key, Identity]) -> str:
    titles = tuple(
        title_of(builder.named[key].model, identity.revision, builder.named[key].words)
        for key, identity in found.items()
    )
    return Sentence(
        "pairs.ambiguous",
        "several rows can be its base ({rows}): say which with --metadata csconv_base=NAME",
        rows=titles[:8],
    )


# --- what changed ---


def _score(
    builder: TableBuilder, column: Column, base: Key, tuned: Key
) -> tuple[PairedScore, Difference | None]:
    """Both scores, and their difference on its own where they are of the same turns."""
    one, two = builder.score(tuned, column), builder.score(base, column)
    old, new = (None if s is None or math.isnan(s.value) else s.value for s in (two, one))
    bare = PairedScore(column.id, old, new)
    if one is None or two is None or old is None or new is None:
        return replace(bare, why=Sentence("pairs.unscored", "not scored in both")), None
    first, second = one.source, two.source
    if first is None or second is None:
        return replace(bare, why=one.why or two.why), None
    bare = replace(bare, difference=one.value - two.value, conversations=first.clusters)
    if (first.turns, first.digest) != (second.turns, second.digest):
        why = Sentence(
            "pairs.other-turns",
            "not of the same turns ({tuned} against {base})",
            tuned=first.turns,
            base=second.turns,
        )
        return replace(bare, why=why), None
    # The same resamples of conversations for both.
    change = first.replicates[column.metric] - second.replicates[column.metric]
    found = paired_difference(one.value - two.value, change, first.clusters)
    if math.isnan(found.p):
        return replace(bare, why=FEW), None
    return bare, found
