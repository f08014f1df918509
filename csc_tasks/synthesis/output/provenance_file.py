"""``provenance.jsonl`` beside a file of conversations: how each came about, one JSON object a line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from csc_tasks.errors import DataError
from csc_tasks.outside import lines_of, open_regular, parse_json, require_shallow

__all__ = ["PROVENANCE", "read_provenance"]

PROVENANCE = "provenance.jsonl"


def read_provenance(folder: Path) -> Mapping[str, dict[str, Any]]:
    """The lines of a folder's file by the conversation's ``id``; empty where there is no such file.

    Raises:
        DataError: a line is no JSON object with an id.
    """
    path = folder / PROVENANCE
    found: dict[str, dict[str, Any]] = {}
    number = 0
    try:
        with open_regular(path) as file:
            for line in lines_of(file):
                number += 1
                if not line.strip():
                    continue
                record = parse_json(line)
                require_shallow(record)
                if not isinstance(record, dict) or not isinstance(record.get("id"), str):
                    raise ValueError("no object with the id of a conversation")
                found[record["id"]] = record
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise DataError(
            f"{path}: line {number}: {error}; mend it, or take the file away to go on without it"
        ) from None
    return found
