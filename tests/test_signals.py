"""The Django signals: sent by core's own plugin, cheap where nobody listens (manual 1.13)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.dispatch import Signal

from djq_core import signals
from djq_core.plugins import Hooks, load
from tests.plugins.distributions import conf_of

TASK = {"id": "1", "name": "one", "args": (1,), "kwargs": {"a": 1}, "headers": {}}


@pytest.fixture(scope="module")
def hooks() -> Hooks:
    return load(conf_of(), entry_points=[]).hooks


@contextmanager
def connected(signal: Signal, *receivers: Callable[..., Any]) -> Iterator[None]:
    for receiver in receivers:
        signal.connect(receiver)
    try:
        yield
    finally:
        for receiver in receivers:
            signal.disconnect(receiver)


class Receiver:
    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def __call__(self, signal: Signal, **kwargs: Any) -> None:
        self.calls.append(kwargs)


def refuse(**kwargs: Any) -> None:
    raise PermissionError("not today")


def test_pre_enqueue_gives_the_task(hooks: Hooks) -> None:
    receiver = Receiver()
    with connected(signals.pre_enqueue, receiver):
        assert hooks.pre_enqueue(TASK) == {}
    assert receiver.calls == [{"sender": "djq", "task": TASK}]


def test_pre_execute_gives_function_and_task(hooks: Hooks) -> None:
    receiver = Receiver()
    with connected(signals.pre_execute, receiver):
        hooks.pre_execute(print, TASK)
    assert receiver.calls == [{"sender": "djq", "func": print, "task": TASK}]


def test_post_execute_in_worker_gives_the_result(hooks: Hooks) -> None:
    receiver = Receiver()
    with connected(signals.post_execute_in_worker, receiver):
        hooks.post_execute_in_worker(print, TASK, 42)
    told = {"sender": "djq", "func": print, "error": None}
    assert receiver.calls == [{**told, "task": {**TASK, "success": True, "result": 42}}]


def test_post_execute_in_worker_gives_the_error_of_a_failure(hooks: Hooks) -> None:
    receiver, error = Receiver(), ValueError("no")
    with connected(signals.post_execute_in_worker, receiver):
        hooks.post_execute_in_worker(print, TASK, "ValueError: no", error)
    told = {"sender": "djq", "func": print, "error": error}
    assert receiver.calls == [{**told, "task": {**TASK, "success": False, "result": "ValueError: no"}}]


def test_post_execute_gives_the_task(hooks: Hooks) -> None:
    receiver = Receiver()
    with connected(signals.post_execute, receiver):
        hooks.post_execute({**TASK, "success": False, "result": "why"})
    assert receiver.calls == [{"sender": "djq", "task": {**TASK, "success": False, "result": "why"}}]


def test_post_spawn_gives_the_process(hooks: Hooks) -> None:
    receiver = Receiver()
    with connected(signals.post_spawn, receiver):
        hooks.post_spawn("worker", "Process-1:1", 7)
    assert receiver.calls == [{"sender": "djq", "role": "worker", "proc_name": "Process-1:1", "pid": 7}]


def test_a_raising_receiver_stops_the_caller(hooks: Hooks) -> None:
    with connected(signals.pre_enqueue, refuse), pytest.raises(PermissionError, match="not today"):
        hooks.pre_enqueue(TASK)


def test_a_raising_receiver_fails_the_task(hooks: Hooks) -> None:
    with connected(signals.pre_execute, refuse), pytest.raises(PermissionError, match="not today"):
        hooks.pre_execute(print, TASK)


def test_afterwards_a_raising_receiver_is_logged_and_the_others_hear(
    hooks: Hooks, caplog: pytest.LogCaptureFixture
) -> None:
    last = Receiver()
    with connected(signals.post_execute, refuse, last), caplog.at_level(logging.ERROR, "djq"):
        hooks.post_execute(TASK)
    assert len(last.calls) == 1
    told = [record for record in caplog.records if record.name == "djq"]
    assert len(told) == 1
    assert "not today" in str(told[0].exc_info)


def test_a_receiver_that_exits_does_not_silence_the_others(hooks: Hooks) -> None:
    def leave(**kwargs: Any) -> None:
        raise SystemExit(1)

    with connected(signals.post_execute, leave):
        for _ in range(7):
            hooks.post_execute(TASK)
    heard = Receiver()
    with connected(signals.post_execute, heard):
        hooks.post_execute(TASK)
    assert len(heard.calls) == 1


def test_changing_the_task_changes_nothing(hooks: Hooks) -> None:
    def meddle(task: dict[str, Any], **kwargs: Any) -> None:
        task["kwargs"]["a"] = 2
        task["headers"]["x"] = "y"
        del task["args"]

    task = {**TASK, "kwargs": {"a": 1}, "headers": {}}
    with connected(signals.pre_execute, meddle):
        hooks.pre_execute(print, task)
    assert task == TASK


def test_a_receiver_makes_the_task_wanted(hooks: Hooks) -> None:
    wanted = [hooks.wants_enqueue]
    with connected(signals.pre_enqueue, Receiver()):
        wanted.append(hooks.wants_enqueue)
    wanted.append(hooks.wants_enqueue)
    assert wanted == [False, True, False]
