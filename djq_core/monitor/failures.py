"""The newest failures, without looking at any stored value but their errors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from djq_core.models import Failure, Task

#: As many are shown at most.
MOST: Final = 50
_LONGEST_ERROR: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A task that failed; ``error`` is the first line of its error, ``attempts`` how often it was tried."""

    id: str
    name: str
    func: str
    cluster: str
    stopped: datetime
    attempts: int
    error: str


def newest(count: int = MOST) -> list[Failed]:
    """Return the newest failures, the newest first; raises what the database raises."""
    fields = ("id", "name", "func", "cluster", "stopped", "attempt_count", "result")
    rows = Failure.objects.order_by("-stopped").only(*fields)[:count]
    return [_failed(row) for row in rows]


def _failed(task: Task) -> Failed:
    lines = str(task.result or "").strip().splitlines()
    return Failed(
        id=task.id,
        name=task.name,
        func=task.func,
        cluster=task.cluster or "",
        stopped=task.stopped,
        attempts=task.attempt_count,
        error=lines[0].strip()[:_LONGEST_ERROR] if lines else "",
    )
