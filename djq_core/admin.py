"""The admin pages of tasks and schedules (manual 1.11).

Lists read no stored value: arguments and results are left in the database and are deserialized on a task's own page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from djq_core.cluster.runs import Q_OPTIONS
from djq_core.dashboard import Dashboard, DashboardAdmin
from djq_core.enqueue.options import check_function
from djq_core.models import Failure, Schedule, Success, Task
from djq_core.schedules.literals import read_kwargs
from djq_core.tasks.resubmit import resubmit
from djq_core.tasks.scheduling import check_q_options

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    _ModelAdmin = admin.ModelAdmin[Any]
    _ModelForm = forms.ModelForm[Schedule]
else:
    _ModelAdmin = admin.ModelAdmin
    _ModelForm = forms.ModelForm

logger = logging.getLogger("djq")

_VALUES = ("args", "kwargs", "result")
_MOST_SHOWN = 20_000
_MOST_LISTED = 200


def shown(value: object, most: int = _MOST_SHOWN) -> SafeString:
    """Return a stored value as text, escaped whatever it claims to be; a value that cannot be printed says so."""
    try:
        text = str(value)
    except Exception as error:  # the site's own classes
        text = f"<{type(value).__name__}: {type(error).__name__} when printed>"
    return escape(text if len(text) <= most else f"{text[:most]}…")


class TaskAdmin(_ModelAdmin):
    """The tasks that succeeded; the base of what is shown of failed ones."""

    list_display: Any = ("name", "func", "started", "stopped", "time_taken", "group")
    list_filter: ClassVar[Any] = ("group",)
    search_fields: ClassVar[Any] = ("name", "func", "group")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds a result by hand."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave the stored values in the database until they are looked at."""
        listed = {name.removeprefix("listed_") for name in self.get_list_display(request) if isinstance(name, str)}
        return super().get_queryset(request).defer(*(name for name in _VALUES if name not in listed))

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Show stored values that a site has added to the list escaped and shortened."""
        return [f"listed_{name}" if name in _VALUES else name for name in super().get_list_display(request)]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Show every field; stored values through their own columns."""
        return [f"shown_{field.name}" if field.name in _VALUES else field.name for field in Task._meta.local_fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Change nothing."""
        return self.get_fields(request, obj)

    @admin.display(description=_("arguments"))
    def shown_args(self, task: Task) -> str:
        """Show the positional arguments."""
        return _block(task.args)

    @admin.display(description=_("keyword arguments"))
    def shown_kwargs(self, task: Task) -> str:
        """Show the keyword arguments."""
        return _block(task.kwargs)

    @admin.display(description=_("result"))
    def shown_result(self, task: Task) -> str:
        """Show the result, of a failed task the error."""
        return _block(task.result)

    @admin.display(description=_("arguments"))
    def listed_args(self, task: Task) -> str:
        """Show the positional arguments in a list."""
        return shown(task.args, _MOST_LISTED)

    @admin.display(description=_("keyword arguments"))
    def listed_kwargs(self, task: Task) -> str:
        """Show the keyword arguments in a list."""
        return shown(task.kwargs, _MOST_LISTED)

    @admin.display(description=_("result"))
    def listed_result(self, task: Task) -> str:
        """Show the result in a list."""
        return shown(task.result, _MOST_LISTED)


class FailAdmin(TaskAdmin):
    """The tasks that failed, and the action that puts them back on the queue."""

    list_display: Any = ("name", "func", "started", "stopped", "attempt_count", "group")
    actions: Any = ("resubmit_tasks",)

    @admin.action(description=_("Resubmit selected tasks to the queue"), permissions=["change"])
    def resubmit_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Send each selected task again and delete its failure."""
        sent = sum(self._resubmit(request, task) for task in queryset)
        text = ngettext("%d task was put back on the queue.", "%d tasks were put back on the queue.", sent)
        self.message_user(request, text % sent, messages.SUCCESS if sent else messages.WARNING)

    def _resubmit(self, request: HttpRequest, task: Task) -> bool:
        task_id, name = task.pk, task.name
        try:
            resubmit(task)
        except Exception as error:  # a plugin may refuse it, the broker may be away: the others go on
            logger.warning("Task %s was not put back on the queue", task_id, exc_info=True)
            text = _("%(task)s was not put back on the queue: %(error)s")
            self.message_user(request, text % {"task": name, "error": error}, messages.ERROR)
            return False
        return True


class ScheduleForm(_ModelForm):
    """Refuses what ``schedule()`` refuses, beside what the model does itself."""

    def clean_func(self) -> str | None:
        """Refuse what is no dotted path."""
        return self._checked("func", lambda path: check_function(path, "function"))

    def clean_hook(self) -> str | None:
        """Refuse what is no dotted path."""
        return self._checked("hook", lambda path: check_function(path, "hook"))

    def clean_kwargs(self) -> str | None:
        """Refuse options that cannot be meant."""
        return self._checked("kwargs", _check_options_in)

    def _checked(self, field: str, check: Callable[[str | None], object]) -> str | None:
        text: str | None = self.cleaned_data[field]
        try:
            check(text)
        except (TypeError, ValueError) as error:
            raise ValidationError(str(error)) from error
        return text


def _check_options_in(kwargs: str | None) -> None:
    try:
        q_options = read_kwargs(kwargs).get(Q_OPTIONS)
    except ValueError:  # the model says so
        return
    check_q_options(q_options)


class ScheduleAdmin(_ModelAdmin):
    """What runs when."""

    form = ScheduleForm
    list_display: Any = (
        "id",
        "name",
        "func",
        "schedule_type",
        "repeats",
        "cluster",
        "next_run",
        "last_run",
        "success",
    )
    list_filter: ClassVar[Any] = ("next_run", "schedule_type", "cluster")
    search_fields: ClassVar[Any] = ("name", "func")
    list_display_links: Any = ("id", "name")

    @admin.display(description=_("last run"))
    def last_run(self, schedule: Schedule) -> str | None:
        """Link to the last task."""
        return schedule.last_run()

    @admin.display(description=_("success"), boolean=True)
    def success(self, schedule: Schedule) -> bool | None:
        """Show how the last task ended."""
        return schedule.success()


def _block(value: object) -> str:
    return format_html('<pre style="white-space: pre-wrap; margin: 0">{}</pre>', shown(value))


admin.site.register(Success, TaskAdmin)
admin.site.register(Failure, FailAdmin)
admin.site.register(Schedule, ScheduleAdmin)
admin.site.register(Dashboard, DashboardAdmin)
