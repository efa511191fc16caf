"""The table of what became of each task, and its halves: the successes and the failures (manual 1.4.6)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from djq_core.fields import SignedField, SignedQuerySet
from djq_core.models.lengths import FUNC_LENGTH, GROUP_LENGTH, ID_LENGTH, NAME_LENGTH


class Task(models.Model):
    """A task that was executed: the last attempt's outcome (manual 1.4.6).

    ``args``, ``kwargs`` and ``result`` are deserialized when they are first looked at; ``result`` of a failed task is
    the text of its error.
    """

    id = models.CharField(_("ID"), max_length=ID_LENGTH, primary_key=True, editable=False)
    name = models.CharField(_("name"), max_length=NAME_LENGTH, editable=False)
    func = models.CharField(_("function"), max_length=FUNC_LENGTH)
    hook = models.CharField(_("hook"), max_length=FUNC_LENGTH, null=True)
    args = SignedField(_("arguments"), null=True, editable=False)
    kwargs = SignedField(_("keyword arguments"), null=True, editable=False)
    result = SignedField(_("result"), null=True, editable=False)
    group = models.CharField(_("group"), max_length=GROUP_LENGTH, null=True, editable=False)
    cluster = models.CharField(_("cluster"), max_length=NAME_LENGTH, null=True, editable=False)
    started = models.DateTimeField(_("started"), editable=False)
    stopped = models.DateTimeField(_("stopped"), editable=False)
    success = models.BooleanField(_("success"), default=True, editable=False)
    attempt_count = models.IntegerField(_("attempts"), default=0)
    crashes = models.IntegerField(_("crashes"), default=0, editable=False)

    objects = SignedQuerySet.as_manager()

    class Meta:
        app_label = "djq_core"
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering: ClassVar = ["-stopped"]
        indexes: ClassVar = [
            models.Index(fields=["name"], name="djq_task_name"),
            models.Index(fields=["success", "stopped"], name="djq_task_success"),
            models.Index(fields=["group", "success", "stopped"], name="djq_task_group"),
        ]

    def __str__(self) -> str:
        return self.name or self.func

    def time_taken(self) -> float:
        """Return the seconds from the call of ``async_task`` to the end of the task, its wait in the queue included."""
        return (self.stopped - self.started).total_seconds()

    # This task's group

    def group_result(self, failures: bool = False) -> list[Any]:
        """Return the results of this task's group, with ``failures`` those of failed tasks too."""
        return self.get_result_group(self.group, failures) if self.group else []

    def group_count(self, failures: bool = False) -> int:
        """Return the number of results of this task's group, or of its failures alone."""
        return self.get_group_count(self.group, failures) if self.group else 0

    def group_delete(self, tasks: bool = False) -> int:
        """Take the label off this task's group, with ``tasks`` delete its tasks; return how many there are."""
        return self.delete_group(self.group, tasks) if self.group else 0

    # By id, name or group

    @classmethod
    def get_task(cls, task_id: str) -> Task | None:
        """Return the task with this id, else the newest with this name, else None."""
        by_id = cls.objects.filter(pk=task_id).first() if len(task_id) == ID_LENGTH else None
        return by_id or cls.objects.filter(name=task_id).order_by("-stopped").first()

    @classmethod
    def get_result(cls, task_id: str) -> Any:
        """Return the result of the task with this id or name, None where there is no such task."""
        task = cls.get_task(task_id)
        return task.result if task else None

    @classmethod
    def get_task_group(cls, group_id: str, failures: bool = True) -> models.QuerySet[Task]:
        """Return the tasks of a group, or its successes alone, as a query set in the order of their calls."""
        tasks = cls._labelled(group_id).order_by("started", "stopped")
        return tasks if failures else tasks.filter(success=True)

    @classmethod
    def get_result_group(cls, group_id: str, failures: bool = False) -> list[Any]:
        """Return the results of a group in the order of the calls, with ``failures`` those of failed tasks too."""
        return list(cls.get_task_group(group_id, failures).values_list("result", flat=True))

    @classmethod
    def get_group_count(cls, group_id: str, failures: bool = False) -> int:
        """Return the number of results of a group, or of its failures alone."""
        tasks = cls._labelled(group_id)
        return tasks.filter(success=False).count() if failures else tasks.count()

    @classmethod
    def delete_group(cls, group_id: str, objects: bool = False) -> int:
        """Take the label off a group, with ``objects`` delete its tasks; return the number of tasks affected."""
        tasks = cls._labelled(group_id)
        return tasks.delete()[0] if objects else tasks.update(group=None)

    @classmethod
    def _labelled(cls, group_id: str) -> models.QuerySet[Task]:
        """Return the tasks of a group."""
        return cls.objects.filter(group__in=[group_id])  # "=" would have None mean all tasks without a label


_Manager = models.Manager.from_queryset(SignedQuerySet)


class SuccessManager(_Manager["Success"]):
    """The tasks that succeeded."""

    def get_queryset(self) -> models.QuerySet[Success]:
        """Return the successful tasks."""
        return super().get_queryset().filter(success__in=[True])  # "WHERE success" finds no index in SQLite and MySQL


class FailureManager(_Manager["Failure"]):
    """The tasks that failed."""

    def get_queryset(self) -> models.QuerySet[Failure]:
        """Return the failed tasks."""
        return super().get_queryset().filter(success__in=[False])


class Success(Task):
    """A task that succeeded (manual 1.4.6)."""

    objects: ClassVar[SuccessManager] = SuccessManager()

    class Meta:
        app_label = "djq_core"
        proxy = True
        verbose_name = _("Successful task")
        verbose_name_plural = _("Successful tasks")
        ordering: ClassVar = ["-stopped"]


class Failure(Task):
    """A task that failed (manual 1.4.6)."""

    objects: ClassVar[FailureManager] = FailureManager()

    class Meta:
        app_label = "djq_core"
        proxy = True
        verbose_name = _("Failed task")
        verbose_name_plural = _("Failed tasks")
        ordering: ClassVar = ["-stopped"]
