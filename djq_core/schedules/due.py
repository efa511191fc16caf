"""When the slot after this one is due: pure functions over aware moments (manual 1.8.4).

A slot is a ``datetime`` whose naive part is the wall time that the rule means. Where the clocks skip that time, the
slot keeps it all the same and is due as long after the jump; so the next day comes back to it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

import arrow

from djq_core import optional
from djq_core.phrases import Phrase

_SHIFTS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "D": {"days": 1},
        "W": {"weeks": 1},
        "M": {"months": 1},
        "Q": {"months": 3},
        "Y": {"years": 1},
    }
)
_CRON_FIELDS: Final = 5
#: How far back a cron expression is asked for its last time: most are soon found, and none is asked for all its times.
_LOOKING_BACK: Final = (timedelta(hours=1), timedelta(days=1), timedelta(days=366), timedelta(days=36_600))


@dataclass(frozen=True, slots=True)
class Rule:
    """What a schedule says of its times.

    ``minutes`` is the interval of the type Minutes, ``cron`` the expression of the type Cron, ``other`` gives the next
    slot of a type that a plugin has added.
    """

    kind: str
    zone: ZoneInfo
    minutes: int = 1
    cron: str = ""
    other: Callable[[datetime], datetime | None] | None = None

    def after(self, slot: datetime) -> datetime | None:
        """Return the slot after an aware one, in the wall time of the zone; None for a type that has only one.

        Raises ValueError for a cron expression that cannot be read, ImportError where croniter is not installed.
        """
        if self.kind == "O":
            return None
        if self._pace:
            return (_moment(slot) + self._pace).astimezone(self.zone)
        if self.kind == "C":
            return next_by_cron(self.cron, slot, self.zone)
        if self.kind in _SHIFTS:
            return _next_by_calendar(_SHIFTS[self.kind], slot, self.zone)
        if self.other is None:
            raise ValueError(Phrase("There is no schedule type {kind!r}.", kind=self.kind))
        return self.other(slot)

    def until(self, slot: datetime, now: datetime) -> Iterator[datetime]:
        """Yield this slot and those after it that are due by ``now``."""
        return takewhile(lambda each: _moment(each) <= now, self.slots(slot))

    def slots(self, slot: datetime) -> Iterator[datetime]:
        """Yield this slot and all that come after it."""
        following: datetime | None = slot
        while following is not None:
            yield following
            following = self.after(following)

    def latest(self, slot: datetime, now: datetime) -> datetime:
        """Return the last slot that is due by ``now``, without counting through all since ``slot``, which is."""
        if self._pace:
            passed = (now - slot) // self._pace
            return (_moment(slot) + passed * self._pace).astimezone(self.zone)
        for span in _LOOKING_BACK:
            since = max(slot, (now - span).astimezone(self.zone), key=_moment) if self.kind == "C" else slot
            found = deque(islice(self.until(since, now), since is not slot, None), maxlen=1)
            if found:
                break
        return found[0] if found else slot

    @property
    def _pace(self) -> timedelta | None:
        """The interval of the types that pass at one pace when the clocks change."""
        if self.kind == "I":
            return timedelta(minutes=max(1, self.minutes))
        return timedelta(hours=1) if self.kind == "H" else None


def _next_by_calendar(shift: Mapping[str, Any], slot: datetime, zone: ZoneInfo) -> datetime:
    """Return the same wall time on a later day; a day that the clocks skip as a whole has none of its own."""
    wall = slot if slot.tzinfo == zone else slot.astimezone(zone)
    following = wall
    while _moment(following) <= _moment(slot):
        following = arrow.get(following.replace(tzinfo=None)).shift(**shift).naive.replace(tzinfo=zone)
    return following


def _moment(slot: datetime) -> datetime:
    return slot.astimezone(UTC)


# Cron


def check_cron(expression: str) -> None:
    """Raise ValueError that says what is wrong with a cron expression, ImportError where croniter is missing."""
    fields = expression.split()
    if fields and not expression.startswith("@") and len(fields) != _CRON_FIELDS:
        raise ValueError(
            Phrase(
                "The cron expression {expression!r} needs 5 fields, not {count}: minute, hour, day, month, weekday.",
                expression=expression,
                count=len(fields),
            )
        )
    times = _croniter(expression, datetime.now(UTC))
    try:
        times.get_next(datetime)
    except ValueError as error:
        raise ValueError(
            Phrase(
                "The cron expression {expression!r} never comes to a time: {error}.", expression=expression, error=error
            )
        ) from error


def next_by_cron(expression: str, slot: datetime, zone: ZoneInfo) -> datetime:
    """Return the time after ``slot``: croniter's, but an hour that comes twice counts once, unless any hour is meant.

    What falls into an hour that the clocks skip is due when they have jumped.
    """
    times = _croniter(expression, slot.astimezone(zone))
    any_hour = times.expressions[1].startswith("*")
    following: datetime = times.get_next(datetime)
    while following.fold and not any_hour:
        following = times.get_next(datetime)
    return following


def _croniter(expression: str, start: datetime) -> Any:
    if not expression.strip():
        raise ValueError(
            Phrase("The schedule type Cron needs an expression: minute, hour, day, month, weekday, as in 0 22 * * 1-5.")
        )
    try:
        return optional.croniter().croniter(expression, start)
    except (ValueError, KeyError, AttributeError) as error:
        if expression.startswith("@"):
            raise ValueError(
                Phrase(
                    "{expression!r} is no cron expression: there are @hourly, @daily, @weekly, @monthly and @yearly.",
                    expression=expression,
                )
            ) from error
        told = str(error).rstrip(".")
        raise ValueError(
            Phrase("The cron expression {expression!r} cannot be read: {error}.", expression=expression, error=told)
        ) from error
