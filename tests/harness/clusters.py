"""A real ``qcluster`` in a session of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.harness import forks, procs
from tests.harness.forks import Forked
from tests.harness.logs import ROLES, WORKER, Log
from tests.harness.waiting import wait_until
from tests.services import children

#: Seconds that a cluster may take to start or, with nothing to do, to stop; generous, for busy machines.
PATIENCE = 30.0


class ClusterProcess:
    """One cluster: its process, its children by role, and its log."""

    def __init__(
        self, folder: Path, log_file: Path, env: Mapping[str, str], *options: str, is_forked: bool = True
    ) -> None:
        """Start the command: ``python -m django qcluster`` as anybody does, or the same as a fork of the zygote."""
        arguments, environment = ["qcluster", *options], {**os.environ, **env}
        self._popen: Forked | subprocess.Popen[bytes] = (
            forks.start("django", arguments, folder, log_file, environment)
            if is_forked
            else children.start([sys.executable, "-m", "django", *arguments], folder, log_file, environment=environment)
        )
        self.log = Log(log_file)

    @property
    def pid(self) -> int:
        """The process id of the command, which is also that of its session."""
        return self._popen.pid

    def wait_for(self, pattern: str, seconds: float = PATIENCE) -> float:
        """Wait for a log line and return how many seconds that took."""
        return wait_until(
            lambda: self.log.lines(pattern), seconds, lambda: f"{pattern!r} in the log:\n{self.log.tail()}"
        )

    # Life

    def wait_running(self) -> None:
        """Wait for the line that says so; fail with the log when the command ends instead."""
        wait_until(
            lambda: self._popen.poll() is not None or self.log.lines(rf"Q Cluster-{self.pid} running\."),
            PATIENCE,
            lambda: f"the cluster runs:\n{self.log.text()}",
        )
        assert self._popen.poll() is None, f"qcluster ended with {self._popen.returncode}:\n{self.log.text()}"

    def wait_ended(self, seconds: float = PATIENCE) -> int:
        """Wait for the end of the command and return its exit code."""
        wait_until(lambda: self._popen.poll() is not None, seconds, lambda: f"qcluster ends:\n{self.log.tail()}")
        return self._popen.wait()

    def send(self, number: int = signal.SIGTERM) -> None:
        """Send a signal to the command alone."""
        self._popen.send_signal(number)

    def stop(self, seconds: float = PATIENCE) -> int:
        """Ask it to stop, wait for the end and return its exit code; fail when a process is left."""
        self.send(signal.SIGTERM)
        code = self.wait_ended(seconds)
        self.assert_nothing_left(1.0)
        return code

    def kill_all(self) -> None:
        """Kill every process of the session at once, whatever state it is in."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        while left := self.processes():
            for pid in left:
                procs.kill(self.pid, pid)
            self._popen.poll()
        self._popen.wait()

    # Processes

    def processes(self) -> dict[int, procs.Process]:
        """Return its living processes, the command itself included."""
        return procs.session_of(self.pid)

    def assert_nothing_left(self, seconds: float) -> None:
        """Fail when a process of the cluster still lives after so many seconds."""
        wait_until(
            lambda: not self.processes(), seconds, lambda: f"no process left: {self.processes()}\n{self.log.tail()}"
        )

    def name(self, pid: int) -> str:
        """Return the name, such as ``Process-1:3``, under which a process announced itself."""
        return next(one.name for one in self.log.announced() if one.pid == pid)

    def children(self) -> dict[str, list[int]]:
        """Return the living processes by role, in the order in which they announced themselves."""
        alive = [one for one in self.log.announced() if procs.lives_in(self.pid, one.pid)]
        return {role: [one.pid for one in alive if one.role == role] for role in ROLES}

    def role(self, role: str) -> list[int]:
        """Return the living processes of one role."""
        return self.children()[role]

    def only(self, role: str) -> int:
        """Return the one living process of a role."""
        (pid,) = self.role(role)
        return pid

    def kill(self, pid: int, number: int = signal.SIGKILL) -> bool:
        """Send a signal to one of its processes; return whether it still lived."""
        return procs.kill(self.pid, pid, number)

    def everybody(self, workers: int) -> dict[str, list[int]]:
        """Return all living processes by role once all are at work."""
        self.wait_full(workers, PATIENCE)
        wait_until(lambda: all(self.children().values()), PATIENCE, lambda: f"all roles: {self.children()}")
        return {role: sorted(pids) for role, pids in self.children().items()}

    def wait_full(self, count: int, seconds: float, *, role: str = WORKER, without: int = 0) -> float:
        """Wait until so many of a role are at work, ``without`` not among them; return the seconds it took."""
        return wait_until(
            lambda: len(pids := self.role(role)) == count and without not in pids,
            seconds,
            lambda: f"{count} of {role!r} at work, there are {self.role(role)}:\n{self.log.tail()}",
        )
