"""Who plays the customers of a run: scripts, or the model that a configuration names."""

from __future__ import annotations

from pathlib import Path

from csc_tasks.roleplay.model_customer.simulator import ModelSimulator
from csc_tasks.roleplay.simulators import ScriptedSimulator, Simulator

__all__ = ["simulator_of"]


def simulator_of(config: Path | None) -> Simulator:
    """The simulator of a configuration; scripted customers where there is none.

    Raises:
        ChatError, ConfigError: the configuration is wrong, or a key is not set.
    """
    return ScriptedSimulator() if config is None else ModelSimulator.from_file(config)
