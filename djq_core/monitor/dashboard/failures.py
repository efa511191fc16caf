"""What failed in the last 24 hours, by function; no stored value is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import Error, router
from django.utils import timezone

from djq_core.models import Failure
from djq_core.monitor.dashboard.troubles import guarded, reason

#: So many failures, the newest, are looked at.
MOST: Final = 2_000
#: How many functions, and how many single failures, are named.
FUNCTIONS: Final = 10
NEWEST: Final = 5
_SPAN: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Failed:
    """A task that failed."""

    id: str
    name: str
    func: str
    stopped: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class FailingFunction:
    """How often a function failed, and its newest failure."""

    func: str
    count: int
    newest: Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """The failures of the last 24 hours; ``is_cut`` says that there are more than the :data:`MOST` that were counted.

    ``functions`` has those that fail most, ``others`` how many more there are. ``trouble`` says in a line why there is
    nothing.
    """

    count: int = 0
    is_cut: bool = False
    functions: tuple[FailingFunction, ...] = ()
    others: int = 0
    newest: tuple[Failed, ...] = ()
    trouble: str = ""


def read_failures() -> Failures:
    """Return the failures of the last 24 hours, read with one query over an index; never raises a database's error."""
    since = timezone.now() - _SPAN
    rows = Failure.objects.filter(stopped__gte=since).order_by("-stopped")
    try:
        with guarded(router.db_for_read(Failure)):
            found = list(rows.values_list("id", "name", "func", "stopped", "attempt_count")[: MOST + 1])
    except Error as error:
        return Failures(trouble=reason(error))
    tasks = [Failed(*values) for values in found[:MOST]]
    functions = _by_function(tasks)
    return Failures(
        count=len(tasks),
        is_cut=len(found) > MOST,
        functions=tuple(functions[:FUNCTIONS]),
        others=max(0, len(functions) - FUNCTIONS),
        newest=tuple(tasks[:NEWEST]),
    )


def _by_function(tasks: list[Failed]) -> list[FailingFunction]:
    counts: dict[str, int] = {}
    newest: dict[str, Failed] = {}
    for task in tasks:
        counts[task.func] = counts.get(task.func, 0) + 1
        newest.setdefault(task.func, task)
    found = [FailingFunction(func, count, newest[func]) for func, count in counts.items()]
    return sorted(found, key=lambda each: -each.count)
