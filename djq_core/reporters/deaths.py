"""What reporters are told where no exception was raised: a process has ended, and somebody else knows."""

from __future__ import annotations


class TaskCrashed(Exception):
    """The process that ran a task has ended before the task had."""


class ProcessDied(Exception):
    """A process of the cluster has ended unbidden."""
