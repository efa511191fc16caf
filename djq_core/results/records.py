"""From the outcome of a task to its row, without reading what the task's code has pickled."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from djq_core.envelope import TaskPackage, TaskResult
from djq_core.envelope.package import ARGS, KWARGS
from djq_core.fields import Serialized
from djq_core.models import FUNC_LENGTH, NAME_LENGTH, Part, Task


def task_of(result: TaskResult) -> Task:
    """Return the complete, unsaved Task of a result; its values are deserialized when they are looked at."""
    package, started, stopped = result.package, result.package.started, result.stopped
    if timezone.is_naive(timezone.now()):  # as this site keeps them: local time where USE_TZ is off
        started, stopped = timezone.make_naive(started), timezone.make_naive(stopped)
    return Task(
        id=package.id,
        name=_fitting(package.name, NAME_LENGTH),
        func=_fitting(package.func, FUNC_LENGTH),
        hook=_fitting(package.hook, FUNC_LENGTH) if package.hook else None,
        args=_part(package, ARGS),
        kwargs=_part(package, KWARGS),
        result=Serialized(result.serializer, result.result),
        group=_storable(package.group) if package.group else None,
        cluster=_fitting(package.cluster, NAME_LENGTH) if package.cluster else None,
        started=started,
        stopped=stopped,
        success=result.success,
        attempt_count=result.attempt,
        crashes=int(result.crashed),
    )


def part_of(result: TaskResult, *, is_final: bool) -> Part:
    """Return the unsaved outcome of a part of an iter."""
    place = result.package.place
    assert place is not None
    return Part(
        id=result.package.id,
        whole=place.whole,
        number=place.number,
        result=Serialized(result.serializer, result.result),
        stopped=_moment(result.stopped),
        success=result.success,
        is_final=is_final,
        attempt_count=result.attempt,
        crashes=int(result.crashed),
    )


def end_of(result: TaskResult, *, is_final: bool) -> Part:
    """Return the unsaved note that a link of a chain has run, and whether the chain has ended with it."""
    return Part(
        id=result.package.id,
        whole=result.package.chain_id or "",
        stopped=_moment(result.stopped),
        success=result.success,
        is_final=is_final,
        attempt_count=result.attempt,
    )


def _part(package: TaskPackage, name: str) -> Serialized | None:
    return Serialized(package.serializer, package.parts[name]) if name in package.parts else None


def _fitting(text: str, length: int) -> str:
    return _storable(text)[:length]


def _storable(text: str) -> str:
    """Return a text that every database takes: no NUL, no half of a surrogate pair."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")


def _moment(moment: datetime) -> datetime:
    """Return a moment as this site keeps them: naive local time where USE_TZ is off."""
    return timezone.make_naive(moment) if timezone.is_naive(timezone.now()) else moment
