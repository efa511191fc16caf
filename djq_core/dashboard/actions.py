"""What can be done on the dashboard: pause a schedule, let it run again, put a failed task back on the queue."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db import router
from django.db.models import Model
from django.utils.translation import gettext as _

from djq_core.dashboard.access import Access, page_of
from djq_core.models import Failure, Schedule
from djq_core.phrases import in_words
from djq_core.tasks.resubmit import resubmit
from djq_core.tasks.steering import pause, resume

if TYPE_CHECKING:
    from django.http import HttpRequest

logger = logging.getLogger("djq")

_Row = TypeVar("_Row", bound=Model)


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
    if not pause(Schedule.objects.using(router.db_for_write(Schedule)).filter(pk=schedule.pk)):
        messages.info(request, _("“%(name)s” was paused already.") % {"name": schedule})
        return
    _log(site, request, schedule)
    messages.success(request, _("“%(name)s” is paused.") % {"name": schedule})


def _resume(site: AdminSite, request: HttpRequest, key: str) -> None:
    schedule = _changeable(site, request, Schedule, key)
    if schedule is None:
        return
    try:
        is_resumed = resume(schedule)
    except Exception as error:  # a rule that cannot be read, a type of a plugin
        logger.warning("Schedule %s was not resumed", key, exc_info=True)
        text = _("“%(name)s” was not resumed: %(error)s")
        messages.error(request, text % {"name": schedule, "error": in_words(error)})
        return
    if not is_resumed:
        messages.info(request, _("“%(name)s” was not paused.") % {"name": schedule})
        return
    _log(site, request, schedule)
    messages.success(request, _("“%(name)s” runs again.") % {"name": schedule})


def _resubmit(site: AdminSite, request: HttpRequest, key: str) -> None:
    task = _changeable(site, request, Failure, key)
    if task is None:
        return
    name = str(task)
    try:
        resubmit(task)
    except Exception as error:  # a plugin may refuse it, the broker may be away
        logger.warning("Task %s was not put back on the queue", key, exc_info=True)
        text = _("“%(name)s” was not put back on the queue: %(error)s")
        messages.error(request, text % {"name": name, "error": in_words(error)})
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
