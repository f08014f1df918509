"""Prompts: versioned texts (one TOML file a version) and their rendering.

A prompt is ``head + history + cue``. The head (role, strategies, rules, format) is the same for every
turn and the history only grows, so turn k's prompt without its cue is a prefix of turn k+1's: a
server with prefix caching pays for each conversation once.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from csc_tasks.data.conversations import Speaker, Utterance
from csc_tasks.errors import ConfigError
from csc_tasks.framework import Strategy
from csc_tasks.metrics.strategy_definitions import strategy_definitions
from csc_tasks.protocol.task_kind import TaskKind

__all__ = ["DEFAULT_PROMPT", "Prompt", "load_prompt", "prompt_name", "prompt_versions"]

DEFAULT_PROMPT = "zh-2"


@dataclass(frozen=True, slots=True)
class Prompt:
    """One version of the prompt texts.

    ``sha256`` (16 digits) is that of the file they stand in, and of the definitions where that names a file of them.
    ``wording_of`` is the version that this one says in other words; its own, where it does not.
    """

    version: str
    sha256: str
    wording_of: str
    heads: Mapping[TaskKind, str]
    cues: Mapping[TaskKind, str]
    targets: Mapping[TaskKind, str]
    supporter_line: str
    unlabelled_line: str
    customer_line: str
    unknown_strategy: str
    next_dialogue: str
    answer_gap: str

    @property
    def stops(self) -> tuple[str, ...]:
        """What a model writes that goes on with a plain prompt: the customer's next line, another dialogue.

        In exactly the form of the prompt. Everything behind it is cut off by the reader anyway; these save tokens.
        """
        return "\n" + self.customer_line.partition("{")[0].rstrip(), self.next_dialogue.rstrip()

    def line(self, utterance: Utterance) -> str:
        """One utterance as a line of history, newline included.

        Line breaks inside the text become spaces, for one utterance is one line. A supporter
        utterance without a readable strategy (a model's own earlier turn) is shown as 其它.
        """
        text = _one_line(utterance.text)
        if utterance.speaker is Speaker.CUSTOMER:
            return self.customer_line.format(text=text) + "\n"
        strategy = utterance.strategy.zh if utterance.strategy else self.unknown_strategy
        return self.supporter_line.format(strategy=strategy, text=text) + "\n"

    def gold_line(self, utterance: Utterance) -> str:
        """One utterance of the data as a line of history: where that has no strategies, without the brackets."""
        if utterance.speaker is Speaker.CUSTOMER or utterance.strategy is not None:
            return self.line(utterance)
        return self.unlabelled_line.format(text=_one_line(utterance.text)) + "\n"

    def head(self, kind: TaskKind) -> str:
        """Everything that comes before the history."""
        return self.heads[kind]

    def cue(self, kind: TaskKind, strategy: Strategy | None) -> str:
        """What comes after the history; only the oracle's cue shows the gold ``strategy``, and needs one."""
        return self.cues[kind].format(strategy=strategy.zh if strategy else "")

    def target(self, kind: TaskKind, strategy: Strategy | None, text: str) -> str:
        """The correct answer after the cue, as a few-shot example shows it; of an unlabelled turn its text."""
        if strategy is None:
            return text
        return self.targets[kind].format(strategy=strategy.zh, letter=strategy.letter, text=text)


def _one_line(text: str) -> str:
    return " ".join(text.split("\n")).replace("\r", " ")


def prompt_name(version: str, sha256: str) -> str:
    """What protocols call a prompt: its version, and the first digits of what it says."""
    return f"{version} ({sha256[:8]})"


@cache
def _files() -> Mapping[str, Traversable]:
    # Listed and not just opened: the name may come from a results file, and name anything.
    folder = resources.files("csc_tasks.protocol") / "prompts"
    return {p.name.removesuffix(".toml"): p for p in folder.iterdir() if p.name.endswith(".toml")}


def prompt_versions() -> tuple[str, ...]:
    """The versions that there are, in alphabetical order."""
    return tuple(sorted(_files()))


@cache
def load_prompt(version: str = DEFAULT_PROMPT) -> Prompt:
    """Read one version of the prompt texts from the package.

    Raises:
        ConfigError: there is no such version; the message lists those that there are.
    """
    if version not in _files():
        raise ConfigError(f"there is no prompt {version!r}; there are {', '.join(prompt_versions())}")
    raw = _files()[version].read_bytes()
    texts: dict[str, Any] = tomllib.loads(raw.decode("utf-8"))
    if isinstance(texts["definitions"], str):
        definitions = strategy_definitions(texts["definitions"])
        covered = b"\n".join([raw, *(text.encode("utf-8") for text in definitions)])
    else:  # zh-1 has its own
        definitions = tuple(texts["definitions"][str(s.number)] for s in Strategy)
        covered = raw

    stage: str = texts.get("stage", "{name}")

    def listing(kind: TaskKind) -> str:
        line = texts["option_line" if kind is TaskKind.STRATEGY_MC else "strategy_line"]
        return "\n".join(
            line.format(
                number=s.number,
                letter=s.letter,
                name=s.zh,
                english=s.en,
                stage=stage.format(name=s.stage.zh, number=s.stage.number) if s.stage else texts["no_stage"],
                definition=definitions[s.index],
            )
            for s in Strategy
        )

    return Prompt(
        version=texts["version"],
        sha256=hashlib.sha256(covered).hexdigest()[:16],
        wording_of=texts.get("wording_of", texts["version"]),
        heads={
            k: texts["instruction"][k.value].format(strategies=listing(k), **texts.get("parts", {}))
            for k in TaskKind
        },
        cues={k: texts["cue"][k.value] for k in TaskKind},
        targets={k: texts["target"][k.value] for k in TaskKind},
        supporter_line=texts["supporter_line"],
        # A rule of every version, so that it needs no wording of its own.
        unlabelled_line=texts["supporter_line"].replace("[{strategy}] ", ""),
        customer_line=texts["customer_line"],
        unknown_strategy=texts["unknown_strategy"],
        next_dialogue=texts["next_dialogue"],
        answer_gap=texts["answer_gap"],
    )
