"""Numbers and times as people read them, in their language."""

from __future__ import annotations

from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _

#: What stands for a number that nobody knows.
UNKNOWN: Final = "\u2013"
_MINUTE: Final = 60
_HOUR: Final = 3600
_FEW: Final = 10
_WHOLE: Final = 100


def number(value: float | None) -> str:
    """Return a number with as many decimals as tell something."""
    if value is None:
        return UNKNOWN
    rounded = round(value, 1)
    decimals = 0 if rounded >= _FEW or rounded == int(rounded) else 1
    return str(number_format(round(value, decimals), decimals, force_grouping=True))


def duration(seconds: float | None) -> str:
    """Return seconds in the unit that fits: milliseconds to hours."""
    if seconds is None:
        return UNKNOWN
    if seconds < 1:
        return _("%(count)s ms") % {"count": number(seconds * 1000)}
    if seconds < _WHOLE:
        return _("%(count)s s") % {"count": number(seconds)}
    if seconds < _HOUR:
        return _("%(count)s min") % {"count": number(seconds / _MINUTE)}
    return _("%(count)s h") % {"count": number(seconds / _HOUR)}


def clock(seconds: float | None) -> str:
    """Return seconds as ``0:01:15``, the manual's way (1.10)."""
    if seconds is None:
        return UNKNOWN
    minutes, rest = divmod(int(seconds), _MINUTE)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
