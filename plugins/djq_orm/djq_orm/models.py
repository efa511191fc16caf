"""The queue as a table."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from djq_orm.clock import now_in_microseconds


class OrmQ(models.Model):
    """One package on the queue named ``key`` (manual 1.11.4).

    A row is handed out when ``due`` has come: at once when it is new, when its lease has lapsed, or when the delay it
    was released with is over. ``due`` counts microseconds since 1970, so that no time zone or clock change of
    ``USE_TZ = False`` can shift it. ``token`` is that of the lease in force, empty while nobody holds the row; ``lock``
    is when the package was picked up or its lease last renewed.
    """

    key = models.CharField(_("queue"), max_length=100)
    payload = models.TextField(_("payload"))
    lock = models.DateTimeField(_("lock"), null=True, blank=True)
    due = models.BigIntegerField(default=now_in_microseconds, editable=False)
    token = models.CharField(max_length=40, null=True, editable=False)
    deliveries = models.PositiveIntegerField(_("deliveries"), default=0, editable=False)
    unanswered = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("Queued task")
        verbose_name_plural = _("Queued tasks")
        indexes = [models.Index(fields=["key", "due", "id"], name="djq_orm_ormq_due")]

    def __str__(self) -> str:
        return f"{self.key} {self.pk}"

    @cached_property
    def task(self) -> dict[str, Any]:
        """What the verified package says of itself, arguments excepted; only ``error`` when it cannot be read."""
        from djq_orm.contents import read_task

        return read_task(self.key, self.payload)

    def task_id(self) -> str:
        """Return the task's id."""
        return str(self.task.get("id", ""))

    def name(self) -> str:
        """Return the task's name, or why the package cannot be read."""
        return str(self.task.get("name", self.task.get("error", "")))

    def func(self) -> str:
        """Return the dotted path of the task's function."""
        return str(self.task.get("func", ""))

    def group(self) -> str:
        """Return the task's group."""
        return str(self.task.get("group") or "")

    def q_options(self) -> dict[str, Any]:
        """Return the options the task was sent with (manual 1.4.1)."""
        names = ("hook", "group", "save", "timeout", "ack_failure", "cached", "cluster")
        given = {name: self.task.get(name) for name in names}
        return {
            name: value for name, value in given.items() if value is not None and (name, value) != ("cached", False)
        }
