"""Studies made by the command, and what raters are given in them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from csc_tasks.human.study import StudyKey, read_key
from tests.door import csconv

RESPONSE, DIALOGUE = "csconv_mini_response", "csconv_mini_dialogue"


def make(results: Path, out: Path, *options: str | Path, task: str = RESPONSE) -> StudyKey:
    """Make a study of one task; its key."""
    done = csconv("human", "sheet", results, "--task", task, "--out", out, *options)
    assert done.code == 0, done.output
    return read_key(out)


def data_of(page: Path) -> dict[str, Any]:
    """What a rater's page holds."""
    found = re.search(r'id="data">(.*?)</script', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    content = json.loads(found[1])
    assert isinstance(content, dict)
    return content


def given(folder: Path, rater: int = 1) -> dict[str, dict[str, Any]]:
    """The items of a rater by id."""
    return {item["id"]: item for item in data_of(folder / f"rater-{rater}.html")["items"]}


def for_raters(folder: Path) -> list[Path]:
    """Every file but the key."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "key.json")
