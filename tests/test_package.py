"""What an installation brings: one top-level module, light imports, and the files a user needs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.paths import ROOT

SHIPPED = ("csc_tasks", "metrics", "leaderboards", "task_configs")


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: setuptools leaves its build folder behind."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in SHIPPED:
        shutil.copytree(
            ROOT / name,
            source / name,
            symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"),
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", target, source)
    (built,) = target.glob("*.whl")
    return built


def fresh_environment(folder: Path) -> tuple[Path, Path]:
    """A new virtual environment's python and site-packages; our own packages are visible behind it.

    The dependencies come from the environment that runs the tests, so that nothing is downloaded;
    CI installs the wheel with its dependencies into an empty one.
    """
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    return python, site


def modules(site: Path) -> set[str]:
    """Top-level modules that importing from the folder could find."""
    names = {p.stem if p.suffix == ".py" else p.name for p in site.iterdir() if p.suffix in ("", ".py")}
    return names - {"__pycache__"}


@pytest.mark.slow
def test_the_wheel_brings_no_top_level_module_but_csc_tasks(wheel: Path, tmp_path: Path) -> None:
    python, site = fresh_environment(tmp_path / "env")
    before = modules(site)
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
    assert modules(site) - before == {"csc_tasks"}
    # A user's own `metrics` stays importable from the working folder, beside ours.
    (tmp_path / "metrics.py").write_text("MINE = True\n")
    program = "import metrics, csc_tasks; print(metrics.MINE, csc_tasks.__version__)"
    assert run(python, "-c", program, cwd=tmp_path).startswith("True ")


@pytest.mark.slow
def test_an_editable_install_finds_every_sub_package(tmp_path: Path) -> None:
    python, _ = fresh_environment(tmp_path / "env")
    # What `pip install -e .` does, in two steps: build with the setuptools that is here, then install.
    build = "import sys; from setuptools import build_meta; build_meta.build_editable(sys.argv[1])"
    run(sys.executable, "-c", build, tmp_path, cwd=ROOT)
    (editable,) = tmp_path.glob("*.whl")
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", editable)
    program = (
        "import csc_tasks.protocol.prompt, csc_tasks.task_configs as configs, csc_tasks.leaderboards as boards\n"
        "print(configs.__file__, boards.__file__)"
    )
    found = run(python, "-c", program, cwd=tmp_path).split()
    rooms = ("task_configs", "leaderboards")
    assert [Path(f).resolve() for f in found] == [ROOT / room / "__init__.py" for room in rooms]


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_four_folders_and_the_licence(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = run("git", "ls-files", *SHIPPED, cwd=ROOT).split()
    assert len(tracked) > 150
    for path in tracked:
        if (ROOT / path).is_symlink():
            continue
        expected = path if path.startswith("csc_tasks/") else f"csc_tasks/{path}"
        assert expected in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("metrics", "leaderboards", "tests", "lm_eval"))]


@pytest.mark.slow
def test_the_wheel_declares_the_entry_points_and_wants_no_torch_by_default(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        texts = {
            n.rsplit("/", 1)[-1]: archive.read(n).decode() for n in archive.namelist() if "dist-info/" in n
        }
    assert "[lm_eval.tasks]\ncsconv = csc_tasks.task_configs" in texts["entry_points.txt"]
    assert "csconv = csc_tasks.commands:main" in texts["entry_points.txt"]
    required = [
        line.removeprefix("Requires-Dist: ")
        for line in texts["METADATA"].splitlines()
        if line.startswith("Requires-Dist: ") and "extra ==" not in line
    ]
    assert not [r for r in required if r.startswith(("torch", "transformers", "bert", "lm-eval["))]


@pytest.mark.slow
def test_importing_any_module_changes_nothing_in_python_or_the_harness() -> None:
    program = (
        "import sys, pkgutil, importlib, lm_eval.models\n"
        "from lm_eval.api.model import LM\n"
        "from lm_eval.api.registry import model_registry\n"
        "def state(): return sys.excepthook, sorted(vars(LM)), sorted(model_registry.keys())\n"
        "before = state()\n"
        "import csc_tasks\n"
        "for module in pkgutil.walk_packages(csc_tasks.__path__, 'csc_tasks.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
        "print(state() == before, 'csc_tasks.tasks.dialogue' in sys.modules)"
    )
    assert run(sys.executable, "-c", program).split()[-2:] == ["True", "True"]
