"""The tables: what became of each task, and what is to be run when (manual 1.4.6 and 1.8.4)."""

from __future__ import annotations

from djq_core.models.lengths import FUNC_LENGTH, GROUP_LENGTH, ID_LENGTH, NAME_LENGTH
from djq_core.models.parts import Part
from djq_core.models.schedules import Schedule
from djq_core.models.tasks import Failure, FailureManager, Success, SuccessManager, Task

__all__ = [
    "FUNC_LENGTH",
    "GROUP_LENGTH",
    "ID_LENGTH",
    "NAME_LENGTH",
    "Failure",
    "FailureManager",
    "Part",
    "Schedule",
    "Success",
    "SuccessManager",
    "Task",
]
