"""What a results file says of the model and of how it was asked, read and not yet judged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from csc_tasks.protocol.named_data import NamedData
from csc_tasks.protocol.signature import Signature
from csc_tasks.protocol.signature_parts import Text
from csc_tasks.protocol.tuned_from import TunedFrom
from csc_tasks.results.records import MANY, Lenient

__all__ = ["Head", "ModelRecord", "parse_arguments", "whole_number"]

_SEEDS = ("random_seed", "numpy_seed", "torch_seed", "fewshot_seed")
"""What lm-eval calls the four numbers of ``--seed``."""
_OPENING, _CLOSING = "[({", "])}"


def whole_number(value: object) -> int | None:
    """What lm-eval wrote as a number; ``None`` where it is none that anybody can mean."""
    try:
        number = None if value is None or isinstance(value, bool) else int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number is None or abs(number) < MANY else None


class _HarnessConfig(Lenient):
    """lm-eval's ``config``, as much of it as is read."""

    model: Any = None
    model_args: Any = None
    model_revision: Any = None
    model_sha: Any = None
    peft_sha: Any = None
    delta_sha: Any = None
    gen_kwargs: Any = None
    limit: Any = None
    random_seed: Any = None
    numpy_seed: Any = None
    torch_seed: Any = None
    fewshot_seed: Any = None


class Head(Lenient):
    """What a results file says of the run as a whole, as much of it as is read."""

    config: _HarnessConfig = _HarnessConfig()
    shots: dict[Text, Any] = Field(default_factory=dict, alias="n-shot")
    task_hashes: dict[Text, Any] = Field(default_factory=dict)
    model_name: Any = None
    system_instruction_sha: Any = None
    chat_template_sha: Any = None
    fewshot_as_multiturn: Any = None


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """What a results file says of the model of a task and of how it was asked; '' for what it does not say.

    ``backend`` is lm-eval's ``--model``, ``arguments`` its ``--model_args``; ``name`` is what lm-eval calls the
    model and ``commit`` the hub's digests of what was loaded. ``gen_kwargs`` is the command's,
    ``task_generation`` what the task came to ask with (empty where nothing is generated), ``benchmark`` the
    version whose settings it began with. ``template`` and ``system`` are lm-eval's hashes of what stands around
    a prompt, ``examples`` where few-shot examples came from; ``thinking`` is how csconv was told to find
    thoughts; ``seeds`` are lm-eval's four; ``step`` is what the user said. ``tuned_from`` is the model that this one
    was made from, which is part of no identity.
    """

    backend: str = ""
    name: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    revision: str = ""
    commit: str = ""
    gen_kwargs: Mapping[str, Any] = field(default_factory=dict)
    task_generation: Mapping[str, Any] = field(default_factory=dict)
    benchmark: int = 0
    template: str = ""
    system: str = ""
    multiturn: bool = False
    shots: int = 0
    examples: NamedData | None = None
    thinking: str = ""
    seeds: tuple[str, ...] = ()
    step: int | None = None
    tuned_from: TunedFrom | None = None

    @classmethod
    def of(
        cls, head: Head, task: str, task_config: Mapping[str, Any], signature: Signature | None = None
    ) -> ModelRecord:
        """The record of one task of a file.

        The arguments are taken from the run's configuration alone; that lm-eval repeats them in the task's
        metadata is passed over.

        Args:
            head: of the file.
            task: its name.
            task_config: what the file says of the task.
            signature: the task's.

        Raises:
            DataError: what csconv wrote of the model is damaged.
        """
        config = head.config
        metadata = task_config.get("metadata")
        metadata = metadata if isinstance(metadata, Mapping) else {}
        arguments = parse_arguments(config.model_args)
        generates = task_config.get("output_type") == "generate_until"
        shown = signature.fewshot if signature else None
        return cls(
            backend=str(config.model or ""),
            name=str(head.model_name or ""),
            arguments=arguments,
            revision=str(config.model_revision or ""),
            commit=" ".join(str(sha) for sha in (config.model_sha, config.peft_sha, config.delta_sha) if sha),
            gen_kwargs=parse_arguments(config.gen_kwargs),
            task_generation=parse_arguments(task_config.get("generation_kwargs")) if generates else {},
            benchmark=signature.benchmark if signature else 0,
            template=str(head.chat_template_sha or ""),
            system=str(head.system_instruction_sha or ""),
            multiturn=bool(head.fewshot_as_multiturn),
            shots=whole_number(head.shots.get(task)) or 0,
            examples=NamedData.of(shown.data, shown.fingerprint) if shown else None,
            thinking=str(metadata.get("csconv_think") or ""),
            seeds=tuple(str(getattr(config, name)) for name in _SEEDS),
            step=whole_number(metadata.get("step")),
            tuned_from=TunedFrom.of_results(metadata, arguments),
        )


def parse_arguments(value: Any) -> dict[str, Any]:
    """Arguments as a mapping: lm-eval writes one, or the text of the command line.

    In a text, ``a=1,b={"c":2,"d":3}`` has two: commas within brackets and quotes part nothing.
    """
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    if not isinstance(value, str):
        return {}
    text = value.strip()
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, dict):
            return found
    pairs = (part.partition("=") for part in _split(text) if "=" in part)
    return {name.strip(): item.strip() for name, _, item in pairs}


def _split(text: str) -> list[str]:
    parts = [""]
    depth, quote = 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in _OPENING:
            depth += 1
        elif letter in _CLOSING:
            depth = max(0, depth - 1)
        elif letter == "," and not depth:
            parts.append("")
            continue
        parts[-1] += letter
    return parts
