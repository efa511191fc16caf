"""From the parts of an iter to one result, without reading what the site's code has pickled (manual 1.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.utils import timezone

from djq_core.envelope import TaskPackage, TaskResult
from djq_core.envelope.collated import COLLATED, join
from djq_core.envelope.package import KWARGS
from djq_core.fields import seal

if TYPE_CHECKING:
    from djq_core.models import Part
    from djq_core.runtime import Runtime


def collated(package: TaskPackage, found: Sequence[Part]) -> TaskResult:
    """Return the result of an iter: the list of its parts' results in the order of the arguments.

    ``package`` is that of any of its parts. It is a success when all are; a failed part leaves its error's text.
    """
    values = (seal(part.__dict__["result"]).serialized() for part in found)
    return _whole(package).finished(
        join((value.tag, value.data) for value in values),
        _aware(max(part.stopped for part in found)),
        success=all(part.success for part in found),
        serializer=COLLATED,
    )


def not_collated(runtime: Runtime, package: TaskPackage, error: Exception) -> TaskResult:
    """Return the failure of an iter whose results cannot be saved as one."""
    text = f"The results of the iter could not be saved as one: {type(error).__name__}: {error}"
    return _whole(package).finished(
        runtime.dump(text), datetime.now(UTC), success=False, serializer=runtime.conf.serializer
    )


def _whole(package: TaskPackage) -> TaskPackage:
    """Return the package of the iter itself; what its parts were given is not kept."""
    assert package.place is not None
    parts = {KWARGS: package.parts[KWARGS]}
    return replace(package, id=package.place.whole, name=package.place.name, place=None, parts=parts)


def _aware(moment: datetime) -> datetime:
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
