"""How often the gate fails a checkpoint that is as good as the baseline, where the baseline is the best of many.

All checkpoints are equally good: each is right on the same share of turns, and any two differ on 15 % of them by
chance. The best of N by strategy accuracy becomes the baseline; the next checkpoint is held against it with one
rule at 5 %, on the conversations by which the baseline was chosen, on the same with one point allowed, and on others.

    python tools/best_of_checkpoints.py [--builds 4000]
"""

from __future__ import annotations

import argparse

import numpy as np
import numpy.typing as npt

from csc_tasks.metrics.comparison import paired_difference
from csc_tasks.metrics.uncertainty import resample_counts

CONVERSATIONS, TURNS = 128, 14
ACCURACY, DISAGREEMENT = 0.27, 0.15
LEVEL = 0.90
"""Of the two-sided interval with 5 % on each side."""

Scores = npt.NDArray[np.float64]


def checkpoints(rng: np.random.Generator, count: int) -> Scores:
    """Share of right turns by checkpoint and conversation, (count, conversations)."""
    shape = (CONVERSATIONS, TURNS)
    # On some turns all checkpoints say the same; on the others each has its own luck.
    open_turns = rng.random(shape) < DISAGREEMENT / (2 * ACCURACY * (1 - ACCURACY))
    shared = rng.random(shape) < ACCURACY
    own = rng.random((count, *shape)) < ACCURACY
    return np.asarray(np.where(open_turns, own, shared).mean(axis=-1))


def fails(new: Scores, baseline: Scores, counts: Scores, allowed: float) -> bool:
    """Whether a rule with this allowance calls the new checkpoint worse."""
    change = new - baseline
    found = paired_difference(
        float(change.mean()), counts @ change / CONVERSATIONS, CONVERSATIONS, level=LEVEL
    )
    return -found.high > allowed


def main() -> None:
    """Print the share of builds that fail, by N."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--builds", type=int, default=4000)
    builds = parser.parse_args().builds
    rng, counts = np.random.default_rng(1), resample_counts(CONVERSATIONS)
    print("best of  same conversations  one point allowed  other conversations")
    for many in (1, 5, 10, 20):
        failed = np.zeros(3)
        for _ in range(builds):
            chosen_on, others = checkpoints(rng, many + 1), checkpoints(rng, 2)
            best = int(chosen_on[:many].mean(axis=1).argmax())
            new, baseline = chosen_on[many], chosen_on[best]
            failed += [
                fails(new, baseline, counts, 0.0),
                fails(new, baseline, counts, 0.01),
                fails(others[0], others[1], counts, 0.0),
            ]
        shares = (f"{share:.0%}" for share in failed / builds)
        print("{:>7}  {:>18}  {:>17}  {:>19}".format(many, *shares))


if __name__ == "__main__":
    main()
