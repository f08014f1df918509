"""Names that look like markup, escape sequences, paths or formulas: shown, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.door import csconv
from tests.leaderboards.commands import COMMANDS, GOOD, POOR, UNSEEN, faults, in_time
from tests.leaderboards.mutations import HOSTILE_TEXTS


@pytest.fixture
def runs(old_results: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(old_results, tmp_path / "runs"))


_SLOW = pytest.mark.slow
EACH_KIND = (
    "",
    "[/v2]",
    "\x1b[31mred\x1b[0m",
    "a\u202eb",
    "\ud800",
    "=cmd()",
    "../../etc/passwd",
    "甲" * 3000,
)
"""One name of each kind of harm; the slow set tries all of them."""
NAMES = [
    *(name if name in EACH_KIND else pytest.param(name, marks=_SLOW) for name in HOSTILE_TEXTS),
    *(
        pytest.param(n, marks=_SLOW)
        for n in ("my-model[v2]", "[/]", "[link=https://x]x[/link]", "a" * 20_000)
    ),
]


def renamed(runs: Path, name: str) -> None:
    """Call the model org/poor otherwise."""
    for path in (runs / POOR).glob("results_*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        content["config"]["model_args"] = {"pretrained": name}
        content["model_name"] = name
        path.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize("name", NAMES, ids=lambda name: f"{name!r:.30}")
def test_a_models_name_is_shown_and_does_nothing(
    name: str, runs: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    renamed(runs, name)
    for arguments in (("table", POOR), ("export", POOR, "--out", "x.csv")):
        with in_time():
            done = csconv(*arguments, cwd=runs, CSCONV_CACHE=str(kept))
        assert done.code == 0
        assert "Traceback" not in done.output
        assert not UNSEEN.search(done.output)
        if arguments[0] == "table" and name.isprintable() and name.strip() == name and len(name) < 300:
            assert name.rpartition("/")[2] in done.out
    for line in (runs / "x.csv").read_text(encoding="utf-8").splitlines():
        assert not line.startswith(("=", "+", "-", "@")), "a spreadsheet would run it"


OTHERS = ["\x1b[31mred", *(pytest.param(n, marks=_SLOW) for n in ("[/v2]", "my-model[v2]", "a\u202eb"))]


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("command", ["leaderboard", "card", "compare", "gate with a folder", "pairs"])
def test_so_it_does_in_every_other_command(
    command: str, name: str, runs: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    renamed(runs, name)
    with in_time():
        done = csconv(*COMMANDS[command].arguments, cwd=runs, CSCONV_CACHE=str(kept))
    assert faults(done, COMMANDS[command]) == []


@pytest.mark.parametrize(
    "name",
    ["[/v2]", "\x1b[31mred", *(pytest.param(n, marks=_SLOW) for n in ("a[bold]b", "a\u202eb", "a\nb"))],
)
@pytest.mark.parametrize(
    "command",
    [
        ("table", "{}"),
        ("leaderboard", "{}", "--out", "site"),
        ("compare", "{}", POOR),
        ("gate", POOR, "--baseline", "{}"),
        ("score", "{}", "--force"),
        ("judge", "{}", POOR, "--config", "judge.yaml", "--dry-run", "--pairwise"),
        ("judge", "{}", "--config", "judge.yaml", "--dry-run"),
        ("logs", "compress", "{}", "--keep"),
        ("data", "info", "{}/conversations.json"),
        ("data", "validate", "{}/broken.json"),
    ],
    ids=lambda command: " ".join(command)[:40],
)
def test_a_folders_name_is_shown_and_does_nothing(
    command: tuple[str, ...], name: str, runs: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    (runs / name).parent.mkdir(exist_ok=True)
    (runs / GOOD).rename(runs / name)
    shutil.copy(runs / "conversations.json", runs / name)
    (runs / name / "broken.json").write_text('[{"topic": 1}]')
    with in_time():
        done = csconv(*(part.format(name) for part in command), cwd=runs, CSCONV_CACHE=str(kept))
    assert "Traceback" not in done.output
    assert done.code in (0, 1, 3, 4)
    # To a program a path is given as it is.
    shown = done.err if command[0] == "score" else done.output
    assert not UNSEEN.search(shown)


@pytest.mark.parametrize(
    "task", ["../../x", "a/b", "a\nb", "a\x1b[31m", "x" * 300, "..", "[/v2]", "\ud800", "a\0b"]
)
def test_a_tasks_name_leads_nowhere(
    task: str, runs: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    (path,) = (path for path in (runs / POOR).glob("results_*.json") if "rescored" not in path.name)
    content = json.loads(path.read_text(encoding="utf-8"))
    for part in ("results", "configs", "n-shot", "task_hashes"):
        content[part] = {task if k == "csconv_response" else k: v for k, v in content[part].items()}
    path.write_text(json.dumps(content), encoding="utf-8")
    with in_time():
        done = csconv(*COMMANDS["table"].arguments, cwd=runs, CSCONV_CACHE=str(kept))
    assert faults(done, COMMANDS["table"]) == []
    assert "is not beside" in done.err or "its log cannot be called after it" in done.err


def test_a_thousand_arguments_that_differ_are_told_apart_in_time(runs: Path, kept: Path) -> None:
    for number, path in enumerate(sorted((runs / "models").rglob("results_2*.json"))):
        content = json.loads(path.read_text(encoding="utf-8"))
        content["config"]["model_args"] = {"pretrained": "m", **{f"k{i}": number for i in range(1000)}}
        path.write_text(json.dumps(content), encoding="utf-8")
    with in_time():
        done = csconv("table", "models", cwd=runs, CSCONV_CACHE=str(kept))
    assert done.code == 0, done.err
