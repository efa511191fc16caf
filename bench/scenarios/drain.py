"""How fast a full queue is run and stored, and how much CPU that takes."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.scenarios.base import Scenario
from bench.stand import Stand

#: The share of the tasks that warms a system up before the clock starts.
WARM_UP = 0.2


@dataclass(frozen=True, slots=True)
class Moment:
    """What was seen at one moment of a drain."""

    time: float
    done: int
    cpu: float
    servers: float


def measure(stand: Stand, tasks: int, milliseconds: float = 0.0) -> dict[str, float]:
    """Fill, start the workers, and measure from the end of the warm-up until the store has every result."""
    stand.renew()
    stand.fill(tasks, milliseconds)
    with stand.working():
        begin = look(stand, stand.wait_done(int(tasks * WARM_UP)))
        stand.wait_done(tasks)
        stand.wait_agreed(tasks)
        end = look(stand, tasks)
    return figures(begin, end)


def figures(begin: Moment, end: Moment) -> dict[str, float]:
    """Return the rate, and the CPU time of a task in microseconds: of the system, and of the servers for it.

    Tasks by second of CPU time, of all of them, are what noise hardly reaches.
    """
    tasks = end.done - begin.done
    cpu, servers = end.cpu - begin.cpu, end.servers - begin.servers
    return {
        "tasks/s": tasks / (end.time - begin.time),
        "tasks/CPU s": tasks / max(cpu + servers, 0.01),
        "µs CPU/task": cpu / tasks * 1e6,
        "µs server/task": servers / tasks * 1e6,
    }


def look(stand: Stand, done: int) -> Moment:
    """Return what is to be seen now, when so many are done."""
    return Moment(time.monotonic(), done, stand.cpu_seconds(), stand.server_seconds())


SCENARIO = Scenario(
    name="drain",
    title="Draining a full queue",
    figure="tasks/s",
    measure=measure,
    tasks=lambda system: system.tasks,
    takes=lambda _: True,
    rounds=5,
    note="A fifth of the queue warms a system up; the clock stops when the store has every result.",
)
