"""Calls that may hang."""

from __future__ import annotations

import threading
from concurrent.futures import TimeoutError as TookTooLong

import pytest

from djq_core.monitor.bounded import Calls


def test_the_answer_of_a_call_is_that_of_its_future() -> None:
    assert Calls().start("one", lambda: 1).result(5) == 1


def test_what_a_call_raises_reaches_who_asks() -> None:
    def fails() -> None:
        raise ValueError("No.")

    with pytest.raises(ValueError, match="No"):
        Calls().start("fails", fails).result(5)


def test_a_call_that_hangs_is_joined_and_not_made_again() -> None:
    calls, go_on, made = Calls(), threading.Event(), []

    def hangs() -> int:
        made.append(1)
        go_on.wait(30)
        return len(made)

    first, second = calls.start("hangs", hangs), calls.start("hangs", hangs)
    with pytest.raises(TookTooLong):
        second.result(0.01)
    assert calls.start("another", lambda: 2).result(5) == 2
    go_on.set()
    assert first is second
    assert first.result(5) == 1
    assert calls.start("hangs", hangs).result(5) == 2
