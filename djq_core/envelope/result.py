"""What became of a task."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from djq_core.envelope.package import TaskPackage


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """The end of one attempt at a task, on its way to the result backend.

    ``result`` holds the serialized return value, or the serialized error text of a failure; ``serializer`` names who
    wrote it. ``attempt`` counts starts in a worker, this one included. ``crashed`` says that the worker ended with it.
    """

    package: TaskPackage
    success: bool
    stopped: datetime
    result: bytes = field(repr=False)
    serializer: str
    attempt: int = 1
    crashed: bool = False
