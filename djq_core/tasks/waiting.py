"""Waiting for a result: look often at first, then ever less often, and less often still where a look takes long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_SHORTEST = 0.002
_LONGEST = 0.1
_GROWTH = 1.5
#: A look that takes long is followed by a pause so many times as long.
_REST = 5
FOREVER = -1


def wait_for(read: Callable[[], T], wait: int, *, is_enough: Callable[[T], bool] = bool) -> T:
    """Read until what is read is enough or ``wait`` milliseconds are over (-1: never); return what was read last."""
    until = None if wait == FOREVER else time.monotonic() + wait / 1000
    pause = _SHORTEST
    while True:
        began = time.monotonic()
        found = read()
        now = time.monotonic()
        left = float("inf") if until is None else until - now
        if is_enough(found) or left <= 0:
            break
        time.sleep(min(max(pause, _REST * (now - began)), left))
        pause = min(pause * _GROWTH, _LONGEST)
    return found


def check_wait(wait: int) -> None:
    """Refuse what is no number of milliseconds; raises TypeError or ValueError."""
    if isinstance(wait, bool) or not isinstance(wait, int | float):
        raise TypeError(f"wait takes milliseconds, not {wait!r}.")
    if wait < 0 and wait != FOREVER:
        raise ValueError(f"wait takes milliseconds from 0 on, or -1 to wait for ever, not {wait!r}.")


def check_count(count: int | None) -> None:
    """Refuse what is no number of results; raises TypeError or ValueError."""
    if count is None:
        return
    if isinstance(count, bool) or not isinstance(count, int):
        raise TypeError(f"count takes a number of results, not {count!r}.")
    if count < 0:
        raise ValueError(f"count takes a number of results from 0 on, not {count!r}.")
