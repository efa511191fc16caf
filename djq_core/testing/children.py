"""Child processes of a test, which write what they did line by line into a file that outlives their death."""

from __future__ import annotations

import os
import pickle
import signal
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

START_SECONDS = 60.0
_FAILED = "failed: "


class Tell:
    """Writes lines; each is in the file when the call returns."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, line: str) -> None:
        """Add one line."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{line}\n".encode())
        finally:
            os.close(descriptor)


class Child:
    """A process that calls ``function(tell, *arguments)``; a context manager that leaves none behind."""

    def __init__(
        self, method: str, function: Callable[..., object], *arguments: Any, setup: Callable[[], object] | None = None
    ) -> None:
        descriptor, self._path = tempfile.mkstemp(prefix="djq-child-")
        os.close(descriptor)
        tell = Tell(self._path)
        context: Any = get_context(method)
        if method == "fork":
            self._process = context.Process(target=_be_forked, args=(tell, function, arguments), daemon=True)
        else:
            call = pickle.dumps((function, arguments))
            self._process = context.Process(target=_be_new, args=(tell, setup, call), daemon=True)

    def __enter__(self) -> Child:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # a test process may have threads when it forks
            self._process.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._process.is_alive():
            self.kill()
        self._process.join()
        self._process.close()
        Path(self._path).unlink()

    @property
    def lines(self) -> list[str]:
        """What it told so far, whole lines only."""
        return Path(self._path).read_text().rpartition("\n")[0].splitlines()

    def wait_lines(self, count: int, seconds: float = START_SECONDS) -> list[str]:
        """Wait until it has told so many lines, and return them."""
        until = time.monotonic() + seconds
        while len(lines := self.lines) < count:
            self._raise_for_failure()
            assert self._process.is_alive() or len(self.lines) >= count, f"the child ended after {self.lines}"
            assert time.monotonic() < until, f"the child told {len(lines)} lines of {count} in {seconds} s"
            time.sleep(0.005)
        return lines

    def join(self, seconds: float = START_SECONDS) -> Child:
        """Wait until it has ended well."""
        self._process.join(seconds)
        self._raise_for_failure()
        assert self._process.exitcode == 0, f"the child ended with {self._process.exitcode} after {self.lines}"
        return self

    def kill(self) -> None:
        """Send SIGKILL and wait for the end."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()

    def _raise_for_failure(self) -> None:
        text = Path(self._path).read_text()
        assert _FAILED not in text, text


class Told:
    """What a child that has ended had told."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines


def run_in_child(
    method: str, function: Callable[..., object], *arguments: Any, setup: Callable[[], object] | None = None
) -> Told:
    """Call a function in a process started by this method, wait for its end and return what it told."""
    with Child(method, function, *arguments, setup=setup) as child:
        return Told(child.join().lines)


def _be_forked(tell: Tell, function: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    try:
        function(tell, *arguments)
    except BaseException:
        tell(f"{_FAILED}{traceback.format_exc()}")
        raise


def _be_new(tell: Tell, setup: Callable[[], object] | None, call: bytes) -> None:
    try:
        if setup is not None:
            setup()
        function, arguments = pickle.loads(call)
    except BaseException:
        tell(f"{_FAILED}{traceback.format_exc()}")
        raise
    _be_forked(tell, function, arguments)
