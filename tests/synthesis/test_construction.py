"""The rules of construction, each broken alone."""

from __future__ import annotations

import pytest

from csc_tasks.data.conversations import Conversation, Speaker, Utterance
from csc_tasks.framework import Strategy
from csc_tasks.synthesis.construction import broken_rules

SOUND = [1, 2, 4, 6, 6, 7, 8, 9, 11]


def talk(labels: list[int]) -> Conversation:
    said = []
    for number in labels:
        said.append(Utterance(Speaker.SUPPORTER, Strategy.from_index(number - 1) if number else None, "好"))
        said.append(Utterance(Speaker.CUSTOMER, None, "嗯"))
    return Conversation.of("", said)


@pytest.mark.parametrize(
    ("labels", "broken"),
    [
        (SOUND, []),
        ([0] * 9, []),  # unlabelled: its length alone is looked at
        ([0] * 4, [("LENGTH", None)]),
        ([1, 2, 4, 11], [("LENGTH", None)]),
        ([*SOUND[:-1], *[6, 7] * 9, 11], [("LENGTH", None)]),
        (SOUND[1:], [("GREETING", None)]),
        ([1, 4, 6, 7, 8, 11], [("IDENTITY", None)]),
        (SOUND[:-1], [("CLOSURE", None), ("CLOSED", None)]),
        ([1, 2, 6, 6, 6, 6, 11], [("RUN", 8), ("RUN", 10)]),
        ([*SOUND, 10], [("CLOSED", None)]),
    ],
)
def test_each_rule_is_found_where_it_is_broken(
    labels: list[int], broken: list[tuple[str, int | None]]
) -> None:
    assert [(each.rule.name, each.utterance) for each in broken_rules(talk(labels))] == broken
