"""The table of what is to be run when (manual 1.8.4)."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from types import EllipsisType
from typing import ClassVar, Final

from django.core.exceptions import ValidationError
from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from djq_core import current
from djq_core.envelope import check_path
from djq_core.models.lengths import FUNC_LENGTH, GROUP_LENGTH, ID_LENGTH, NAME_LENGTH
from djq_core.models.tasks import Task
from djq_core.schedules.kinds import TYPE, choices
from djq_core.schedules.problems import problems_of
from djq_core.schedules.times import Times


class Schedule(models.Model):
    """When which function is to be run (manual 1.8.4).

    ``args`` and ``kwargs`` are texts of Python literals: ``"2, -2"`` and ``"a=1"``.
    """

    ONCE: Final = "O"
    MINUTES: Final = "I"
    HOURLY: Final = "H"
    DAILY: Final = "D"
    WEEKLY: Final = "W"
    MONTHLY: Final = "M"
    QUARTERLY: Final = "Q"
    YEARLY: Final = "Y"
    CRON: Final = "C"
    TYPE: ClassVar = TYPE

    #: What becomes of slots that were missed.
    ALL: Final = "all"
    LATEST: Final = "latest"
    SKIP: Final = "skip"
    MISFIRE: ClassVar = ((ALL, _("Run each")), (LATEST, _("Run the latest")), (SKIP, _("Run none")))
    #: What becomes of a slot whose schedule still runs.
    ALLOW: Final = "allow"
    OVERLAP: ClassVar = ((ALLOW, _("Run it too")), (SKIP, _("Skip it")))

    id: models.BigAutoField[int, int] = models.BigAutoField(_("ID"), primary_key=True)
    name = models.CharField(_("name"), max_length=GROUP_LENGTH, null=True, blank=True)
    func = models.CharField(
        _("function"), max_length=FUNC_LENGTH, help_text=_("Dotted path, as in module.tasks.function")
    )
    hook = models.CharField(
        _("hook"),
        max_length=FUNC_LENGTH,
        null=True,
        blank=True,
        help_text=_("Dotted path of a function that gets the task"),
    )
    args = models.TextField(_("arguments"), null=True, blank=True, help_text=_("Python literals, as in 1, 2, 'John'"))
    kwargs = models.TextField(
        _("keyword arguments"), null=True, blank=True, help_text=_("Python literals, as in x=1, y=2, name='John'")
    )
    schedule_type = models.CharField(_("schedule type"), max_length=2, choices=choices, default=ONCE)
    minutes = models.PositiveSmallIntegerField(
        _("minutes"), null=True, blank=True, help_text=_("The interval of the type Minutes")
    )
    repeats = models.IntegerField(
        _("repeats"), default=-1, help_text=_("How often it still runs; -1: for ever, 0: paused")
    )
    #: What ``repeats`` was when the schedule was paused.
    paused_repeats = models.IntegerField(null=True, editable=False)
    next_run = models.DateTimeField(_("next run"), default=timezone.now, null=True)
    cron = models.CharField(
        _("cron"), max_length=100, null=True, blank=True, help_text=_("The expression of the type Cron")
    )
    task = models.CharField(_("last task"), max_length=100, null=True, editable=False)
    cluster = models.CharField(
        _("cluster"), max_length=NAME_LENGTH, null=True, blank=True, help_text=_("The only cluster that runs it")
    )
    intended_date_kwarg = models.CharField(
        _("keyword of the due date"),
        max_length=100,
        null=True,
        blank=True,
        help_text=_("The keyword argument that is given the moment for which the run was due"),
    )
    misfire_policy = models.CharField(
        _("missed runs"),
        max_length=6,
        choices=MISFIRE,
        blank=True,
        default="",
        help_text=_("Which runs are made up for; empty: what catch_up says"),
    )
    overlap_policy = models.CharField(
        _("overlapping runs"),
        max_length=6,
        choices=OVERLAP,
        blank=True,
        default=ALLOW,
        help_text=_("What becomes of a run that is due before the last one has ended"),
    )
    is_running = models.BooleanField(
        _("is running"),
        default=False,
        help_text=_("Kept where overlapping runs are skipped: the last has not ended"),
    )
    #: Where overlapping runs are skipped: the task that a cluster has in hand, and when a run was last heard of, in
    #: seconds since 1970, for a wall time may come twice.
    holder = models.CharField(max_length=ID_LENGTH, null=True, editable=False)
    seen = models.BigIntegerField(default=0, editable=False)
    #: The wall time and offset that the rule means by ``next_run``, which the clocks may skip or repeat.
    slot = models.CharField(max_length=40, default="", editable=False)
    #: The last task, where a list has looked up those of all its rows at once.
    listed_task: Task | EllipsisType | None = ...
    #: The path of the function that declares this schedule in code.
    declared = models.CharField(max_length=FUNC_LENGTH, null=True, unique=True, editable=False)

    class Meta:
        app_label = "djq_core"
        verbose_name = _("Scheduled task")
        verbose_name_plural = _("Scheduled tasks")
        ordering: ClassVar = ["next_run"]
        indexes: ClassVar = [models.Index(fields=["next_run"], name="djq_schedule_next_run")]

    def __str__(self) -> str:
        return self.name or self.func

    def clean(self) -> None:
        """Refuse what cannot be run, field by field."""
        allowed = current.runtime().conf.allowed_functions
        if told := problems_of(self, lambda path: check_path(allowed, path, "function")):
            raise ValidationError(told)

    def next_runs(self, count: int = 10) -> list[datetime]:
        """Return when this schedule is due next, as ``next_run`` is stored: at most ``count`` times, as it stands now.

        Fewer for a schedule that ends before, none for one that is paused; missed slots are among them. Raises
        ValueError for a rule that cannot be read.
        """
        if self.next_run is None or not self.repeats:
            return []
        times = self.times()
        left = count if self.repeats < 0 else min(count, self.repeats)
        return [times.stored(slot) for slot in islice(times.rule.slots(times.read(self.next_run, self.slot)), left)]

    def times(self) -> Times:
        """Return the times of this schedule in the configured zone."""
        runtime = current.runtime()
        types = runtime.registry.schedule_types
        return Times.of(self.schedule_type, self.minutes, self.cron, runtime.conf, types)

    def _last_task(self) -> Task | None:
        if self.listed_task is not ...:
            return self.listed_task
        return Task.objects.only("id", "name", "success").filter(pk=self.task).first() if self.task else None

    def success(self) -> bool | None:
        """Return whether the last task succeeded, None where there is none or its result is gone."""
        task = self._last_task()
        return task.success if task else None

    def last_run(self, site: str = "admin") -> str | None:
        """Return a link to the last task in an admin site, or its name where it has no page; None without a task."""
        task = self._last_task()
        if task is None:
            return None
        page = "success" if task.success else "failure"
        try:
            return format_html(
                '<a href="{}">[{}]</a>', reverse(f"{site}:djq_core_{page}_change", args=(task.pk,)), task.name
            )
        except NoReverseMatch:
            return task.name
