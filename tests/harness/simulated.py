"""Schedulers of several clusters in processes of their own, under a clock that the test sets."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tests.harness import forks
from tests.harness.forks import Forked
from tests.harness.waiting import wait_until


class Simulation:
    """So many scheduler processes of one site; one that dies is started again."""

    def __init__(self, folder: Path, env: Mapping[str, str], count: int) -> None:
        self._folder = folder
        self._env = {**os.environ, **env}
        self._clock = folder / "clock"
        self._processes: dict[int, Forked | None] = dict.fromkeys(range(count), None)
        self._steps = 0
        self.deaths = 0

    def reach(self, moment: datetime) -> None:
        """Set the clock, and wait until every scheduler has run what is due by then."""
        self._steps += 1
        new = self._clock.with_suffix(".new")
        new.write_text(f"{self._steps} {moment.timestamp()}")
        new.replace(self._clock)
        wait_until(self._have_all_done, 120.0, lambda: f"every scheduler reaches {moment}:\n{self.logs()[-3000:]}")

    def kill(self, number: int) -> None:
        """Kill one of them."""
        if process := self._processes[number]:
            process.send_signal(signal.SIGKILL)

    def logs(self) -> str:
        """Return what they have written."""
        return "".join(path.read_text() for path in sorted(self._folder.glob("scheduler*.log")))

    def _have_all_done(self) -> bool:
        for number, process in self._processes.items():
            if process is None or process.poll() is not None:
                self.deaths += process is not None
                self._processes[number] = self._start(number)
        return all(self._done(number) == self._steps for number in self._processes)

    def _done(self, number: int) -> int:
        file = self._folder / f"done{number}"
        return int(file.read_text() or 0) if file.exists() else 0

    def _start(self, number: int) -> Forked:
        log = self._folder / f"scheduler{number}.{self.deaths}.log"
        return forks.start("tests.harness.simulated", [str(self._clock), str(number)], self._folder, log, self._env)

    def close(self) -> None:
        """End them all."""
        for process in filter(None, self._processes.values()):
            process.kill()
            process.wait()


@contextmanager
def simulate(folder: Path, env: Mapping[str, str], count: int) -> Iterator[Simulation]:
    """Give a simulation and end it."""
    simulation = Simulation(folder, env, count)
    try:
        yield simulation
    finally:
        simulation.close()


def _be_a_scheduler(clock: Path, number: str) -> None:
    """Run what is due whenever the clock is set, for ever."""
    import django

    django.setup()
    from djq_core import current
    from djq_core.cluster.channels import Channel
    from djq_core.cluster.logs import configure
    from djq_core.cluster.scheduler import Scheduler

    configure("WARNING")
    ends = socket.socketpair()
    seen = ""
    done = clock.with_name(f"done{number}")
    while True:
        text = clock.read_text()
        if text == seen:
            time.sleep(0.005)
            continue
        step, timestamp = text.split()
        now = partial(datetime.fromtimestamp, float(timestamp), UTC)
        scheduler = Scheduler(f"simulated-{number}", current.runtime(), Channel(ends[1]), now=now)
        while not scheduler.look():
            continue
        new = done.with_suffix(".new")
        new.write_text(step)
        new.replace(done)
        seen = text


if __name__ == "__main__":
    _be_a_scheduler(Path(sys.argv[1]), sys.argv[2])
