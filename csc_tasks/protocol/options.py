"""The options of a run, read once from lm-eval's metadata into a typed object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field

from csc_tasks.data.splits import Subset
from csc_tasks.errors import ConfigError
from csc_tasks.install import install_hint
from csc_tasks.metrics import DEFAULT_TOKENIZER, NO_MODELS, Models, tokenizer
from csc_tasks.protocol.metadata import AtLeastOne, FromMetadata, Name, Source, Switch
from csc_tasks.protocol.networks import MODEL_KEYS, Unnamed, read_models
from csc_tasks.protocol.prompt import DEFAULT_PROMPT, prompt_versions
from csc_tasks.protocol.thinking import ThinkingFormat
from csc_tasks.storage import at_home

__all__ = ["Options"]

MOST_TRIALS = 100
"""Of a case card."""


def _subset(value: object) -> Subset:
    try:
        return Subset(value)
    except ValueError:
        raise ValueError(f"is none of {', '.join(s.value for s in Subset)}") from None


def _prompt(value: object) -> str:
    if not isinstance(value, str) or value not in prompt_versions():
        raise ValueError(f"is none of {', '.join(prompt_versions())}")
    return value


def _judge(value: object) -> Path | None:
    if value is not None and not isinstance(value, str):
        raise ValueError("must be the path of a judge's configuration")
    return None if value is None else Path(value)


def _customer(value: object) -> Path | None:
    if value is None or value == "scripted":
        return None
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be 'scripted' or the path of a customer's configuration")
    return at_home(value)


def _path(value: object) -> Path | None:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ValueError("must be the path of a file of case cards")
    return None if value is None else at_home(value)


def _not_too_many(value: int | None) -> int | None:
    if value is not None and value > MOST_TRIALS:
        raise ValueError(f"is more than {MOST_TRIALS}")
    return value


def _think(value: object) -> tuple[ThinkingFormat, ...]:
    if not value:
        return ()
    # lm-eval's --metadata splits at commas, so the marks are written with dots between them there.
    given = re.split(r"\.\.\.|,", value, maxsplit=1) if isinstance(value, str) else value
    marks = [m for m in given if isinstance(m, str) and m.strip()] if isinstance(given, (list, tuple)) else []
    if len(marks) != 2:
        raise ValueError("must be what opens the thinking and what closes it: <plan>...</plan>")
    return (ThinkingFormat("csconv_think", marks[0].strip(), marks[1].strip()),)


class Options(FromMetadata):
    """What ``--metadata csconv_…=…`` and the task's YAML choose.

    ``prompt`` is a version of the prompt texts;
    ``data`` and ``train`` are sources (``hub``, ``modelscope``, ``mini``, a path) or ``None`` for the default;
    ``models`` are the networks that score, of which a strategy task uses none; ``judge`` is a
    judge's configuration file, or ``None`` for none; ``think`` are formats of thinking beside the known ones;
    ``skip_unsupported`` leaves tasks out that the model cannot do; ``cards`` are one's own case cards, ``customer``
    is the configuration of a model that plays customers (``None``: they are scripted), and ``trials`` how often each
    card is played; ``base`` names the model that this one was tuned from, which changes no score.
    """

    subset: Annotated[Subset, BeforeValidator(_subset)] = Field(Subset.FULL, alias="csconv_subset")
    prompt: Annotated[str, BeforeValidator(_prompt)] = Field(DEFAULT_PROMPT, alias="csconv_prompt")
    data: Source = Field(None, alias="csconv_data")
    train: Source = Field(None, alias="csconv_train")
    tokenizer: Annotated[str, BeforeValidator(str)] = Field(DEFAULT_TOKENIZER, alias="csconv_tokenizer")
    judge: Annotated[Path | None, BeforeValidator(_judge)] = Field(None, alias="csconv_judge")
    think: Annotated[tuple[ThinkingFormat, ...], BeforeValidator(_think)] = Field((), alias="csconv_think")
    skip_unsupported: Switch = Field(False, alias="csconv_skip_unsupported")
    cards: Annotated[Path | None, BeforeValidator(_path)] = Field(None, alias="csconv_cards")
    customer: Annotated[Path | None, BeforeValidator(_customer)] = Field(None, alias="csconv_customer")
    trials: Annotated[AtLeastOne, AfterValidator(_not_too_many)] = Field(1, alias="csconv_trials")
    base: Name = Field(None, alias="csconv_base")
    models: Models = NO_MODELS

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, object]) -> Self:
        """Read the ``csconv_`` keys; other keys belong to the model or the harness.

        Raises:
            ConfigError: an unknown ``csconv_`` key or a value that is not offered.
        """
        ours = {str(k): v for k, v in metadata.items() if str(k).startswith("csconv_")}
        if "csconv_scale" in ours:  # the name that it had before, in task files of the user's own
            ours["csconv_subset"] = ours.pop("csconv_scale")
        known = cls.keys() | MODEL_KEYS
        if unknown := sorted(set(ours) - known):
            offered = ", ".join(sorted(known - {"csconv_subset"}))
            raise ConfigError(f"--metadata {unknown[0]}: no such option; csconv knows {offered}")
        options = cls.read(ours)
        try:
            tokenizer(options.tokenizer)
        except ValueError as error:
            raise ConfigError(str(error)) from None
        except ModuleNotFoundError as error:
            raise ConfigError(f"{error}: {install_hint('jieba')}") from None
        # The mini tasks promise to run offline on any machine.
        unnamed = Unnamed.CACHED if options.subset is Subset.MINI else Unnamed.DEFAULT
        return options.model_copy(update={"models": read_models(ours, unnamed)})
