"""The test's side of the zygote: processes of a site that are forked instead of started anew."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Forked:
    """A process that the zygote has forked, with the methods of a Popen that tests use."""

    def __init__(self, zygote: Zygote, pid: int) -> None:
        self._zygote = zygote
        self._end = os.pidfd_open(pid)
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, None while it runs."""
        if self.returncode is None and select.select([self._end], [], [], 0)[0]:
            self.returncode = self._zygote.exit_code(self.pid)
            os.close(self._end)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code; raises TimeoutExpired."""
        while (code := self.poll()) is None:
            if not select.select([self._end], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal to a process that has not been seen to end."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


class Zygote:
    """The process that forks; it ends when the test process has, for then its socket is closed, and its children do."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection = ours
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.zygote", str(theirs.fileno())],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def start(
        self,
        module: str,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        files: Sequence[int],
        *,
        on_death: signal.Signals = signal.SIGTERM,
    ) -> Forked:
        """Run a module in a new session; ``files`` are standard input, output and error."""
        request = {
            "module": module,
            "arguments": list(arguments),
            "folder": str(folder),
            "environment": dict(environment),
            "on_death": int(on_death),
            "parent": self._process.pid,
        }
        return Forked(self, self._ask(request, files))

    def exit_code(self, pid: int) -> int | None:
        """Reap a child that has ended."""
        code = self._ask(pid, ())
        return None if code is None else int(code)

    def _ask(self, request: Any, files: Sequence[int]) -> Any:
        with self._lock:
            socket.send_fds(self._connection, [json.dumps(request).encode()], list(files))
            return json.loads(self._connection.recv(64))


@cache
def zygote() -> Zygote:
    """Return the zygote of this test process."""
    return Zygote()


def start(
    module: str,
    arguments: Sequence[str],
    folder: Path,
    log: Path,
    environment: Mapping[str, str],
    *,
    on_death: signal.Signals = signal.SIGTERM,
) -> Forked:
    """Run a module whose output goes to a file, and that is sent ``on_death`` when the test process ends."""
    with log.open("ab") as output, Path(os.devnull).open("rb") as nothing:
        files = (nothing.fileno(), output.fileno(), output.fileno())
        return zygote().start(module, arguments, folder, environment, files, on_death=on_death)
