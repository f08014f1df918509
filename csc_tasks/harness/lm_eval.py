"""The installed lm-eval: which one it is, whether it is supported, and how errors look under it."""

from __future__ import annotations

import importlib.util
import io
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any

from csc_tasks.errors import CSConvError, HarnessError
from csc_tasks.harness.last_words import say_last_words
from csc_tasks.harness.log_secrets import hidden

__all__ = [
    "LOWEST",
    "TOO_NEW",
    "bear_any_console",
    "check_version",
    "quiet_requests",
    "show_messages_plainly",
    "speak_as_loudly_as_lm_eval",
    "tasks_folder",
    "version",
]

LOWEST = (0, 4, 13)
TOO_NEW = (0, 5)
_NEEDED = "lm-eval>={},<{}".format(*(".".join(map(str, v)) for v in (LOWEST, TOO_NEW)))
_ABSENT = f"lm-eval is not installed in this environment: pip install '{_NEEDED}'"


def version() -> str:
    """The installed lm-eval's version.

    Raises:
        HarnessError: lm-eval is not installed.
    """
    try:
        return metadata.version("lm_eval")
    except metadata.PackageNotFoundError:
        raise HarnessError(_ABSENT) from None


def check_version() -> None:
    """Raise :class:`HarnessError` unless the installed lm-eval is one that csconv supports."""
    found = version()
    numbers = tuple(int(part) for part in found.split("+")[0].split(".") if part.isdigit())
    if not LOWEST <= numbers < TOO_NEW:
        raise HarnessError(
            f"lm-eval {found} is not supported: csconv needs {_NEEDED.removeprefix('lm-eval')} "
            f"(pip install '{_NEEDED}')"
        )


def tasks_folder() -> Path:
    """The ``tasks`` folder of the lm-eval that ``import lm_eval`` would load, wheel or editable.

    Raises:
        HarnessError: there is none.
    """
    spec = importlib.util.find_spec("lm_eval")
    if spec is None or spec.origin is None:
        raise HarnessError(_ABSENT)
    folder = Path(spec.origin).parent / "tasks"
    if not folder.is_dir():
        raise HarnessError(f"{folder}: the installed lm-eval {version()} has no tasks folder")
    return folder


def speak_as_loudly_as_lm_eval() -> None:
    """Show what csconv logs where lm-eval shows what it logs, at the level that the user chose.

    lm-eval's command sets up its own logger and no other; without this only our warnings would be seen.
    """
    theirs, ours = logging.getLogger("lm_eval"), logging.getLogger("csc_tasks")
    if ours.level == logging.NOTSET and theirs.level != logging.NOTSET:
        ours.setLevel(theirs.level)
    if not logging.getLogger().handlers:  # a program that set up logging itself sees ours already
        for handler in theirs.handlers:
            ours.addHandler(handler)


def bear_any_console() -> None:
    """Have a console of another encoding (GBK, cp1252) show what it cannot show as "?", and end nothing for it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def show_messages_plainly() -> None:
    """Let our own errors reach the user of the ``lm_eval`` command as one message, not as a traceback.

    Nor may the arrows of lm-eval's table do so, which it prints at the end of all.

    lm-eval's command does not catch errors of tasks. Other exceptions go to the hook that was there
    before; ``CSCONV_DEBUG=1`` keeps our tracebacks too.
    """
    bear_any_console()
    previous = sys.excepthook
    if getattr(previous, "_csconv", False):
        return

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        whole = "".join(traceback.format_exception(kind, error, trace))
        if isinstance(error, CSConvError) and not os.environ.get("CSCONV_DEBUG"):
            sys.stderr.write(hidden(f"csconv: {error}\n"))
        elif hidden(whole) != whole:
            sys.stderr.write(hidden(whole))
        else:
            previous(kind, error, trace)
        say_last_words()

    hook._csconv = True  # type: ignore[attr-defined]
    sys.excepthook = hook


class _OnceOnly(logging.Filter):
    """Lets a message pass the first time it is logged."""

    def __init__(self, beginning: str) -> None:
        super().__init__()
        self._beginning = beginning
        self._seen = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is another message, or the first of these."""
        if not record.getMessage().startswith(self._beginning):
            return True
        first, self._seen = not self._seen, True
        return first


@contextmanager
def quiet_requests() -> Iterator[None]:
    """Keep lm-eval's API models from drawing a progress bar, and from saying the same, at every single call."""
    from lm_eval.models import api_models

    class Silent(api_models.tqdm_asyncio):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{**options, "disable": True})

    bars = api_models.tqdm_asyncio
    once = _OnceOnly("Tokenized requests are disabled")
    loggers = [logging.getLogger(name) for name in ("lm_eval", "lm_eval.models.api_models")]
    api_models.tqdm_asyncio = Silent
    for each in loggers:
        each.addFilter(once)
    try:
        yield
    finally:
        api_models.tqdm_asyncio = bars
        for each in loggers:
            each.removeFilter(once)
