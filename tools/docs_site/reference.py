"""The reference: the Python API from its docstrings, and the commands from what they say themselves."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module

from docs_site.commands import commands, help_of, needs_no_name

__all__ = ["reference_pages"]

_ROOMS = {
    "metrics": ("csc_tasks.metrics", "Metrics", "指标"),
    "judging": ("csc_tasks.metrics.judge", "Judge: rubrics, prompts, verdicts", "评审：量表、提示、结论"),
}
"""Pages of the reference beside that of ``import csc_tasks``: a package whose modules are documented one by one."""


def reference_pages(language: str) -> dict[str, str]:
    """The pages by name, as Markdown."""
    chinese = language == "zh"
    pages = {
        "reference/commands": _commands("命令" if chinese else "Commands"),
        "reference/python": _python("Python 接口" if chinese else "Python API"),
    }
    for name, (package, english, translated) in _ROOMS.items():
        pages[f"reference/{name}"] = _package(package, translated if chinese else english)
    return pages


def _commands(title: str) -> str:
    parts = [f"# {title}"]
    for path, command in commands():
        if getattr(command, "commands", None) and not needs_no_name(command):
            continue
        parts.append(f"## csconv {' '.join(path)}\n\n````text\n{help_of(path)}\n````")
    return "\n\n".join(parts) + "\n"


def _python(title: str) -> str:
    import csc_tasks

    parts = [f"# {title}", "```{eval-rst}\n.. py:module:: csc_tasks\n```"]
    for name in csc_tasks.__all__:
        thing = getattr(csc_tasks, name)
        if not (inspect.isclass(thing) or inspect.isfunction(thing)):
            continue
        kind = "autofunction" if inspect.isfunction(thing) else "autoclass"
        members = "\n   :members:" if kind == "autoclass" else ""
        where = f"{thing.__module__}.{thing.__qualname__}"
        parts.append(f"## {name}\n\n```{{eval-rst}}\n.. {kind}:: {where}{members}\n```")
    return "\n\n".join(parts) + "\n"


def _package(package: str, title: str) -> str:
    parts = [f"# {title}"]
    for name in _modules(package):
        parts.append(f"## {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n```")
    return "\n\n".join(parts) + "\n"


def _modules(package: str) -> Iterator[str]:
    """Modules of a package itself that say what is public."""
    for module in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
        if not module.ispkg and _is_public(module.name):
            yield module.name


def _is_public(name: str) -> bool:
    source = inspect.getsource(import_module(name))
    return any(
        isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
        for node in ast.parse(source).body
    )
