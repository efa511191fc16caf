"""When a schedule is due."""

from __future__ import annotations

from djq_core.schedules.base import ScheduleType

__all__ = ["ScheduleType"]
