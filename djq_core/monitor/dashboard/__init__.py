"""What the dashboard shows, read and not yet drawn: queues with their clusters, failures, schedules about to run."""

from __future__ import annotations

from djq_core.monitor.dashboard.failures import Failures, read_failures
from djq_core.monitor.dashboard.queues import Latency, QueueState, Worker, read_queues
from djq_core.monitor.dashboard.schedules import Schedules, Upcoming, read_schedules
from djq_core.monitor.dashboard.series import Point, points_of

__all__ = [
    "Failures",
    "Latency",
    "Point",
    "QueueState",
    "Schedules",
    "Upcoming",
    "Worker",
    "points_of",
    "read_failures",
    "read_queues",
    "read_schedules",
]
