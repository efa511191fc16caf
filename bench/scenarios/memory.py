"""How much memory a system takes, idle and under load."""

from __future__ import annotations

import time

from bench.scenarios.base import Scenario
from bench.stand import Stand

#: Seconds of idleness after the first tasks.
SETTLE = 3.0
STEP = 0.25
MEBIBYTE = 1 << 20


def measure(stand: Stand, tasks: int) -> dict[str, float]:
    """Look while nothing is to be done, then again and again during a drain."""
    stand.renew()
    with stand.working():
        stand.fill(10)
        stand.wait_done(10)
        time.sleep(SETTLE)
        idle = stand.memory()
        stand.fill(tasks, first=10)
        most = idle
        while stand.done() < tasks + 10:
            most = max(most, stand.memory())
            stand.wait_done(min(stand.done() + 1, tasks + 10))
            time.sleep(STEP)
        stand.wait_agreed(tasks + 10)
    return {"MiB idle": idle / MEBIBYTE, "MiB loaded": most / MEBIBYTE}


SCENARIO = Scenario(
    name="memory",
    title="Memory of all processes",
    figure="MiB loaded",
    measure=measure,
    tasks=lambda system: system.tasks // 2,
    takes=lambda system: not system.is_variant,
    rounds=3,
    note="What processes share counts once (PSS); the servers are not counted.",
)
