"""Which model a results file is about, and as what it was asked: whatever can change an answer is part of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import PurePath, PurePosixPath, PureWindowsPath

from csc_tasks.credentials import without_secrets
from csc_tasks.leaderboards.reading.arguments import NAMES, telling, text_of
from csc_tasks.leaderboards.reading.generation import overridden_settings
from csc_tasks.protocol.tuned_from import ADAPTERS
from csc_tasks.results.model_record import ModelRecord

__all__ = ["ADAPTERS", "Identity", "hub_id", "identify", "is_local_path", "path_of", "template_of"]

_FLOORS = ("csconv-baseline", "FloorLM")
"""The backend of weightless models: lm-eval's name for it, and that of an object that was handed to lm-eval."""
_SERVED = re.compile(r"chat")
"""Backends whose server puts the chat template around a prompt."""
_BACKENDS = {
    "huggingface": "hf",
    "hf-auto": "hf",
    "ggml": "gguf",
    "anthropic-chat-completions": "anthropic-chat",
    "litellm-chat": "litellm",
    "litellm-chat-completions": "litellm",
}
"""lm-eval's second names of one backend."""
_CHECKPOINT = re.compile(
    r"(?:^|[-_./\\])(?:checkpoint|ckpt|global[-_]?step|step|iter(?:ation)?)[-_]?0*(\d{1,12})"
    r"(?P<form>(?:[-_](?:hf|merged|tokens\d{1,9}B))?)[/\\]?$",
    re.IGNORECASE,
)
"""How trainers name a checkpoint: its step, and the form in which it was saved."""
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_FOLDERS = {
    *(
        "out",
        "output",
        "outputs",
        "results",
        "model",
        "models",
        "checkpoints",
        "ckpt",
        "ckpts",
        "runs",
        "data",
    ),
    *("tmp", "home", "root", "mnt", "workspace", "weights", "saves", "experiments", "exp"),
}
"""What folders that hold models are called, and no owner on the hub that serves any."""
_USUAL_SEEDS = ("0", "1234", "1234", "1234")
"""lm-eval's ``--seed`` where none is given."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A model as one run evaluated it.

    ``full`` is what the run called it, a path in full, and ``name`` the same for people; ``settings`` are
    all else that can change an answer, by name, revision, step and shots among them. ``key`` is the same for
    two runs only if all of that is. ``seed`` tells repeats of one model apart and is in no key; ``commit`` is
    the hub's digest of the weights, where it was asked.
    """

    full: str
    name: str
    revision: str
    step: int | None
    shots: int
    settings: tuple[tuple[str, str], ...]
    is_floor: bool = False
    seed: str = ""
    commit: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """What two runs of the same model have in common."""
        return (self.full, str(self.step), json.dumps(self.settings), self.commit)

    @property
    def adapter(self) -> str:
        """The weights on top of the model's; '' for none."""
        return ", ".join(value for name, value in self.settings if name in ADAPTERS)

    @property
    def training_run(self) -> Identity | None:
        """Of a checkpoint the training it is of: the same without what tells its steps apart; else ``None``.

        Two checkpoints have equal ones if they differ in nothing but the step in a folder, a revision or an
        adapter, and in the digest of the weights. Of a step that only the user told, the revision tells it apart.
        """
        if self.step is None or self.is_floor:
            return None
        places = (self.full, *(value for name, value in self.settings if name in (*ADAPTERS, "revision")))
        named = any(map(_CHECKPOINT.search, places))
        full, revision = (
            _without_step(self.full) or "checkpoints",
            _without_step(self.revision) if named else "",
        )
        settings = {n: (_without_step(v) or "checkpoints") if n in ADAPTERS else v for n, v in self.settings}
        settings = {n: v for n, v in settings.items() if n not in ("step", "commit", "revision")}
        if revision:
            settings["revision"] = revision
        return replace(
            self,
            full=full,
            name=path_of(full, 1),
            revision=revision,
            step=None,
            settings=tuple(sorted(settings.items())),
            commit="",
            seed="",
        )

    def of_commit(self, commit: str) -> Identity:
        """The same with the digest of its weights as part of it; '' where all runs have one."""
        others = tuple(pair for pair in self.settings if pair[0] != "commit")
        added = (("commit", commit),) if commit else ()
        return replace(self, commit=commit, settings=tuple(sorted((*others, *added))))


def identify(record: ModelRecord) -> Identity:
    """The identity of a model as one task of a results file tells it."""
    arguments = dict(record.arguments)
    # For a model without a telling argument lm-eval makes up a name of random letters.
    given = next((str(arguments[name]) for name in NAMES if arguments.get(name)), None)
    full = without_secrets(given or record.backend or record.name or "?")
    revision = text_of(arguments.get("revision") or record.revision)
    revision = "" if revision == "main" else revision
    seed = arguments.pop("seed", None)
    settings = {
        **{name: value for name, value in telling(arguments).items() if name not in (*NAMES, "revision")},
        **overridden_settings(record),
        **_around(record),
    }
    if "backend" in arguments and "backend" in settings:
        settings["architecture"] = settings.pop("backend")
    if settings.get("tokenizer") == full:
        del settings["tokenizer"]
    if backend := _BACKENDS.get(record.backend, record.backend):
        settings["backend"] = backend
    step = record.step
    for text in (revision, *(settings.get(name, "") for name in ADAPTERS), full):
        if step is None and (match := _CHECKPOINT.search(text)):
            step = int(match.group(1))
    if revision:
        settings["revision"] = revision
    if step is not None:
        settings["step"] = str(step)
    is_floor = record.backend in _FLOORS
    return Identity(
        full=full,
        name=path_of(full, 2 if _CHECKPOINT.search(_path(full).name) else 1),
        revision=revision,
        step=step,
        shots=record.shots,
        settings=tuple(sorted(settings.items())),
        is_floor=is_floor,
        seed=_seed(record, seed, is_floor),
        commit=record.commit,
    )


def hub_id(record: ModelRecord, identity: Identity) -> str:
    """The model's id on the hub, ``owner/name``; '' for what may be a folder.

    A relative path of two parts looks like an id. Backends that load weights record the hub's digest of those that
    came from there, and are believed only then; what an endpoint calls ``owner/name`` is taken for an id, if the owner
    is not called like a folder for models.
    """
    name = identity.full
    if identity.is_floor or not _HUB_ID.fullmatch(name) or ".." in name or is_local_path(name):
        return ""
    if record.commit:
        return name
    served = record.arguments.get("base_url") or _SERVED.search(record.backend)
    return name if served and name.partition("/")[0].lower() not in _FOLDERS else ""


def template_of(record: ModelRecord) -> str:
    """The digest of the chat template, ``server`` where a server puts its own around prompts, '' for none."""
    return record.template or ("server" if _SERVED.search(record.backend) else "")


def _around(record: ModelRecord) -> dict[str, str]:
    """What stands around a prompt, and how a reply's thoughts are found."""
    found = {
        "template": record.template,
        "system": record.system,
        "csconv_think": record.thinking,
        "shots": str(record.shots) if record.shots else "",
        "examples": str(record.examples) if record.shots and record.examples else "",
        # A single prompt, or a text without a chat, has no turns to part.
        "multiturn": "True" if record.shots and record.multiturn and template_of(record) else "",
    }
    return {name: value for name, value in found.items() if value}


def _seed(record: ModelRecord, own: object, is_floor: bool) -> str:
    """The seeds in one text: those that are not lm-eval's own, or else the usual one."""
    run = tuple(record.seeds)
    parts = []
    if run and run != _USUAL_SEEDS and set(run) != {"None"}:
        parts.append(run[0] if len(set(run)) == 1 else ",".join(run))
    usual, name = ("0", "") if is_floor else ("1234", "model ")
    generation = record.gen_kwargs.get("seed", record.task_generation.get("seed"))
    for what, given in ((name, own), ("generation ", generation)):
        if (seed := text_of(given)) not in ("", usual):
            parts.append(f"{what}{seed}")
    return " ".join(parts) or usual


def _without_step(text: str) -> str:
    """What a checkpoint's name has before its step, and the form it was saved in; another name as it is."""
    match = _CHECKPOINT.search(text)
    return text if match is None else text[: match.start()] + match["form"]


def is_local_path(text: str) -> bool:
    """Whether this names a place on a disk, as far as a name can tell it from one on the hub."""
    path = _path(text)
    return path.is_absolute() or text.startswith((".", "~")) or len(path.parts) > 2


def path_of(text: str, parts: int) -> str:
    """A hub id as it is, owner and name; of a local path so many of its last parts."""
    path = _path(text)
    if not is_local_path(text) or not path.name:
        return text
    names = [part for part in path.parts if part not in (path.anchor, "..", "~")]
    return "/".join(names[-parts:]) or text


def _path(text: str) -> PurePath:
    return PureWindowsPath(text) if re.match(r"[A-Za-z]:[\\/]", text) else PurePosixPath(text)
