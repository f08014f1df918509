"""Signals that ask a process to end: an exception within, as before afterwards, and never in the middle of a rescue."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from csc_tasks.system.signals import Terminated, ends_by_signals, exit_code, stopped_by, undisturbed


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_what_runs_and_the_exit_code_says_which(number: signal.Signals) -> None:
    with pytest.raises(Terminated) as ended, ends_by_signals():
        signal.raise_signal(number)
    assert ended.value.code == exit_code() == 128 + number
    assert stopped_by(ended.value) == str(ended.value) == number.name


def test_whoever_handled_a_signal_before_does_so_afterwards() -> None:
    heard: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    with suppress(Terminated), ends_by_signals():
        signal.raise_signal(signal.SIGTERM)
    assert not heard
    signal.raise_signal(signal.SIGTERM)
    assert heard == [signal.SIGTERM]


def test_what_is_ignored_stays_ignored_as_under_nohup() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with ends_by_signals(), undisturbed():
        signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_the_same_signal_at_once_again_is_the_same_request() -> None:
    ended = 0
    with ends_by_signals():
        for _ in range(3):
            try:
                signal.raise_signal(signal.SIGHUP)
            except Terminated:
                ended += 1
    assert ended == 1


class Signalling:
    """Gets a signal while it is freed, where Python shows an exception and goes on."""

    def __init__(self, number: signal.Signals) -> None:
        self.number = number

    def __del__(self) -> None:
        signal.raise_signal(self.number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_where_nothing_may_raise_is_not_lost(number: signal.Signals) -> None:
    hook = sys.unraisablehook
    with pytest.raises((Terminated, KeyboardInterrupt)), ends_by_signals():
        _free_and_go_on(number)
    assert sys.unraisablehook is hook


def _free_and_go_on(number: signal.Signals) -> None:
    Signalling(number)
    time.sleep(5)


def test_a_signal_waits_while_something_is_written_down() -> None:
    written = False
    try:
        with undisturbed():
            signal.raise_signal(signal.SIGINT)
            written = True
    except KeyboardInterrupt:
        assert written
    else:
        pytest.fail("the signal was lost")


def test_beside_the_main_thread_nothing_changes() -> None:
    seen: list[object] = []

    def work() -> None:
        with ends_by_signals(), undisturbed():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]
