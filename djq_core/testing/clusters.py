"""A real cluster for the tests of a site: it runs what a test enqueues, and ends with the test."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from multiprocessing import connection, get_all_start_methods, get_context
from pathlib import Path
from typing import Any, Final, Protocol

from djq_core.testing.sites import changed

#: What a cluster of a test has unless the test says otherwise; ``sync`` is off, whatever the site's tests have.
_SETTINGS: Final = {"workers": 2, "guard_cycle": 0.2}
_MUST: Final = {"sync": False, "start_method": "fork"}
_LOG_LINES: Final = 40
_STEP: Final = 0.03
#: Seconds in which killed processes are gone, unless they are zombies that nobody asks after.
_DEATH: Final = 2.0
_PR_SET_PDEATHSIG: Final = 1


class ClusterFailure(AssertionError):
    """The cluster of a test could not start, ended before its time, or did not get through its queue in time."""


class RunCluster(Protocol):
    """Runs clusters."""

    def __call__(self, seconds: float = ..., *, drain: bool = ..., **q_cluster: Any) -> AbstractContextManager[Any]:
        """Return the context manager that is described at :func:`run_cluster`."""


@contextmanager
def run_cluster(seconds: float = 60.0, *, drain: bool = True, **q_cluster: Any) -> Iterator[RunningCluster]:
    """Run a cluster while the block runs and, with ``drain``, until its queue is empty; then stop it in order.

    It is a fork of the test process: it sees the test's settings, database and modules, and two workers do its work.
    ``q_cluster`` are keys of ``Q_CLUSTER`` to change, in the block too. ``seconds`` is the limit for each of starting,
    draining and stopping. Raises ClusterFailure with the end of the cluster's log when it is not kept, when the cluster
    ends by itself, and where the cluster could not see what the test writes. A block that raises is not waited for.
    """
    with changed({**_SETTINGS, **q_cluster, **_MUST}), tempfile.TemporaryDirectory(prefix="djq-cluster-") as folder:
        cluster = RunningCluster(Path(folder) / "log", seconds)
        try:
            cluster.start()
            yield cluster
            if drain:
                cluster.finish()
            else:
                cluster.stop()
        finally:
            cluster.kill()


class RunningCluster:
    """A cluster in a process of its own, its children in the same session."""

    def __init__(self, log: Path, seconds: float) -> None:
        from djq_core import current

        self._log = log
        self._seconds = seconds
        self._runtime = current.runtime()
        self._broker = self._runtime.broker()
        self._process: Any = None

    @property
    def pid(self) -> int:
        """The id of its process, which is the cluster's id too."""
        return int(self._process.pid)

    @property
    def log(self) -> str:
        """What the cluster and its tasks have written so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        """Start it and wait until it runs."""
        self._refuse_what_is_not_shared()
        reader, writer = os.pipe()
        context: Any = get_context("fork")
        self._process = context.Process(target=_be_cluster, args=(self._log, writer, os.getpid()), name="djq-cluster")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # the test process may have threads when it forks
                self._process.start()
            if self._process.sentinel in connection.wait([reader, self._process.sentinel], self._seconds):
                self._process.join(_DEATH)  # its ends are closed a moment before it can be waited for
            self._raise_if_ended()
            if not connection.wait([reader], 0):
                raise self._failure(f"did not start within {self._seconds} s")
        finally:
            os.close(reader)
            os.close(writer)

    def drain(self, seconds: float | None = None) -> None:
        """Wait until nothing waits on the queue, and nothing is held where the broker keeps that."""
        limit = self._seconds if seconds is None else seconds
        until = time.monotonic() + limit
        while any(left := self._left()):
            self._raise_if_ended()
            if time.monotonic() > until:
                raise self._failure(f"left {left[0]} packages waiting and {left[1]} unfinished after {limit} s")
            time.sleep(_STEP)

    def stop(self) -> None:
        """Let it finish what runs, and end; raise ClusterFailure unless it does so in order."""
        self._raise_if_ended()
        os.kill(self.pid, signal.SIGTERM)
        self._process.join(self._seconds)
        if self._process.exitcode is None:
            raise self._failure(f"did not stop within {self._seconds} s")
        if self._process.exitcode:
            raise self._failure(f"ended with exit code {self._process.exitcode}")

    def finish(self) -> None:
        """Drain and stop; where the broker does not tell what runs, go on with what that has enqueued."""
        self.drain()
        self.stop()
        until = time.monotonic() + self._seconds
        while any(left := self._left()):
            if time.monotonic() > until:
                raise self._failure(f"went on enqueueing for {self._seconds} s; {left[0]} packages are left")
            self.start()
            self.drain()
            self.stop()

    def kill(self) -> None:
        """End what is left of it at once; after an orderly stop that is nothing."""
        self._broker.close()
        if self._process is None or self._process.exitcode == 0:
            return
        self._process.kill()
        until = time.monotonic() + _DEATH
        with suppress(ProcessLookupError):  # nobody is left in the session
            while time.monotonic() < until:
                os.killpg(self.pid, signal.SIGKILL)
                self._process.join(_STEP)

    def _left(self) -> tuple[int, int]:
        return self._broker.queue_size(), self._broker.lock_size()

    def _raise_if_ended(self) -> None:
        if self._process.exitcode is not None:
            raise self._failure(f"ended by itself with exit code {self._process.exitcode}")

    def _failure(self, what: str) -> ClusterFailure:
        lines = self.log.splitlines()[-_LOG_LINES:]
        return ClusterFailure("\n".join([f"The cluster {what}. The end of its log:", *(lines or ["(empty)"])]))

    def _refuse_what_is_not_shared(self) -> None:
        """Close what a fork must not inherit; raise ClusterFailure where another process would see nothing."""
        from django.db import connections

        if "fork" not in get_all_start_methods():
            raise ClusterFailure("run_cluster() forks the test process, and this system cannot: use sync=True.")
        for alias in filter(None, {self._runtime.results.database, self._broker.database}):
            _refuse_unshared(alias, connections[alias])
        for each in connections.all(initialized_only=True):
            if not each.in_atomic_block:
                each.close()


def _refuse_unshared(alias: str, database: Any) -> None:
    if database.in_atomic_block:
        raise ClusterFailure(
            f"The test is inside a transaction of the database {alias!r}, so no cluster sees what it writes. Use "
            "@pytest.mark.django_db(transaction=True), or Django's TransactionTestCase."
        )
    if database.vendor == "sqlite" and database.is_in_memory_db():
        raise ClusterFailure(
            f"The database {alias!r} is in the memory of the test process, so no cluster sees it. Give it a file: "
            'DATABASES[…]["TEST"] = {"NAME": BASE_DIR / "test.sqlite3"}.'
        )


def _be_cluster(log: Path, ready: int, parent: int) -> None:
    """Be the cluster, in a session of its own that ends with the test process."""
    os.setsid()
    _end_with(parent)
    _write_to(log)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)

    from djq_core.cluster import Cluster

    class Announced(Cluster):
        """A cluster that tells the test when it runs."""

        def _tell_running(self) -> None:
            super()._tell_running()
            os.write(ready, b".")

    sys.exit(Announced().run())


def _end_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


def _write_to(log: Path) -> None:
    stream = log.open("a", buffering=1, encoding="utf-8", errors="backslashreplace")
    os.dup2(stream.fileno(), 1)
    os.dup2(stream.fileno(), 2)
    sys.stdout = sys.stderr = stream
