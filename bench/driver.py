"""A process inside the site of a system, and the bench's side of it: one line of JSON there, one line back."""

from __future__ import annotations

import importlib
import json
import os
import select
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

#: How many tasks one call of the bulk sends.
CHUNK = 500


class DriverError(Exception):
    """A call inside a site has failed; the text is its traceback."""


class Driver:
    """The bench's side."""

    def __init__(self, inside: str, folder: Path, env: Mapping[str, str]) -> None:
        self._log = (folder / "driver.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.driver", inside],
            cwd=folder,
            env={**os.environ, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def call(self, name: str, /, *args: Any, seconds: float = 600.0) -> Any:
        """Call a function inside the site and return what it returns; raises DriverError."""
        self._requests.write(json.dumps([name, args]).encode() + b"\n")
        self._requests.flush()
        if not select.select([self._answers], [], [], seconds)[0]:
            raise DriverError(f"{name}{args} did not return within {seconds} s")
        answer = json.loads(self._answers.readline() or '{"error": "the driver has ended, see driver.log"}')
        if "error" in answer:
            raise DriverError(answer["error"])
        return answer["value"]

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._requests, self._answers, self._log):
            stream.close()


class Calls:
    """The calls that the bench makes inside a site."""

    def __init__(self, inside: ModuleType) -> None:
        self._inside = inside

    def prepare(self) -> None:
        """Make the tables, with those that no migration makes."""
        from django.core.management import call_command

        call_command("migrate", verbosity=0, skip_checks=True)
        self._optional("prepare")

    def begin(self) -> None:
        """Make what a round needs once all is empty."""
        self._optional("begin")

    def fill(self, count: int, milliseconds: float, first: int = 0) -> None:
        """Put tasks on the queue as fast as they go."""
        from django.db import transaction

        for start in range(first, first + count, CHUNK):
            numbers = range(start, min(start + CHUNK, first + count))
            with transaction.atomic():
                self._many(numbers, milliseconds)

    def one_by_one(self, count: int) -> tuple[float, float]:
        """Enqueue one after the other; return the seconds and the CPU seconds that took."""
        began, cpu = time.perf_counter(), time.process_time()
        for number in range(count):
            self._inside.enqueue(number, 0.0)
        return time.perf_counter() - began, time.process_time() - cpu

    def in_bulk(self, count: int) -> tuple[float, float]:
        """Enqueue with the bulk call; return the seconds and the CPU seconds that took."""
        began, cpu = time.perf_counter(), time.process_time()
        for start in range(0, count, CHUNK):
            self._inside.enqueue_many(range(start, min(start + CHUNK, count)), 0.0)
        return time.perf_counter() - began, time.process_time() - cpu

    def has_bulk(self) -> bool:
        """Tell whether the library can send many at once."""
        return hasattr(self._inside, "enqueue_many")

    def stamped(self, number: int, milliseconds: float = 0.0) -> int:
        """Enqueue one; return the microseconds of the monotonic clock before that."""
        now = time.monotonic_ns() // 1000
        self._inside.enqueue(number, milliseconds)
        return now

    def counts(self) -> tuple[int, int]:
        """Return how many are queued and how many results are stored."""
        return self._inside.queued(), self._inside.stored()

    def stuff(self, count: int) -> None:
        """Put so many results into the store, as if they were those of tasks that have run."""
        self._inside.stuff(count)

    def _many(self, numbers: range, milliseconds: float) -> None:
        if self.has_bulk():
            self._inside.enqueue_many(numbers, milliseconds)
            return
        for number in numbers:
            self._inside.enqueue(number, milliseconds)

    def _optional(self, name: str) -> None:
        getattr(self._inside, name, lambda: None)()


def serve(inside: str, requests: TextIO, answers: TextIO) -> None:
    """Answer calls until there are none."""
    import django

    django.setup()
    calls = Calls(importlib.import_module(f"bench.inside.{inside}"))
    for line in requests:
        name, args = json.loads(line)
        answers.write(json.dumps(_answer(getattr(calls, name), args)) + "\n")
        answers.flush()


def _answer(function: Any, args: list[Any]) -> dict[str, Any]:
    try:
        return {"value": function(*args)}
    except Exception:
        return {"error": traceback.format_exc()}


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "w") as protocol:
        os.dup2(2, 1)
        serve(sys.argv[1], sys.stdin, protocol)
