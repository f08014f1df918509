"""Where a run comes from, for people: when, by what, on which machine and in which folder. None of it counts."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from csc_tasks.leaderboards.provenance import Provenance
from csc_tasks.results.results_file import TaskRun

__all__ = ["provenance_of"]

_FOLDERS = 2
"""Last parts of a folder's path that are told: lm-eval puts a model's results into a folder of its name."""


def provenance_of(runs: Iterable[TaskRun]) -> Provenance:
    """What runs of one model and section say of how they were made; what differs between them is told once each.

    An endpoint is told by its host: what else stands in its address may be a secret.
    """
    runs = list(runs)

    def told(values: Iterable[str]) -> str:
        return ", ".join(dict.fromkeys(value for value in values if value))

    return Provenance(
        date=max((run.date for run in runs), default=0.0),
        backend=told(run.model.backend for run in runs),
        harness=told(run.harness for run in runs),
        package=told(run.signature.package.partition("+")[0] for run in runs),
        host=told(_host(run.model.arguments.get("base_url")) for run in runs),
        folder=told("/".join(run.path.parent.parts[-_FOLDERS:]) for run in runs),
    )


def _host(address: object) -> str:
    """Host and port of an address; '' where it has none."""
    try:
        parts = urlsplit(str(address or ""))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    return f"{host}:{port}" if host and port else host
