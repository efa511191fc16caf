"""What follows a death: what is recorded, who is told, and whether another process takes the place."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from djq_core.cluster.channels import Frame, Kind
from djq_core.cluster.children import Child, WorkerChild
from djq_core.cluster.deaths import Deaths
from djq_core.cluster.snapshot import Snapshot
from djq_core.cluster.stopping import Stop
from djq_core.cluster.traffic import Traffic
from tests.cluster.stand_ins import Bench, task_frame
from tests.conf.making import conf
from tests.making import MemoryBroker


@dataclass
class Halt:
    """What a death sees of a stop."""

    is_killing: bool = False
    needs_workers: bool = False
    expected: set[str] = field(default_factory=set)

    def expects_end_of(self, role: str) -> bool:
        return role in self.expected


class Scene:
    """A pusher, a monitor and one worker, which may have started a task."""

    def __init__(self, bench: Bench) -> None:
        settings = conf()
        self.bench = bench
        self.traffic = Traffic(settings, MemoryBroker)
        self.snapshot = Snapshot(settings, 1, 2)
        self.deaths = Deaths(self.traffic, self.snapshot)
        self.worker, self.pusher, self.monitor = bench.worker(), bench.helper("pusher"), bench.helper("monitor")

    def run_a_task(self, **header: Any) -> None:
        self.traffic.on_package(task_frame(1, **header))
        self.traffic.hand_out([self.worker], 0.0)
        self.worker.tickets.take_all()
        (held,) = self.traffic.table.at_worker[self.worker.key]
        self.worker.running = held.ticket

    def bury(self, child: Child, exitcode: int, halt: Halt | None = None) -> bool:
        stop = cast("Stop | None", halt)
        if isinstance(child, WorkerChild):
            return self.deaths.of_worker(child, exitcode, stop, self.pusher)
        return self.deaths.of_helper(child, exitcode, stop)

    def recorded(self) -> list[dict[str, Any]]:
        return [dict(held.outcome or {}) for held in self.traffic.table.finished.values()]


@pytest.fixture
def scene(bench: Bench) -> Scene:
    return Scene(bench)


def test_the_task_of_a_killed_worker_has_crashed_and_the_worker_is_replaced(scene: Scene) -> None:
    scene.run_a_task()
    assert scene.bury(scene.worker, -signal.SIGKILL)
    (outcome,) = scene.recorded()
    assert outcome["crashed"]
    assert "ended by signal 9 (SIGKILL) while it ran this task" in outcome["error"]
    assert scene.deaths.events == [["worker", scene.worker.name, scene.worker.pid, -signal.SIGKILL, "n1"]]
    assert scene.snapshot.reincarnations == 1


def test_the_task_of_a_worker_that_ran_too_long_is_late(scene: Scene) -> None:
    scene.run_a_task(timeout=2.5)
    scene.worker.overdue, scene.worker.has_successor = scene.worker.running, True
    assert not scene.bury(scene.worker, -signal.SIGTERM), "its successor has been started"
    (outcome,) = scene.recorded()
    assert outcome["late"]
    assert "longer than its timeout of 2.5 s. Its worker was ended by signal 15 (SIGTERM)." in outcome["error"]


def test_a_planned_end_is_told_to_nobody(scene: Scene) -> None:
    scene.worker.is_stopping = scene.worker.has_successor = True
    assert not scene.bury(scene.worker, 0)
    assert (scene.recorded(), scene.deaths.events, scene.snapshot.reincarnations) == ([], [], 1)


def test_what_a_stop_kills_is_handed_back(scene: Scene) -> None:
    scene.run_a_task()
    assert not scene.bury(scene.worker, -signal.SIGKILL, Halt(is_killing=True))
    assert (scene.recorded(), scene.deaths.events) == ([], [])
    assert scene.bench.told(scene.pusher) == [Frame(Kind.RELEASE, header=[[1, "r1"]])]


@pytest.mark.parametrize("needs_workers", [True, False])
def test_a_stop_replaces_a_dead_worker_only_for_what_waits(scene: Scene, needs_workers: bool) -> None:
    assert scene.bury(scene.worker, 1, Halt(needs_workers=needs_workers)) is needs_workers
    assert scene.deaths.events == [["worker", scene.worker.name, scene.worker.pid, 1, None]]


def test_a_dead_pusher_is_replaced_and_its_successor_counts_from_zero(scene: Scene) -> None:
    scene.traffic.on_package(task_frame(1))
    assert scene.bury(scene.pusher, 1)
    assert scene.traffic.pushed == 0
    assert scene.deaths.events == [["pusher", "test:pusher", scene.pusher.pid, 1, None]]


def test_a_dead_monitor_is_replaced_and_its_successor_is_sent_everything(scene: Scene) -> None:
    scene.run_a_task()
    scene.bury(scene.worker, 1)
    scene.traffic.forward(scene.monitor)
    assert scene.bury(scene.monitor, -signal.SIGKILL)
    assert [held.is_sent for held in scene.traffic.table.finished.values()] == [False]


def test_an_end_that_a_stop_expects_is_told_to_nobody(scene: Scene) -> None:
    assert not scene.bury(scene.pusher, 0, Halt(expected={"pusher"}))
    assert scene.deaths.events == []
