"""What the roles of a synthesis are told: texts of a version, filled from what each role may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from csc_tasks.chat.messages import Message
from csc_tasks.framework import Strategy
from csc_tasks.metrics.strategy_definitions import strategy_definitions
from csc_tasks.roleplay.asking.prompts import Framed, PromptTexts, read_texts
from csc_tasks.synthesis.information import SEES, Item, seen_by
from csc_tasks.synthesis.steps import Role

__all__ = ["RolePrompts", "load_prompts"]


@dataclass(frozen=True, slots=True)
class RolePrompts:
    """One version of what the roles are told; ``sha256`` (16 digits) covers every text, the definitions too."""

    version: str
    sha256: str
    folder: PromptTexts
    definitions: tuple[str, ...]

    @property
    def texts(self) -> Mapping[str, tuple[str, str]]:
        """By role its instruction and its question, with ``{slots}``."""
        return self.folder.texts

    def messages(self, role: Role, everything: Mapping[Item, Framed]) -> tuple[Message, ...]:
        """What a role is sent: an instruction and a question, filled from what it may see.

        Args:
            role: who is asked.
            everything: that is known; what the role may not see is left out, whatever the text says.
        """
        return self.folder.filled(
            role, {str(item): framed for item, framed in seen_by(role, everything).items()}
        )

    def define(self, strategy: Strategy) -> str:
        """A strategy in one line: number, name, stage, definition."""
        return _defined(strategy, self.definitions)

    def all_strategies(self) -> Framed:
        """The twelve, a line each."""
        return _listed(self.definitions)


def _defined(strategy: Strategy, definitions: tuple[str, ...]) -> str:
    stage = f"第{strategy.stage.number}阶段" if strategy.stage else "任何阶段"
    return f"{strategy.number}. {strategy.zh}（{stage}）：{definitions[strategy.index]}"


@cache
def _listed(definitions: tuple[str, ...]) -> Framed:
    return Framed.of("\n".join(_defined(strategy, definitions) for strategy in Strategy))


@cache
def load_prompts(version: str, roles: Sequence[Role]) -> RolePrompts:
    """Read a version for some roles.

    Raises:
        ConfigError: there is none of that name, or it has no text for a role.
        ValueError: a text shows what its role may not see (a mistake in the folder, which a test would find).
    """
    texts = read_texts("csc_tasks.synthesis", version, roles, SEES)
    definitions = strategy_definitions(texts.head["definitions"])
    return RolePrompts(texts.version, texts.sha256(*definitions), texts, definitions)
