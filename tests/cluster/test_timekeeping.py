"""The sentinel's judgement of time, on a worker without a process."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from djq_core.cluster.children import WorkerChild
from djq_core.cluster.processes import LINGER
from djq_core.cluster.timekeeping import Timekeeper
from tests.cluster.test_traffic import NOW, push, traffic_of
from tests.making import runtime_of

if TYPE_CHECKING:
    from tests.cluster.stand_ins import Bench


def test_a_task_that_runs_too_long_retires_its_worker_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    traffic, worker = traffic_of(), bench.worker()
    retired: list[WorkerChild] = []
    timekeeper = Timekeeper(runtime_of().conf, traffic, retired.append)
    push(traffic, 1, timeout=2.5)
    traffic.hand_out([worker], NOW)
    ticket = traffic.table.at_worker[worker.key][0].ticket
    worker.record.begin(ticket, NOW)
    for moment in (NOW, NOW + 2.4):
        timekeeper.look([worker], moment)
        assert not retired
    timekeeper.look([worker], NOW + 2.6)
    timekeeper.look([worker], NOW + 2.7)
    assert retired == [worker]
    assert worker.overdue == ticket
    assert "exceeded its timeout" in caplog.text


def test_a_worker_that_does_not_go_is_ended(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    traffic, worker = traffic_of(), bench.worker()
    timekeeper = Timekeeper(runtime_of().conf, traffic, lambda worker: None)
    worker.is_stopping = True
    timekeeper.look([worker], NOW)
    timekeeper.look([worker], NOW + LINGER - 0.1)
    assert worker.lingers_until != math.inf
    timekeeper.look([worker], NOW + LINGER)
    assert worker.lingers_until == math.inf
    assert "a thread that a task has left behind" in caplog.text
