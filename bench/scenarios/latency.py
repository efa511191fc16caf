"""How long a task waits for an idle worker."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence

from bench.figures import percentile
from bench.scenarios.base import Scenario
from bench.stand import Stand
from bench.work import Run, runs

#: Seconds of idleness before each task, by chance, so that no polling falls into step with us.
PAUSE = (0.05, 0.25)
WARM_UP = 5


def measure(stand: Stand, tasks: int) -> dict[str, float]:
    """Send one task after the other to workers that have nothing else to do."""
    chance = random.Random(1)
    stand.renew()
    sent: dict[int, int] = {}
    with stand.working():
        for number in range(WARM_UP + tasks):
            time.sleep(chance.uniform(*PAUSE))
            sent[number] = stand.driver.call("stamped", number)
            stand.wait_done(number + 1)
    return figures(sent, runs(stand.file)[WARM_UP:])


def figures(sent: Mapping[int, int], done: Sequence[Run]) -> dict[str, float]:
    """Return milliseconds from the call that sends to the start of the task."""
    waits = [(run.started - sent[run.number]) / 1000 for run in done]
    return {"ms p50": percentile(waits, 0.5), "ms p95": percentile(waits, 0.95), "ms most": max(waits)}


SCENARIO = Scenario(
    name="latency",
    title="Latency of an idle cluster",
    figure="ms p95",
    measure=measure,
    tasks=lambda _: 60,
    takes=lambda system: not system.is_variant,
    rounds=3,
    note="From the call that sends a task to its start in a worker, with idle time before each.",
)
