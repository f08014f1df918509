"""How a model was asked in one task: what a comparison holds side by side before it believes a difference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from csc_tasks.errors import ConfigError
from csc_tasks.leaderboards.reading.arguments import telling
from csc_tasks.leaderboards.reading.generation import generation_settings
from csc_tasks.leaderboards.reading.identity import template_of
from csc_tasks.results.model_record import ModelRecord

__all__ = ["Asked", "Asking", "asked_of", "askings"]


class Asking(Enum):
    """A side of how a model is asked; the values are the names of ``--allow``."""

    FEWSHOT = "fewshot"
    GENERATION = "generation"
    TEMPLATE = "template"
    SYSTEM = "system"
    THINKING = "thinking"


def askings(names: Iterable[str]) -> tuple[Asking, ...]:
    """The sides of these names, as ``--allow`` has them.

    Raises:
        ConfigError: there is none of a name; the message lists them.
    """
    known = {each.value: each for each in Asking}
    names = list(names)
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(f"--allow {unknown[0]}: there are {', '.join(known)}")
    return tuple(known[name] for name in dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class Asked:
    """How a model was asked.

    ``generation`` are all settings of a task that generates, without the seed; ``template`` the digest of the
    chat template, ``server`` where a server puts its own around a prompt, '' for none; ``system`` the digest of
    the system instruction; ``thinking`` the switches of thinking that were set; ``fewshot`` the number of
    examples, where they came from and how they were shown.
    """

    generation: Mapping[str, str] = field(default_factory=dict)
    template: str = ""
    system: str = ""
    thinking: Mapping[str, str] = field(default_factory=dict)
    fewshot: Mapping[str, str] = field(default_factory=dict)


_SWITCHES = ("enable_thinking", "reasoning_effort", "thinking", "thinking_budget", "think")
"""Arguments that tell a model whether, or how much, to think. Marks of thoughts are each model's own."""


def asked_of(record: ModelRecord) -> Asked:
    """How the model of a record was asked."""
    generation = generation_settings(record)
    switches = {**telling(record.arguments), **generation}
    template = template_of(record)
    fewshot = {"shots": str(record.shots)}
    if record.shots:
        fewshot["examples"] = str(record.examples or "")
        fewshot["multiturn"] = str(bool(record.multiturn and template))
    return Asked(
        generation={name: value for name, value in generation.items() if not _is_switch(name)},
        template=template,
        system=record.system,
        thinking={name: value for name, value in switches.items() if _is_switch(name)},
        fewshot=fewshot,
    )


def _is_switch(name: str) -> bool:
    return name.rpartition(".")[2] in _SWITCHES
