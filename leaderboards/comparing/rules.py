"""What a checkpoint must not do: the rules of a gate, from a file and from options."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from csc_tasks.errors import ConfigError
from csc_tasks.leaderboards.comparing.model_results import ModelResults
from csc_tasks.leaderboards.reading.asked import Asking
from csc_tasks.metrics import AdditiveMetric, Metric, headlines, metric_named
from csc_tasks.metrics.comparison import ALPHA
from csc_tasks.metrics.judge.scores import COVERAGES
from csc_tasks.system.yaml_file import read_yaml

__all__ = [
    "Rules",
    "Targets",
    "default_rules",
    "defaults",
    "known_metric",
    "limits",
    "load_rules",
    "targets",
]

_EXPECTED = {
    "max_drop": "a mapping from metric to number",
    "min": "a mapping from metric to number",
    "min_coverage": "between 0 and 1",
    "min_turns": "a whole number of at least 0",
    "alpha": "between 0 and 0.5",
    "sections": "a list such as [response/reference]",
    "allow_partial": "true or false",
    "allow": f"a list of some of {', '.join(each.value for each in Asking)}",
}
_LIMITS = {"max_drop": "a number of at least 0", "min": "a number"}


class Rules(BaseModel):
    """What a checkpoint must not do.

    ``max_drop`` and ``min`` are by metric, or by ``section/metric`` (``response/generated/bleu_4``), in the
    metric's own unit: fractions 0-1, judge grades 1-5. A drop is a change for the worse, so of a metric where
    lower is better a rise, and its ``min`` is what it must not exceed. ``min_coverage`` 0-1 holds for a judge,
    ``min_turns`` for every section; ``alpha`` is the chance that a model fails all the same that did not get
    worse and in truth reaches its minimums. ``allow`` has sides of how a model is asked in which results and
    baseline may differ. ``floor``, as ``min`` was called, is still read.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    max_drop: dict[str, Annotated[float, Field(ge=0)]] = {}
    min: dict[str, float] = {}
    min_coverage: Annotated[float, Field(ge=0, le=1)] = 0.98
    min_turns: Annotated[int, Field(ge=0)] = 0
    alpha: Annotated[float, Field(gt=0, le=0.5)] = ALPHA
    sections: tuple[str, ...] = ()
    allow_partial: bool = False
    allow: tuple[Asking, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _old_name(cls, content: Any) -> Any:
        if not isinstance(content, Mapping) or "floor" not in content:
            return content
        if "min" in content:
            raise ValueError("floor is the old name of min: write all of them under min")
        return {"min" if name == "floor" else name: value for name, value in content.items()}

    @field_validator("sections", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("allow", mode="before")
    @classmethod
    def _askings(cls, value: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            return value
        names = {each.value: each for each in Asking}
        return tuple(names.get(each, each) if isinstance(each, str) else each for each in value)

    @field_validator("max_drop", "min")
    @classmethod
    def _metrics(cls, limits: dict[str, float]) -> dict[str, float]:
        for name in limits:
            if known_metric(name) is None:
                raise ValueError(f"there is no metric {_bare(name)!r}")
        return limits

    @field_validator("max_drop", "min")
    @classmethod
    def _fractions(cls, limits: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        for name, value in limits.items():
            metric = known_metric(name)
            # Who writes 1 means a point. As a drop it would allow everything; as a minimum it may be meant.
            most = 1.0 if info.field_name == "min" else math.nextafter(1.0, 0.0)
            if metric is not None and metric.info.percent and value > most:
                raise ValueError(
                    f"{_bare(name)} is a share: 0.01 is one point, and {value:g} would be {100 * value:g} points"
                )
        return limits

    @field_validator("max_drop")
    @classmethod
    def _comparable(cls, limits: dict[str, float]) -> dict[str, float]:
        for name in limits:
            metric = known_metric(name)
            if not (isinstance(metric, AdditiveMetric) and metric.info.better):
                raise ValueError(
                    f"{_bare(name)} has no better and worse, or no interval; a min may be set for it"
                )
        return limits

    def adding(self, where: str, **options: Any) -> Rules:
        """These rules and others: limits are added to those that are there, every other value that is given counts.

        Args:
            where: what an error names as the place of the others.
            options: fields; ``None`` for one that is not given.

        Raises:
            ConfigError: a value is none that there is.
        """
        given = {name: value for name, value in options.items() if value is not None}
        for name in _LIMITS:
            given[name] = {**getattr(self, name), **given.get(name, {})}
        return _checked({**self.model_dump(), **given}, where)


def load_rules(path: Path) -> Rules:
    """Rules from a YAML file with the fields of :class:`Rules`.

    Raises:
        ConfigError: it cannot be read, or has a field, a metric or a value that there is not.
    """
    content = read_yaml(path, ConfigError)
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: rules are a mapping, for instance `max_drop: {{strategy_acc: 0.01}}`")
    return _checked({str(name): value for name, value in content.items()}, str(path))


def limits(option: str, pairs: Sequence[str]) -> dict[str, float]:
    """The limits of an option that was given as ``METRIC=NUMBER``, once for each metric.

    Raises:
        ConfigError: one is not of this form; the message names the option.
    """
    found: dict[str, float] = {}
    for pair in pairs:
        name, _, value = pair.rpartition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise ConfigError(
                f"{option} {pair}: write METRIC=NUMBER, for instance strategy_acc=0.01"
            ) from None
    return found


def default_rules(baseline: ModelResults) -> Rules:
    """No significant drop of any headline score that the baseline has with its samples."""
    names = {
        name
        for section in baseline.sections.values()
        for name in defaults(list(section.metrics))
        if section.metrics[name].sums
    }
    return Rules(max_drop=dict.fromkeys(sorted(names), 0.0))


def defaults(names: Collection[str]) -> list[str]:
    """Those of a section's scores that are watched where no rule says which: headline scores with a better and a
    worse."""
    return [
        name
        for name in headlines(names)
        if isinstance(metric := known_metric(name), AdditiveMetric)
        and metric.info.better != 0
        and name not in COVERAGES
    ]


class Targets(NamedTuple):
    """What limits hold for: (section, metric, limit) of each, and (section or '', metric) that nothing has."""

    found: list[tuple[str, str, float]]
    absent: list[tuple[str, str]]


def targets(limits: Mapping[str, float], sections: Mapping[str, Collection[str]]) -> Targets:
    """Every section's metric that a limit holds for.

    Args:
        limits: by metric, which holds in every section that has it, or by ``section/metric``.
        sections: the metrics that each has.
    """
    found: list[tuple[str, str, float]] = []
    absent: list[tuple[str, str]] = []
    for name, limit in limits.items():
        section, _, metric = name.rpartition("/")
        hits = [each for each, metrics in sections.items() if section in ("", each) and metric in metrics]
        found += [(each, metric, limit) for each in hits]
        if not hits:
            absent.append((section, metric))
    return Targets(found, absent)


def known_metric(name: str) -> Metric | None:
    """The metric of ``metric`` or ``section/metric``; ``None`` if there is none of this name."""
    bare = _bare(name)
    return metric_named(bare)


def _bare(name: str) -> str:
    return name.rpartition("/")[2]


def _checked(content: dict[str, Any], where: str) -> Rules:
    try:
        return Rules.model_validate(content)
    except ValidationError as error:
        what = "; ".join(map(_message, error.errors(include_url=False)))
        raise ConfigError(f"{where}: {what}") from None


def _message(error: Any) -> str:
    """One of pydantic's errors in our words: the field, what is wrong, what would be right."""
    place = [str(part) for part in error["loc"]]
    if error["type"] == "extra_forbidden":
        return f"there is no rule {place[0]!r}; there are {', '.join(sorted(Rules.model_fields))}"
    if error["type"] == "value_error":
        return ": ".join([*place, str(error["ctx"]["error"])])
    if place[0] in _LIMITS and len(place) > 1:
        return f"{place[0]}: {place[1]}: {error['input']!r} is not {_LIMITS[place[0]]}"
    if place[0] in _LIMITS:
        return f"{place[0]} is {_EXPECTED[place[0]]}"
    return f"{place[0]}: {error['input']!r} is not {_EXPECTED[place[0]]}"
