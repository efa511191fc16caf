"""What can be done on the dashboard: pause a schedule, let it run again, put a failed task back on the queue."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.utils.translation import gettext as _

from djq_core.dashboard.access import Access, page_of
from djq_core.models import Failure, Schedule
from djq_core.tasks.pausing import pause, resume
from djq_core.tasks.resubmit import resubmit

if TYPE_CHECKING:
    from django.http import HttpRequest

logger = logging.getLogger("djq")

_Row = TypeVar("_Row", bound=Model)
#: The most digits of a number that a database holds.
_MOST_REPEATS: Final = 2**31 - 1


def act(site: AdminSite, request: HttpRequest, access: Access) -> None:
    """Do what the pressed button asks for and leave a message; raises PermissionDenied.

    The button's name is the action, its value the key of the row.
    """
    actions: dict[str, tuple[bool, Callable[[AdminSite, HttpRequest, str], None]]] = {
        "pause": (access.may_pause, _pause),
        "resume": (access.may_pause, _resume),
        "resubmit": (access.may_resubmit, _resubmit),
    }
    for name, (is_allowed, action) in actions.items():
        if name in request.POST:
            if not is_allowed:
                raise PermissionDenied
            action(site, request, request.POST[name])
            return
    messages.warning(request, _("Nothing was done: no button was pressed."))


def _pause(site: AdminSite, request: HttpRequest, key: str) -> None:
    schedule = _changeable(site, request, Schedule, key)
    if schedule is None:
        return
    before = schedule.repeats
    if not pause(schedule):
        messages.info(request, _("“%(name)s” was paused already.") % {"name": schedule})
        return
    _log(site, request, schedule)
    told = (
        _("“%(name)s” is paused. It was to run for ever.")
        if before < 0
        else _("“%(name)s” is paused. It was to run %(count)d more times.")
    )
    messages.success(request, told % {"name": schedule, "count": before})


def _resume(site: AdminSite, request: HttpRequest, key: str) -> None:
    schedule = _changeable(site, request, Schedule, key)
    if schedule is None:
        return
    try:
        is_resumed = resume(schedule, _repeats(request.POST.get(f"repeats-{key}", "-1")))
    except (ValueError, ImportError) as error:
        told = _("“%(name)s” was not resumed: %(error)s")
        messages.error(request, told % {"name": schedule, "error": error})
        return
    if not is_resumed:
        messages.info(request, _("“%(name)s” was not paused.") % {"name": schedule})
        return
    _log(site, request, schedule)
    messages.success(request, _("“%(name)s” runs again.") % {"name": schedule})


def _repeats(text: str) -> int:
    try:
        repeats = int(text)
    except ValueError as error:
        raise ValueError(_("“%(text)s” is no number of runs.") % {"text": text}) from error
    if not -_MOST_REPEATS <= repeats <= _MOST_REPEATS or not repeats:
        raise ValueError(_("It takes -1, for ever, or a number of runs."))
    return repeats


def _resubmit(site: AdminSite, request: HttpRequest, key: str) -> None:
    task = _changeable(site, request, Failure, key)
    if task is None:
        return
    name = str(task)
    try:
        resubmit(task)
    except Exception as error:  # a plugin may refuse it, the broker may be away
        logger.warning("Task %s was not put back on the queue", key, exc_info=True)
        told = _("“%(name)s” was not put back on the queue: %(error)s")
        messages.error(request, told % {"name": name, "error": error})
        return
    messages.success(request, _("“%(name)s” was put back on the queue.") % {"name": name})


def _changeable(site: AdminSite, request: HttpRequest, model: type[_Row], key: str) -> _Row | None:
    """Return the row that this person may change; None, with a message, where it is gone."""
    page = page_of(site, model)
    try:
        row = page.get_queryset(request).filter(pk=key).first() if page else None
    except ValueError:  # no key of this table
        row = None
    if row is None:
        messages.warning(request, _("It is no longer there."))
        return None
    if page is None or not page.has_change_permission(request, row):
        raise PermissionDenied
    found: Any = row
    return found  # type: ignore[no-any-return]


def _log(site: AdminSite, request: HttpRequest, schedule: Schedule) -> None:
    if page := page_of(site, Schedule):
        page.log_change(request, schedule, [{"changed": {"fields": ["repeats"]}}])
