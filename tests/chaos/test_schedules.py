"""R14: several clusters, schedules of all types, simulated days over both changes of the clocks, kills."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.chaos import record
from tests.chaos.sizes import DATABASES, EVERYWHERE, short_and_full
from tests.harness.almanac import Cron, due
from tests.harness.fixtures import POSTGRESQL, REDIS_LIST, REDIS_RECEIPTS, SQLITE, MakeSite
from tests.harness.oracle import START
from tests.harness.simulated import Simulation, simulate
from tests.harness.waiting import wait_until

CLUSTERS = 4
ZONE = "Europe/Athens"
SPRING, AUTUMN = "2026-03-27", "2026-10-23"
CRONS = (
    Cron("*/20 * * * *", frozenset({0, 20, 40})),
    Cron("30 3 * * *", frozenset({30}), frozenset({3})),
    Cron("15,45 2-4 * * 0,6", frozenset({15, 45}), frozenset({2, 3, 4}), frozenset({5, 6})),
)
KINDS = "OIHDWMQYC"
POLICIES = ("all", "latest", "skip", "")


def _schedules(rng: random.Random, start: datetime, count: int) -> list[dict[str, Any]]:
    """Return rows of all types and policies that begin within a day of the start."""
    rows = []
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        rows.append(
            {
                "name": f"{kind}-{number}",
                "schedule_type": kind,
                "minutes": rng.choice((7, 45, 90)) if kind == "I" else None,
                "cron": CRONS[number // len(KINDS) % len(CRONS)].expression if kind == "C" else None,
                "misfire_policy": POLICIES[number // len(KINDS) % len(POLICIES)],
                "next_run": (start + timedelta(minutes=rng.randrange(1440))).isoformat(),
            }
        )
    return rows


def _moments(rng: random.Random, start: datetime, days: int) -> Iterator[datetime]:
    """Yield what the clock is set to: some hours further each time, now and then an hour back and forth."""
    moment, end = start, start + timedelta(days=days)
    while moment < end:
        moment += timedelta(minutes=rng.randrange(30, 480))
        yield moment
        if rng.random() < 0.3:
            yield moment + timedelta(hours=rng.choice((-1, 1)))
            yield moment


def _expected(row: dict[str, Any], moments: list[datetime]) -> Counter[str]:
    """Return the slots of a row that are to run, by what the clock was set to."""
    cron = next((each for each in CRONS if each.expression == row["cron"]), None)
    first = datetime.fromisoformat(row["next_run"])
    slots = due(row["schedule_type"], first, max(moments), ZoneInfo(ZONE), minutes=row["minutes"] or 1, cron=cron)
    ran: list[datetime] = []
    for moment in moments:
        new = [slot for slot in slots if slot <= moment]
        slots = slots[len(new) :]
        if row["misfire_policy"] == "skip":
            new = [slot for slot in new[-1:] if moment - slot <= timedelta(minutes=1)]
        ran.extend(new[-1:] if row["misfire_policy"] == "latest" else new)
    return Counter(f"{row['name']} {slot.isoformat()}" for slot in ran)


def _run(simulation: Simulation, rng: random.Random, moments: list[datetime], kills: int) -> None:
    """Let the clock go its way and kill schedulers on it."""
    deadly = set(rng.sample(range(1, len(moments)), min(kills, len(moments) - 1)))
    for number, moment in enumerate(moments):
        if number in deadly:
            simulation.kill(rng.randrange(CLUSTERS))
        simulation.reach(moment)


@pytest.mark.parametrize("start", [SPRING, AUTUMN])
@short_and_full(
    "count, days, kills", (24, 3, 3), (200, 14, 20), seconds=1_200, vendors=EVERYWHERE, short_on=(SQLITE, POSTGRESQL)
)
def test_r14_each_due_slot_runs_exactly_once(
    make_site: MakeSite, rng: random.Random, vendor: str, count: int, days: int, kills: int, start: str
) -> None:
    """Where the queue is not in the database, a kill between sending and committing is a test of its own, below."""
    is_joined = vendor in DATABASES
    pytest.importorskip("croniter")
    site = make_site(vendor, q_cluster={"time_zone": ZONE})
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC)
    rows = _schedules(rng, begin, count)
    site.call("add_schedule_rows", rows)
    moments = list(_moments(rng, begin, days))
    points = ["scheduler.after_commit:kill", *(["scheduler.before_commit:kill"] if is_joined else [])]
    with simulate(site.folder, {**site.env, **site.fault(",".join(points), kills)}, CLUSTERS) as simulation:
        _run(simulation, rng, moments, kills if is_joined else 0)
        assert simulation.deaths >= kills, "the schedulers were killed"
    expected = sum((_expected(row, moments) for row in rows), Counter[str]())
    ran = Counter(site.call("slots_that_ran", seconds=120.0))
    sys.stdout.write(f"{sum(ran.values())} slots, {simulation.deaths} kills\n")
    record.note(slots=sum(ran.values()), deaths=simulation.deaths)
    assert ran == expected
    assert expected


@short_and_full(
    "count, kills", (12, 3), (400, 10), seconds=300, vendors=(REDIS_RECEIPTS, REDIS_LIST), short_on=(REDIS_RECEIPTS,)
)
def test_a_kill_between_sending_and_committing_repeats_a_task_under_its_id(
    make_site: MakeSite, vendor: str, count: int, kills: int
) -> None:
    site = make_site(vendor)
    site.call("add_schedules", count, 0.0, schedule_type="D", kwargs=f"seconds={8 / count}")
    with site.cluster(env=site.fault("scheduler.before_commit:kill", kills)) as cluster:
        wait_until(lambda: site.call("due_schedules") == 0, 120, "every slot is sent and noted", 0.1)
        wait_until(lambda: site.call("sizes") == [0, 0], 60, "every task is answered", 0.1)
        site.wait_counts(count)
        assert len(cluster.log.deaths()) == kills
        assert cluster.stop() == 0
    starts = site.oracle.count(START)
    sys.stdout.write(f"{count} slots, {starts.total()} starts, {kills} kills\n")
    record.note(slots=len(starts), starts=starts.total(), kills=kills)
    assert len(starts) == count, "each slot ran, at least once"
    assert starts.total() > count, "the kills were where a task is sent and not noted"
    assert {row["id"] for row in site.call("rows")} == {row["task"] for row in site.call("schedule_rows")}
