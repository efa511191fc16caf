"""Several error reporters as one: each is called alone."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from djq_core.reporters import ErrorReporter, Reporters
from djq_core.reporters.base import ExcInfo


class Recording(ErrorReporter):
    name = "recording"

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.reported: list[tuple[ExcInfo | None, Mapping[str, Any] | None, str | None]] = []
        self.flushed: list[float] = []

    def report(
        self, exc_info: ExcInfo | None = None, task: Mapping[str, Any] | None = None, where: str | None = None
    ) -> None:
        self.reported.append((exc_info, task, where))

    def flush(self, timeout: float = 2.0) -> None:
        self.flushed.append(timeout)


class Raising(ErrorReporter):
    name = "raising"

    def report(
        self, exc_info: ExcInfo | None = None, task: Mapping[str, Any] | None = None, where: str | None = None
    ) -> None:
        raise OSError("no route")

    def flush(self, timeout: float = 2.0) -> None:
        raise OSError("no route")


def caught() -> ExcInfo:
    try:
        raise KeyError("lost")
    except KeyError as error:
        return type(error), error, error.__traceback__


def test_each_reporter_gets_error_task_and_place() -> None:
    first, second = Recording(), Recording()
    error = caught()
    Reporters([first, second]).report(error, {"id": "1"}, "worker")
    assert first.reported == second.reported == [(error, {"id": "1"}, "worker")]


def test_the_error_being_handled_is_the_default() -> None:
    reporter = Recording()
    error = KeyError("lost")
    try:
        raise error
    except KeyError:
        Reporters([reporter]).report(where="monitor")
    assert reporter.reported == [((KeyError, error, error.__traceback__), None, "monitor")]


def test_without_any_error_none_is_handed_on() -> None:
    reporter = Recording()
    Reporters([reporter]).report(task={"id": "1"})
    assert reporter.reported == [(None, {"id": "1"}, None)]


def test_one_that_raises_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    last = Recording()
    reporters = Reporters([Raising(), last])
    with caplog.at_level(logging.ERROR, "djq"):
        reporters.report(caught())
        reporters.flush(0.5)
    assert len(last.reported) == 1
    assert last.flushed == [pytest.approx(0.5, abs=0.1)]
    assert [record.getMessage() for record in caplog.records] == [
        "Error reporter raising failed to report",
        "Error reporter raising failed to flush",
    ]
    assert all("no route" in str(record.exc_info) for record in caplog.records)


def test_none_configured_is_false() -> None:
    assert not Reporters()
    assert Reporters([Recording()])
    assert len(Reporters([Recording(), Recording()])) == 2
