"""What the monitor reports for others."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from djq_core.cluster.callbacks import Saved
from djq_core.cluster.untold import BY_ERROR, MOST, Untold, death_of, error_of
from djq_core.exceptions import PackageError, ProcessDied, TaskAbandoned, TimeLimitExceeded
from tests.making import Reporter, new_reporter, package_of, result_of, runtime_of


@pytest.fixture
def reporter() -> type[Reporter]:
    return new_reporter()


@pytest.fixture
def later() -> deque[Callable[[], None]]:
    return deque()


@pytest.fixture
def untold(reporter: type[Reporter], later: deque[Callable[[], None]]) -> Untold:
    return Untold(runtime_of(reporter=reporter).reporters, "main", later.append)


def saved(**header: Any) -> Saved:
    runtime = runtime_of()
    return Saved(1, {"attempt": 2, **header}, result_of(runtime, package_of(runtime, id="x"), success=False))


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ({}, None),
        ({"error": "skipped", "skip": True}, None),
        ({"error": "no signature", "fail": True}, PackageError),
        ({"error": "too long", "late": True}, TimeLimitExceeded),
        ({"error": "by signal 9", "crashed": True}, ProcessDied),
        ({"error": "stopped"}, TaskAbandoned),
    ],
)
def test_what_the_sentinel_says_becomes_an_error(header: dict[str, Any], kind: type[BaseException] | None) -> None:
    error = error_of(header)
    assert (type(error), str(error)) == ((kind, header["error"]) if kind else (type(None), "None"))


def test_the_last_stack_is_a_note() -> None:
    error = error_of({"error": "The worker ended by signal 11.\n\nIts last stack:\nline 8 in deaf", "crashed": True})
    assert str(error) == "The worker ended by signal 11."
    assert getattr(error, "__notes__", None) == ["Its last stack:\nline 8 in deaf"]


def test_a_death_is_told_by_who_knows_best() -> None:
    assert (
        str(death_of("pusher", "Process-1:4", 77, -9)) == "The pusher Process-1:4 (pid 77) ended by signal 9 (SIGKILL)."
    )
    assert str(death_of("worker", "Process-1:1", 77, 3)) == "The worker Process-1:1 (pid 77) ended with exit code 3."
    assert death_of("worker", "Process-1:1", 77, -9, "the task's name") is None, "its task is told of"
    assert death_of("monitor", "Process-1:3", 77, BY_ERROR) is None, "it has told that itself"


def test_a_task_is_told_by_and_by(untold: Untold, reporter: type[Reporter], later: deque[Callable[[], None]]) -> None:
    untold.tell_tasks([saved(error="by signal 9", crashed=True), saved(success=False)])
    assert reporter.reports == []
    later.popleft()()
    assert not later, "the other has been told by its worker"
    ((exc_info, task, where),) = reporter.reports
    assert exc_info is not None
    assert (exc_info[0], str(exc_info[1]), where) == (ProcessDied, "by signal 9", "worker")
    assert task is not None
    assert (task["id"], task["attempt"], task["queue"], task["args"]) == ("x", 2, "main", ())


def test_garbage_without_end_does_not_keep_others_waiting(
    untold: Untold,
    reporter: type[Reporter],
    later: deque[Callable[[], None]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "djq"):
        untold.tell_tasks([saved(error="no signature", fail=True)] * (2 * MOST))
    assert len(later) == MOST
    assert len(caplog.records) == 1, "said once"
    while later:
        later.popleft()()
    untold.tell_tasks([saved(error="no signature", fail=True)])
    assert len(later) == 1
    assert {where for _, _, where in reporter.reports} == {"pusher"}


def test_without_reporters_nothing_is_done(later: deque[Callable[[], None]]) -> None:
    untold = Untold(runtime_of().reporters, "main", later.append)
    untold.tell_tasks([saved(error="by signal 9", crashed=True)])
    untold.tell_death(["pusher", "Process-1:4", 77, -9, None])
    assert not later
