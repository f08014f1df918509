"""What a log says that a role-play lacks."""

from __future__ import annotations

import pytest

from csc_tasks.roleplay.card_sets import shipped_card_set
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.logged import logged_turns
from csc_tasks.roleplay.playing import Played
from csc_tasks.roleplay.transcript import CustomerTurn, End, SupporterTurn

PRIVATE = [
    case for card in shipped_card_set().cards if (case := CaseInPlay(card, f"{card.id}/0/0")).has_private
]


def missing(case: CaseInPlay, done: frozenset[int]) -> list[str]:
    """What is missing where every fact is told, nobody was asked who they are, and these steps were done."""
    asks = [SupporterTurn(case.write(fact.asks, "asks"), None) for fact in case.needed]
    told = [CustomerTurn(case.tells(fact), told=(fact.name,)) for fact in case.needed]
    says = [SupporterTurn(case.write(case.card.steps[n].says, "says"), None) for n in sorted(done)]
    turns = [*zip(asks, told, strict=True), *((said, CustomerTurn("嗯。")) for said in says)]
    turns.append((SupporterTurn("请您稍等。", None), CustomerTurn("算了。", End.GAVE_UP)))
    outcome = logged_turns(Played(case, list(turns)), 0)[-1].outcome
    assert outcome is not None
    return outcome.missing


@pytest.mark.parametrize("case", PRIVATE, ids=lambda case: case.card.id)
def test_identity_is_missed_where_a_step_waits_for_it_and_nowhere_else(case: CaseInPlay) -> None:
    public = frozenset(case.needed_steps) - case.private_steps
    waits = bool(frozenset(case.needed_steps) & case.private_steps)
    found = missing(case, public)
    assert ("not asked who they are" in found) is waits, found
    assert found == [] if not waits else True
    assert ("not asked who they are" in missing(case, frozenset())) is waits
