"""Registering with the installed harness, and leaving it as it was."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest
from lm_eval.tasks import TaskManager

from csc_tasks.errors import HarnessError
from csc_tasks.harness import registration
from csc_tasks.harness.registration import is_registered, register, task_names, unregister


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A harness's tasks folder with a task of its own in it.

    Not in pytest's own folder, which every other session of pytest closes again to all but its user.
    """
    root = Path(tempfile.mkdtemp())
    folder = root / "lm_eval" / "tasks"
    (folder / "other").mkdir(parents=True)
    (folder / "other" / "other.yaml").write_text("task: other\n")
    monkeypatch.setattr(registration, "tasks_folder", lambda: folder)
    yield folder
    for path in (folder, folder / "csconv"):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(root)


def snapshot(folder: Path) -> dict[str, str]:
    """Every path with a hash of its content and its mode."""
    return {
        str(p.relative_to(folder)): f"{p.stat().st_mode:o} "
        + (hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else "folder")
        for p in sorted(folder.rglob("*"))
    }


def test_after_register_the_harness_finds_every_task_group_and_tag(tasks: Path) -> None:
    change = register()
    assert sorted(change.files) == sorted(f"{name}.yaml" for name in task_names())
    assert is_registered()
    manager = TaskManager(include_defaults=False, include_path=str(tasks))
    assert set(manager.all_tasks) >= {*task_names(), "csconv_all", "csconv_mini_all", "other"}
    loaded = list(manager.load(["csconv_mini"])["tasks"])
    assert loaded == ["csconv_mini_strategy", "csconv_mini_response", "csconv_mini_dialogue"]


def test_registering_twice_changes_nothing(tasks: Path) -> None:
    register()
    before = snapshot(tasks)
    assert register().files == []
    assert snapshot(tasks) == before


def test_unregister_leaves_the_harness_byte_identical(tasks: Path) -> None:
    before = snapshot(tasks)
    register()
    assert snapshot(tasks) != before
    unregister()
    assert snapshot(tasks) == before
    assert unregister().files == []


def test_a_stale_stub_is_replaced(tasks: Path) -> None:
    register()
    stub = tasks / "csconv" / "csconv_mini.yaml"
    stub.write_text(registration.MARKER + 'include: "/old/place/csconv_mini.yaml"\ngroup: csconv_mini\n')
    assert not is_registered()
    register()
    assert is_registered()


def test_unregister_keeps_what_csconv_did_not_write(tasks: Path) -> None:
    register()
    mine = tasks / "csconv" / "mine.yaml"
    mine.write_text("task: mine\n")
    unregister()
    assert list((tasks / "csconv").iterdir()) == [mine]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_something_else_named_csconv_is_left_alone_with_a_clear_error(tasks: Path, kind: str) -> None:
    if kind == "file":
        (tasks / "csconv").write_text("mine")
    else:
        (tasks / "csconv").mkdir()
        (tasks / "csconv" / "mine.yaml").write_text("task: mine\n")
    before = snapshot(tasks)
    with pytest.raises(HarnessError, match=r"was not written by csconv; pass --include_path"):
        register()
    assert snapshot(tasks) == before


def test_a_harness_that_cannot_be_written_to_is_an_error_with_the_alternative(tasks: Path) -> None:
    tasks.chmod(0o555)
    for parent in tasks.parents[:2]:
        parent.chmod(0o755)
    # Root may write anywhere, so the command gives up root's rights once everything is imported.
    program = (
        "import os, sys, tempfile, random; from pathlib import Path\n"
        "from csc_tasks.harness import registration\n"
        "from csc_tasks.leaderboards.rendering.text import printable\n"
        "from csc_tasks.commands import data, floor, main, setup, table\n"
        f"registration.tasks_folder = lambda: Path({str(tasks)!r})\n"
        # whatever the command imports lazily is imported by a first, harmless call
        "sys.argv = ['csconv', 'path']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "registration.reads_entry_points()\n"
        "os.getuid() or (os.setegid(65534), os.seteuid(65534))\n"
        "sys.argv = ['csconv', 'register']; main()"
    )
    before = snapshot(tasks)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "cannot be written to (Permission denied)" in done.stderr
    assert 'pass --include_path "$(csconv path)"' in done.stderr
    assert "Traceback" not in done.stderr
    assert snapshot(tasks) == before


def test_a_write_that_fails_midway_leaves_nothing_behind(
    tasks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(tasks)
    written: list[Path] = []
    genuine = Path.write_text

    def disk_full(self: Path, text: str, **options: str) -> int:
        written.append(self)
        if len(written) == 4:
            raise OSError(28, "No space left on device")
        return genuine(self, text, **options)

    monkeypatch.setattr(Path, "write_text", disk_full)
    with pytest.raises(HarnessError, match="No space left on device"):
        register()
    assert snapshot(tasks) == before


def _call(name: str) -> str:
    try:
        return str(len(getattr(registration, name)().files))
    except Exception as error:  # noqa: BLE001  # whatever it is, it would be the user's
        return f"{type(error).__name__}: {error}"


def _all_at_once(name: str, processes: int) -> list[str]:
    with get_context("fork").Pool(processes) as pool:
        found = pool.map(_call, [name] * processes, chunksize=1)
        # Not terminated: a worker that is killed may keep the queue's lock, and the others wait for it for ever.
        pool.close()
        pool.join()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("begins", ["absent", "stale", "partial"])
def test_sixty_four_processes_may_register_at_once(tasks: Path, begins: str) -> None:
    if begins != "absent":
        register()
        for stub in list((tasks / "csconv").iterdir())[::2]:
            if begins == "stale":
                stub.write_text(registration.MARKER + "task: old\n")
            else:
                stub.unlink()
    found = _all_at_once("register", 64)
    assert all(each.isdigit() for each in found), found
    assert is_registered()
    assert [p.name for p in tasks.iterdir() if p.name.startswith(".")] == []
    assert {p.name for p in (tasks / "csconv").iterdir()} == {f"{name}.yaml" for name in task_names()}
    found = _all_at_once("unregister", 16)
    assert all(each.isdigit() for each in found), found
    assert [p.name for p in tasks.iterdir()] == ["other"]


def test_unregister_removes_what_a_killed_register_has_left(tasks: Path) -> None:
    before = snapshot(tasks)
    register()
    staging = tasks / ".csconv-x1y2z3"
    shutil.copytree(tasks / "csconv", staging)
    (staging / "csconv_mini.yaml").write_text("")  # killed before it was written
    (tasks / "csconv" / ".csconv_mini.yaml.abcd1234").write_text("half")
    (tasks / ".csconv-empty").mkdir()
    assert register().files == []
    unregister()
    assert snapshot(tasks) == before


def test_unregister_keeps_a_folder_of_a_similar_name(tasks: Path) -> None:
    mine = tasks / ".csconv-mine"
    mine.mkdir()
    (mine / "notes.yaml").write_text("task: notes\n")
    (mine / "empty.yaml").write_text("")
    before = snapshot(tasks)
    register()
    unregister()
    assert snapshot(tasks) == before
