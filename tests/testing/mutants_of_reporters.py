"""Error reporters with one fault each, and the test of the contract that finds it."""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from collections.abc import Mapping
from typing import Any

from djq_core.reporters import ErrorReporter
from djq_core.reporters.base import ExcInfo
from tests.reporters.files import FileReporter

Task = Mapping[str, Any]


class HasNoName(FileReporter):
    name = ""


class SendsAtOnce(FileReporter):
    def __init__(self, path: str) -> None:
        super().__init__(path)
        super().report(None, None, "here I am")


class IsSilent(FileReporter):
    def report(self, exc_info: ExcInfo | None = None, task: Task | None = None, where: str | None = None) -> None:
        """Send nothing."""


class NeedsToBeGivenAnError(FileReporter):
    def report(self, exc_info: ExcInfo | None = None, task: Task | None = None, where: str | None = None) -> None:
        if exc_info is not None:
            super().report(exc_info, task, where)


class NeedsATraceback(FileReporter):
    def report(self, exc_info: ExcInfo | None = None, task: Task | None = None, where: str | None = None) -> None:
        if exc_info is None or exc_info[2] is not None:
            super().report(exc_info, task, where)


class ForgetsTheTask(FileReporter):
    def report(self, exc_info: ExcInfo | None = None, task: Task | None = None, where: str | None = None) -> None:
        super().report(exc_info, None, where)


class WantsPlainArguments(FileReporter):
    def report(self, exc_info: ExcInfo | None = None, task: Task | None = None, where: str | None = None) -> None:
        json.dumps(dict(task or {}))
        super().report(exc_info, task, where)


class TakesTheTaskApart(FileReporter):
    def report(self, exc_info: ExcInfo | None = None, task: Task | None = None, where: str | None = None) -> None:
        super().report(exc_info, task, where)
        if isinstance(task, dict):
            task.pop("args")


class NeedsAnError(FileReporter):
    def report(self, exc_info: ExcInfo | None = None, task: Task | None = None, where: str | None = None) -> None:
        if exc_info is None:
            raise ValueError("no error")
        super().report(exc_info, task, where)


class SendsTwice(FileReporter):
    def report(self, exc_info: ExcInfo | None = None, task: Task | None = None, where: str | None = None) -> None:
        super().report(exc_info, task, where)
        super().report(exc_info, task, where)


class LosesTheTenth(FileReporter):
    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._numbers = itertools.count(1)

    def report(self, exc_info: ExcInfo | None = None, task: Task | None = None, where: str | None = None) -> None:
        if next(self._numbers) != 10:
            super().report(exc_info, task, where)


class BelongsToAThread(FileReporter):
    def report(self, exc_info: ExcInfo | None = None, task: Task | None = None, where: str | None = None) -> None:
        if threading.current_thread() is threading.main_thread():
            super().report(exc_info, task, where)


class BelongsToAProcess(FileReporter):
    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._process = os.getpid()

    def report(self, exc_info: ExcInfo | None = None, task: Task | None = None, where: str | None = None) -> None:
        if self._process == os.getpid():
            super().report(exc_info, task, where)


class AlwaysWaits(FileReporter):
    def flush(self, timeout: float = 2.0) -> None:
        time.sleep(timeout)


class TriesForEver(FileReporter):
    def report(self, exc_info: ExcInfo | None = None, task: Task | None = None, where: str | None = None) -> None:
        until = time.monotonic() + 3
        while time.monotonic() < until:
            try:
                return super().report(exc_info, task, where)
            except FileNotFoundError:
                time.sleep(0.1)
        return None


class GivesUp(FileReporter):
    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._is_broken = False

    def report(self, exc_info: ExcInfo | None = None, task: Task | None = None, where: str | None = None) -> None:
        try:
            if not self._is_broken:
                super().report(exc_info, task, where)
        except FileNotFoundError:
            self._is_broken = True


FOUND_BY: dict[type[ErrorReporter], str] = {
    HasNoName: "test_it_has_a_name",
    SendsAtOnce: "test_building_one_sends_nothing",
    IsSilent: "test_an_error_arrives",
    NeedsToBeGivenAnError: "test_the_error_being_handled_arrives",
    NeedsATraceback: "test_an_error_without_a_traceback_arrives",
    ForgetsTheTask: "test_the_task_is_told",
    WantsPlainArguments: "test_a_task_with_any_arguments_is_told",
    TakesTheTaskApart: "test_the_task_is_left_as_it_is",
    NeedsAnError: "test_no_error_at_all_is_no_harm",
    SendsTwice: "test_every_report_arrives_once",
    LosesTheTenth: "test_every_report_arrives_once",
    BelongsToAThread: "test_reports_of_threads_arrive",
    BelongsToAProcess: "test_a_report_of_a_forked_child_arrives",
    AlwaysWaits: "test_nothing_to_send_takes_no_time",
    TriesForEver: "test_an_outage_holds_nobody_up",
    GivesUp: "test_after_an_outage_reports_arrive_again",
}
