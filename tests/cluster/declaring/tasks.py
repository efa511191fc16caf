"""The tasks of an app; a test declares their schedules."""

from __future__ import annotations


def nightly() -> None: ...


def hourly() -> None: ...
