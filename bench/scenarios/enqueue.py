"""How long a caller waits to send one task, and to send many at once."""

from __future__ import annotations

from bench.scenarios.base import Scenario
from bench.stand import Stand

#: So many tasks are sent in bulk for each that is sent alone, five hundred at a time.
TIMES = 5


def measure(stand: Stand, tasks: int) -> dict[str, float]:
    """Send from one process, into an empty queue that nobody reads."""
    stand.renew()
    stand.driver.call("one_by_one", tasks // 10)
    seconds, cpu = stand.driver.call("one_by_one", tasks)
    found = {"single/s": tasks / seconds, "µs CPU/single": cpu / tasks * 1e6}
    if not stand.driver.call("has_bulk"):
        return found
    seconds_of_bulk, cpu = stand.driver.call("in_bulk", tasks * TIMES)
    rate = tasks * TIMES / seconds_of_bulk
    return found | {
        "bulk/s": rate,
        "µs CPU/bulk": cpu / (tasks * TIMES) * 1e6,
        "bulk/single": rate / found["single/s"],
    }


SCENARIO = Scenario(
    name="enqueue",
    title="Sending tasks, one by one and in bulk",
    figure="single/s",
    measure=measure,
    tasks=lambda _: 2000,
    takes=lambda system: not system.is_variant,
    rounds=5,
    note="One process sends; nobody reads. Bulk is five hundred a call, where the library has such a call.",
)
