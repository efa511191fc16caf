"""Reporters of Django-Q are called as Django-Q called them."""

from __future__ import annotations

import sys
import traceback
from typing import Any

import pytest

from djq_core.reporters import Reporters
from djq_core.reporters.base import ExcInfo
from djq_core.reporters.legacy import LegacyReporter

TASK = {"id": "1", "name": "n", "func": "shop.tasks.pay"}


class Old:
    """As a third party wrote it."""

    seen: list[Any]

    def __init__(self, token: str, level: str = "error") -> None:
        self.token, self.level = token, level
        type(self).seen = []

    def report(self) -> None:
        kind, error, trace = sys.exc_info()
        self.seen.append((kind, error, [frame.name for frame in traceback.extract_tb(trace)], _task_in(trace)))


def _task_in(trace: Any) -> Any:
    """Look for the task as django-q-sentry does: a local variable of a frame, from the outermost on."""
    while trace.tb_next:
        trace = trace.tb_next
    frames, frame = [], trace.tb_frame
    while frame:
        frames.append(frame)
        frame = frame.f_back
    locals_ = [frame.f_locals.get("task") for frame in reversed(frames)]
    return next((task["id"] for task in locals_ if isinstance(task, dict) and task.get("func")), None)


class Adapted(LegacyReporter):
    name = "old"
    made_by = Old


def pay(task: dict[str, Any]) -> None:
    raise KeyError("card")


def caught() -> ExcInfo:
    try:
        pay(TASK)
    except KeyError as error:
        return type(error), error, error.__traceback__
    raise AssertionError


@pytest.fixture
def reporter() -> Adapted:
    return Adapted(token="t", level="warning")


def test_it_is_built_with_its_settings(reporter: Adapted) -> None:
    assert (reporter._reporter.token, reporter._reporter.level) == ("t", "warning")
    with pytest.raises(TypeError):
        Adapted(no_such="keyword")


def test_it_finds_the_error_where_it_looks_for_it(reporter: Adapted) -> None:
    error = caught()
    before = error[1].__traceback__
    Reporters([reporter]).report(error, TASK, "worker")
    assert Old.seen == [(KeyError, error[1], ["caught", "pay"], "1")]
    assert error[1].__traceback__ is before


def test_an_error_without_a_traceback_has_one_with_the_task(reporter: Adapted) -> None:
    error = ValueError("killed")
    Reporters([reporter]).report((ValueError, error, None), TASK, "worker")
    ((kind, found, names, task),) = Old.seen
    assert (kind, found, task) == (ValueError, error, "1")
    assert names == ["report", "_raise"]
    assert error.__traceback__ is None


def test_the_error_being_handled_is_reported(reporter: Adapted) -> None:
    try:
        pay(TASK)
    except KeyError:
        reporter.report()
    assert [seen[0] for seen in Old.seen] == [KeyError]


def test_without_an_error_it_is_not_called(reporter: Adapted) -> None:
    reporter.report()
    reporter.report(None, TASK, "worker")
    assert Old.seen == []


def test_it_is_flushed_where_it_can_be(reporter: Adapted) -> None:
    reporter.flush(1.0)
    flushed: list[float] = []
    reporter._reporter.flush = flushed.append
    reporter.flush(1.0)
    assert flushed == [1.0]
