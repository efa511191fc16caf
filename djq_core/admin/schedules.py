"""The page "Scheduled tasks" (manual 1.11.3)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db.models import TextField
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from djq_core.admin.bounded import BoundedAdmin, BoundedList, RecentValues
from djq_core.admin.forms import ScheduleForm
from djq_core.admin.shown import WithButtons
from djq_core.models import Schedule, Task
from djq_core.phrases import in_words
from djq_core.tasks.scheduling import next_by_cron
from djq_core.tasks.steering import pause, resume, run_now

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList
    from django.db.models import QuerySet
    from django.http import HttpRequest

logger = logging.getLogger("djq")


class ScheduleList(BoundedList):
    """A list whose rows have their last tasks, all from one query."""

    def get_results(self, request: HttpRequest) -> None:
        """Look the last tasks up."""
        super().get_results(request)
        rows: Any = self.result_list
        known = Task.objects.only("id", "name", "success").in_bulk([row.task for row in rows if row.task])
        for row in rows:
            row.listed_task = known.get(row.task)


class ScheduleAdmin(WithButtons, BoundedAdmin):
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
    list_filter: ClassVar[Any] = ("next_run", "schedule_type", ("cluster", RecentValues))
    search_fields: ClassVar[Any] = ("name", "func")
    whole_fields: ClassVar = ("name",)
    leading: ClassVar = ("id", "name")
    actions: Any = ("run_selected", "pause_selected", "resume_selected")
    button_labels: ClassVar = {
        "run_selected": _("Run now"),
        "pause_selected": _("Pause"),
        "resume_selected": _("Resume"),
    }
    formfield_overrides: ClassVar[Any] = {
        TextField: {"widget": AdminTextareaWidget(attrs={"rows": 3})},
    }
    page: ClassVar[Any] = (
        (None, {"fields": ("name", "func", "hook", "args", "kwargs")}),
        (_("When"), {"fields": ("schedule_type", "minutes", "cron", "next_run", "repeats")}),
        (
            _("Conditions"),
            {"fields": ("cluster", "intended_date_kwarg", "misfire_policy", "overlap_policy", "is_running")},
        ),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that looks the last tasks up."""
        return ScheduleList

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show what a site has asked for, else everything, and of a schedule that is there its state."""
        if self.fieldsets or self.fields:
            return super().get_fieldsets(request, obj)
        what, when, *others = self.page
        state = (_("State"), {"fields": ("upcoming", "last_run", "success")})
        return (what, when, state, *others) if obj else self.page

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Let nobody edit the state."""
        return (*super().get_readonly_fields(request, obj), "upcoming", "last_run", "success")

    # Columns

    @admin.display(description=_("last run"))
    def last_run(self, schedule: Schedule) -> str:
        """Link to the last task."""
        return schedule.last_run(self.admin_site.name) or "-"

    @admin.display(description=_("success"), boolean=True)
    def success(self, schedule: Schedule) -> bool | None:
        """Show how the last task ended."""
        return schedule.success()

    @admin.display(description=_("next ten runs"))
    def upcoming(self, schedule: Schedule) -> str:
        """List when it runs next, or say why it does not."""
        try:
            runs = schedule.next_runs(10)
        except Exception as error:  # a rule that cannot be read, or a plugin's own
            return str(in_words(error))
        if not runs:
            return str(_("None: it is paused, or has run out.") if not schedule.repeats else _("None."))
        return format_html('<ol class="djq-runs">{}</ol>', format_html_join("", "<li>{}</li>", map(_moment, runs)))

    # Saving

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:
        """Let the expression say when a new one runs first, where the form's own "now" was left alone."""
        if not change and obj.schedule_type == Schedule.CRON and "next_run" not in form.changed_data:
            obj.next_run = next_by_cron(obj)
        if "repeats" in form.changed_data:
            obj.paused_repeats = None
        super().save_model(request, obj, form, change)

    # Actions

    def suits(self, action: str, label: str, row: Schedule) -> bool:
        """Offer to pause what runs, and to resume what is paused."""
        return action != ("pause_selected" if row.repeats == 0 else "resume_selected")

    @admin.action(description=_("Run selected schedules now"), permissions=["change"])
    def run_selected(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        """Send a task of each; when they are due next stays as it is."""
        sent = self._each(request, queryset, run_now)
        text = ngettext("%d task was put on the queue.", "%d tasks were put on the queue.", sent)
        self.message_user(request, text % sent, messages.SUCCESS if sent else messages.WARNING)

    @admin.action(description=_("Pause selected schedules"), permissions=["change"])
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        """Let them not run until they are resumed."""
        paused = pause(queryset.order_by())
        text = ngettext("%d schedule was paused.", "%d schedules were paused.", paused)
        self.message_user(request, text % paused, messages.SUCCESS if paused else messages.WARNING)

    @admin.action(description=_("Resume selected schedules"), permissions=["change"])
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        """Let those that are paused run again, from their next time on."""
        resumed = self._each(request, queryset, resume)
        text = ngettext("%d schedule runs again.", "%d schedules run again.", resumed)
        self.message_user(request, text % resumed, messages.SUCCESS if resumed else messages.WARNING)

    def _each(self, request: HttpRequest, queryset: QuerySet[Schedule], act: Callable[[Schedule], object]) -> int:
        """Act on each and return how many it has changed; one that cannot be is told, and the others go on."""
        done = 0
        for schedule in queryset:
            try:
                done += bool(act(schedule))
            except Exception as error:  # a broken row, a plugin's veto, a broker that is away
                logger.warning("Schedule %s cannot be run or resumed", schedule.pk, exc_info=True)
                text = _("%(schedule)s: %(error)s") % {"schedule": schedule, "error": in_words(error)}
                self.message_user(request, text, messages.ERROR)
        return done


def _moment(moment: datetime) -> tuple[str]:
    local = timezone.localtime(moment) if timezone.is_aware(moment) else moment
    return (date_format(local, "DATETIME_FORMAT"),)
