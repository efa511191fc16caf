"""The wall clock of every zone of the system, as the C library shows it, against the rules over both changes."""

from __future__ import annotations

import os
import time
import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from pathlib import Path

import pytest

from djq_core.schedules.due import Rule

MINUTE = 60
HOUR = 3600
AROUND = 26 * HOUR
#: Zones that have done what no zone does this year: skipped a day, moved by half an hour, changed in the winter.
ODD = {"Pacific/Apia": 2011, "Pacific/Kwajalein": 1993, "Australia/Lord_Howe": 2026, "Africa/Casablanca": 2026}
SHARES = 8


def file_of(name: str) -> bytes:
    """Return what the system's file of a zone holds; zones of two names with the same rules have the same."""
    found = (Path(folder, name) for folder in zoneinfo.TZPATH)
    return next((file.read_bytes() for file in found if file.is_file()), name.encode())


NAMES = sorted(zoneinfo.available_timezones())
ZONES = sorted({*((name, 2026) for name in {file_of(name): name for name in NAMES}.values()), *ODD.items()})


@pytest.fixture
def c_library() -> Iterator[Callable[[str], None]]:
    """Give a way to set the zone of the C library, for this test."""
    if not hasattr(time, "tzset") or not zoneinfo.TZPATH:
        pytest.skip("The C library has no zones of its own here.")
    before = os.environ.get("TZ")

    def use(name: str) -> None:
        os.environ["TZ"] = f":{name}"
        time.tzset()

    yield use
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


def changes(year: int) -> list[int]:
    """Return the timestamps after which the C library's clock has another offset."""
    first, last = (int(datetime(each, 1, 1, tzinfo=UTC).timestamp()) for each in (year, year + 1))
    hours = [(at, time.localtime(at).tm_gmtoff) for at in range(first, last, 6 * HOUR)]
    return [at for (at, before), (_, after) in pairwise(hours) if before != after]


class Window:
    """The minutes around a change: each moment with the wall time shown, and the offset."""

    def __init__(self, change: int) -> None:
        self.minutes = range(change - AROUND, change + AROUND + 6 * HOUR, MINUTE)
        shown = [time.localtime(at) for at in self.minutes]
        self.walls = [datetime(*each[:5]) for each in shown]  # noqa: DTZ001 - what a wall clock shows
        self.offsets = [each.tm_gmtoff for each in shown]

    def steps(self) -> Iterator[tuple[int, datetime, datetime, int]]:
        """Yield each moment at which the clock shows what it has never shown: the wall time before and at it."""
        highest, offset = self.walls[0], self.offsets[0]
        for at, wall, after in zip(self.minutes, self.walls, self.offsets, strict=True):
            if wall > highest:
                yield at, highest, wall, offset
                highest = wall
            offset = after

    @property
    def turning(self) -> datetime:
        """A wall time that is skipped, or shown twice: half an hour, or half the jump, into it."""
        for number, (before, after) in enumerate(pairwise(self.offsets)):
            if before != after:
                jump = timedelta(seconds=abs(after - before))
                start = min(self.walls[number] + timedelta(seconds=MINUTE), self.walls[number + 1])
                return start + min(jump / 2, timedelta(minutes=30))
        raise AssertionError("there is a change in every window")


def daily(window: Window, wall: datetime) -> list[int]:
    """Return when the clock first shows this time of each day; of a skipped one, as long after the jump."""
    found = []
    for at, before, shown, offset in window.steps():
        each = before + timedelta(seconds=MINUTE)
        while each <= shown:
            if each.time() == wall.time():
                late = 0 if each == shown else int(each.replace(tzinfo=UTC).timestamp()) - offset - at
                found.append(at + late)
            each += timedelta(seconds=MINUTE)
    return sorted(set(found))


def fixed_cron(window: Window, wall: datetime) -> list[int]:
    """Return when the clock first shows this time of each day, or has just jumped over it."""
    times = {wall.time(), (wall + timedelta(minutes=10)).time()}
    found = []
    for at, before, shown, _ in window.steps():
        passed = (
            before + timedelta(seconds=MINUTE * n) for n in range(1, int((shown - before).total_seconds()) // 60 + 1)
        )
        if any(each.time() in times for each in passed):
            found.append(at)
    return found


def any_hour_cron(window: Window) -> list[int]:
    """Return when the clock shows a full or half hour, every time it does."""
    return [at for at, wall in zip(window.minutes, window.walls, strict=True) if wall.minute in (0, 30)]


def by_rule(rule: Rule, first: int, window: Window) -> list[int]:
    start = datetime.fromtimestamp(first, rule.zone)
    moments = (int(slot.timestamp()) for slot in rule.slots(start))
    return list(takewhile(lambda at: at <= window.minutes[-1], moments))


@pytest.mark.parametrize("share", range(SHARES))
def test_every_zone_keeps_its_wall_time_over_every_change(share: int, c_library: Callable[[str], None]) -> None:
    pytest.importorskip("croniter")
    wrong: list[str] = []
    for name, year in ZONES[share::SHARES]:
        c_library(name)
        for change in changes(year):
            window = Window(change)
            wall = window.turning
            hours = ",".join(map(str, sorted({wall.hour, (wall + timedelta(minutes=10)).hour})))
            minutes = f"{wall.minute},{(wall + timedelta(minutes=10)).minute}"
            zone = zoneinfo.ZoneInfo(name)
            cases = {
                "daily": (Rule("D", zone), daily(window, wall)),
                "every half hour": (Rule("C", zone, cron="0,30 * * * *"), any_hour_cron(window)),
            }
            if "," not in hours:
                cases["fixed"] = (Rule("C", zone, cron=f"{minutes} {hours} * * *"), fixed_cron(window, wall))
            for what, (rule, expected) in cases.items():
                found = by_rule(rule, expected[0], window)
                if found != expected:
                    odd = [datetime.fromtimestamp(at, zone).isoformat() for at in {*found} ^ {*expected}]
                    wrong.append(f"{name} {year} {what} {wall}: {sorted(odd)}")
    assert wrong == []


def test_all_zones_of_the_system_are_among_them() -> None:
    assert len(NAMES) > 300
    assert {file_of(name) for name in NAMES} == {file_of(name) for name, _ in ZONES}
