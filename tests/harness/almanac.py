"""When schedules are due, found without our code, arrow or croniter: by walking through the minutes of a wall clock."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_MINUTE = timedelta(minutes=1)
_MONTHS = {"M": 1, "Q": 3, "Y": 12}


@dataclass(frozen=True)
class Cron:
    """A cron expression as what it means: these minutes of these hours, None for every hour, on these weekdays."""

    expression: str
    minutes: frozenset[int]
    hours: frozenset[int] | None = None
    weekdays: frozenset[int] = frozenset(range(7))

    def meets(self, wall: datetime) -> bool:
        """Does it mean this minute of the wall clock?"""
        return (
            wall.minute in self.minutes
            and (self.hours is None or wall.hour in self.hours)
            and wall.weekday() in self.weekdays
        )


def due(
    kind: str, first: datetime, until: datetime, zone: ZoneInfo, *, minutes: int = 1, cron: Cron | None = None
) -> list[datetime]:
    """Return every moment from ``first`` on, in UTC, up to ``until``."""
    if kind == "O":
        return [first]
    if cron is not None:
        return [first, *(moment for moment in _by_cron(cron, first, until, zone) if moment > first)]
    step = timedelta(minutes=minutes) if kind == "I" else timedelta(hours=1)
    found = _by_pace(first, step, until) if kind in "IH" else _by_calendar(kind, first, until, zone)
    return list(found)


def _by_pace(first: datetime, step: timedelta, until: datetime) -> Iterator[datetime]:
    while first <= until:
        yield first
        first += step


def _by_calendar(kind: str, first: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    wall = first.astimezone(zone).replace(tzinfo=None)
    moment = first
    while moment <= until:
        yield moment
        wall = datetime.combine(_later(kind, wall.date()), wall.time())
        moment = wall.replace(tzinfo=zone).astimezone(UTC)


def _later(kind: str, day: date) -> date:
    if kind in "DW":
        return day + timedelta(days=1 if kind == "D" else 7)
    months = day.year * 12 + day.month - 1 + _MONTHS[kind]
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _by_cron(cron: Cron, first: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Walk through the minutes: a fixed hour counts when the wall clock first shows it, or has just jumped over it."""
    moment = first.replace(second=0, microsecond=0)
    highest = moment.astimezone(zone).replace(tzinfo=None)
    while (moment := moment + _MINUTE) <= until:
        wall = moment.astimezone(zone).replace(tzinfo=None)
        if cron.hours is None:
            is_due = cron.meets(wall)
        else:
            passed = range(1, int((wall - highest) / _MINUTE) + 1)
            is_due = any(cron.meets(highest + count * _MINUTE) for count in passed)
            highest = max(highest, wall)
        if is_due:
            yield moment
