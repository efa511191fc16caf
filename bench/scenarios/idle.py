"""What a system costs while there is nothing to do."""

from __future__ import annotations

import time

from bench.scenarios.base import Scenario
from bench.servers import is_postgresql
from bench.stand import Stand

#: Seconds until a system has come to rest, and for which it is watched then.
SETTLE, WATCHED = 5.0, 20.0


def measure(stand: Stand, tasks: int) -> dict[str, float]:
    """Run a few tasks, let the system come to rest, and watch it."""
    stand.renew()
    is_counted = is_postgresql(stand.place)
    if is_counted:
        stand.log_queries()
    with stand.working():
        stand.fill(tasks)
        stand.wait_done(tasks)
        time.sleep(SETTLE)
        began = stand.cpu_seconds(), stand.server_seconds(), stand.queries() if is_counted else 0
        time.sleep(WATCHED)
        ended = stand.cpu_seconds(), stand.server_seconds(), stand.queries() if is_counted else 0
    cpu, servers, queries = (after - before for before, after in zip(began, ended, strict=True))
    found = {"% of a core": cpu / WATCHED * 100, "% of a core, servers": servers / WATCHED * 100}
    return found | ({"queries/5 s": queries / WATCHED * 5} if is_counted else {})


SCENARIO = Scenario(
    name="idle",
    title="The cost of idleness",
    figure="% of a core",
    measure=measure,
    tasks=lambda _: 10,
    takes=lambda system: not system.is_variant,
    rounds=1,
    note="Over twenty seconds; the queries are those that PostgreSQL has logged for the system's database.",
)
