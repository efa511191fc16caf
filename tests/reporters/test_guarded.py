"""A reporter that raises, hangs or cannot be built hurts nobody, and is left out for a while."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

import pytest
from django.db import connections

from djq_core.exceptions import ConfigurationError
from djq_core.reporters import ErrorReporter, Guarded, Reporters
from djq_core.reporters.base import ExcInfo
from djq_core.reporters.fanout import REPORT_SECONDS
from djq_core.reporters.guarded import PAUSE, STRIKES

ERROR = (ValueError, ValueError("odd"), None)


class Own(ErrorReporter):
    """Does what it is told to."""

    def __init__(self, name: str = "own", act: Callable[[], object] = bool, flush: Callable[[], object] = bool) -> None:
        super().__init__()
        self.name = name  # type: ignore[misc]
        self.reports = 0
        self._act, self._flush = act, flush

    def report(
        self, exc_info: ExcInfo | None = None, task: Mapping[str, Any] | None = None, where: str | None = None
    ) -> None:
        self.reports += 1
        self._act()

    def flush(self, timeout: float = 2.0) -> None:
        self._flush()


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def gate() -> threading.Event:
    """Give what hanging reporters wait for."""
    return threading.Event()


def guarded(reporter: ErrorReporter, clock: Clock) -> Guarded:
    return Guarded(reporter.name, lambda: reporter, reporter, clock=clock)


def failing() -> None:
    raise OSError("no route")


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def seconds_of(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def test_one_that_hangs_keeps_neither_the_others_nor_the_caller(
    gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    hanging, other, good = Own("hanging", gate.wait), Own("other", gate.wait), Own("good")
    reporters = Reporters([hanging, other, good])
    try:
        assert seconds_of(lambda: reporters.report(ERROR)) < REPORT_SECONDS + 1, "all wait at the same time"
        assert seconds_of(lambda: reporters.report(ERROR)) < 1.5, "who hangs is not called again"
        assert (hanging.reports, other.reports, good.reports) == (1, 1, 2)
        assert messages(caplog) == [
            "Error reporter hanging takes longer than 2 s to report",
            "Error reporter other takes longer than 2 s to report",
        ]
    finally:
        gate.set()
    deadline = time.monotonic() + 5
    while hanging.reports < 2:
        assert time.monotonic() < deadline, "who has come back is called again"
        reporters.report(ERROR)


def test_a_flush_that_hangs_is_not_waited_for(gate: threading.Event, caplog: pytest.LogCaptureFixture) -> None:
    reporters = Reporters([Own("hanging", flush=gate.wait), Own("other", flush=gate.wait)])
    assert seconds_of(lambda: reporters.flush(0.2)) < 1.5
    assert messages(caplog) == [
        "Error reporter hanging takes longer than 0.2 s to flush",
        "Error reporter other takes longer than 0.2 s to flush",
    ]
    gate.set()


def test_a_flush_waits_for_a_report_that_is_late(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def slowly() -> None:
        time.sleep(REPORT_SECONDS + 0.3)
        done.append("reported")

    reporters = Reporters([Own("slow", slowly, lambda: done.append("flushed"))])
    reporters.report(ERROR)
    assert done == []
    reporters.flush(2.0)
    assert done == ["reported", "flushed"]


def test_one_that_keeps_raising_is_left_out_for_a_while_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    clock, reporter, good = Clock(), Own("bad", failing), Own("good")
    reporters = Reporters([guarded(reporter, clock), good])
    for _ in range(STRIKES + 3):
        reporters.report(ERROR)
    assert (reporter.reports, good.reports) == (STRIKES, STRIKES + 3)
    left_out = "Error reporter bad failed 5 times in a row and is left out; it is tried once every 60 s"
    assert messages(caplog) == [*["Error reporter bad failed to report"] * STRIKES, left_out]

    clock.now += PAUSE + 1
    for _ in range(3):
        reporters.report(ERROR)
    assert reporter.reports == STRIKES + 1, "tried once"
    assert len(messages(caplog)) == STRIKES + 1, "and nothing said: it is as it was"


def test_one_that_works_again_is_taken_in_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "djq")
    clock, answers = Clock(), iter([failing] * STRIKES + [bool] * 9)
    reporter = Own("bad", lambda: next(answers)())
    reporters = Reporters([guarded(reporter, clock)])
    for _ in range(STRIKES):
        reporters.report(ERROR)
    clock.now += PAUSE + 1
    for _ in range(3):
        reporters.report(ERROR)
    assert reporter.reports == STRIKES + 3
    assert messages(caplog)[-1] == "Error reporter bad works again"


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), RecursionError()])
def test_whatever_one_raises_ends_nothing(error: BaseException) -> None:
    def act() -> None:
        raise error

    good = Own("good")
    Reporters([Own("bad", act), good]).report(ERROR)
    assert good.reports == 1


# Building


def test_one_that_hangs_in_the_making_is_left_out_for_now(
    gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    def make() -> ErrorReporter:
        gate.wait()
        return Own()

    clock, good = Clock(), Own("good")
    reporters = Reporters([Guarded("hanging", make, clock=clock), good])
    assert seconds_of(reporters.build) < 7
    assert seconds_of(lambda: reporters.report(ERROR)) < 1
    assert good.reports == 1
    assert messages(caplog) == ["Error reporter hanging is left out for now, it cannot be built: it hangs"]
    gate.set()


def test_one_that_cannot_be_built_now_is_built_later(caplog: pytest.LogCaptureFixture) -> None:
    clock, made = Clock(), Own()
    tries = iter([OSError("no route")])

    def make() -> ErrorReporter:
        for error in tries:
            raise error
        return made

    reporters = Reporters([Guarded("own", make, clock=clock)])
    reporters.build()
    reporters.report(ERROR)
    assert made.reports == 0
    assert messages(caplog) == ["Error reporter own is left out for now, it cannot be built: no route"]
    clock.now += PAUSE + 1
    reporters.report(ERROR)
    assert made.reports == 1


def test_one_that_refuses_its_settings_is_told() -> None:
    def make() -> ErrorReporter:
        raise ConfigurationError("no token")

    with pytest.raises(ConfigurationError, match="no token"):
        Reporters([Guarded("own", make)]).build()


# What a reporter finds


def test_a_reporter_finds_the_context_of_its_caller() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="none")
    found: list[str] = []
    variable.set("the caller's")
    Reporters([Own(act=lambda: found.append(variable.get()))]).report(ERROR)
    assert found == ["the caller's"]


def test_a_reporter_has_database_connections_of_its_own() -> None:
    found: list[object] = []
    Reporters([Own(act=lambda: found.append(connections["default"]))]).report(ERROR)
    assert len(found) == 1
    assert found[0] is not connections["default"], "the transaction of the caller is not its own"


@pytest.mark.parametrize("call", ["report", "flush"])
def test_what_its_settings_hold_is_not_in_the_log(call: str, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise OSError("refused: https://in.example/?access_token=hunter2")

    reporter = Own(act=fail, flush=fail)
    reporters = Reporters(
        [Guarded("own", lambda: reporter, reporter, mask=lambda text: text.replace("hunter2", "***"))]
    )
    reporters.report(ERROR) if call == "report" else reporters.flush()
    assert "access_token=***" in caplog.text
    assert "in fail" in caplog.text
    assert "hunter2" not in caplog.text


def test_one_that_hangs_while_it_is_built_is_not_built_again_beside_itself(gate: threading.Event) -> None:
    clock, made = Clock(), []

    def make() -> ErrorReporter:
        made.append(1)
        gate.wait()
        return Own()

    one = Guarded("own", make, clock=clock)
    call = one.build()
    try:
        assert not call.wait(0.05)
        one.on_built(call)
        clock.now += 2 * PAUSE
        assert one.report(lambda reporter: None) is None
    finally:
        gate.set()
    assert call.wait(5)
    assert made == [1]
