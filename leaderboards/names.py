"""What models are called side by side: a name, and of their settings the fewest that tell them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from csc_tasks.leaderboards.reading.identity import ADAPTERS, Identity, is_local_path, path_of
from csc_tasks.sentences import Sentence

__all__ = [
    "Named",
    "asked_for_by",
    "model_names",
    "names_of",
    "shorten",
    "telling_words",
    "title_of",
    "training_run_names",
    "without_revision",
]

_ORDER = (
    *ADAPTERS,
    *("revision", "step", "commit", "shots", "load_in_4bit", "load_in_8bit", "quantization", "gptqmodel"),
    *(
        "autogptq",
        "gguf_file",
        "dtype",
        "enable_thinking",
        "reasoning_effort",
        "temperature",
        "template",
        "system",
    ),
)
"""Settings that people think of first; the others follow by name."""
_MOST = 3
"""Settings that are tried together before a row is given all it has."""
_TRIED = 40
"""Settings of which pairs and threes are tried: of forty there are 10,000, of a thousand 166 million."""
_LONGEST = 28
"""Characters of a value in a name."""
_NO_ADAPTER = Sentence("word.no-adapter", "no adapter")
_ABSENT = {
    "peft": _NO_ADAPTER,
    "lora_local_path": _NO_ADAPTER,
    "delta": Sentence("word.no-delta", "no delta"),
    "temperature": Sentence("word.greedy", "greedy"),
    "do_sample": Sentence("word.greedy", "greedy"),
    "template": Sentence("word.no-template", "no template"),
    "system": Sentence("word.no-system", "no system instruction"),
    "shots": Sentence("word.no-shots", "0-shot"),
}
"""What a row without a setting is called beside one that has it."""
_FLAGS = {
    "load_in_4bit": (Sentence("word.4bit", "4bit"), Sentence("word.no-4bit", "no 4bit")),
    "load_in_8bit": (Sentence("word.8bit", "8bit"), Sentence("word.no-8bit", "no 8bit")),
    "enable_thinking": (Sentence("word.thinking", "thinking"), Sentence("word.no-thinking", "no thinking")),
    "do_sample": (Sentence("word.sampling", "sampling"), Sentence("word.no-sampling", "no sampling")),
}
"""What a row is called that has a setting, and one that has it not."""
_VALUES: dict[str, Callable[[str], str]] = {
    "peft": lambda v: Sentence("word.adapter", "adapter {v}", v=v),
    "lora_local_path": lambda v: Sentence("word.adapter", "adapter {v}", v=v),
    "delta": lambda v: Sentence("word.delta", "delta {v}", v=v),
    "revision": lambda v: Sentence("word.revision", "revision {v}", v=v),
    "shots": lambda v: Sentence("word.shots", "{v}-shot", v=v),
    "dtype": str,
    "template": lambda v: Sentence("word.template", "template {v}", v=v),
    "system": lambda v: Sentence("word.system", "system {v}", v=v),
    "commit": lambda v: Sentence("word.commit", "commit {v}", v=v),
    "backend": lambda v: Sentence("word.backend", "backend {v}", v=v),
    "base_url": lambda v: Sentence("word.at", "at {v}", v=v),
    "reasoning_effort": lambda v: Sentence("word.effort", "effort {v}", v=v),
    "temperature": "T={}".format,
    "examples": lambda v: Sentence("word.examples", "examples from {v}", v=v),
}
_DIGESTS = ("template", "system", "commit")
_DIGITS = 6

Settings = Mapping[str, str]


class Named(NamedTuple):
    """A model's name among others: ``words`` are the settings that tell it from those of the same ``model``."""

    model: str
    words: tuple[str, ...]


def title_of(model: str, revision: str, words: Sequence[str]) -> str:
    """A name, its revision and what tells it apart in one line: ``org/a@v2 4bit``."""
    name = f"{model}@{revision}" if revision else model
    return " ".join([name, *without_revision(revision, words)])


def asked_for_by(model: str, revision: str, words: Sequence[str]) -> tuple[str, str, str]:
    """What a model may be asked for by: its name, that with the revision, and all that tells it apart."""
    return model, f"{model}@{revision}", title_of(model, revision, words)


def without_revision(revision: str, words: Sequence[str]) -> list[str]:
    """The words beside a name that the revision already stands in."""
    return [word for word in words if not (revision and word.startswith("revision "))]


def names_of(identities: Sequence[Identity], among: Mapping[str, str] | None = None) -> list[Named]:
    """Names for different models, no two alike.

    Args:
        identities: of the models, each another.
        among: what :func:`model_names` calls them, where more models than these are about.
    """
    models = among or model_names(identities)
    named = [models[identity.full] for identity in identities]
    words = telling_words(
        [(name, dict(identity.settings)) for name, identity in zip(named, identities, strict=True)]
    )
    return [Named(name, found) for name, found in zip(named, words, strict=True)]


def model_names(identities: Iterable[Identity]) -> dict[str, str]:
    """By what a run called it, a name for each model: of a local path as many of its parts as tell it from others."""
    return _apart({identity.full: identity.name for identity in identities})


def training_run_names(identities: Iterable[Identity]) -> dict[tuple[str, ...], str]:
    """By a checkpoint's key the name of the training run that it is of, no two runs of one name."""
    of = {identity.key: run for identity in identities if (run := identity.training_run) is not None}
    runs = {run.key: run for run in of.values()}
    titles = {
        key: title_of(named.model, runs[key].revision, named.words)
        for key, named in zip(runs, names_of(list(runs.values())), strict=True)
    }
    return {key: titles[run.key] for key, run in of.items()}


def _apart(wanted: Mapping[str, str]) -> dict[str, str]:
    """For each path the name that is wanted, with as many more of its folders as tell it from the others."""
    parts = {full: 1 if path_of(full, 1) == name else 2 for full, name in wanted.items()}
    while True:
        names = {full: path_of(full, count) for full, count in parts.items()}
        counts = Counter(names.values())
        short = [
            full
            for full in parts
            if counts[names[full]] > 1 and path_of(full, parts[full] + 1) != names[full]
        ]
        if not short:
            return {full: full if counts[name] > 1 else name for full, name in names.items()}
        for full in short:
            parts[full] += 1


def telling_words(rows: Sequence[tuple[str, Settings]]) -> list[tuple[str, ...]]:
    """For each row, a model's name and its settings, the fewest settings that tell it from others of its name.

    An adapter is always among them. Words of settings that nobody else has come before all others; where only
    one setting differs, a row without it says so.
    """
    groups: dict[str, list[int]] = {}
    for place, (name, _) in enumerate(rows):
        groups.setdefault(name, []).append(place)
    words: list[tuple[str, ...]] = [()] * len(rows)
    for places in groups.values():
        for place, found in zip(places, _of_group([rows[p][1] for p in places]), strict=True):
            words[place] = found
    return words


def _of_group(group: Sequence[Settings]) -> list[tuple[str, ...]]:
    names = sorted({name for settings in group for name in settings}, key=_place)
    differing = [name for name in names if len({settings.get(name) for settings in group}) > 1]
    shown = {name: _shown(name, {s[name] for s in group if name in s}) for name in names}
    chosen = [_fewest(i, group, differing) for i in range(len(group))]
    short = [_words(settings, own, shown, differing) for settings, own in zip(group, chosen, strict=True)]
    if len(set(short)) == len(short):
        return short
    # Two values that are written alike: all of what differs, in full.
    return [tuple(f"{name}={s[name]}" for name in differing if name in s) for s in group]


def _fewest(row: int, group: Sequence[Settings], differing: Sequence[str]) -> tuple[str, ...]:
    """The settings that a row has and no other row has alike: one, else two, else three, else all of them."""
    own = group[row]
    present = [name for name in differing if name in own]
    others = [settings for i, settings in enumerate(group) if i != row]
    most = _MOST if len(present) <= _TRIED else 1
    for size in range(1, min(most, len(present)) + 1):
        for names in combinations(present, size):
            if all(any(other.get(n) != own[n] for n in names) for other in others):
                return names
    return tuple(present)


def _words(
    settings: Settings,
    chosen: Sequence[str],
    shown: Mapping[str, Mapping[str, str]],
    differing: Sequence[str],
) -> tuple[str, ...]:
    if not chosen and differing and _one_matter(differing):
        return (_ABSENT[differing[0]],) if differing[0] in _ABSENT else ()
    kept = [name for name in settings if name in ADAPTERS and name not in chosen]
    return tuple(_word(name, shown[name][settings[name]]) for name in sorted((*kept, *chosen), key=_place))


def _one_matter(differing: Sequence[str]) -> bool:
    """Whether the rows differ in one thing: a temperature is sampling, a checkpoint a revision and a step."""
    rest = {{"do_sample": "temperature", "step": "revision"}.get(name, name) for name in differing}
    return len(rest) == 1


def _place(name: str) -> tuple[int, str]:
    last = name.rpartition(".")[2]
    return (_ORDER.index(last), name) if last in _ORDER else (len(_ORDER), name)


def _shown(name: str, values: set[str]) -> dict[str, str]:
    """Each value as short as it may be beside the others."""
    if name in _DIGESTS:
        return {value: value[:_DIGITS] for value in values}
    short = _apart({value: path_of(value, 1) for value in values if is_local_path(value)})
    return {value: shorten(short.get(value, value), _LONGEST) for value in values}


def shorten(text: str, limit: int) -> str:
    """The text, its middle left out where it is longer than ``limit``: names differ at their ends."""
    if len(text) <= limit:
        return text
    head = (limit - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"


def _word(name: str, value: str) -> str:
    last = name.rpartition(".")[2]
    if last in _FLAGS and value in ("True", "False"):
        return _FLAGS[last][value == "False"]
    if last == "step":
        return Sentence("word.step", "step {n}", n=int(value))
    if last in _VALUES:
        return _VALUES[last](value)
    if value in ("True", "False"):
        return last if value == "True" else Sentence("word.no", "no {name}", name=last)
    return f"{last}={value}"
