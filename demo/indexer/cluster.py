"""A real ``manage.py qcluster`` as a child process, from its start to its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
STOP_SECONDS = 30.0


class ClusterFailed(Exception):
    """The cluster ended, or would not end, when it should not have."""


@dataclass(frozen=True, slots=True)
class RunningCluster:
    """A cluster and the file its log goes to."""

    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raise ClusterFailed with the end of the log when the cluster is no longer there."""
        if self.process.poll() is not None:
            raise ClusterFailed(f"qcluster ended with {self.process.returncode}\n{self.last_lines(30)}")

    def wait_for(self, text: str, seconds: float) -> str:
        """Wait until the log has a line with this text and return the line."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for line in self.log.read_text(errors="replace").splitlines():
                if text in line:
                    return line
            self.check()
            time.sleep(0.05)
        raise ClusterFailed(f"qcluster did not say {text!r} in {seconds:.0f} s\n{self.last_lines(30)}")

    def stop(self) -> int:
        """Ask the cluster to stop, as an operator does, and return its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise ClusterFailed(f"qcluster did not stop within {STOP_SECONDS:.0f} s\n{self.last_lines(30)}") from None

    def end(self) -> None:
        """Stop the cluster, and kill whatever is left of it."""
        try:
            self.stop()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def has_leftovers(self) -> bool:
        """Tell whether any process of the cluster is still there: they share the command's process group."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def last_lines(self, count: int) -> str:
        """Return the end of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])


@contextmanager
def started(log: Path) -> Iterator[RunningCluster]:
    """Run a cluster for as long as the context lasts; it is stopped however the context ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(MANAGE), "qcluster"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is ours to answer
        )
    cluster = RunningCluster(process, log)
    try:
        yield cluster
    finally:
        cluster.end()
