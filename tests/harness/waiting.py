"""Wait for something to become true, and say what did not."""

from __future__ import annotations

import time
from collections.abc import Callable

STEP = 0.01


def wait_until(
    is_true: Callable[[], object], seconds: float, what: str | Callable[[], str], step: float = STEP
) -> float:
    """Wait until the function returns something true and return how many seconds that took; fail after ``seconds``."""
    began = time.monotonic()
    while not is_true():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"Not within {seconds} s: {what if isinstance(what, str) else what()}")
        time.sleep(step)
    return time.monotonic() - began
