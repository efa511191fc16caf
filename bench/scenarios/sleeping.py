"""Whether workers are kept busy with tasks of 5 ms and of 50 ms."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.scenarios.base import Scenario
from bench.stand import Stand
from bench.systems.base import WORKERS
from bench.work import Run, runs

#: The share of the tasks that warms a system up.
WARM_UP = 0.1


def measuring(milliseconds: float) -> Callable[[Stand, int], dict[str, float]]:
    """Return the measure for tasks that sleep so long."""

    def measure(stand: Stand, tasks: int) -> dict[str, float]:
        stand.renew()
        stand.fill(tasks, milliseconds)
        with stand.working():
            stand.wait_done(tasks)
            stand.wait_agreed(tasks)
        return {"busy %": utilisation(runs(stand.file)) * 100}

    return measure


def utilisation(done: Sequence[Run]) -> float:
    """Return the share of the workers' time that went into tasks, once the warm-up was over."""
    starts = sorted(run.started for run in done)
    begin, end = starts[int(len(starts) * WARM_UP)], max(run.ended for run in done)
    busy = sum(max(0, run.ended - max(run.started, begin)) for run in done)
    return busy / (WORKERS * (end - begin))


def _scenario(milliseconds: int, tasks: int) -> Scenario:
    return Scenario(
        name=f"sleep{milliseconds}",
        title=f"Tasks that sleep {milliseconds} ms",
        figure="busy %",
        measure=measuring(milliseconds),
        tasks=lambda _: tasks,
        takes=lambda system: not system.is_variant,
        rounds=3,
        note="The share of the time of both workers that went into tasks.",
    )


FIVE, FIFTY = _scenario(5, 1000), _scenario(50, 200)
