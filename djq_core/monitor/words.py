"""Times and durations for people."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400


def duration(seconds: float) -> str:
    """Return a duration in at most two units, such as ``3 min 20 s``."""
    whole = round(abs(seconds))
    if abs(seconds) < 10:
        return _("%(number)s s") % {"number": f"{abs(seconds):.1f}".removesuffix(".0")}
    if whole < _MINUTE:
        return _("%(number)s s") % {"number": whole}
    if whole < _HOUR:
        return _("%(minutes)s min %(seconds)s s") % {"minutes": whole // _MINUTE, "seconds": whole % _MINUTE}
    if whole < _DAY:
        return _("%(hours)s h %(minutes)s min") % {"hours": whole // _HOUR, "minutes": whole % _HOUR // _MINUTE}
    days = whole // _DAY
    return ngettext("%(days)s day", "%(days)s days", days) % {"days": days}


@dataclass(frozen=True, slots=True)
class Clock:
    """The present, in seconds since 1970, and the time zone of the reader."""

    zone: str = "UTC"
    now: float = field(default_factory=time.time)

    def moment(self, timestamp: float) -> str:
        """Return a time of day, with its date where that is not today's."""
        when, today = (datetime.fromtimestamp(each, ZoneInfo(self.zone)) for each in (timestamp, self.now))
        return f"{when:%H:%M:%S}" if when.date() == today.date() else f"{when:%Y-%m-%d %H:%M:%S}"

    def when(self, timestamp: float) -> str:
        """Return a time and how far it is, such as ``14:03:22, in 12 s``."""
        told = {"time": self.moment(timestamp), "duration": duration(timestamp - self.now)}
        return _("%(time)s, in %(duration)s") % told if timestamp > self.now else self._past(told)

    @staticmethod
    def _past(told: dict[str, str]) -> str:
        return _("%(time)s, %(duration)s ago") % told
