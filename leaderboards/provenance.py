"""Where the runs of a row come from."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Provenance"]


@dataclass(frozen=True, slots=True)
class Provenance:
    """How the runs of a row in a section were made; '' for what their files do not say, several parted by commas.

    ``date`` is that of the newest, in seconds since 1970; ``backend`` lm-eval's ``--model``; ``harness`` and
    ``package`` the versions of lm-eval and csconv; ``host`` of an endpoint; ``folder`` the last parts of the path.
    """

    date: float = 0.0
    backend: str = ""
    harness: str = ""
    package: str = ""
    host: str = ""
    folder: str = ""
