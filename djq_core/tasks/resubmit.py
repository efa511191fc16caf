"""Putting a task back on the queue (manual 1.11.2)."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import router, transaction
from django.utils.translation import gettext_noop

from djq_core import current
from djq_core.enqueue.options import Options, check_function
from djq_core.envelope import TaskPackage, new_id, task_name
from djq_core.envelope.package import ARGS, KWARGS
from djq_core.exceptions import DjqError
from djq_core.fields import Serialized, seal
from djq_core.models import Task
from djq_core.schedules.mistakes import Mistake
from djq_core.tasks.submit import send

_PATHLESS = {
    "function": gettext_noop("Its function has no dotted path: %(path)s"),
    "hook": gettext_noop("Its hook has no dotted path: %(path)s"),
}


class NotResubmittable(Mistake, DjqError):
    """The task cannot be put back on the queue."""


def resubmit(task: Task) -> str:
    """Send a stored task again as a new one and return the new id; a failure is deleted, a success stays.

    Its arguments travel as they are stored: nothing is deserialized here. Raises NotResubmittable when its function
    has no dotted path or its arguments carry no valid signature, and what ``async_task`` raises; the row stays then.
    """
    runtime = current.runtime()
    row = _row(task)
    args, kwargs = _stored(row, ARGS), _stored(row, KWARGS)
    if args.tag != kwargs.tag:
        raise NotResubmittable(gettext_noop("Its arguments were written by two serializers."))
    task_id = new_id()
    package = TaskPackage(
        id=task_id,
        name=task_name(task_id) if _is_generated(task) else task.name,
        func=_path(task.func, "function"),
        hook=_path(task.hook, "hook") if task.hook else None,
        started=datetime.now(UTC),
        group=task.group,
        cluster=task.cluster,
        serializer=args.tag,
        parts={ARGS: args.data, KWARGS: kwargs.data},
    )
    with transaction.atomic(using=router.db_for_write(Task)):
        if not task.success:
            task.delete()
        return send(runtime, package, Options())


def _row(task: Task) -> Task:
    """Return the task with its arguments as they are stored; of a deferred field Django would give the opened value."""
    row = Task.objects.only(ARGS, KWARGS).filter(pk=task.pk).first()
    if row is None:
        raise NotResubmittable(gettext_noop("It was deleted meanwhile."))
    return row


def _stored(row: Task, name: str) -> Serialized:
    value = row.__dict__[name]
    if value is None:
        raise NotResubmittable(gettext_noop("Its arguments were not stored."))
    try:
        return seal(value).serialized()
    except DjqError as error:
        raise NotResubmittable(gettext_noop("Its arguments cannot be read: %(reason)s"), reason=error) from error


def _is_generated(task: Task) -> bool:
    try:
        return task.name == task_name(task.pk)
    except ValueError:
        return False


def _path(text: str, what: str) -> str:
    try:
        check_function(text, what)
    except ValueError as error:
        raise NotResubmittable(_PATHLESS[what], path=text) from error
    return text
