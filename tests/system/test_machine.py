"""What a machine may lack: open files to be had, and a file system of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from csc_tasks.system.shared_folders import is_shared
from tests.door import program

pytest.importorskip("resource")

MOUNTS = """overlay / overlay rw 0 0
server:/home /home nfs4 rw 0 0
tmpfs /home/me/scratch tmpfs rw 0 0
10.0.0.1@tcp:/scratch /lustre\\040one lustre rw 0 0
/dev/sda1 /homes ext4 rw 0 0
tmpfs /twice tmpfs rw 0 0
server:/x /twice nfs rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("folder", "shared"),
    [
        ("/home/me", True),
        ("/home", True),
        ("/home/me/scratch/runs", False),
        ("/homes/me", False),
        ("/lustre one/runs", True),
        ("/twice/a", True),
        ("/srv", False),
    ],
)
def test_a_folder_that_several_machines_see_is_told_by_where_it_is_mounted(
    tmp_path: Path, folder: str, shared: bool
) -> None:
    (tmp_path / "mounts").write_text(MOUNTS)
    assert is_shared(Path(folder), tmp_path / "mounts") is shared


def test_where_the_system_does_not_tell_it_is_not_shared(tmp_path: Path) -> None:
    assert not is_shared(tmp_path, tmp_path / "none")


FITTING = """
import json, logging, resource, sys
from csc_tasks.system.open_files import fitting
logging.basicConfig(format="%(message)s")
soft, hard, wanted = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(json.dumps([fitting(wanted, 2, "connections"), resource.getrlimit(resource.RLIMIT_NOFILE)[0]]))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "fits", "raised", "said"),
    [
        (256, 256, 16, 16, 256, ""),
        (
            64,
            64,
            16,
            12,
            64,
            "12 connections in place of 16: this process may open 64 files; `ulimit -n 72` would",
        ),
        (64, 1024, 16, 16, 72, ""),  # what the user may raise is raised
        (64, 100, 512, 30, 100, "30 connections in place of 512: this process may open 100 files"),
        (40, 40, 16, 1, 40, "1 connections in place of 16"),
    ],
)
def test_as_many_fit_as_files_may_be_open(
    soft: int, hard: int, wanted: int, fits: int, raised: int, said: str
) -> None:
    done = program("-c", FITTING, str(soft), str(hard), str(wanted))
    assert json.loads(done.out) == [fits, raised]
    assert said in done.err
    assert bool(said) == bool(done.err)
