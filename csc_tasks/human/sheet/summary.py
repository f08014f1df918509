"""What was made, in a few lines for the organiser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from csc_tasks.human.kinds import RatingKind
from csc_tasks.human.sheet.folder import WrittenStudy
from csc_tasks.human.sheet.making import MadeStudy
from csc_tasks.human.study import (
    ANSWERS_FOLDER,
    KEY_FILE,
    LABEL_STUDIO_FOLDER,
    SHEETS_FOLDER,
    ItemRole,
)
from csc_tasks.install import install_hint
from csc_tasks.printable import printable

__all__ = ["summary_of"]

_WHY = {"silent": "without a reply", "equal": "pairs of equal replies"}


def summary_of(study: MadeStudy, out: Path, written: WrittenStudy) -> Iterator[str]:
    """The lines."""
    key, folder = study.key, printable(str(out))
    pair = key.kind is RatingKind.PAIR
    asked = "which of two replies is better" if pair else f"{len(key.rubric.dimensions)} questions"
    yield (
        f"{key.sample:,} of {study.common:,} {study.noun} of {printable(key.task)}, {len(key.runs)} models "
        f"({', '.join(printable(run.model, 60) for run in key.runs[:6])}{', …' if len(key.runs) > 6 else ''}); "
        f"{asked} by {printable(key.rubric.name)}"
    )
    if key.decided:
        counted = Counter(_WHY[each.why] for each in key.decided).most_common()
        yield f"not shown, for nobody is needed: {', '.join(f'{n:,} {why}' for why, n in counted)}"
    roles = {item.id: item.role for item in key.items}
    for rater in key.raters:
        counts = Counter(roles[each] for each in rater.items)
        yield (
            f"{rater.name}: {len(rater.items):,} items ({counts[ItemRole.ITEM]:,}, {counts[ItemRole.REPEAT]:,} of "
            f"them again, {counts[ItemRole.ATTENTION]:,} for attention)"
        )
    if key.overlap:
        yield f"{key.overlap:,} {study.noun} go to {key.each} raters each, for their agreement"
    yield (
        f"wrote {folder}: a page of at most {written.largest / 1e6:.1f} MB a rater, {SHEETS_FOLDER}/ and "
        f"{LABEL_STUDIO_FOLDER}/"
    )
    if not written.workbooks:
        yield f"no workbooks (.xlsx): {install_hint('human')}"
    yield (
        f"give each rater their own file and nothing else: {KEY_FILE} says who said what. Put what comes back into "
        f"{folder}/{ANSWERS_FOLDER}, then: csconv human read {folder}"
    )
