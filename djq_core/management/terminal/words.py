"""Numbers, times and foreign texts as they are shown in a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final
from unicodedata import category

from django.utils import timezone
from django.utils.translation import gettext as _

UNKNOWN: Final = "-"
_BARS: Final = "▁▂▃▄▅▆▇█"
_GAP: Final = "·"
_BLANK: Final = "Zs"
_MIB: Final = 1024 * 1024
_MINUTE: Final = 60
_HOUR: Final = 3600


def number(value: int | None) -> str:
    """Return a count; a hyphen for one that is not known."""
    return UNKNOWN if value is None else str(value)


def duration(seconds: float) -> str:
    """Return hours, minutes and seconds, as in ``0:01:15``."""
    whole = max(0, int(seconds))
    return f"{whole // _HOUR}:{whole % _HOUR // _MINUTE:02}:{whole % _MINUTE:02}"


def pace(per_second: float | None) -> str:
    """Return a rate in the unit in which it is at least one."""
    if per_second is None:
        return UNKNOWN
    if not per_second:
        return _("%(count)s/s") % {"count": 0}
    for unit, seconds in ((_("%(count)s/s"), 1), (_("%(count)s/min"), _MINUTE)):
        if per_second * seconds >= 1:
            return unit % {"count": _rounded(per_second * seconds)}
    return _("%(count)s/h") % {"count": _rounded(per_second * _HOUR)}


def mebibytes(size: int | None) -> str:
    """Return bytes in MiB."""
    return UNKNOWN if size is None else f"{size / _MIB:.1f}"


def moment(when: datetime, now: datetime | None = None) -> str:
    """Return a time in the site's zone: of today the time alone, else the date too."""
    now = now or timezone.now()
    local, today = _local(when), _local(now).date()
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"


def clean(text: str) -> str:
    """Return a text in which nothing can steer the terminal; blanks of any width, as before a French colon, stay."""
    return "".join(char if char.isprintable() or category(char) == _BLANK else "�" for char in text)


def clean_json(text: str) -> str:
    """Return JSON in which what could steer the terminal is escaped, as are halves of characters."""
    return "".join(char if char == "\n" or char.isprintable() else json.dumps(char)[1:-1] for char in text)


def sparkline(values: Sequence[float | None], width: int) -> str:
    """Draw values with one bar each, or the highest of several where there are more than ``width``; None is a gap."""
    bins = _binned(values, max(1, width))
    top = max((value for value in bins if value is not None), default=0.0) or 1.0
    return "".join(_GAP if value is None else _BARS[round(value / top * (len(_BARS) - 1))] for value in bins)


def _binned(values: Sequence[float | None], width: int) -> list[float | None]:
    count = min(width, len(values))
    edges = [len(values) * number // count for number in range(count + 1)] if count else []
    return [_highest(values[start:end]) for start, end in pairwise(edges)]


def _highest(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _rounded(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _local(when: datetime) -> datetime:
    return timezone.localtime(when) if timezone.is_aware(when) else when
