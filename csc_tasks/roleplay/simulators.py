"""Who plays the customer: a script or a model. Part of the measurement, so that each says what it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from csc_tasks.metrics.roleplay import MIN_COVERAGE
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.playing import Customer
from csc_tasks.roleplay.scripted_customer import SCRIPT, ScriptedCustomer, script_digest

__all__ = ["SCRIPTED", "ScriptedSimulator", "Simulator"]

SCRIPTED = "scripted"
"""The simulator that needs no model."""


class Simulator(Protocol):
    """A way of playing customers, for one run."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """All that can change what customers say, beside cards and seed, as JSON values: ``kind``, ``version``,
        ``sha256`` of prompts or script, and of a model what it is asked with. Nothing secret is in it."""

    @property
    def connections(self) -> int:
        """How many customers may be asked at once; 0 where they answer without waiting for anything."""

    @property
    def min_coverage(self) -> float:
        """The share of role-plays whose customer must have been played, below which scores are withheld."""

    def prepare(self) -> None:
        """Before anything is generated: find out whether customers can be had.

        Raises:
            ConfigError: they cannot; the message says why, and how they could.
        """

    def customer(self, case: CaseInPlay) -> Customer:
        """The customer of a case. Its key decides all that a seed could."""

    def close(self) -> None:
        """After the last customer."""


class ScriptedSimulator:
    """Scripted customers: offline, deterministic, free."""

    @property
    def connections(self) -> int:
        """None are needed."""
        return 0

    @property
    def identity(self) -> Mapping[str, Any]:
        """Which script, and the digest of its phrases and rules."""
        return {"kind": SCRIPTED, "version": SCRIPT, "sha256": script_digest()}

    @property
    def min_coverage(self) -> float:
        """The usual share; a script has no faults."""
        return MIN_COVERAGE

    def prepare(self) -> None:
        """Nothing is needed."""

    def customer(self, case: CaseInPlay) -> Customer:
        """The customer of a case."""
        return ScriptedCustomer(case)

    def close(self) -> None:
        """Nothing is open."""
