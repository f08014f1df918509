"""What is shown of a study that was read: tables on a terminal, everything as one JSON object."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from csc_tasks.human.kinds import RatingKind
from csc_tasks.human.reading.judges import JudgeAgreement
from csc_tasks.human.reading.raters import RaterCheck
from csc_tasks.human.reading.session import ReadStudy
from csc_tasks.metrics.intervals import ScoreWithInterval
from csc_tasks.metrics.judge.scores import COVERAGES, PEOPLE
from csc_tasks.printable import printable

__all__ = ["as_json", "print_study", "summary_of"]


def summary_of(study: ReadStudy) -> str:
    """A study in a sentence for a paper: who rated what, what came out, how far raters agreed."""
    key, figures, kept = study.key, study.figures, len(study.checked.kept)
    clusters = len({c for model in figures.models for c in model.conversations})
    people = f"{kept} rater{'' if kept == 1 else 's'}"
    if study.checked.excluded:
        people += f" ({study.checked.excluded} of {len(study.checked.checks)} excluded by the checks)"
    done = f"{people}, {key.sample} {_units(study)} of {clusters} conversations, {len(key.runs)} models"
    agreed = [a for a in figures.agreement if not math.isnan(a.alpha.value)]
    alphas = [a.alpha.value for a in agreed]
    alpha = ""
    if len(alphas) == 1:
        alpha = f"; Krippendorff's alpha {_ranged(agreed[0].alpha, 2)}"
    elif alphas:
        alpha = f"; Krippendorff's alpha {min(alphas):.2f} to {max(alphas):.2f} over {len(alphas)} questions"
    return f"{done}{_outcome(study)}{alpha}; 95 % intervals clustered by conversation."


def _units(study: ReadStudy) -> str:
    return "whole conversations" if study.key.rubric.unit.value == "dialogue" else "turns"


def _outcome(study: ReadStudy) -> str:
    figures = study.figures
    if len(figures.pairs) == 1:
        pair = figures.pairs[0]
        return f"; {pair.first} is preferred to {pair.second} in {_percent(pair.rate)} % (ties half)"
    if len(figures.between) == 1:
        first, second, column, _, (d, p) = figures.between[0]
        name = column.removeprefix(PEOPLE.prefix)
        return f"; {first} minus {second}, {name}: {d.value:+.2f} [{d.low:+.2f}, {d.high:+.2f}], p = {p:.3g}"
    return ""


def print_study(out: Console, study: ReadStudy, names: bool = False) -> None:
    """Print the tables.

    Args:
        out: stdout.
        study: that was read.
        names: show the names that raters gave.
    """
    tables = [_raters(study, names), _models(study), *_comparisons(study), _agreement(study)]
    for judge in study.judges:
        tables += list(_judge(study, judge))
    for table in tables:
        if table.row_count:
            out.print(table)
    for check in study.checked.checks:
        for text in (*check.faults, *check.doubts):
            out.print(Text(f"rater {check.number}: {printable(text)}"), soft_wrap=True)
    out.print(Text(printable(summary_of(study))), soft_wrap=True)


def _raters(study: ReadStudy, names: bool) -> Table:
    pair = study.key.kind is RatingKind.PAIR
    table = _table(
        f"Raters, {printable(study.key.task)}, {printable(study.key.rubric.name)}",
        ("rater", "answered", "attention", "self", "with others", "first" if pair else "bias", "s/item", ""),
    )
    for check, rater in zip(study.checked.checks, study.collected.raters, strict=True):
        biases = [b for b in check.bias.values() if not math.isnan(b)]
        bias = sum(biases) / len(biases) if biases else math.nan
        right, asked = check.attention
        table.add_row(
            *_texts(
                f"{check.number} {rater.person}" if names and rater.person else str(check.number),
                f"{check.answered} of {check.given}",
                f"{right} of {asked}" if asked else "–",
                _number(check.consistency.value, "+.2f"),
                _number(check.others.value, "+.2f"),
                _number(check.first, ".0%") if pair else _number(bias, "+.2f"),
                _number(check.seconds, ".0f"),
                _verdict(study, check),
            )
        )
    return table


def _verdict(study: ReadStudy, check: RaterCheck) -> str:
    if not check.failed:
        return ""
    kept = {rater.number for rater in study.checked.kept}
    return "fails, counts" if check.number in kept else "fails, excluded"


def _models(study: ReadStudy) -> Table:
    models = study.figures.models
    metrics = models[0].metrics
    table = _table(f"What people said{_excluded(study)}", ("score", *(printable(m.model) for m in models)))
    for metric in metrics:
        name, percent = metric.info.name, metric.info.percent
        scores = [m.scores[name] for m in models]
        if name in COVERAGES:  # of this sample, not of any other
            scores = [each._replace(low=math.nan, high=math.nan) for each in scores]
        cells = (_percent(each) if percent else _ranged(each, 2) for each in scores)
        table.add_row(*_texts(name, *cells))
    table.add_section()
    table.add_row(*_texts("to rate / ratings", *(f"{m.items} / {m.ratings}" for m in models)))
    if any(m.decided for m in models):
        table.add_row(*_texts("needed no person", *(str(m.decided) for m in models)))
    return table


def _excluded(study: ReadStudy) -> str:
    out = study.checked.excluded
    return f" ({out} of {len(study.checked.checks)} raters excluded)" if out else ""


def _comparisons(study: ReadStudy) -> Iterator[Table]:
    figures = study.figures
    table = _table("Differences, Holm over all", ("first", "second", "score", "n", "difference", "p"))
    for first, second, column, items, (d, p) in figures.between:
        ends = f"{d.value:+.2f} [{d.low:+.2f}, {d.high:+.2f}]"
        table.add_row(*_texts(first, second, column, str(items), ends, _number(p, ".3g")))
    yield table
    table = _table("Pairs", ("first", "second", "compared", "won", "tie", "lost", "win rate of the first, %"))
    for pair in figures.pairs:
        counts = (f"{pair.rate.items} of {pair.to_compare}", *map(str, (pair.wins, pair.ties, pair.losses)))
        table.add_row(*_texts(pair.first, pair.second, *counts, _percent(pair.rate)))
    yield table
    table = _table("Bradley-Terry ratings", ("model", "rating", "95 %"))
    if (strengths := figures.strengths) is not None:
        for model, value, low, high in zip(*asdict(strengths).values(), strict=True):
            table.add_row(*_texts(model, f"{value:.0f}", f"{low:.0f} to {high:.0f}"))
    yield table


def _agreement(study: ReadStudy) -> Table:
    table = _table("Raters with each other", ("question", "items", "alpha", "weighted kappa"))
    for question, alpha, kappa in study.figures.agreement:
        if alpha.units:
            table.add_row(*_texts(question, str(alpha.units), _ranged(alpha, 2), _number(kappa, ".2f")))
    return table


def _judge(study: ReadStudy, judge: JudgeAgreement) -> Iterator[Table]:
    name = f"Judge {printable(judge.judge, 100)} with people"
    table = _table(name, ("question", "items", "kappa", "Spearman", "people alone (alpha)", "bias"))
    for a in judge.overall:
        error = f" ±{a.error:.2f}" if a.error == a.error else ""
        numbers = (_number(a.spearman, ".2f"), _number(a.human_alpha, ".2f"), _number(a.bias, "+.2f"))
        table.add_row(*_texts(a.dimension, str(a.items), f"{_number(a.kappa, '.2f')}{error}", *numbers))
    yield table
    if judge.strategies:
        dimensions = [a.dimension for a in judge.overall]
        table = _table(f"{name}, kappa by strategy", ("strategy", "items", *dimensions))
        for strategy, found in judge.strategies.items():
            kappas = {a.dimension: a.kappa for a in found}
            items = str(max(a.items for a in found))
            cells = (_number(kappas.get(d, math.nan), ".2f") for d in dimensions)
            table.add_row(*_texts(strategy, items, *cells))
        yield table
    table = _table(f"{name}, pairs", ("turns", "items", "ratings", "same", "kappa"))
    rows = {"all": judge.pairs, **(judge.pair_strategies or {})}
    for of, pairs in rows.items():
        if pairs is not None:
            error = f" ±{pairs.error:.2f}" if pairs.error == pairs.error else ""
            kappa = f"{_number(pairs.kappa, '.2f')}{error}"
            table.add_row(
                *_texts(of, str(pairs.items), str(pairs.ratings), _number(pairs.same, ".0%"), kappa)
            )
    yield table


def _table(title: str, headings: Sequence[str]) -> Table:
    table = Table(title=Text(title), title_justify="left")
    for at, heading in enumerate(headings):
        table.add_column(Text(heading), justify="left" if at == 0 else "right", overflow="fold")
    return table


def _texts(*cells: str) -> Iterator[Text]:
    return (Text(printable(cell)) for cell in cells)


def _number(value: float, form: str) -> str:
    return "–" if math.isnan(value) else format(value, form)


def _ranged(scored: Any, digits: int) -> str:
    value, low, high = scored.value, scored.low, scored.high
    if math.isnan(value):
        return "–"
    ends = "" if math.isnan(low) else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{value:.{digits}f}{ends}"


def _percent(scored: ScoreWithInterval) -> str:
    value, low, high = (100 * end for end in (scored.value, scored.low, scored.high))
    return _ranged(scored._replace(value=value, low=low, high=high), 1)


def as_json(study: ReadStudy, names: bool = False) -> dict[str, Any]:
    """All of it; ``null`` for what is not known. Raters go by numbers.

    Args:
        study: that was read.
        names: add the names that raters gave.
    """
    key, figures = study.key, study.figures
    kept = {rater.number for rater in study.checked.kept}
    raters = [
        {
            **asdict(check),
            "consistency": check.consistency._asdict(),
            "others": check.others._asdict(),
            "counts": check.number in kept,
            "comments": sum(bool(answer.comment) for answer in rater.answers.values()),
            **({"name": rater.person} if names else {}),
        }
        for check, rater in zip(study.checked.checks, study.collected.raters, strict=True)
    ]
    content = {
        "study": key.fingerprint,
        "kind": key.kind.value,
        "task": key.task,
        "rubric": key.rubric.name,
        "sample": key.sample,
        "summary": summary_of(study),
        "seconds": study.seconds,
        "raters": raters,
        "models": [
            {
                "model": m.model,
                "items": m.items,
                "ratings": m.ratings,
                "decided": m.decided,
                "scores": {name: scored._asdict() for name, scored in m.scores.items()},
            }
            for m in figures.models
        ],
        "differences": [
            {
                **{"first": b.first, "second": b.second, "score": b.column, "items": b.items},
                **b.adjusted.difference._asdict(),
                "p": b.adjusted.p,
            }
            for b in figures.between
        ],
        "pairs": [{**p._asdict(), "rate": p.rate._asdict()} for p in figures.pairs],
        "ratings": asdict(figures.strengths) if figures.strengths else None,
        "agreement": [
            {"question": a.question, "alpha": a.alpha._asdict(), "kappa": a.kappa} for a in figures.agreement
        ],
        "comments": list(_comments(study)),
        "judges": [asdict(judge) for judge in study.judges],
        "notes": list(study.notes),
        "written": [str(path) for path in study.written],
    }
    known: dict[str, Any] = _without_nan(content)
    return known


def _comments(study: ReadStudy) -> Iterator[dict[str, Any]]:
    """What raters wrote beside their answers, with what it is about."""
    key = study.key
    for rater in study.collected.raters:
        for item in key.items:
            answer = rater.answers.get(item.id)
            if answer is not None and answer.comment:
                models = [key.runs[run].model for run in item.runs]
                about = {"conversation": item.conversation, "turn": item.turn, "models": models}
                yield {"rater": rater.number, **about, "comment": answer.comment}


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
