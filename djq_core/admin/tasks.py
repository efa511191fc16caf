"""The pages "Successful tasks" and "Failed tasks" (manual 1.11.1 and 1.11.2)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import Q
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from djq_core.admin.bounded import BoundedAdmin, RecentValues
from djq_core.admin.shown import WithButtons, block, linked, shown
from djq_core.models import Schedule, Task
from djq_core.phrases import in_words
from djq_core.tasks.resubmit import resubmit

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

logger = logging.getLogger("djq")

_VALUES = ("args", "kwargs", "result")
_MOST_LISTED = 200
_LONGEST_KEY = 18


class TaskAdmin(WithButtons, BoundedAdmin):
    """The tasks that succeeded; the base of what is shown of failed ones."""

    list_display: Any = ("name", "func", "started", "stopped", "time_taken", "group")
    list_filter: ClassVar[Any] = (("group", RecentValues), "stopped")
    search_fields: ClassVar[Any] = ("name", "func", "group")
    search_help_text = _("Name, function or group; of a long list, the newest, or one whole id, name or group")
    sortable_by: ClassVar[Any] = ("stopped",)
    newest_first: ClassVar = ("-stopped", "-pk")
    whole_fields: ClassVar = ("pk", "name")
    whole_label: ClassVar = "group"
    actions: Any = ("resubmit_tasks",)
    button_labels: ClassVar = {"resubmit_tasks": _("Resubmit")}
    page: ClassVar[Any] = (
        (None, {"fields": ("id", "name", "func", "args", "kwargs", "hook", "its_group", "its_schedule", "cluster")}),
        (_("Outcome"), {"fields": ("success", "result")}),
        (_("Times"), {"fields": ("started", "stopped", "time_taken", "attempt_count", "crashes")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds a result by hand."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave the stored values in the database until they are looked at."""
        listed = {name.removeprefix("listed_") for name in self.get_list_display(request) if isinstance(name, str)}
        return super().get_queryset(request).defer(*(name for name in _VALUES if name not in listed))

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Show stored values that a site has added to the list escaped and shortened."""
        return _listed(super().get_list_display(request))

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """Link stored values too where a site asks for it."""
        links = super().get_list_display_links(request, list_display)
        return links and _listed(links)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show everything, or what a site has asked for; stored values through their own columns."""
        given = self.fieldsets or ([(None, {"fields": self.fields})] if self.fields else self.page)
        return [(title, {**options, "fields": _shown(options["fields"])}) for title, options in given]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return what is on the page."""
        return flatten_fieldsets(self.get_fieldsets(request, obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Change nothing."""
        return self.get_fields(request, obj)

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Offer no buttons that save what cannot be changed."""
        buttons = ("show_save", "show_save_and_continue", "show_save_and_add_another")
        return super().changeform_view(
            request, object_id, form_url, {**dict.fromkeys(buttons, False), **(extra_context or {})}
        )

    # Columns

    @admin.display(description=_("time taken"))
    def time_taken(self, task: Task) -> str:
        """Show the seconds from the call to the end, the wait in the queue included."""
        return _("%(count)s s") % {"count": number_format(task.time_taken(), 6)}

    @admin.display(description=_("group"))
    def its_group(self, task: Task) -> str:
        """Link to the tasks of the group."""
        if not task.group:
            return "-"
        page = f"djq_core_{self.opts.model_name}_changelist"
        return linked(page, task.group, site=self.admin_site.name, group=task.group)

    @admin.display(description=_("schedule"))
    def its_schedule(self, task: Task) -> str:
        """Link to the schedule that the task's group is named for."""
        group = task.group or ""
        keyed = Q(pk=int(group)) if group.isdecimal() and len(group) <= _LONGEST_KEY else Q()
        found = Schedule.objects.filter(Q(name=group) | keyed).order_by("pk").first() if group else None
        if found is None:
            return "-"
        return linked("djq_core_schedule_change", found, found.pk, site=self.admin_site.name)

    @admin.display(description=_("arguments"))
    def shown_args(self, task: Task) -> str:
        """Show the positional arguments."""
        return block(task.args)

    @admin.display(description=_("keyword arguments"))
    def shown_kwargs(self, task: Task) -> str:
        """Show the keyword arguments."""
        return block(task.kwargs)

    @admin.display(description=_("result"))
    def shown_result(self, task: Task) -> str:
        """Show the result, of a failed task the error."""
        return block(task.result)

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

    # Resubmitting

    @admin.action(description=_("Resubmit selected tasks to the queue"), permissions=["change"])
    def resubmit_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Send each selected task again; its failure is replaced by what becomes of it, a success stays."""
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
            self.message_user(request, text % {"task": name, "error": in_words(error)}, messages.ERROR)
            return False
        return True


class FailAdmin(TaskAdmin):
    """The tasks that failed."""

    list_display: Any = ("name", "func", "started", "stopped", "attempt_count", "group")

    @admin.display(description=_("error"))
    def shown_result(self, task: Task) -> str:
        """Show the error."""
        return block(task.result)


_COLUMNS: Final = {**{name: f"shown_{name}" for name in _VALUES}, "group": "its_group"}


def _listed(names: Iterable[Any]) -> list[Any]:
    """Return the columns that show these fields in a list."""
    return [f"listed_{name}" if name in _VALUES else name for name in names]


def _shown(names: Any) -> list[Any]:
    """Return the columns that show these fields; those in one line, a tuple, stay in one."""
    return [tuple(_shown(name)) if isinstance(name, list | tuple) else _COLUMNS.get(name, name) for name in names]
