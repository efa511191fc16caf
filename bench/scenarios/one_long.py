"""Whether short tasks wait behind a long one while a worker is free."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from bench.scenarios.base import Scenario
from bench.stand import Stand
from bench.work import Run, runs

#: Milliseconds.
LONG, SHORT = 10_000.0, 5.0


def measure(stand: Stand, tasks: int) -> dict[str, float]:
    """Queue one long task and many short ones behind it."""
    stand.renew()
    stand.fill(1, LONG)
    stand.fill(tasks, SHORT, first=1)
    with stand.working():
        stand.wait_done(tasks + 1)
    return figures(runs(stand.file))


def figures(done: Sequence[Run]) -> dict[str, float]:
    """Return the longest time in which no short one was started, and how long all of them took, in seconds."""
    short = sorted((run for run in done if run.number), key=lambda run: run.started)
    pauses = [after.started - before.ended for before, after in pairwise(short)]
    behind = sum(run.started > other.ended for run in short for other in done if not other.number)
    return {
        "longest pause s": max(pauses) / 1e6,
        "s for the short": (max(run.ended for run in short) - short[0].started) / 1e6,
        "after the long": behind,
    }


SCENARIO = Scenario(
    name="long",
    title="One task of 10 s among 1,000 short ones",
    figure="longest pause s",
    measure=measure,
    tasks=lambda _: 1000,
    takes=lambda system: not system.is_variant,
    rounds=1,
    note="The short ones sleep 5 ms; with one worker for them they take five seconds at least.",
)
