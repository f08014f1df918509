"""The commands of csconv as they are, for the reference and for holding the documentation to them."""

from __future__ import annotations

import pkgutil
import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple

__all__ = ["Mention", "commands", "help_of", "mentions", "needs_no_name", "root", "unknown"]

_FENCED = re.compile(r"^\s*(`{3,})[^\n]*\n(.*?)^\s*\1\s*$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_CALL = re.compile(
    r"(?:^\s*(?:-\s+|(?:-\s+)?run:\s*|\$\s+)?|[;|&(]\s*|\bnice\s+)(?:[A-Z_]+=\S+\s+)*csconv(?=\s)(.*)"
)
"""At the beginning of a line, of a script's step, or after what ends another command; never an argument."""
_WORD = re.compile(r"[a-z][a-z-]*")
_OPTION = re.compile(r"--[a-z][\w-]*")


class Mention(NamedTuple):
    """A place that names a command: which, with what options."""

    text: str
    path: tuple[str, ...]
    options: tuple[str, ...]


def root() -> Any:
    """The command ``csconv``, with everything that is registered on it."""
    import typer

    import csc_tasks.commands
    from csc_tasks.commands.app import app

    for module in pkgutil.iter_modules(csc_tasks.commands.__path__):
        if not module.name.startswith("_"):  # __main__ would run
            import_module(f"csc_tasks.commands.{module.name}")
    return typer.main.get_command(app)


def commands(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that can be called by name, with its path, groups before what is in them."""
    command = command or root()
    if path:
        yield path, command
    for name, child in sorted(getattr(command, "commands", {}).items()):
        if not child.hidden and not _is_default(command, name):
            yield from commands(child, (*path, name))


def _is_default(group: Any, name: str) -> bool:
    """Whether a command of a group is the one that needs no name."""
    from csc_tasks.commands.app import RunByDefault

    return isinstance(group, RunByDefault) and group.list_commands(None).count(name) == 0


def _options(command: Any) -> set[str]:
    """The options of a command; of a group those of the command that needs no name, too."""
    own = [
        command,
        *(child for name, child in getattr(command, "commands", {}).items() if _is_default(command, name)),
    ]
    return {"--help"} | {
        name
        for each in own
        for parameter in each.params
        for name in (*parameter.opts, *parameter.secondary_opts)
    }


def help_of(path: tuple[str, ...]) -> str:
    """What ``--help`` prints, 100 characters wide and without colour."""
    from typer.testing import CliRunner

    from csc_tasks.commands.app import app

    root()
    environment = {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1", "TERM": "dumb"}
    done = CliRunner(env=environment).invoke(app, [*path, "--help"], prog_name="csconv")
    if done.exit_code:
        raise RuntimeError(f"csconv {' '.join(path)} --help ended with {done.exit_code}:\n{done.output}")
    return "\n".join(line.rstrip() for line in done.output.strip("\n").splitlines())


def mentions(text: str) -> Iterator[Mention]:
    """Every command that a page of Markdown names, in blocks of code and between backquotes."""
    code = [block[2] for block in _FENCED.finditer(text)]
    code += _INLINE.findall(_FENCED.sub("", text))
    names = dict(commands())
    for block in code:
        for line in block.replace("\\\n", " ").splitlines():
            for call in _CALL.finditer(line):
                yield from _mention(call[1].strip(), names)


def needs_no_name(command: Any) -> bool:
    """Whether a group is a command itself: ``csconv judge RESULTS``."""
    return any(_is_default(command, name) for name in getattr(command, "commands", {}))


def _mention(call: str, names: dict[tuple[str, ...], Any]) -> Iterator[Mention]:
    # What follows in the shell is another command; what stands after # says something of it.
    call = re.split(r"\s#\s|\s#$|\s*(?:&&|\|\||[;|)>])\s*|\s…", call, maxsplit=1)[0]
    try:
        words = shlex.split(call)
    except ValueError:
        words = call.split()
    path: tuple[str, ...] = ()
    for word in words:
        if not _WORD.fullmatch(word) or (path in names and not getattr(names[path], "commands", None)):
            break
        if path in names and (*path, word) not in names and needs_no_name(names[path]):
            break
        path = (*path, word)
        if path not in names:
            break
    options = tuple(word.partition("=")[0] for word in words if _OPTION.match(word))
    yield Mention(f"csconv {call}".strip(), path, options)


def unknown(mention: Mention) -> str:
    """What of a mention is no command or option, in words; '' if all of it is."""
    found = dict(commands())
    command = found.get(mention.path) if mention.path else root()
    if command is None:
        return f"csconv {' '.join(mention.path)} is no command"
    if command.context_settings.get("ignore_unknown_options"):
        return ""  # what it does not know goes to lm_eval
    known = _options(command)
    strange = [option for option in mention.options if option not in known]
    return f"{' '.join(('csconv', *mention.path))} has no {', '.join(strange)}" if strange else ""
