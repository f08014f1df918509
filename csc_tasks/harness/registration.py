"""Make ``lm_eval --tasks csconv`` work as typed: small stub files in the installed harness.

lm-eval finds tasks in its own ``tasks`` folder and under ``--include_path`` only. A stub holds an
absolute ``include:`` of our YAML and the task's or group's name. What we wrote carries a marker, so
that ``unregister`` removes exactly that and leaves the harness as it was.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from csc_tasks.errors import HarnessError
from csc_tasks.harness.lm_eval import tasks_folder

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
    return [p for p in sorted(folder.glob("*.yaml")) if p.read_text(encoding="utf-8").startswith(MARKER)]


def is_registered() -> bool:
    """Whether every task has an up-to-date stub in the installed harness."""
    folder = tasks_folder() / FOLDER
    return all(
        (folder / name).is_file() and (folder / name).read_text(encoding="utf-8") == text
        for name, text in _stubs().items()
    )


def register() -> Change:
    """Write the stubs into the installed harness, all or none; a second call changes nothing.

    Raises:
        HarnessError: the harness cannot be written to, or has a ``csconv`` folder that is not ours.
    """
    folder = tasks_folder() / FOLDER
    stubs = _stubs()
    if is_registered() and len(_ours(folder)) == len(stubs):
        return Change(folder, [])
    if folder.exists() and (not folder.is_dir() or len(_ours(folder)) != len(list(folder.iterdir()))):
        raise HarnessError(
            f"{folder} exists and was not written by csconv; {_alternative()} or move it away and try again"
        )
    staging = None
    try:
        # Built beside its destination and renamed, so that a full disk leaves nothing half-written.
        staging = Path(tempfile.mkdtemp(prefix=f".{FOLDER}-", dir=folder.parent))
        staging.chmod(0o755)
        for name, text in stubs.items():
            (staging / name).write_text(text, encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        staging.rename(folder)
    except OSError as error:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
        raise HarnessError(
            f"{folder.parent} cannot be written to ({error.strerror}); {_alternative()}"
        ) from None
    return Change(folder, sorted(stubs))


def unregister() -> Change:
    """Remove what :func:`register` wrote, and nothing else.

    Raises:
        HarnessError: the harness cannot be written to.
    """
    folder = tasks_folder() / FOLDER
    if not folder.is_dir():
        return Change(folder, [])
    removed = []
    try:
        for path in _ours(folder):
            path.unlink()
            removed.append(path.name)
        if not any(folder.iterdir()):
            folder.rmdir()
    except OSError as error:
        raise HarnessError(f"{folder} cannot be changed ({error.strerror})") from None
    return Change(folder, removed)


def _alternative() -> str:
    return 'pass --include_path "$(csconv path)" to lm_eval instead'
