"""One process at a time: what two of them would both pay for, the second finds done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from csc_tasks.errors import ChatError
from csc_tasks.system.locks import locked

__all__ = ["one_at_a_time"]


@contextmanager
def one_at_a_time(path: Path, waiting: str) -> Iterator[None]:
    """Hold the lock of a file; while another process holds it, log ``waiting`` once and wait.

    Raises:
        ChatError: the file cannot be made.
        ConfigError: ``CSCONV_LOCKS`` is wrong.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(path, waiting))
        except OSError as error:
            raise ChatError(f"{path}: cannot be locked ({error.strerror})") from None
        yield
