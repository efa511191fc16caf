"""The stop, stage by stage: pusher, workers, monitor."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from djq_core.cluster.channels import Frame, Kind
from djq_core.cluster.children import Child, WorkerChild
from djq_core.cluster.events import PipeEvent
from djq_core.cluster.sentinel import Sentinel
from djq_core.cluster.stopping import HURRY, PUSHER_SECONDS, Stop
from djq_core.cluster.traffic import Traffic
from tests.cluster.stand_ins import Bench, task_frame
from tests.conf.making import conf
from tests.making import MemoryBroker

STOP, LEAVE, END = Frame(Kind.STOP), Frame(Kind.LEAVE), Frame(Kind.STAT, header="stopped")


class Plain(MemoryBroker):
    supports_receipts = False


@dataclass
class Guard:
    """What a stop sees of its sentinel."""

    traffic: Traffic
    workers: dict[int, WorkerChild] = field(default_factory=dict)
    helpers: dict[str, Child] = field(default_factory=dict)
    stopped: list[WorkerChild] = field(default_factory=list)

    def stop_worker(self, worker: WorkerChild) -> None:
        if worker not in self.stopped:
            self.stopped.append(worker)

    def publish_end(self) -> None:
        self.helpers["pusher"].control.send(END)

    def end_worker(self, worker: WorkerChild) -> None:
        del self.workers[worker.key]


class Scene:
    """A cluster with one busy worker (two tasks), one idle one, and a task that waits."""

    def __init__(self, bench: Bench, event: PipeEvent, broker: type[MemoryBroker] = MemoryBroker, **keys: Any) -> None:
        settings = conf({"queue_limit": 10, **keys})
        self.bench = bench
        self.event = event
        self.guard = Guard(Traffic(settings, broker))
        self.guard.helpers = {role: bench.helper(role) for role in ("pusher", "monitor", "scheduler")}
        self.busy, self.idle = bench.worker(), bench.worker()
        self.guard.workers = {worker.key: worker for worker in (self.busy, self.idle)}
        self._fill(self.guard.traffic)
        self.stop = Stop(cast("Sentinel", self.guard), settings, event)
        self.now = time.monotonic()

    def _fill(self, traffic: Traffic) -> None:
        traffic.table.measured("f", 0.001)
        for number in (1, 2):
            traffic.on_package(task_frame(number))
        traffic.hand_out([self.busy], 0.0)
        self.first, _ = traffic.table.at_worker[self.busy.key]
        self.busy.tickets.take_all()
        self.busy.tickets.put([self.first.ticket + 1])
        self.busy.running = self.first.ticket
        traffic.on_package(task_frame(3))

    def told(self, role: str) -> list[Frame]:
        return self.bench.told(self.guard.helpers[role])

    def go_on(self, seconds: float = 0.01) -> None:
        self.now += seconds
        self.stop.go_on(self.now)

    def finish_first(self) -> None:
        self.guard.traffic.table.finish(self.busy.key, self.first.ticket, {"success": True}, b"r")

    def until_workers(self) -> None:
        """Let the pusher stop."""
        self.stop.on_pusher_stopped(3)
        self.go_on()

    def until_monitor(self) -> None:
        """Let the workers end, too."""
        self.until_workers()
        self.guard.traffic.table.lose(self.busy.key, [])
        self.guard.workers.clear()
        self.go_on()


@pytest.fixture
def event() -> Iterator[PipeEvent]:
    with closing(PipeEvent(multiprocessing.get_context())) as made:
        made.set()
        yield made


@pytest.fixture
def scene(bench: Bench, event: PipeEvent) -> Scene:
    return Scene(bench, event)


def test_first_nothing_more_is_fetched_or_scheduled(scene: Scene) -> None:
    for _ in range(3):
        scene.go_on()
    assert scene.told("pusher") == scene.told("scheduler") == [STOP]
    assert scene.told("monitor") == []
    assert scene.guard.stopped == []


def test_everything_that_was_fetched_is_waited_for(scene: Scene) -> None:
    scene.stop.on_pusher_stopped(4)
    scene.go_on()
    assert scene.guard.traffic.releasing == set()
    scene.guard.traffic.on_package(task_frame(4))
    scene.go_on()
    scene.go_on()
    assert len(scene.guard.traffic.releasing) == 3


def test_what_is_not_started_is_handed_back(scene: Scene) -> None:
    scene.until_workers()
    scene.go_on()
    assert scene.told("pusher") == [STOP, Frame(Kind.RELEASE, header=[[2, "r2"], [3, "r3"]])]
    assert list(scene.guard.traffic.table.by_seq) == [1]


def test_a_queue_without_receipts_is_finished(bench: Bench, event: PipeEvent) -> None:
    scene = Scene(bench, event, Plain)
    scene.until_workers()
    scene.go_on()
    assert scene.told("pusher") == [STOP]
    assert scene.stop.needs_workers
    assert len(scene.guard.traffic.table.by_seq) == 3
    assert scene.guard.stopped == []


def test_what_comes_back_from_a_dead_worker_is_handed_back_too(scene: Scene) -> None:
    scene.until_workers()
    scene.go_on()
    scene.told("pusher")
    scene.guard.traffic.on_package(task_frame(4))
    scene.go_on()
    assert scene.told("pusher") == [Frame(Kind.RELEASE, header=[[4, "r4"]])]


def test_a_queue_without_receipts_has_recorded_what_a_kill_leaves(bench: Bench, event: PipeEvent) -> None:
    scene = Scene(bench, event, Plain, stop_timeout=5)
    table = scene.guard.traffic.table
    scene.until_workers()
    scene.go_on(4.9)
    assert (len(table.waiting), len(table.finished)) == (1, 0)
    scene.go_on(0.2)
    assert [(seq, held.outcome) for seq, held in table.finished.items()] == [
        (3, {"error": "The cluster was stopped before it started this task."})
    ]
    assert not table.waiting
    assert not scene.stop.needs_workers


def test_no_worker_is_replaced_for_a_stop_that_kills(bench: Bench, event: PipeEvent) -> None:
    scene = Scene(bench, event, Plain, stop_timeout=5)
    scene.until_workers()
    scene.go_on(5.1)
    scene.guard.traffic.on_package(task_frame(4))
    assert scene.guard.traffic.table.waiting
    assert not scene.stop.needs_workers


def test_a_pusher_that_does_not_stop_is_ended(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.go_on(PUSHER_SECONDS - 0.5)
    assert "does not stop pushing tasks" not in caplog.text
    assert scene.guard.traffic.table.waiting
    scene.go_on(1.0)
    scene.go_on()
    assert "test:pusher does not stop pushing tasks and is ended" in caplog.text
    assert not scene.guard.traffic.table.waiting


def test_the_idle_are_stopped_and_the_busy_when_they_are_done(scene: Scene) -> None:
    scene.until_workers()
    scene.go_on()
    assert scene.guard.stopped == [scene.idle]
    scene.go_on(10_000)
    assert not scene.stop.is_killing
    scene.finish_first()
    scene.go_on()
    assert scene.guard.stopped == [scene.idle, scene.busy]


def test_the_monitor_comes_after_the_workers_and_the_pusher_leaves_last(scene: Scene) -> None:
    scene.until_workers()
    scene.go_on()
    scene.told("pusher")
    monitor = scene.guard.helpers["monitor"]
    assert scene.bench.given(monitor) == []
    scene.until_monitor()
    scene.go_on()
    assert scene.bench.given(monitor) == [STOP]
    assert scene.told("monitor") == [STOP], "it may wait for its broker, and read no results"
    assert scene.told("pusher") == []
    del scene.guard.helpers["monitor"]
    scene.go_on()
    scene.go_on()
    assert LEAVE not in scene.told("pusher")
    scene.guard.traffic.releasing.clear()
    for _ in range(3):
        scene.go_on()
    assert scene.told("pusher") == [END, LEAVE]
    scene.guard.helpers.clear()
    scene.go_on()
    assert scene.stop.is_over


def test_the_end_of_a_helper_is_in_order_when_nothing_needs_it(scene: Scene) -> None:
    assert scene.stop.expects_end_of("pusher")
    assert not scene.stop.expects_end_of("monitor")
    scene.until_monitor()
    assert scene.stop.expects_end_of("monitor")
    scene.guard.traffic.on_package(task_frame(9, Kind.RESULT, error="unreadable"))
    assert not scene.stop.expects_end_of("monitor")


def test_what_runs_longer_than_stop_timeout_is_ended(bench: Bench, event: PipeEvent) -> None:
    scene = Scene(bench, event, stop_timeout=5)
    scene.until_workers()
    killing = []
    for seconds in (4.9, 0.2):
        scene.go_on(seconds)
        killing.append(scene.stop.is_killing)
    assert killing == [False, True]


def test_a_monitor_that_takes_longer_than_stop_timeout_is_ended(bench: Bench, event: PipeEvent) -> None:
    scene = Scene(bench, event, stop_timeout=5)
    scene.until_monitor()
    scene.guard.traffic.on_package(task_frame(9, Kind.RESULT, error="unreadable"))
    expected = []
    for seconds in (4.9, 0.2):
        scene.go_on(seconds)
        expected.append(scene.stop.expects_end_of("monitor"))
    assert expected == [False, True]


def test_a_scheduler_that_was_started_meanwhile_is_told_at_the_end(scene: Scene) -> None:
    scene.until_monitor()
    scene.guard.helpers["scheduler"] = scene.bench.helper("scheduler")
    del scene.guard.helpers["monitor"]
    scene.go_on()
    scene.go_on()
    assert scene.told("scheduler") == [STOP]


@pytest.mark.parametrize("reason", ["second signal", "end of the cluster"])
def test_a_second_signal_or_the_end_of_the_cluster_leaves_no_time(scene: Scene, reason: str) -> None:
    if reason == "second signal":
        scene.event.insist()
    else:
        scene.event.writer.close()
    scene.go_on()
    scene.go_on(HURRY + 1)
    scene.go_on()
    assert scene.stop.is_killing
    assert len(scene.guard.traffic.releasing) == 2
