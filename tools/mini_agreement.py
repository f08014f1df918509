#!/usr/bin/env python3
"""How far the two passes that labelled csconv_mini agree, as the table of docs/data.md.

    python tools/mini_agreement.py

Reads tests/fixtures/mini_labels.json: of each conversation, by id, the strategy numbers that the first and the
second pass gave to its supporter turns, neither having seen the other's or the shipped labels.
"""

from __future__ import annotations

import json
from pathlib import Path

from sklearn.metrics import cohen_kappa_score

from csc_tasks.framework import Strategy

PASSES = Path(__file__).parents[1] / "tests" / "fixtures" / "mini_labels.json"


def passes(split: str) -> tuple[list[int], list[int]]:
    """The strategy numbers of both passes over the turns of a split, each (turns,)."""
    conversations = json.loads(PASSES.read_text(encoding="utf-8"))[split].values()
    first, second = ([n for c in conversations for n in c[k]] for k in (0, 1))
    return first, second


def table() -> str:
    """Agreement and Cohen's kappa as Markdown: a line a strategy (that one against all others), the last for all."""
    splits = [passes("evaluation"), passes("training")]
    lines = [
        "| | pass 1 | pass 2 | kappa | pass 1, train | pass 2, train | kappa, train |",
        "|---|---|---|---|---|---|---|",
    ]
    for strategy in Strategy:
        cells = []
        for both in splits:
            ones = [[int(n == strategy.number) for n in labels] for labels in both]
            cells += [str(sum(ones[0])), str(sum(ones[1])), f"{cohen_kappa_score(*ones):.2f}"]
        lines.append(f"| {strategy.zh} | {' | '.join(cells)} |")
    cells = []
    for first, second in splits:
        alike = sum(a == b for a, b in zip(first, second, strict=True)) / len(first)
        cells += [str(len(first)), f"{100 * alike:.1f} % alike", f"{cohen_kappa_score(first, second):.3f}"]
    lines.append(f"| all | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
