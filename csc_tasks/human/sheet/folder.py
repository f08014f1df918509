"""Writing a study: a folder with the key, and everything that raters are given."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from csc_tasks.errors import ConfigError, DataError
from csc_tasks.human.sheet.label_studio_files import project_config, rater_tasks
from csc_tasks.human.sheet.making import MadeStudy
from csc_tasks.human.sheet.rating_page import rating_page
from csc_tasks.human.sheet.spreadsheets import guide_text, rating_csv, rating_xlsx
from csc_tasks.human.study import ANSWERS_FOLDER, KEY_FILE, LABEL_STUDIO_FOLDER, SHEETS_FOLDER, rater_name
from csc_tasks.outside import json_bytes
from csc_tasks.storage import write_file

__all__ = ["WrittenStudy", "require_empty", "write_study"]


class WrittenStudy(NamedTuple):
    """What was written: bytes of the largest page, and whether there are workbooks."""

    largest: int
    workbooks: bool


def require_empty(out: Path) -> None:
    """Require a folder to be new or empty: pages that raters already have must keep their key.

    Raises:
        ConfigError: there is something in it, or it is no folder.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out}: is a file; name a new folder")
    if out.exists() and any(out.iterdir()):
        raise ConfigError(f"--out {out}: is not empty; a study is written into a folder of its own")


def write_study(study: MadeStudy, out: Path) -> WrittenStudy:
    """Write everything; the key first, so that no page is without it.

    Raises:
        DataError: a file cannot be written.
    """
    workbooks = find_spec("openpyxl") is not None
    largest = 0
    try:
        write_file(out / KEY_FILE, json_bytes(study.key.model_dump(mode="json")))
        # It says who said what: nobody else on this machine needs to read it.
        (out / KEY_FILE).chmod(0o600)
        (out / ANSWERS_FOLDER).mkdir()
        for path, data in _files(study, out, workbooks):
            write_file(path, data)
            largest = max(largest, len(data) if path.suffix == ".html" else 0)
    except OSError as error:
        raise DataError(f"{error.filename or out}: cannot be written ({error.strerror})") from None
    return WrittenStudy(largest, workbooks)


def _files(study: MadeStudy, out: Path, workbooks: bool) -> Iterator[tuple[Path, bytes]]:
    for number in range(len(study.shown)):
        name = rater_name(number + 1)
        yield out / f"{name}.html", rating_page(study, number)
        yield out / SHEETS_FOLDER / f"{name}.csv", rating_csv(study, number)
        if workbooks:
            yield out / SHEETS_FOLDER / f"{name}.xlsx", rating_xlsx(study, number)
        yield out / LABEL_STUDIO_FOLDER / f"tasks-{name}.json", json_bytes(rater_tasks(study, number))
    yield out / SHEETS_FOLDER / "guide.txt", b"\xef\xbb\xbf" + guide_text(study).encode("utf-8", "replace")
    yield out / LABEL_STUDIO_FOLDER / "config.xml", project_config(study)
