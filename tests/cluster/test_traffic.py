"""The way of a task through the sentinel: credit, hand-out, results, leases, deaths."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from typing import Any

import pytest

from djq_core.brokers import Broker
from djq_core.cluster.channels import Frame, Kind
from djq_core.cluster.children import Child, WorkerChild
from djq_core.cluster.deadlines import Deadline
from djq_core.cluster.traffic import HOOK_CALLS, MOST_BYTES, MOST_RESULTS, PATIENCE, Traffic
from tests.cluster.stand_ins import Bench, task_frame
from tests.conf.making import conf
from tests.making import MemoryBroker

NOW = 1000.0


def traffic_of(broker: type[Broker] = MemoryBroker, **keys: Any) -> Traffic:
    return Traffic(conf({"workers": 2, "queue_limit": 10, "hook_timeout": 5, "timeout_grace": 2, **keys}), broker)


def push(traffic: Traffic, *numbers: int, **header: Any) -> None:
    for number in numbers:
        traffic.on_package(task_frame(number, **header))


def outcome(worker: WorkerChild, ticket: int, *, success: bool = True, seconds: float = 0.001) -> Frame:
    header = {"success": success, "serializer": "pickle", "stopped": "2026-01-01", "seconds": seconds, "rss": 0}
    return Frame(Kind.RESULT, ticket, header, b"result")


def start_next(traffic: Traffic, worker: WorkerChild, now: float = NOW) -> int:
    """Let a worker take its next ticket, as the sentinel would see it."""
    waiting = [held.ticket for held in traffic.table.at_worker[worker.key] if held.ticket > worker.running]
    left = worker.tickets.take_all()
    assert left == waiting
    worker.tickets.put(left[1:])
    worker.running, worker.since = left[0], now
    return left[0]


def finish(traffic: Traffic, worker: WorkerChild, **fields: Any) -> None:
    held = traffic.on_result(worker, outcome(worker, worker.running, **fields))
    assert held is not None
    worker.running = 0


def finished(bench: Bench, traffic: Traffic, *numbers: int, **header: Any) -> list[int]:
    """Let some tasks run to their end and return their numbers at the sentinel."""
    worker = bench.worker()
    for number in numbers:
        push(traffic, number, **header)
        traffic.hand_out([worker], NOW)
        start_next(traffic, worker)
        finish(traffic, worker)
    return list(traffic.table.finished)


# Credit


def test_the_pusher_may_fetch_as_many_as_there_is_room_for(bench: Bench) -> None:
    traffic, pusher, worker = traffic_of(), bench.helper("pusher"), bench.worker()
    traffic.grant(pusher, [worker])
    assert bench.told(pusher) == [Frame(Kind.GRANT, 10)]
    push(traffic, 1, 2, 3, 4)
    traffic.grant(pusher, [worker])
    assert bench.told(pusher) == []
    traffic.hand_out([worker], NOW)
    traffic.grant(pusher, [worker])
    assert bench.told(pusher) == []
    start_next(traffic, worker)
    traffic.grant(pusher, [worker])
    assert bench.told(pusher) == [Frame(Kind.GRANT, 11)]


class CountsAll(MemoryBroker):
    counts_every_delivery = True


def test_where_each_delivery_counts_only_what_can_start_is_fetched(bench: Bench) -> None:
    traffic, pusher, worker, other = traffic_of(CountsAll), bench.helper("pusher"), bench.worker(), bench.worker()
    crew = [worker, other, bench.worker(is_ready=False)]
    traffic.grant(pusher, crew)
    assert bench.told(pusher) == [Frame(Kind.GRANT, 2)]
    push(traffic, 1, 2)
    traffic.grant(pusher, crew)
    traffic.hand_out([worker, other], NOW)
    traffic.grant(pusher, crew)
    assert bench.told(pusher) == []
    start_next(traffic, worker)
    finish(traffic, worker)
    traffic.grant(pusher, crew)
    assert bench.told(pusher) == [Frame(Kind.GRANT, 3)]


def test_what_is_not_saved_takes_room_too(bench: Bench) -> None:
    traffic, pusher = traffic_of(queue_limit=4), bench.helper("pusher")
    traffic.grant(pusher, [])
    assert bench.told(pusher) == [Frame(Kind.GRANT, 4)]
    done = finished(bench, traffic, 1, 2, 3, 4)
    traffic.grant(pusher, [])
    assert bench.told(pusher) == [Frame(Kind.GRANT, 6)]
    traffic.on_saved(Frame(Kind.DONE, header=done[:1]))
    traffic.grant(pusher, [])
    assert bench.told(pusher) == [Frame(Kind.GRANT, 7)]
    traffic.on_saved(Frame(Kind.SAVED, header=done[1:]))
    traffic.grant(pusher, [])
    assert bench.told(pusher) == [Frame(Kind.GRANT, 8)]
    traffic.on_saved(Frame(Kind.DONE, header=done[1:]))
    assert not traffic.table.saved


def test_nothing_is_granted_where_nothing_may_be_fetched(bench: Bench) -> None:
    pusher = bench.helper("pusher")
    for state in ("is_stopping", "is_store_away"):
        traffic = traffic_of()
        setattr(traffic, state, True)
        traffic.grant(pusher, [])
        setattr(traffic, state, False)
        assert bench.told(pusher) == []
        traffic.grant(pusher, [])
        assert bench.told(pusher) == [Frame(Kind.GRANT, 10)]
    traffic_of().grant(None, [])


def test_the_next_pusher_is_counted_from_zero(bench: Bench) -> None:
    traffic, pusher = traffic_of(), bench.helper("pusher")
    traffic.grant(pusher, [])
    push(traffic, 1, 2, 3)
    traffic.pusher_lost()
    successor = bench.helper("pusher")
    traffic.grant(successor, [])
    assert bench.told(successor) == [Frame(Kind.GRANT, 7)]


def test_never_are_more_than_queue_limit_fetched_and_not_started(bench: Bench) -> None:
    """A greedy pusher, three workers, tasks of any length, for a while."""
    dice, traffic, pusher = random.Random(3), traffic_of(queue_limit=7, recycle=10_000), bench.helper("pusher")
    workers = [bench.worker() for _ in range(3)]
    granted = most = 0
    for turn in range(2000):
        traffic.grant(pusher, workers)
        granted = max([granted, *(frame.seq for frame in bench.told(pusher))])
        for _ in range(dice.randint(0, granted - traffic.pushed)):
            push(traffic, traffic.pushed + 1, func=dice.choice("fgh"))
        most = max(most, traffic.unstarted(workers))
        traffic.hand_out(workers, NOW + turn)
        worker = dice.choice(workers)
        bench.given(worker)
        if worker.running:
            finish(traffic, worker, seconds=dice.choice([0.001, 0.2]))
            traffic.table.answered(list(traffic.table.finished))
        elif traffic.table.at_worker.get(worker.key):
            start_next(traffic, worker, NOW + turn)
    assert most == 7
    assert traffic.pushed > 500


@pytest.mark.parametrize("size", [1, MOST_BYTES // 4])
def test_results_that_pile_up_stop_the_reading(bench: Bench, size: int) -> None:
    traffic, pusher = traffic_of(), bench.helper("pusher")
    payload, count = bytes(size), 4 if size > 1 else MOST_RESULTS
    for number in range(count):
        assert not traffic.is_congested
        traffic.on_package(task_frame(number, Kind.RESULT, payload, error="unreadable"))
    assert traffic.is_congested
    traffic.grant(pusher, [])
    assert bench.told(pusher) == []
    traffic.table.answered([1])
    assert not traffic.is_congested


# From the broker


def test_an_unreadable_package_goes_straight_to_the_monitor(bench: Bench) -> None:
    traffic, monitor = traffic_of(), bench.helper("monitor")
    traffic.on_package(task_frame(1, Kind.RESULT, error="no signature", fail=True))
    traffic.forward(monitor)
    (frame,) = bench.given(monitor)
    assert (frame.header["error"], frame.header["fail"], frame.header["receipt"]) == ("no signature", True, "r1")
    assert not traffic.table.waiting


def test_a_package_that_ended_every_cluster_is_not_run_again() -> None:
    traffic = traffic_of(max_deliveries=3)
    push(traffic, 1, unanswered=3)
    push(traffic, 2, unanswered=4)
    assert len(traffic.table.waiting) == 1
    (held,) = traffic.table.finished.values()
    assert held.outcome is not None
    assert held.outcome["crashed"]
    assert "3 clusters in a row ended while they held it" in held.outcome["error"]


# To the workers


def test_a_worker_is_given_ticket_and_package(bench: Bench) -> None:
    traffic, worker = traffic_of(), bench.worker()
    push(traffic, 5, timeout=3.5)
    traffic.hand_out([worker], NOW)
    (held,) = traffic.table.at_worker[worker.key]
    header = {"name": "n5", "timeout": 3.5, "attempt": 1}
    assert bench.given(worker) == [Frame(Kind.TASK, held.ticket, header, b"package")]
    assert worker.tickets.take_all() == [held.ticket]
    assert worker.given == 1


@pytest.mark.parametrize("state", [{"is_ready": False}, {"has_successor": True}, {"is_stopping": True}, {"given": 500}])
def test_some_workers_are_given_nothing(bench: Bench, state: dict[str, Any]) -> None:
    traffic, worker = traffic_of(), bench.worker(**state)
    push(traffic, 1)
    traffic.hand_out([worker], NOW)
    assert bench.given(worker) == []
    assert len(traffic.table.waiting) == 1


def test_no_worker_runs_more_than_recycle_allows(bench: Bench) -> None:
    traffic, worker = traffic_of(recycle=3), bench.worker()
    traffic.table.measured("f", 0.001)
    push(traffic, *range(10))
    traffic.hand_out([worker], NOW)
    assert worker.given == len(bench.given(worker)) == 3


def stuck_behind(bench: Bench, since: float, usual: float = 0.001) -> tuple[Traffic, WorkerChild, WorkerChild]:
    """Return a worker that runs the first of four tasks, which usually take so many seconds, and an idle one."""
    traffic, busy, idle = traffic_of(), bench.worker(), bench.worker()
    traffic.table.measured("f", usual)
    push(traffic, *range(1, 5))
    traffic.hand_out([busy], NOW)
    start_next(traffic, busy, since)
    return traffic, busy, idle


def test_what_is_stuck_behind_a_long_task_goes_to_the_idle(bench: Bench) -> None:
    traffic, busy, idle = stuck_behind(bench, NOW)
    traffic.hand_out([busy, idle], NOW + PATIENCE * 1.1)
    assert [frame.header["name"] for frame in bench.given(idle)] == ["n2", "n3", "n4"]
    assert len(traffic.table.at_worker[busy.key]) == 1
    assert (busy.given, idle.given) == (1, 3)
    assert busy.tickets.take_all() == []


def test_a_task_that_has_only_just_begun_keeps_what_is_behind_it(bench: Bench) -> None:
    traffic, busy, idle = stuck_behind(bench, NOW)
    traffic.hand_out([busy, idle], NOW + PATIENCE / 2)
    assert bench.given(idle) == []


def test_an_idle_worker_is_given_its_share_of_what_another_has_in_hand(bench: Bench) -> None:
    traffic, busy, idle = stuck_behind(bench, NOW, PATIENCE / 3)
    traffic.hand_out([busy, idle], NOW)
    assert [len(traffic.table.at_worker[worker.key]) for worker in (busy, idle)] == [2, 2]
    assert [frame.header["name"] for frame in bench.given(idle)] == ["n2", "n4"]


def test_nothing_is_called_back_for_workers_that_cannot_take_it(bench: Bench) -> None:
    traffic, busy, idle = stuck_behind(bench, NOW)
    idle.has_successor = True
    traffic.hand_out([busy, idle], NOW + 1)
    assert len(traffic.table.at_worker[busy.key]) == 4


# From the workers


def test_a_result_goes_to_the_monitor_with_its_package(bench: Bench) -> None:
    traffic, monitor = traffic_of(), bench.helper("monitor")
    (seq,) = finished(bench, traffic, 1, attempt=2)
    traffic.forward(None)
    traffic.forward(monitor)
    (frame,) = bench.given(monitor)
    assert (frame.kind, frame.seq) == (Kind.RESULT, seq)
    assert (frame.payload[: frame.header["split"]], frame.payload[frame.header["split"] :]) == (b"package", b"result")
    told = {name: frame.header[name] for name in ("name", "receipt", "attempt", "success", "serializer", "stopped")}
    assert told == {
        "name": "n1",
        "receipt": "r1",
        "attempt": 2,
        "success": True,
        "serializer": "pickle",
        "stopped": "2026-01-01",
    }
    assert "skips_hook" not in frame.header
    traffic.forward(monitor)
    assert bench.given(monitor) == []


def test_a_result_of_a_task_that_the_worker_does_not_have_is_nobody_s(bench: Bench) -> None:
    traffic, worker = traffic_of(), bench.worker()
    assert traffic.on_result(worker, outcome(worker, 77)) is None
    assert not traffic.table.finished


@pytest.mark.parametrize(
    ("seconds", "is_overdue", "is_late"), [(2.6, False, False), (2.4, True, False), (2.6, True, True)]
)
def test_a_success_after_its_time_is_a_failure(bench: Bench, seconds: float, is_overdue: bool, is_late: bool) -> None:
    traffic, worker = traffic_of(), bench.worker()
    push(traffic, 1, timeout=2.5)
    traffic.hand_out([worker], NOW)
    ticket = start_next(traffic, worker)
    worker.overdue = ticket if is_overdue else 0
    frame = outcome(worker, ticket)
    frame.header["seconds"] = seconds
    held = traffic.on_result(worker, frame)
    assert held is not None
    if is_late:
        assert (held.outcome, held.result) == (
            {"error": "The task ran longer than its timeout of 2.5 s.", "late": True},
            b"",
        )
    else:
        assert held.outcome is not None
        assert held.outcome["success"]


def test_a_failure_after_its_time_keeps_its_own_text(bench: Bench) -> None:
    traffic, worker = traffic_of(timeout=3), bench.worker()
    push(traffic, 1)
    traffic.hand_out([worker], NOW)
    ticket = start_next(traffic, worker)
    worker.deadline = Deadline(ticket, at=10.0, grace=1.0)
    worker.deadline.due(10.0)
    held = traffic.on_result(worker, outcome(worker, ticket, success=False))
    assert held is not None
    assert held.result == b"result"
    assert traffic.late(held) == "The task ran longer than its timeout of 3 s."


def test_the_culprit_of_a_dead_worker_is_recorded_and_its_neighbours_wait_again(bench: Bench) -> None:
    traffic, busy, _ = stuck_behind(bench, NOW)
    crash = {"error": "ended by signal 9", "crashed": True}
    (culprit,) = traffic.worker_lost(busy, crash)
    assert culprit.header["name"] == "n1"
    assert culprit.outcome == crash
    assert list(traffic.table.finished) == [culprit.seq]
    assert [held.header["name"] for held in traffic.table.waiting] == ["n2", "n3", "n4"]


def test_what_a_stop_killed_is_not_recorded(bench: Bench) -> None:
    traffic, busy, _ = stuck_behind(bench, NOW)
    assert len(traffic.worker_lost(busy, None)) == 1
    assert not traffic.table.finished


# Hooks


def resent(bench: Bench, traffic: Traffic) -> list[bool]:
    """Return for each result that the next monitor is given whether its hook is skipped."""
    monitor = bench.helper("monitor")
    traffic.forward(monitor)
    return [frame.header.get("skips_hook", False) for frame in bench.given(monitor)]


def test_the_next_monitor_is_given_everything_that_is_not_done(bench: Bench) -> None:
    traffic = traffic_of()
    first, second, third = finished(bench, traffic, 1, 2, 3)
    assert resent(bench, traffic) == [False] * 3
    traffic.table.answered([second])
    traffic.is_store_away = True
    traffic.monitor_lost(by_kill=True)
    assert not traffic.is_store_away
    assert resent(bench, traffic) == [False] * 2
    assert set(traffic.table.finished) == {first, third}


def test_a_hook_is_called_again_after_one_kill_and_not_after_more(bench: Bench, caplog: Any) -> None:
    traffic = traffic_of()
    (seq,) = finished(bench, traffic, 1)
    for call in range(1, HOOK_CALLS + 1):
        traffic.on_hook(seq, NOW)
        traffic.monitor_lost(by_kill=True)
        assert resent(bench, traffic) == [call == HOOK_CALLS]
    assert "The hook site.done of [n1] f" in caplog.text
    assert "ended the monitor and is not called again" in caplog.text


def test_a_hook_that_ended_the_monitor_itself_is_not_called_again(bench: Bench) -> None:
    traffic = traffic_of()
    first, second = finished(bench, traffic, 1, 2)
    traffic.on_hook(second, NOW)
    traffic.monitor_lost(by_kill=False)
    assert resent(bench, traffic) == [False, True]
    assert first in traffic.table.finished


def test_a_hook_that_has_returned_is_not_to_blame(bench: Bench) -> None:
    traffic = traffic_of()
    (seq,) = finished(bench, traffic, 1)
    traffic.on_hook(seq, NOW)
    traffic.on_hook(0, None)
    assert not traffic.has_hanging_hook(NOW + 100)
    traffic.monitor_lost(by_kill=False)
    assert resent(bench, traffic) == [False]


def test_a_hook_that_concerns_no_result_is_watched_too(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    traffic = traffic_of()
    (seq,) = finished(bench, traffic, 1)
    traffic.on_hook(0, NOW)
    assert traffic.has_hanging_hook(NOW + 5)
    traffic.monitor_lost(by_kill=True)
    assert "A plugin's hook outlasted hook_timeout (5 s) and is not called again" in caplog.text
    assert resent(bench, traffic) == [False]
    assert seq in traffic.table.finished


def test_a_hook_that_hangs_is_given_up(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    traffic = traffic_of()
    (seq,) = finished(bench, traffic, 1)
    traffic.on_hook(seq, NOW)
    assert not traffic.has_hanging_hook(NOW + 4.9)
    with caplog.at_level(logging.ERROR, "djq"):
        assert traffic.has_hanging_hook(NOW + 5)
        traffic.monitor_lost(by_kill=True)
    assert resent(bench, traffic) == [True]
    assert [record.getMessage() for record in caplog.records] == [
        f"The hook site.done of [n1] f ({1:032x}) outlasted hook_timeout (5 s) and is not called again"
    ]


# Leases


def named(frames: Sequence[Frame]) -> list[Any]:
    assert all(frame.kind is Kind.RENEW for frame in frames)
    return [item for frame in frames for item in frame.header]


def lease_holders(bench: Bench, traffic: Traffic) -> tuple[Child, Child, list[int]]:
    """Let one result be saved, one wait for the monitor, one task run and one wait."""
    pusher, monitor, worker = bench.helper("pusher"), bench.helper("monitor"), bench.worker()
    saving = finished(bench, traffic, 1)
    traffic.forward(monitor)
    finished(bench, traffic, 2)
    push(traffic, 3, 4)
    traffic.hand_out([worker], NOW)
    return pusher, monitor, saving


def test_what_waits_or_runs_is_the_pusher_s_to_renew_and_what_is_saved_the_monitor_s(bench: Bench) -> None:
    traffic = traffic_of()
    pusher, monitor, saving = lease_holders(bench, traffic)
    traffic.renew(pusher, monitor)
    assert named(bench.told(pusher)) == [[2, "r2"], [3, "r3"], [4, "r4"]]
    assert named(bench.told(monitor)) == [[saving[0], "r1"]]


class NoLeases(MemoryBroker):
    supports_leases = False


@pytest.mark.parametrize(("broker", "keys"), [(NoLeases, {}), (MemoryBroker, {"renew_leases": False, "timeout": 5})])
def test_nothing_is_renewed_where_leases_are_not(bench: Bench, broker: type[Broker], keys: dict[str, Any]) -> None:
    traffic = traffic_of(broker, **keys)
    pusher, monitor, _ = lease_holders(bench, traffic)
    traffic.renew(pusher, monitor)
    assert bench.told(pusher) == bench.told(monitor) == []


@pytest.mark.parametrize("keys", [{}, {"renew_leases": False, "timeout": 5}])
def test_runs_of_schedules_that_are_in_hand_are_told_on_whatever_broker(bench: Bench, keys: dict[str, Any]) -> None:
    traffic, pusher = traffic_of(Broker, **keys), bench.helper("pusher")
    traffic.tell_runs(pusher)
    push(traffic, 1)
    push(traffic, 2, schedule=7)
    traffic.tell_runs(pusher)
    traffic.tell_runs(None)
    ids = [held.header["id"] for held in traffic.table.waiting]
    assert bench.told(pusher) == [Frame(Kind.RUNS, header=[[7, ids[1]]])]


def test_a_helper_that_is_away_renews_nothing(bench: Bench) -> None:
    traffic = traffic_of()
    pusher, monitor, _ = lease_holders(bench, traffic)
    traffic.renew(None, monitor)
    traffic.renew(pusher, None)
    assert len(named(bench.told(monitor))) == 1
    assert len(named(bench.told(pusher))) == 3


def test_the_newest_receipt_is_the_one_that_is_handed_out(bench: Bench) -> None:
    traffic, monitor = traffic_of(), bench.helper("monitor")
    (seq,) = finished(bench, traffic, 1)
    traffic.on_renewed([(seq, "r1", "renewed"), (99, "r99", "nobody's")], [])
    traffic.forward(monitor)
    assert bench.given(monitor)[0].header["receipt"] == "renewed"


def test_a_lost_lease_drops_a_waiting_task_and_lets_the_others_end(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    traffic, worker = traffic_of(), bench.worker()
    (saved,) = finished(bench, traffic, 1)
    push(traffic, 2, 3, func="unknown")
    traffic.hand_out([worker], NOW)
    running, waiting = traffic.table.at_worker[worker.key][0], traffic.table.waiting[0]
    start_next(traffic, worker)
    traffic.on_renewed([(saved, "r1", None), (running.seq, "r2", None), (waiting.seq, "r3", None)], [worker])
    assert set(traffic.table.by_seq) == {saved, running.seq}
    assert running.receipt == "r2"
    assert "The lease of [n3] unknown" in caplog.text


def test_a_lost_lease_drops_what_a_worker_has_not_started(bench: Bench) -> None:
    traffic, worker = traffic_of(), bench.worker()
    push(traffic, 1)
    traffic.hand_out([worker], NOW)
    traffic.on_renewed([(1, "r1", None)], [worker])
    assert not traffic.table.by_seq
    assert traffic.is_idle(worker)


def test_what_is_delivered_again_while_it_is_held_goes_on_under_the_new_receipt(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    traffic, worker, pusher, monitor = traffic_of(), bench.worker(), bench.helper("pusher"), bench.helper("monitor")
    (saving,) = finished(bench, traffic, 1)
    traffic.forward(monitor)
    push(traffic, 2)
    wants = [traffic.wants_renewal]
    for number in (1, 2):
        push(traffic, number, receipt=f"again{number}", unanswered=2)
    wants.append(traffic.wants_renewal)
    assert len(traffic.table.by_seq) == 2
    assert "it was delivered again to this cluster, which still has it" in caplog.text
    traffic.renew(pusher, monitor)
    assert [*wants, traffic.wants_renewal] == [False, True, False]
    assert named(bench.told(monitor)) == [[saving, "again1"]]
    assert named(bench.told(pusher)) == [[2, "again2"]]
    traffic.on_renewed([(2, "r2", None)], [worker])
    assert traffic.table.by_seq[2].receipt == "again2"


@pytest.mark.parametrize(("success", "waiting"), [(True, []), (False, ["again"])])
def test_where_each_delivery_counts_a_failure_that_comes_again_was_released(
    bench: Bench, success: bool, waiting: list[str]
) -> None:
    traffic, worker = traffic_of(CountsAll), bench.worker()
    push(traffic, 1)
    traffic.hand_out([worker], NOW)
    start_next(traffic, worker)
    finish(traffic, worker, success=success)
    push(traffic, 1, receipt="again", unanswered=2)
    assert [held.receipt for held in traffic.table.waiting] == waiting


def test_what_another_cluster_had_is_new_here(bench: Bench) -> None:
    traffic = traffic_of()
    push(traffic, 1, unanswered=2)
    assert [held.receipt for held in traffic.table.waiting] == ["r1"]


def test_without_renewal_what_is_delivered_again_is_run_again(bench: Bench) -> None:
    traffic = traffic_of(renew_leases=False, timeout=5)
    push(traffic, 1)
    push(traffic, 1, receipt="again", unanswered=2)
    assert [held.receipt for held in traffic.table.waiting] == ["r1", "again"]


def test_without_renewal_the_first_to_end_knows_the_last_delivery(bench: Bench) -> None:
    traffic, monitor = traffic_of(renew_leases=False, timeout=5), bench.helper("monitor")
    workers = [bench.worker(), bench.worker()]
    push(traffic, 1, 2)
    traffic.hand_out(workers, NOW)
    push(traffic, 1, receipt="again", unanswered=2)
    push(traffic, 1, receipt="once more", unanswered=3)
    for worker in workers:
        start_next(traffic, worker)
        finish(traffic, worker)
    traffic.forward(monitor)
    told = {frame.header["receipt"]: frame.header.get("newest") for frame in bench.given(monitor)}
    assert told == {"r1": "once more", "r2": None}


class Changing(MemoryBroker):
    changes_receipts = True


@pytest.mark.parametrize("answer", ["renewed", "away", "pusher lost"])
def test_a_result_waits_for_the_receipt_that_its_renewal_changes(bench: Bench, answer: str) -> None:
    traffic, pusher, monitor = traffic_of(Changing), bench.helper("pusher"), bench.helper("monitor")
    worker = bench.worker()
    push(traffic, 1, 2)
    traffic.hand_out([worker], NOW)
    start_next(traffic, worker)
    traffic.renew(pusher, monitor)
    finish(traffic, worker)
    traffic.forward(monitor)
    assert bench.given(monitor) == []
    if answer == "pusher lost":
        traffic.pusher_lost()
    else:
        valid = {"renewed": ("r1", "r1+"), "away": (None, None)}[answer]
        traffic.on_renewed([(1, *valid)], [worker])
    traffic.forward(monitor)
    (frame,) = bench.given(monitor)
    assert frame.header["receipt"] == ("r1+" if answer == "renewed" else "r1")
    assert (traffic.table.by_seq[1].receipt, traffic.unstarted([worker])) == (frame.header["receipt"], 1)


def test_what_is_being_renewed_is_not_renewed_beside(bench: Bench) -> None:
    traffic, pusher, monitor = traffic_of(Changing), bench.helper("pusher"), bench.helper("monitor")
    worker = bench.worker()
    push(traffic, 1)
    traffic.hand_out([worker], NOW)
    start_next(traffic, worker)
    traffic.renew(pusher, monitor)
    push(traffic, 2)
    traffic.renew(pusher, monitor)  # the broker is slow: the first answer takes longer than a third of a lease
    assert named(bench.told(pusher)) == [[1, "r1"], [2, "r2"]]
    finish(traffic, worker)
    traffic.on_renewed([(1, "r1", "r1+")], [worker])
    traffic.forward(monitor)
    assert [frame.header["receipt"] for frame in bench.given(monitor)] == ["r1+"]
    traffic.on_renewed([(2, "r2", "r2+")], [worker])
    traffic.renew(pusher, monitor)
    assert named(bench.told(pusher)) == [[2, "r2+"]]


def test_a_renewal_that_failed_does_not_count_as_one(bench: Bench) -> None:
    traffic = traffic_of(Changing)
    push(traffic, 1, fetched=NOW)
    traffic.on_renewed([(1, None, None)], [])
    assert traffic.lease_age(NOW + 9) == 9
    assert [held.receipt for held in traffic.table.waiting] == ["r1"]


def test_elsewhere_no_result_waits_for_a_renewal(bench: Bench) -> None:
    traffic, pusher, monitor, worker = traffic_of(), bench.helper("pusher"), bench.helper("monitor"), bench.worker()
    push(traffic, 1)
    traffic.hand_out([worker], NOW)
    start_next(traffic, worker)
    traffic.renew(pusher, monitor)
    finish(traffic, worker)
    traffic.forward(monitor)
    assert len(bench.given(monitor)) == 1


def test_what_will_not_be_started_is_recorded(bench: Bench) -> None:
    traffic, monitor = traffic_of(), bench.helper("monitor")
    push(traffic, 1, 2)
    traffic.give_up_waiting("stopped")
    traffic.forward(monitor)
    assert [frame.header["error"] for frame in bench.given(monitor)] == ["stopped", "stopped"]
    assert not traffic.table.waiting


# Handing back


def test_what_is_handed_back_is_named_and_forgotten(bench: Bench) -> None:
    traffic, pusher = traffic_of(), bench.helper("pusher")
    push(traffic, 1, 2)
    traffic.release(pusher, traffic.table.drain_waiting())
    (frame,) = bench.told(pusher)
    assert (frame.kind, frame.header) == (Kind.RELEASE, [[1, "r1"], [2, "r2"]])
    assert traffic.releasing == {1, 2}
    traffic.pusher_lost()
    assert traffic.releasing == set()


def test_what_has_no_receipt_or_no_pusher_is_only_forgotten(bench: Bench) -> None:
    traffic, pusher = traffic_of(), bench.helper("pusher")
    push(traffic, 1, receipt=None)
    traffic.release(pusher, traffic.table.drain_waiting())
    push(traffic, 2)
    traffic.release(None, traffic.table.drain_waiting())
    assert bench.told(pusher) == []
    assert (traffic.releasing, traffic.table.by_seq) == (set(), {})


def test_a_stop_hands_back_only_to_brokers_with_receipts() -> None:
    class Plain(Broker):
        pass

    assert traffic_of(MemoryBroker).hands_back
    assert not traffic_of(Plain).hands_back


# Counting


def test_runs_and_their_durations_are_counted(bench: Bench) -> None:
    traffic, worker = traffic_of(), bench.worker()
    push(traffic, 1, 2, attempt=1)
    push(traffic, 3, attempt=2)
    for success in (True, False, True):
        traffic.hand_out([worker], NOW)
        start_next(traffic, worker)
        finish(traffic, worker, success=success, seconds=0.3)
    assert (traffic.tally.processed, traffic.tally.failed) == (3, 1)
    assert (sum(traffic.tally.runs), sum(traffic.tally.waits)) == (3, 2)


def test_a_run_that_a_worker_died_of_counts_as_failed(bench: Bench) -> None:
    traffic, worker = traffic_of(), bench.worker()
    push(traffic, 1)
    traffic.hand_out([worker], NOW)
    start_next(traffic, worker)
    traffic.worker_lost(worker, {"error": "gone", "crashed": True})
    assert (traffic.tally.processed, traffic.tally.failed) == (1, 1)
