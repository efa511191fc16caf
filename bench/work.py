"""The one task that every system runs: append a line to a file that all workers share."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

#: Names the file, for the workers of a system.
FILE = "BENCH_FILE"
#: The bytes of one line, so that the size of the file is the number of its lines.
LINE = 40


class Run(NamedTuple):
    """One run of the task; the times are microseconds of the host's monotonic clock."""

    number: int
    started: int
    ended: int


def append(number: int, milliseconds: float = 0.0) -> None:
    """Sleep where asked to, and tell the shared file of it."""
    started = time.monotonic_ns() // 1000
    if milliseconds:
        time.sleep(milliseconds / 1000)
        ended = time.monotonic_ns() // 1000
    else:
        ended = started
    os.write(_descriptor(), b"%09d %014d %014d\n" % (number, started, ended))


def count(file: Path) -> int:
    """Return how many runs the file tells of."""
    return file.stat().st_size // LINE if file.exists() else 0


def runs(file: Path) -> list[Run]:
    """Return the runs in the order in which they ended."""
    return list(_parsed(file.read_bytes().splitlines()))


def _parsed(lines: Iterable[bytes]) -> Iterable[Run]:
    for line in lines:
        yield Run(*map(int, line.split()))


@cache
def _descriptor() -> int:
    return os.open(os.environ[FILE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
