"""Filters of the dashboard's templates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from djq_core.conf import Conf
from djq_core.dashboard import texts

_DAY: Final = 86_400
_TWO_DAYS: Final = 2 * _DAY

register = template.Library()
register.filter("number", texts.number)
register.filter("duration", texts.duration)
register.filter("clock", texts.clock)

_NAMES = {
    Conf.STARTING: gettext_lazy("Starting"),
    Conf.WORKING: gettext_lazy("Working"),
    Conf.IDLE: gettext_lazy("Idle"),
    Conf.STOPPING: gettext_lazy("Stopping"),
    Conf.STOPPED: gettext_lazy("Stopped"),
    "loaded": gettext_lazy("loaded"),
    "broken": gettext_lazy("broken"),
    "disabled": gettext_lazy("disabled"),
}


@register.filter
def named(status: str) -> str:
    """Return the status of a cluster or a plugin in the reader's language."""
    return str(_NAMES.get(status, status))


@register.filter
def moment(timestamp: float) -> datetime:
    """Return seconds since 1970 as a date of the reader's time zone."""
    when = datetime.fromtimestamp(timestamp, UTC)
    return timezone.localtime(when) if timezone.is_aware(timezone.now()) else timezone.make_naive(when)


@register.filter
def until(when: datetime) -> str:
    """Say in how much time something is due, or for how long it has been."""
    seconds = (when - timezone.now()).total_seconds()
    if abs(seconds) < 1:
        return _("now")
    if seconds > 0:
        return _("in %(time)s") % {"time": _roughly(seconds)}
    return _("%(time)s ago") % {"time": _roughly(-seconds)}


def _roughly(seconds: float) -> str:
    if seconds < _TWO_DAYS:
        return texts.duration(round(seconds))
    return _("%(count)s days") % {"count": texts.number(round(seconds / _DAY))}
