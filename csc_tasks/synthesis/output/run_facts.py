"""The facts of a run from what its journals say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csc_tasks.synthesis.facts import AskedSums
from csc_tasks.synthesis.head import SCRIPTED
from csc_tasks.synthesis.output.outputs import RunFacts

__all__ = ["facts_of"]


def facts_of(
    head: Mapping[str, Any],
    sums: AskedSums,
    *,
    currency: str = "",
    source: str = "",
    unfinished: int = 0,
    redacted: Mapping[str, int] | None = None,
) -> RunFacts:
    """What is known of a run.

    Args:
        head: what its journals begin with.
        sums: of its answers.
        currency: of their cost; '' where it is not known, and then neither is the cost.
        source: where the cases are from, in a few words.
        unfinished: cases that were to be made and are not over.
        redacted: personal data taken out, by kind.
    """
    rejected: dict[str, dict[str, int]] = {}
    for (role, reason), count in sums.not_usable.most_common():
        rejected.setdefault(role, {})[reason] = count
    seed = head.get("seed")
    return RunFacts(
        kind=str(head.get("kind", "not known")),
        signature={name: value for name, value in head.items() if name not in ("kind", "seed", "prompts")},
        prompts=str(head.get("prompts") or ""),
        seed=seed if isinstance(seed, int) else None,
        source=source,
        scripted=head.get("models") == SCRIPTED,
        unfinished=unfinished,
        models={role: dict(counts.most_common()) for role, counts in sums.models.items()},
        requests=dict(sums.requests),
        prompt_tokens=dict(sums.prompt_tokens),
        answer_tokens=dict(sums.answer_tokens),
        not_usable=rejected,
        cost={currency: sums.cost} if currency else {},
        redacted=redacted,
    )
