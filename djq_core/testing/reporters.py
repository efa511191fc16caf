"""The contract of an error reporter as a test suite."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from djq_core.reporters.base import ErrorReporter, ExcInfo
from djq_core.testing.applying import given
from djq_core.testing.children import Child
from djq_core.testing.contract import Contract

STEP = 0.02


class Reported(LookupError):
    """The error that the tests report."""


class ErrorReporterContract(Contract):
    """What every error reporter promises; subclass it, set ``reporter_class`` and give two fixtures.

    ``settings`` are its part of ``Q_CLUSTER["error_reporter"]``; ``arrived`` is a callable that returns what has come
    so far as texts, one for each report, in any format. ``outage`` may be left out: a callable that returns a context
    manager during which nothing takes reports.
    """

    contract_name: ClassVar[str] = "ErrorReporterContract"
    subject_attribute: ClassVar[str] = "reporter_class"
    #: The class under test.
    reporter_class: ClassVar[type[ErrorReporter]]
    #: How long a test waits for a report, in seconds.
    patience: ClassVar[float] = 10.0
    #: Within how many seconds ``report`` returns or raises, whatever has become of the receiver.
    error_seconds: ClassVar[float] = 10.0

    # What an author gives

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        """Give the keywords that the class is built with."""
        return {}

    @pytest.fixture
    def arrived(self) -> Callable[[], list[str]]:
        """Give a look at what has arrived."""
        raise NotImplementedError("Give the fixture 'arrived': a callable that returns what has arrived, as texts.")

    @pytest.fixture
    def outage(self) -> Callable[[], AbstractContextManager[Any]]:
        """Give what takes the receiver away; left out, its tests do not apply."""
        raise NotImplementedError

    # What the tests use

    @pytest.fixture
    def reporter(self, settings: dict[str, Any]) -> ErrorReporter:
        """Give a reporter as djq builds it."""
        return self.reporter_class(**settings)

    def test_it_has_a_name(self) -> None:
        assert self.reporter_class.name, "the name is its key in Q_CLUSTER['error_reporter']"

    def test_building_one_sends_nothing(self, reporter: ErrorReporter, arrived: Callable[[], list[str]]) -> None:
        reporter.flush(0.1)
        assert arrived() == []

    def test_an_error_arrives(self, reporter: ErrorReporter, arrived: Callable[[], list[str]]) -> None:
        word = _word()
        reporter.report(_error(word), None, "worker")
        self._arrives(reporter, arrived, "Reported", word)

    def test_the_error_being_handled_arrives(self, reporter: ErrorReporter, arrived: Callable[[], list[str]]) -> None:
        word = _word()
        try:
            raise Reported(word)
        except Reported:
            reporter.report()
        self._arrives(reporter, arrived, "Reported", word)

    def test_an_error_without_a_traceback_arrives(
        self, reporter: ErrorReporter, arrived: Callable[[], list[str]]
    ) -> None:
        word = _word()
        reporter.report((Reported, Reported(word), None), None, "sentinel")
        self._arrives(reporter, arrived, "Reported", word)

    def test_the_task_is_told(self, reporter: ErrorReporter, arrived: Callable[[], list[str]]) -> None:
        task = _task()
        reporter.report(_error("failed"), task, "worker")
        self._arrives(reporter, arrived, task["id"], "math.copysign")

    def test_a_task_with_any_arguments_is_told(self, reporter: ErrorReporter, arrived: Callable[[], list[str]]) -> None:
        task = {**_task(), "args": (threading.Lock(), object()), "kwargs": {"bytes": b"\xff"}}
        reporter.report(_error("failed"), task, "worker")
        self._arrives(reporter, arrived, task["id"])

    def test_the_task_is_left_as_it_is(self, reporter: ErrorReporter) -> None:
        task = _task()
        before = dict(task)
        reporter.report(_error("failed"), task, "worker")
        reporter.flush(self.patience)
        assert task == before

    def test_no_error_at_all_is_no_harm(self, reporter: ErrorReporter) -> None:
        reporter.report()
        reporter.report(None, _task(), "monitor")
        reporter.flush(self.patience)

    def test_every_report_arrives_once(self, reporter: ErrorReporter, arrived: Callable[[], list[str]]) -> None:
        words = [_word() for _ in range(20)]
        for word in words:
            reporter.report(_error(word), None, "worker")
        self._arrives(reporter, arrived, words[-1])
        reporter.flush(self.patience)
        texts = arrived()
        assert [sum(word in text for text in texts) for word in words] == [1] * len(words)

    def test_reports_of_threads_arrive(self, reporter: ErrorReporter, arrived: Callable[[], list[str]]) -> None:
        words = [_word() for _ in range(4)]
        threads = [threading.Thread(target=lambda word=word: reporter.report(_error(word))) for word in words]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(self.patience)
        for word in words:
            self._arrives(reporter, arrived, word)

    def test_a_report_of_a_forked_child_arrives(
        self, reporter: ErrorReporter, arrived: Callable[[], list[str]]
    ) -> None:
        mine, its = _word(), _word()
        reporter.report(_error(mine), None, "sentinel")
        reporter.flush(self.patience)
        with Child("fork", _report, reporter, its, self.patience) as child:
            assert child.join().lines == ["reported"]
        self._arrives(reporter, arrived, its)
        self._arrives(reporter, arrived, mine)

    def test_nothing_to_send_takes_no_time(self, reporter: ErrorReporter) -> None:
        began = time.monotonic()
        reporter.flush(self.patience)
        assert time.monotonic() - began < 1.0

    @given("outage")
    def test_an_outage_holds_nobody_up(
        self, reporter: ErrorReporter, outage: Callable[[], AbstractContextManager[Any]]
    ) -> None:
        began = time.monotonic()
        with outage():
            with suppress(Exception):  # djq logs what a reporter raises and goes on
                reporter.report(_error("away"), None, "worker")
            assert time.monotonic() - began < self.error_seconds
            with suppress(Exception):
                reporter.flush(0.5)
            assert time.monotonic() - began < self.error_seconds + 1.5

    @given("outage")
    def test_after_an_outage_reports_arrive_again(
        self,
        reporter: ErrorReporter,
        arrived: Callable[[], list[str]],
        outage: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        with outage(), suppress(Exception):
            reporter.report(_error("away"), None, "worker")
        word = _word()
        reporter.report(_error(word), None, "worker")
        self._arrives(reporter, arrived, word)

    def _arrives(self, reporter: ErrorReporter, arrived: Callable[[], list[str]], *words: str) -> None:
        """Wait for one report that has all of these words in it."""
        reporter.flush(self.patience)
        until = time.monotonic() + self.patience
        while not any(all(word in text for word in words) for text in arrived()):
            assert time.monotonic() < until, f"no report tells {words}; what arrived ends with {arrived()[-3:]}"
            time.sleep(STEP)


def _word() -> str:
    return f"word{uuid4().hex}"


def _error(text: str) -> ExcInfo:
    try:
        raise Reported(text)
    except Reported as error:
        return type(error), error, error.__traceback__


def _task() -> dict[str, Any]:
    return {
        "id": uuid4().hex,
        "name": "winter-maple",
        "func": "math.copysign",
        "args": (2, -2),
        "kwargs": {},
        "hook": None,
        "group": None,
    }


def _report(tell: Callable[[str], None], reporter: ErrorReporter, word: str, seconds: float) -> None:
    reporter.report(_error(word), None, "worker")
    reporter.flush(seconds)
    tell("reported")
