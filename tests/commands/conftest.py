"""Results on disk that commands read, made once and only read."""

from __future__ import annotations

from tests.leaderboards.conftest import old_results, short

__all__ = ["old_results", "short"]
