"""The contract of a kind of schedule that a plugin adds to those of the manual (1.8)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar


class ScheduleType:
    """Base class of schedule types; building one does nothing but that."""

    #: What is stored in ``Schedule.schedule_type``.
    code: ClassVar[str] = ""
    #: What is shown to people.
    label: ClassVar[str] = ""

    def next_run(self, last: datetime) -> datetime | None:
        """Return when the slot after ``last`` is due, both aware; None when there is no other."""
        raise NotImplementedError
