"""Write constraints-lowest.txt: every dependency at the lower bound that pyproject.toml gives it.

python tools/lowest.py            writes the file; tests/test_release.py says when that is due
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
FILE = ROOT / "constraints-lowest.txt"
HEAD = """\
# Every dependency at the lower bound that pyproject.toml gives it: `python tools/lowest.py` writes this file.
# CI installs with it and runs the quick tests (tools/lowest.sh).
"""


def requirements() -> list[Requirement]:
    """All requirements of the package and its extras, those on itself left out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["dependencies"] + [
        x for extra in project["optional-dependencies"].values() for x in extra
    ]
    return [r for r in map(Requirement, lines) if r.name != project["name"]]


def constraints() -> str:
    """The content of the file.

    Raises:
        ValueError: two places give a package two lower bounds.
    """
    bounds: dict[str, str] = {}
    for requirement in requirements():
        for each in requirement.specifier:
            if each.operator in (">=", "=="):
                name = requirement.name.lower()
                if bounds.setdefault(name, each.version) != each.version:
                    raise ValueError(f"{name}: {bounds[name]} in one place, {each.version} in another")
    return HEAD + "".join(f"{name}=={version}\n" for name, version in sorted(bounds.items()))


if __name__ == "__main__":
    FILE.write_text(constraints(), encoding="utf-8")
