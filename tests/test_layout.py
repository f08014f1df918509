"""The house: which room may import which, one name for one class, small modules, imports that do nothing."""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.door import program
from tests.paths import ROOT

FOLDERS = {
    "csc_tasks": ROOT / "csc_tasks",
    "csc_tasks.metrics": ROOT / "metrics",
    "csc_tasks.leaderboards": ROOT / "leaderboards",
    "csc_tasks.task_configs": ROOT / "task_configs",
}
"""Each folder once, by the name that it is imported under; the links in csc_tasks lead to the other three."""

ORDER: tuple[tuple[str, ...], ...] = (
    ("_version", "install"),
    ("errors",),
    ("storage", "system", "credentials", "outside", "packed", "printable"),
    ("metrics", "task_configs"),
    ("framework",),
    ("labels",),
    ("data",),
    ("protocol", "harness"),
    ("generation", "results", "chat"),
    ("roleplay",),
    ("judging",),
    ("human",),
    ("synthesis",),
    ("tasks", "leaderboards", "doctor", "quickstart"),
    ("training",),
    ("api", "commands"),
)
"""The rooms of csc_tasks from the ground up: each imports only from lower rows, and nothing beside itself."""

LEADERBOARDS = (
    "browsed",
    "board",
    "reading",
    "names",
    "comparing",
    "columns",
    "table_builder",
    "wordings",
    "customers",
    "build",
    "rendering",
)
"""The same within leaderboards, one after the other."""

LONGEST = 400
"""Lines of a module; what is longer has more than one purpose."""


class Import(NamedTuple):
    """That a module imports a name, anywhere in it."""

    importer: str
    imported: str

    def __str__(self) -> str:
        return f"{self.importer} imports {self.imported}"


@cache
def modules() -> dict[str, Path]:
    """Every module by its full name; links are not followed."""
    found = {}
    for package, folder in FOLDERS.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            if (folder / parts[0]).is_symlink():
                continue
            found[".".join((package, *parts)).removesuffix(".__init__")] = path
    return found


@cache
def imports() -> tuple[Import, ...]:
    """What the modules import of csc_tasks: at the top, within functions, and for type checkers alone."""
    return tuple(
        Import(module, name)
        for module, path in modules().items()
        for name in _names(ast.parse(path.read_text(encoding="utf-8")))
        if name.split(".")[0] == "csc_tasks"
    )


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            assert not node.level, "imports are absolute"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in modules() else node.module


def room(module: str) -> str:
    """The room of csc_tasks that a module stands in; '' for csc_tasks itself."""
    return module.partition(".")[2].partition(".")[0]


def height(name: str) -> int:
    return next(i for i, row in enumerate(ORDER) if name in row)


def list_of(found: list[Import]) -> str:
    return "\n" + "\n".join(map(str, found))


def test_every_room_has_its_place_in_the_order() -> None:
    rooms = {room(module) for module in modules()} - {""}
    assert rooms <= {name for row in ORDER for name in row}


def test_rooms_import_only_from_rooms_beneath_them() -> None:
    """The package itself, which only exports, may import any of them; nobody imports it."""
    wrong = [
        each
        for each in imports()
        if (mine := room(each.importer)) != (theirs := room(each.imported))
        and mine
        and (not theirs or height(theirs) >= height(mine))
    ]
    assert not wrong, list_of(wrong)


def test_metrics_import_nothing_but_metrics() -> None:
    wrong = [e for e in imports() if room(e.importer) == "metrics" and room(e.imported) != "metrics"]
    assert not wrong, list_of(wrong)


def test_the_client_for_endpoints_knows_nothing_of_judges() -> None:
    wrong = [
        e
        for e in imports()
        if room(e.importer) == "chat"
        and e.imported.startswith(("csc_tasks.judging", "csc_tasks.metrics.judge"))
    ]
    assert not wrong, list_of(wrong)


def test_what_is_read_is_compared_and_what_is_compared_is_rendered_and_never_the_other_way() -> None:
    def place(module: str) -> int | None:
        part = module.removeprefix("csc_tasks.leaderboards.").partition(".")[0]
        return LEADERBOARDS.index(part) if part in LEADERBOARDS else None

    wrong = [
        each
        for each in imports()
        if room(each.importer) == room(each.imported) == "leaderboards"
        and (mine := place(each.importer)) is not None
        and ((theirs := place(each.imported)) is None or theirs > mine)
    ]
    assert not wrong, list_of(wrong)


def test_no_modules_import_each_other_in_a_circle() -> None:
    edges: dict[str, set[str]] = defaultdict(set)
    for each in imports():
        edges[each.importer].add(each.imported)
    ended: set[str] = set()

    def walk(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " imports ".join((*way[way.index(module) :], module))
        if module not in ended:
            for imported in sorted(edges[module] - {module}):
                walk(imported, (*way, module))
            ended.add(module)

    for module in modules():
        walk(module, ())


def test_a_name_is_the_name_of_one_class() -> None:
    places = defaultdict(list)
    for module, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(module)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_module_is_longer_than_one_purpose_needs() -> None:
    files = [
        *modules().values(),
        *(p for d in ("tests", "tools", "benchmarks") for p in (ROOT / d).rglob("*.py")),
    ]
    lines = {str(p.relative_to(ROOT)): p.read_bytes().count(b"\n") for p in files}
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}


@pytest.mark.parametrize("package", [name for name, path in modules().items() if path.name == "__init__.py"])
def test_a_package_says_in_a_few_lines_what_it_is_for(package: str) -> None:
    said = ast.get_docstring(ast.parse(modules()[package].read_text(encoding="utf-8"))) or ""
    assert 1 <= len(said.splitlines()) <= 5


def test_importing_csconv_loads_nothing_heavy() -> None:
    heavy = "('lm_eval', 'numpy', 'pandas', 'pydantic', 'sacrebleu', 'sklearn', 'torch', 'transformers', 'datasets')"
    done = program(
        "-c", f"import json, sys, csc_tasks; print(json.dumps([m for m in {heavy} if m in sys.modules]))"
    )
    assert json.loads(done.out) == [], done.err


def test_importing_the_package_and_its_commands_changes_nothing_for_others() -> None:
    """How Python shows errors, and what a model of lm-eval can do, are the importer's business."""
    commands = [
        name for name in modules() if name.startswith("csc_tasks.commands") and "__main__" not in name
    ]
    assert len(commands) > 8
    done = program(
        "-c",
        "import importlib, sys\n"
        "hook = sys.excepthook\n"
        f"for name in ('csc_tasks', *{commands!r}): importlib.import_module(name)\n"
        "model = sys.modules.get('lm_eval.api.model')\n"
        "assert sys.excepthook is hook, 'sys.excepthook'\n"
        "assert model is None or not hasattr(model.LM, 'generate_dialogue'), 'lm_eval.api.model.LM'\n",
    )
    assert done.code == 0, done.err
