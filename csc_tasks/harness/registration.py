"""Make ``lm_eval --tasks csconv`` work as typed: small stub files in the installed harness.

lm-eval finds tasks in its own ``tasks`` folder and under ``--include_path`` only. A stub holds an
absolute ``include:`` of our YAML and the task's or group's name. What we wrote carries a marker, so
that ``unregister`` removes exactly that and leaves the harness as it was.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from csc_tasks.errors import HarnessError
from csc_tasks.harness.lm_eval import tasks_folder
from csc_tasks.storage import write_file

__all__ = [
    "Change",
    "configs_folder",
    "is_registered",
    "reads_entry_points",
    "register",
    "task_names",
    "unregister",
]

MARKER = "# Written by `csconv register`; `csconv unregister` removes it.\n"
FOLDER = "csconv"
STAGING = f".{FOLDER}-"
"""How the folder is called while it is made."""
_LEFT = re.compile(r"\.csconv\w*\.yaml\..{1,16}")
"""How a stub is called while it is written."""


class Change(NamedTuple):
    """What was done: the folder, and the files written to or removed from it."""

    folder: Path
    files: list[str]


def configs_folder() -> Path:
    """The folder with our YAML files, for ``--include_path``."""
    return Path(str(resources.files("csc_tasks.task_configs")))


class _Loader(yaml.SafeLoader):
    """Reads our YAML without importing what ``!function`` names."""


_Loader.add_constructor("!function", lambda loader, node: str(node.value))


def task_names() -> dict[str, str]:
    """``task`` or ``group`` for each name that our YAML files define."""
    kinds: dict[str, str] = {}
    for path in sorted(configs_folder().glob("*.yaml")):
        config: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
        for kind in ("group", "task"):
            if isinstance(config.get(kind), str):
                kinds[config[kind]] = kind
                break
    return kinds


def reads_entry_points() -> bool:
    """Whether the installed harness finds tasks by the ``lm_eval.tasks`` entry point itself."""
    sources = (tasks_folder() / "manager.py", tasks_folder() / "_index.py", tasks_folder() / "__init__.py")
    return any(
        "lm_eval.tasks" in p.read_text() and "entry_points(" in p.read_text() for p in sources if p.exists()
    )


def _stubs() -> dict[str, str]:
    """The text of each stub by file name."""
    folder = configs_folder()
    return {
        # A JSON string is a YAML string, whatever the path is made of.
        f"{name}.yaml": f"{MARKER}include: {json.dumps(str(folder / f'{name}.yaml'))}\n{kind}: {name}\n"
        for name, kind in task_names().items()
    }


def _ours(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.yaml")) if _text(path).startswith(MARKER)]


def _text(path: Path) -> str:
    """A file's text; '' where it is none, or another process has just removed it."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def is_registered() -> bool:
    """Whether every task has an up-to-date stub in the installed harness."""
    folder = tasks_folder() / FOLDER
    return all(_text(folder / name) == text for name, text in _stubs().items())


def register() -> Change:
    """Write the stubs into the installed harness, all or none; a second call changes nothing, nor does one beside it.

    Raises:
        HarnessError: the harness cannot be written to, or has a ``csconv`` folder that is not ours.
    """
    folder = tasks_folder() / FOLDER
    stubs = _stubs()
    if is_registered() and {path.name for path in _ours(folder)} == stubs.keys():
        return Change(folder, [])
    try:
        if folder.exists():
            return Change(folder, _update(folder, stubs))
        return Change(folder, _begin(folder, stubs))
    except OSError as error:
        raise HarnessError(
            f"{folder.parent} cannot be written to ({error.strerror}); {_alternative()}"
        ) from None


def _begin(folder: Path, stubs: dict[str, str]) -> list[str]:
    """Make the folder, beside its destination, and rename it, so that a full disk leaves nothing half-written."""
    staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=folder.parent))
    try:
        staging.chmod(0o755)
        for name, text in stubs.items():
            (staging / name).write_text(text, encoding="utf-8")
        try:
            staging.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
            # Another process was quicker.
            shutil.rmtree(staging)
            return _update(folder, stubs)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return sorted(stubs)


def _update(folder: Path, stubs: dict[str, str]) -> list[str]:
    """Replace what is not as it should be, a file at a time, so that no task is ever missing meanwhile."""
    if not folder.is_dir() or not _is_ours(folder):
        raise HarnessError(
            f"{folder} exists and was not written by csconv; {_alternative()} or move it away and try again"
        )
    changed = [name for name, text in stubs.items() if _text(folder / name) != text]
    for name in changed:
        write_file(folder / name, stubs[name].encode())
    for path in _ours(folder):
        if path.name not in stubs:
            path.unlink(missing_ok=True)
    return sorted(changed)


def _is_ours(folder: Path) -> bool:
    """Whether there is nothing in a folder but what we wrote, and what was left of that being written."""
    return all(
        path.suffix == ".yaml" and (not (text := _text(path)) or text.startswith(MARKER))
        for path in folder.iterdir()
        if not _is_left(path)
    )


def _is_empty(path: Path) -> bool:
    try:
        return not path.stat().st_size
    except OSError:
        return False


def _is_left(path: Path) -> bool:
    """Whether this is what a process has left, or is about to rename, that wrote a stub."""
    return _LEFT.fullmatch(path.name) is not None


def unregister() -> Change:
    """Remove what :func:`register` wrote, or was killed while writing, and nothing else.

    Raises:
        HarnessError: the harness cannot be written to.
    """
    folder = tasks_folder() / FOLDER
    removed: list[str] = []
    try:
        for staging in folder.parent.glob(f"{STAGING}*"):
            if staging.is_dir() and not staging.is_symlink():
                _empty(staging)
        if folder.is_dir():
            removed = _empty(folder)
    except OSError as error:
        raise HarnessError(f"{folder} cannot be changed ({error.strerror})") from None
    return Change(folder, removed)


def _empty(folder: Path) -> list[str]:
    """Remove what is ours in a folder, and the folder where nothing else is in it."""
    ours = _ours(folder)
    # Of a stub that was being written when its process was killed there may be nothing yet.
    cut = [path for path in folder.glob("*") if _is_left(path) or (path.name in _stubs() and _is_empty(path))]
    for path in {*ours, *cut}:
        path.unlink(missing_ok=True)
    with suppress(FileNotFoundError):  # another process was quicker
        if not any(folder.iterdir()):
            folder.rmdir()
    return [path.name for path in ours]


def _alternative() -> str:
    return 'pass --include_path "$(csconv path)" to lm_eval instead'
