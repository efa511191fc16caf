"""One system at its place: its site, its driver, its workers while they run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from bench import usage, work
from bench.driver import Driver, DriverError
from bench.servers import DRIVER, Servers
from bench.systems.base import System
from tests.services import children

ROOT = Path(__file__).parent.parent
#: Seconds without any progress after which a system is given up.
PATIENCE = 60.0
STEP = 0.005


class Stuck(Exception):
    """A system makes no progress; the text has the end of its log."""


class Stand:
    """A system that can be filled, started, watched and emptied, again and again."""

    def __init__(self, system: System, servers: Servers) -> None:
        self.system = system
        self.place = servers.place(system)
        self._servers = servers
        self._numbers = count()
        self._env = self._configure()
        self.driver = Driver(system.inside, self.place.folder, {**self._env, "PGAPPNAME": DRIVER})
        self.file = self.place.folder / "runs"
        self._log = self.place.folder / "workers.log"
        self._workers: list[subprocess.Popen[bytes]] = []
        try:
            self.driver.call("prepare")
        except DriverError:
            self.close()
            raise

    def close(self) -> None:
        """End everything and remove its folder."""
        self.driver.close()
        shutil.rmtree(self.place.folder, ignore_errors=True)

    def renew(self) -> None:
        """Empty the stores and begin a new file."""
        self._servers.empty(self.place)
        self.driver.call("begin")
        self.file = self.place.folder / f"runs{next(self._numbers)}"

    def fill(self, tasks: int, milliseconds: float = 0.0, first: int = 0) -> None:
        """Put so many tasks on the queue."""
        self.driver.call("fill", tasks, milliseconds, first)
        self._servers.tidy(self.place)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Run the workers for as long as the context lasts."""
        env = {**os.environ, **self._env, work.FILE: str(self.file)}
        self._log.unlink(missing_ok=True)
        self._workers = []
        try:
            for command in self.system.workers:
                started = children.start(
                    command, self.place.folder, self._log, environment=env, on_death=signal.SIGKILL
                )
                self._workers.append(started)
            yield
        finally:
            for process in self._workers:
                usage.kill(process.pid)
                process.wait()

    # Looking

    def done(self) -> int:
        """Return how many runs of the task have ended."""
        return work.count(self.file)

    def wait_done(self, tasks: int, step: float = STEP) -> int:
        """Wait until so many runs have ended and return how many have; raises Stuck."""
        best, since = self.done(), time.monotonic()
        while (now := self.done()) < tasks:
            if now > best:
                best, since = now, time.monotonic()
            if time.monotonic() - since > PATIENCE or self._has_ended():
                raise Stuck(f"{now} of {tasks} tasks have run:\n{self._tail()}")
            time.sleep(step)
        return now

    def agrees(self, tasks: int) -> bool:
        """Tell whether the queue is empty and the store has the results that it should have."""
        queued, stored = self.driver.call("counts")
        keeps = self.system.keeps
        return not queued and (stored == tasks if keeps is None else stored >= min(keeps, tasks))

    def wait_agreed(self, tasks: int) -> None:
        """Wait until the store tells of so many results; raises Stuck."""
        until = time.monotonic() + PATIENCE
        while not self.agrees(tasks):
            if time.monotonic() > until:
                raise Stuck(f"of {tasks} tasks (queued, stored) are {self.driver.call('counts')}:\n{self._tail()}")
            time.sleep(STEP)

    def cpu_seconds(self) -> float:
        """Return the CPU time of all processes of the system so far."""
        return usage.cpu_seconds(self._pids())

    def server_seconds(self) -> float:
        """Return the CPU time of the servers so far."""
        return usage.cpu_seconds(self._servers.pids())

    def queries(self) -> int:
        """Return how many statements the database has got since it was told to log them."""
        return self._servers.statements()

    def log_queries(self) -> None:
        """Let the database log every statement that connections made from now on send."""
        self._servers.log_statements(self.place)

    def memory(self) -> int:
        """Return the memory of all processes of the system in bytes."""
        return usage.memory(self._pids())

    def _has_ended(self) -> bool:
        return any(process.poll() is not None for process in self._workers)

    def _pids(self) -> list[int]:
        return [process.pid for process in self._workers]

    # Making

    def _configure(self) -> dict[str, str]:
        settings: dict[str, Any] = self.system.settings(self.place)
        lines = [f"{name} = {value!r}" for name, value in settings.items()]
        (self.place.folder / "site_settings.py").write_text("\n".join(lines) + "\n")
        path = os.pathsep.join([str(self.place.folder), str(ROOT)])
        return {"DJANGO_SETTINGS_MODULE": "site_settings", "PYTHONPATH": path}

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-2000:] if self._log.exists() else "(no log)"
