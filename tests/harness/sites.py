"""A throw-away Django site: a folder with settings, a database of its own, an oracle and clusters."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.harness.clusters import ClusterProcess
from tests.harness.databases import Databases, site_settings, write_settings
from tests.harness.ledger import Ledger
from tests.harness.oracle import END, Oracle
from tests.harness.shell import Shell
from tests.harness.waiting import wait_until

#: How many workers a test cluster has.
WORKERS = 4
#: What every test cluster has unless a test says otherwise: short times, and every success kept.
Q_CLUSTER: Mapping[str, Any] = {
    "name": "site",
    "workers": WORKERS,
    "retry": 5,
    "guard_cycle": 0.2,
    "backoff": 0,
    "save_limit": 0,
}

#: The keys that choose a site's broker unless a test says otherwise.
ORM: Mapping[str, Any] = {"orm": "default"}


class Site:
    """One site; close it when done."""

    def __init__(
        self,
        folder: Path,
        databases: Databases,
        *,
        apps: tuple[str, ...] = (),
        q_cluster: Mapping[str, Any] | None = None,
        broker: Mapping[str, Any] = ORM,
        **settings: Any,
    ) -> None:
        self.folder = folder
        self._databases = databases
        self.database = databases.create(folder)
        self._settings = site_settings(self.database, folder, apps) | settings
        self._broker = broker
        self._q_cluster = dict(q_cluster or {})
        self.env = self.configure(**self._q_cluster)
        self.oracle = Oracle(folder / "oracle")
        self._numbers = itertools.count(1)
        self._shell: Shell | None = None

    def configure(self, **q_cluster: Any) -> dict[str, str]:
        """Write the settings anew, for the processes started from now on."""
        return write_settings(self.folder, **self._settings, Q_CLUSTER={**Q_CLUSTER, **self._broker, **q_cluster})

    def change_settings(self, **settings: Any) -> None:
        """Change settings of the site, for the processes started from now on."""
        self._settings |= settings
        self.configure(**self._q_cluster)

    def close(self) -> None:
        """End the shell and drop the database."""
        self.close_shell()
        self._databases.drop(self.database)

    # Clusters

    @contextmanager
    def cluster(
        self, *options: str, env: Mapping[str, str] | None = None, is_awaited: bool = True, is_forked: bool = True
    ) -> Iterator[ClusterProcess]:
        """Start a cluster, wait until it runs, and kill whatever is left of it at the end.

        Unless ``is_forked``, the command is a program that is started anew, as a site does.
        """
        log = self.folder / f"cluster{next(self._numbers)}.log"
        cluster = ClusterProcess(self.folder, log, {**self.env, **(env or {})}, *options, is_forked=is_forked)
        try:
            if is_awaited:
                cluster.wait_running()
            yield cluster
        finally:
            cluster.kill_all()

    def fault(self, point: str, times: int) -> dict[str, str]:
        """Return the environment in which a fault fires so many times."""
        budget = self.folder / f"budget{next(self._numbers)}"
        budget.mkdir()
        for number in range(times):
            (budget / str(number)).touch()
        return {"DJQ_FAULT": point, "DJQ_FAULT_BUDGET": str(budget)}

    # Inside

    def call(self, name: str, /, *args: object, seconds: float = 60.0, **kwargs: object) -> Any:
        """Call a function of ``tests.harness.inside`` in a process of this site."""
        if self._shell is None:
            self._shell = Shell(self.folder, self.env)
        return self._shell.call(name, *args, seconds=seconds, **kwargs)

    def close_shell(self) -> None:
        """End the process inside the site; the next call starts another."""
        if self._shell is not None:
            self._shell.close()
        self._shell = None

    def manage(self, *command: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a management command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "django", *command],
            cwd=self.folder,
            env={**os.environ, **self.env, **(env or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    # Shortcuts

    def row(self, task_id: str, seconds: float = 10.0, *, attempts: int = 1) -> dict[str, Any]:
        """Wait for the row of a task with so many attempts and return it."""
        found: list[dict[str, Any]] = []

        def is_there() -> bool:
            row = self.call("row", task_id)
            found[:] = [row] if row else []
            return bool(row) and row["attempt_count"] >= attempts

        wait_until(is_there, seconds, lambda: f"a row of {task_id} with {attempts} attempts; seen: {found}", 0.03)
        return found[0]

    def wait_counts(self, successes: int, failures: int = 0, queued: int = 0, seconds: float = 30.0) -> None:
        """Wait until so many successes, failures and queued packages are there."""
        wanted = [successes, failures, queued]
        wait_until(
            lambda: self.call("counts") == wanted,
            seconds,
            lambda: f"{wanted} successes, failures and queued; there are {self.call('counts')}: {self.ledger()}",
            0.05,
        )

    def wait_total(self, rows: int, seconds: float = 10.0) -> None:
        """Wait until there are so many rows and nothing is queued."""
        wait_until(
            lambda: (counts := self.call("counts"))[2] == 0 and sum(counts[:2]) == rows,
            seconds,
            lambda: f"{rows} rows; there are {self.call('counts')}",
            0.03,
        )

    def wait_done(self, count: int, seconds: float = 60.0) -> None:
        """Wait until so many tasks have run to their end."""
        wait_until(lambda: self.oracle.total(END) >= count, seconds, f"{count} tasks have ended")

    def hook_calls(self) -> list[dict[str, Any]]:
        """Return what the hooks were called with."""
        file = self.folder / "oracle.hooks"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def ledger(self) -> Ledger:
        """Return the account of everything that was enqueued here."""
        return Ledger.of(self.oracle, **self.call("stored"))
