"""The scheduler, run in this process: what is due is enqueued once, what is broken stops nobody."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from djq_core import hookimpl
from djq_core.cluster.channels import Channel, Frame, Kind
from djq_core.cluster.keeper import Keeper
from djq_core.cluster.runs import Runs
from djq_core.cluster.scheduler import AGAIN, READING, Scheduler
from djq_core.cluster.snapshot import Snapshot
from djq_core.cluster.status import StatStore
from djq_core.cluster.traffic import Traffic
from djq_core.envelope import TASK, TaskPackage, decode_package
from djq_core.envelope.package import ORIGIN
from djq_core.exceptions import BrokerError, FunctionNotAllowed
from djq_core.models import Schedule, Task
from djq_core.runtime import Runtime
from djq_core.schedules import ScheduleType
from tests.conf.making import conf
from tests.making import MemoryBroker, Reporter, new_reporter, new_shelf, result_of, runtime_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_clusters() -> None:
    """Know no cluster's status."""
    cache.clear()


def look(runtime: Runtime, now: Callable[[], datetime] = timezone.now) -> float:
    """Let a scheduler look until nothing more is due, or until it has to wait; return for how long it would."""
    ours, theirs = map(Channel, socket.socketpair())
    with closing(ours), closing(theirs):
        scheduler = Scheduler("s", runtime, theirs, now=now)
        while not (patience := scheduler.look()):
            continue
        return patience


def sent(runtime: Runtime, cluster: str | None = None) -> list[TaskPackage]:
    broker = runtime.shared_broker(cluster)
    assert isinstance(broker, MemoryBroker)
    signer = runtime.signer.named(cluster or runtime.conf.name)
    return [decode_package(signer.verify(TASK, text), max_bytes=10**6) for text in broker.queue]


def add(*, ago: timedelta = timedelta(minutes=1), **fields: Any) -> Schedule:
    values = {"func": "math.pow", "args": "2, 3", "next_run": timezone.now() - ago, **fields}
    return Schedule.objects.create(**values)


def test_what_is_due_once_is_enqueued_and_forgotten() -> None:
    runtime = runtime_of()
    add(name="one", kwargs="x=1", hook="site.done")
    assert 29 < look(runtime) <= READING
    (package,) = sent(runtime)
    assert (package.func, package.hook, package.group) == ("math.pow", "site.done", "one")
    assert runtime.load("pickle", package.parts["args"]) == (2, 3)
    assert runtime.load("pickle", package.parts["kwargs"]) == {"x": 1}
    assert not Schedule.objects.exists()


def test_what_is_not_due_waits() -> None:
    runtime = runtime_of()
    add(ago=timedelta(minutes=-5))
    add(repeats=0, schedule_type=Schedule.DAILY)
    add(next_run=None)
    look(runtime)
    assert sent(runtime) == []
    assert Schedule.objects.count() == 3


def test_a_repeated_schedule_moves_on() -> None:
    runtime = runtime_of()
    schedule = add(schedule_type=Schedule.DAILY, repeats=3)
    look(runtime)
    look(runtime)
    (package,) = sent(runtime)
    due = schedule.next_run
    assert due is not None
    schedule.refresh_from_db()
    assert (schedule.repeats, schedule.next_run, schedule.task) == (2, due + timedelta(days=1), package.id)


@pytest.mark.parametrize(("catch_up", "count"), [(True, 4), (False, 1)])
def test_missed_slots_are_made_up_for_if_asked(catch_up: bool, count: int) -> None:
    runtime = runtime_of(catch_up=catch_up)
    schedule = add(ago=timedelta(minutes=190), schedule_type=Schedule.HOURLY)
    look(runtime)
    assert len({package.id for package in sent(runtime)}) == count
    schedule.refresh_from_db()
    assert schedule.next_run is not None
    assert timedelta() < schedule.next_run - timezone.now() < timedelta(hours=1)


def test_two_clusters_give_one_slot_the_same_id() -> None:
    ids = []
    for _ in range(2):
        runtime = runtime_of()
        add(
            pk=77, next_run=timezone.now().replace(year=2020, microsecond=0, second=0, minute=0, hour=0, day=1, month=1)
        )
        look(runtime)
        ids += [package.id for package in sent(runtime)]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_a_schedule_of_another_cluster_is_left_to_it() -> None:
    runtime = runtime_of(name="main")
    add(cluster="other")
    look(runtime)
    assert Schedule.objects.count() == 1
    add(cluster="main")
    look(runtime)
    assert [schedule.cluster for schedule in Schedule.objects.all()] == ["other"]
    assert len(sent(runtime)) == 1


def test_a_broken_row_is_paused_and_reported_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    reporter: type[Reporter] = new_reporter()
    runtime = runtime_of(reporter=reporter)
    broken = add(name="broken", args="open('/etc/passwd')", ago=timedelta(minutes=5))
    add(name="good")
    look(runtime)
    assert [package.group for package in sent(runtime)] == ["good"]
    broken.refresh_from_db()
    assert broken.repeats == 0
    assert "[broken] cannot be run and is paused" in caplog.text
    assert [where for _, _, where in reporter.reports] == ["scheduler"]


def test_each_outage_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    reporter: type[Reporter] = new_reporter()
    runtime = runtime_of(reporter=reporter)
    broker = runtime.shared_broker()
    assert isinstance(broker, MemoryBroker)
    for seconds in (10, 20):
        add(ago=timedelta(seconds=-seconds))
    clock = [timezone.now()]
    ours, theirs = map(Channel, socket.socketpair())
    with closing(ours), closing(theirs):
        scheduler = Scheduler("s", runtime, theirs, now=lambda: clock[0])
        caplog.set_level(logging.INFO, "djq")
        scheduler.look()
        for count in (1, 2):
            clock[0] += timedelta(seconds=10)
            broker.failures = 3
            for _ in range(6):
                scheduler.look()
            assert len(sent(runtime)) == count
            assert [where for _, _, where in reporter.reports] == ["scheduler"] * count
    told = [(record.getMessage(), record.exc_info) for record in caplog.records if "schedules" in record.getMessage()]
    outage = [("s cannot run the schedules: The memory is away.", None), ("s runs the schedules again", None)]
    assert told == outage * 2


def test_a_table_that_is_not_there_is_told_with_the_remedy(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("no such table: djq_core_schedule")

    with connection.execute_wrapper(refuse):
        assert look(runtime_of()) == AGAIN
    (record,) = caplog.records
    assert record.getMessage().endswith(
        "djq_core_schedule. Is the table there? Run: manage.py migrate --database=default"
    )


def test_an_error_that_nobody_foresaw_is_told_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError("nobody foresaw it")

    with connection.execute_wrapper(break_down):
        assert look(runtime_of()) == AGAIN
    (record,) = caplog.records
    assert record.exc_info is not None


def test_each_package_tells_which_schedule_has_sent_it() -> None:
    runtime = runtime_of()
    row = add(name="nightly", schedule_type=Schedule.MINUTES, minutes=5)
    look(runtime)
    (package,) = sent(runtime)
    assert json.loads(package.headers[ORIGIN]) == {"id": row.pk, "name": "nightly", "type": "I", "minutes": 5}


def test_options_travel_in_the_keyword_arguments() -> None:
    runtime = runtime_of()
    add(kwargs="x=1, q_options={'timeout': 5, 'save': False}")
    look(runtime)
    (package,) = sent(runtime)
    assert (package.timeout, package.save) == (5, False)
    assert runtime.load("pickle", package.parts["kwargs"]) == {"x": 1}


@pytest.mark.parametrize(
    ("q_options", "told"),
    [
        ("{'timeout': 'soon'}", "The option timeout takes seconds, not 'soon'."),
        ("{'timeout': -1}", "The option timeout takes seconds above 0, not -1"),
        ("{'save': 'no'}", "The option save takes True or False, not 'no'."),
        ("{'hook': 7}", "The hook must be a callable or its dotted path, not 7."),
        ("{'cluster': 5}", "The option cluster takes a text, not 5."),
        ("{'tiemout': 5}", "Did you mean 'timeout'?"),
        ("5", "q_options takes a dictionary of options, not 5."),
    ],
)
def test_options_that_cannot_be_meant_pause_their_row_alone(
    q_options: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = runtime_of()
    broken = add(name="broken", kwargs=f"q_options={q_options}", ago=timedelta(minutes=5))
    add(name="good")
    look(runtime)
    assert [package.group for package in sent(runtime)] == ["good"]
    broken.refresh_from_db()
    assert broken.repeats == 0
    assert told in caplog.text


def test_options_left_open_are_the_configurations() -> None:
    runtime = runtime_of(cached=60)
    add(kwargs="q_options={'task_name': 'named', 'cluster': None}")
    look(runtime)
    (package,) = sent(runtime)
    assert (package.name, package.cached, package.cluster) == ("named", 60, None)


def test_arguments_that_cannot_travel_pause_their_row_alone() -> None:
    runtime = runtime_of(serializer="json")
    broken = add(name="broken", args="...", ago=timedelta(minutes=5))
    add(name="good")
    look(runtime)
    assert [package.group for package in sent(runtime)] == ["good"]
    broken.refresh_from_db()
    assert broken.repeats == 0


class Veto:
    """Refuses the tasks of one group with an error, after having written to the database."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    @hookimpl
    def djq_pre_enqueue(self, task: Mapping[str, Any]) -> Mapping[str, str]:
        if task["group"] == "refused":
            add(name="written by the plugin", next_run=None)
            raise self._error
        return {}


def test_a_veto_skips_the_slot_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    runtime = runtime_of(plugins=[Veto(PermissionError("Not today."))])
    refused = add(name="refused", schedule_type=Schedule.DAILY, ago=timedelta(minutes=5))
    add(name="good")
    look(runtime)
    assert [package.group for package in sent(runtime)] == ["good"]
    slot = refused.next_run
    assert slot is not None
    assert list(Schedule.objects.values_list("name", "next_run")) == [("refused", slot + timedelta(days=1))]
    assert "s skips this slot of schedule [refused]" in caplog.text
    assert "Not today." in caplog.text


def test_a_function_that_is_not_allowed_is_reported_and_stops_no_other() -> None:
    reporter = new_reporter()
    runtime = runtime_of(allowed_functions=["math.*"], reporter=reporter)
    add(name="refused", func="os.system")
    add(name="good", func="math.floor")
    look(runtime)
    assert [package.group for package in sent(runtime)] == ["good"]
    ((error, task, where),) = reporter.reports
    assert error
    assert task
    assert (error[0], task["func"], where) == (FunctionNotAllowed, "os.system", "scheduler")


@pytest.mark.parametrize("error", [BrokerError("away"), OperationalError("away")])
def test_what_is_away_ends_the_look_and_keeps_the_slots(error: Exception) -> None:
    runtime = runtime_of(plugins=[Veto(error)])
    refused = add(name="refused", schedule_type=Schedule.DAILY, ago=timedelta(minutes=5))
    add(name="good")
    look(runtime)
    assert sent(runtime) == []
    assert dict(Schedule.objects.values_list("name", "next_run"))["refused"] == refused.next_run
    assert Schedule.objects.count() == 2


def test_the_due_moment_is_given_where_it_is_asked_for() -> None:
    runtime = runtime_of()
    schedule = add(intended_date_kwarg="when")
    look(runtime)
    (package,) = sent(runtime)
    assert schedule.next_run is not None
    assert runtime.load("pickle", package.parts["kwargs"]) == {"when": schedule.next_run.isoformat()}


def test_a_broker_that_is_away_loses_no_slot(caplog: pytest.LogCaptureFixture) -> None:
    runtime = runtime_of()
    add()
    broker = runtime.shared_broker()
    assert isinstance(broker, MemoryBroker)
    broker.failures = 1
    look(runtime)
    assert Schedule.objects.count() == 1
    look(runtime)
    assert len(sent(runtime)) == 1


def test_an_outage_is_logged_once_and_its_end_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "djq")
    runtime = runtime_of()
    add()
    broker = runtime.shared_broker()
    assert isinstance(broker, MemoryBroker)
    broker.failures = 3
    ours, theirs = map(Channel, socket.socketpair())
    with closing(ours), closing(theirs):
        scheduler = Scheduler("s", runtime, theirs)
        for _ in range(5):
            scheduler.look()
    told = [record.getMessage() for record in caplog.records if "the schedules" in record.getMessage()]
    assert told == ["s cannot run the schedules: The memory is away.", "s runs the schedules again"]


def test_it_looks_until_it_is_told_to_stop(caplog: pytest.LogCaptureFixture) -> None:
    runtime = runtime_of()
    add()
    ours, theirs = map(Channel, socket.socketpair())
    with closing(ours), closing(theirs):
        ours.send(Frame(Kind.STOP))
        Scheduler("s", runtime, theirs).run()
        assert ours.receive(timeout=0) == Frame(Kind.READY)
    assert len(sent(runtime)) == 1


class Clock:
    """A wall clock that a test moves."""

    def __init__(self, text: str) -> None:
        self.moment = datetime.fromisoformat(text).replace(tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def moves(self, **span: float) -> None:
        self.moment += timedelta(**span)


@contextmanager
def scheduler_of(runtime: Runtime, clock: Clock) -> Iterator[Scheduler]:
    ours, theirs = map(Channel, socket.socketpair())
    with closing(ours), closing(theirs):
        yield Scheduler("s", runtime, theirs, now=clock)


def test_a_slot_known_from_the_reading_is_waited_for_and_run_in_its_moment() -> None:
    runtime, clock = runtime_of(), Clock("2026-05-01T12:00")
    add(next_run=clock.moment + timedelta(seconds=12.5))
    with scheduler_of(runtime, clock) as scheduler:
        assert scheduler.look() == 12.5
        clock.moves(seconds=12.5)
        scheduler.look()
    assert len(sent(runtime)) == 1


def test_rows_that_are_added_count_from_the_next_reading() -> None:
    runtime, clock = runtime_of(), Clock("2026-05-01T12:00")
    with scheduler_of(runtime, clock) as scheduler:
        scheduler.look()
        add(next_run=clock.moment)
        scheduler.look()
        assert sent(runtime) == []
    with scheduler_of(runtime, clock) as scheduler:
        scheduler.look()
    assert len(sent(runtime)) == 1


@pytest.mark.parametrize("change", [{"repeats": 0}, {"next_run": datetime(2026, 6, 1, tzinfo=UTC)}, None])
def test_a_row_that_was_paused_moved_or_deleted_meanwhile_does_not_run(change: dict[str, Any] | None) -> None:
    runtime, clock = runtime_of(), Clock("2026-05-01T12:00")
    add(next_run=clock.moment + timedelta(seconds=5))
    with scheduler_of(runtime, clock) as scheduler:
        scheduler.look()
        Schedule.objects.update(**change) if change else Schedule.objects.all().delete()
        clock.moves(seconds=6)
        scheduler.look()
    assert sent(runtime) == []


def test_a_slot_runs_once_when_the_clock_is_set_back_over_it() -> None:
    runtime, clock = runtime_of(), Clock("2026-05-01T12:00")
    add(next_run=clock.moment, schedule_type=Schedule.HOURLY)
    for hours in (0, -1, 1, 0, 1):
        clock.moves(hours=hours)
        look(runtime, clock)
    assert len(sent(runtime)) == 2


def test_when_repeats_are_used_up_the_row_stays_and_its_slot_too() -> None:
    runtime, clock = runtime_of(), Clock("2026-05-01T12:00")
    first = clock.moment
    schedule = add(next_run=first, schedule_type=Schedule.HOURLY, repeats=2)
    clock.moves(hours=9)
    look(runtime, clock)
    schedule.refresh_from_db()
    assert len(sent(runtime)) == 2
    assert (schedule.repeats, schedule.next_run) == (0, first + timedelta(hours=1))


def test_repeats_that_are_used_up_at_once_leave_the_slot_that_ran_last() -> None:
    first = timezone.now() - timedelta(hours=9)
    run = Runs(runtime_of(), timezone.now()).plan(add(next_run=first, schedule_type=Schedule.HOURLY, repeats=3), 10)
    assert len(run.packages) == 3
    assert (run.row.repeats, run.row.next_run) == (0, first + timedelta(hours=2))


def test_always_counts_down_below_zero() -> None:
    runtime, clock = runtime_of(), Clock("2026-05-01T12:00")
    schedule = add(next_run=clock.moment, schedule_type=Schedule.HOURLY, repeats=-1)
    clock.moves(hours=2)
    look(runtime, clock)
    schedule.refresh_from_db()
    assert schedule.repeats == -4


@pytest.mark.parametrize(("repeats", "rows"), [(-1, []), (1, [0]), (3, [0])])
def test_once_is_deleted_or_kept_as_repeats_say(repeats: int, rows: list[int]) -> None:
    runtime = runtime_of()
    add(repeats=repeats)
    look(runtime)
    look(runtime)
    assert len(sent(runtime)) == 1
    assert list(Schedule.objects.values_list("repeats", flat=True)) == rows


def test_a_slot_that_somebody_sets_again_is_another_task() -> None:
    runtime = runtime_of()
    schedule = add(repeats=1)
    look(runtime)
    Schedule.objects.filter(pk=schedule.pk).update(repeats=1)
    look(runtime)
    assert len({package.id for package in sent(runtime)}) == 2


@pytest.mark.parametrize(
    ("policy", "late", "hours"),
    [
        ("all", 0, [9, 10, 11, 12]),
        ("latest", 0, [12]),
        ("skip", 0, [12]),
        ("skip", 59, [12]),
        ("skip", 61, []),
    ],
)
def test_missed_slots_follow_the_policy_of_their_schedule(policy: str, late: int, hours: list[int]) -> None:
    runtime, clock = runtime_of(catch_up=policy != "all"), Clock("2026-05-01T09:00")
    schedule = add(
        next_run=clock.moment, schedule_type="H", misfire_policy=policy, intended_date_kwarg="when", args="", repeats=9
    )
    clock.moves(hours=3, seconds=late)
    look(runtime, clock)
    whens = [runtime.load("pickle", package.parts["kwargs"])["when"] for package in sent(runtime)]
    assert whens == [f"2026-05-01T{hour:02}:00:00+00:00" for hour in hours]
    schedule.refresh_from_db()
    assert (schedule.next_run, schedule.repeats) == (datetime(2026, 5, 1, 13, tzinfo=UTC), 9 - len(hours))


def test_a_missed_schedule_that_was_to_run_once_is_over_where_missed_runs_are_skipped() -> None:
    runtime = runtime_of()
    add(misfire_policy="skip", ago=timedelta(hours=1))
    add(misfire_policy="skip", ago=timedelta(hours=1), repeats=1)
    look(runtime)
    assert sent(runtime) == []
    assert list(Schedule.objects.values_list("repeats", flat=True)) == [0]


def test_a_run_that_would_overlap_is_skipped_until_the_last_one_has_ended() -> None:
    runtime, clock = runtime_of(results=new_shelf(), max_attempts=2), Clock("2026-05-01T12:00")
    schedule = add(next_run=clock.moment, schedule_type=Schedule.HOURLY, overlap_policy="skip", repeats=10)
    for _ in range(3):
        look(runtime, clock)
        clock.moves(hours=1)
    (first,) = sent(runtime)
    keeper = Keeper(runtime)
    keeper.save([result_of(runtime, first, success=False, attempt=1)], lambda _: None)
    look(runtime, clock)
    assert len(sent(runtime)) == 1, "it will be tried again, so it has not ended"
    keeper.save([result_of(runtime, first)], lambda _: None)
    clock.moves(hours=1)
    look(runtime, clock)
    schedule.refresh_from_db()
    assert len(sent(runtime)) == 2
    assert (schedule.repeats, schedule.is_running) == (8, True)


def test_the_end_of_an_earlier_run_does_not_end_a_later_one() -> None:
    runtime, clock = runtime_of(results=new_shelf()), Clock("2026-05-01T12:00")
    schedule = add(next_run=clock.moment, schedule_type=Schedule.HOURLY, overlap_policy="skip")
    look(runtime, clock)
    Schedule.objects.update(task="another")
    (first,) = sent(runtime)
    Keeper(runtime).save([result_of(runtime, first)], lambda _: None)
    schedule.refresh_from_db()
    assert schedule.is_running


@pytest.mark.parametrize(
    ("holder", "is_queued", "silent", "is_lost"),
    [
        ("one", True, 1, False),
        ("one", True, 4, True),
        (None, False, 1, False),
        (None, False, 4, True),
        (None, True, 4, False),
        (None, True, 23 * 60, False),
        (None, True, 25 * 60, True),
    ],
)
def test_a_run_that_nobody_hears_of_is_no_longer_waited_for(
    caplog: pytest.LogCaptureFixture, *, holder: str | None, is_queued: bool, silent: int, is_lost: bool
) -> None:
    runtime, clock = runtime_of(retry=60, broker=Sized), Clock("2026-05-01T12:00")
    seen = int(clock.moment.timestamp()) - 60 * silent
    add(next_run=clock.moment, schedule_type="I", minutes=1, overlap_policy="skip", is_running=True, task="one")
    Schedule.objects.update(holder=holder, seen=seen)
    if is_queued:
        runtime.shared_broker().enqueue("one")
    before = runtime.shared_broker().queue_size()
    look(runtime, clock)
    row = Schedule.objects.get()
    assert runtime.shared_broker().queue_size() - before == is_lost
    assert ("is lost and no longer waited for" in caplog.text) is is_lost
    assert (row.task != "one", row.holder, row.is_running) == (is_lost, None if is_lost else holder, True)
    assert row.seen == (int(clock.moment.timestamp()) if is_lost else seen)


def test_a_queue_that_cannot_be_counted_may_hold_the_run(caplog: pytest.LogCaptureFixture) -> None:
    runtime, clock = runtime_of(), Clock("2026-05-01T12:00")
    add(next_run=clock.moment, schedule_type="H", overlap_policy="skip", is_running=True, task="one", seen=0)
    Schedule.objects.update(seen=int(clock.moment.timestamp()) - 3600)
    look(runtime, clock)
    assert sent(runtime) == []
    assert "Nobody can tell whether the queue of schedule" in caplog.text


class Sized(MemoryBroker):
    def queue_size(self) -> int:
        return len(self.queue)


def test_a_task_that_has_a_result_is_not_sent_again() -> None:
    runtime = runtime_of()
    schedule = add(schedule_type=Schedule.DAILY)
    with transaction.atomic():
        look(runtime)
        transaction.set_rollback(True)
    (package,) = sent(runtime)
    moment = timezone.now()
    Task.objects.create(id=package.id, name=package.name, func=package.func, started=moment, stopped=moment)
    look(runtime)
    assert len(sent(runtime)) == 1
    schedule.refresh_from_db()
    assert schedule.task == package.id


def test_what_cannot_be_sent_is_tried_in_smaller_parts_until_it_stands_alone() -> None:
    runtime = runtime_of(
        plugins=[Veto(BrokerError("Never."))], broker=type("Bulk", (MemoryBroker,), {"supports_bulk": True})
    )
    add(name="refused", schedule_type=Schedule.DAILY, ago=timedelta(hours=1))
    for number in range(20):
        add(name=f"good-{number}")
    ours, theirs = map(Channel, socket.socketpair())
    with closing(ours), closing(theirs):
        scheduler = Scheduler("s", runtime, theirs)
        waits = [scheduler.look() for _ in range(60)]
    assert len(sent(runtime)) == 20
    assert AGAIN in waits


def test_ten_looks_later_a_schedule_that_minds_the_clocks_is_where_it_was() -> None:
    runtime, clock = runtime_of(time_zone="Europe/Athens"), Clock("2026-03-27T01:30")
    add(next_run=clock.moment, schedule_type=Schedule.DAILY, intended_date_kwarg="when", args="")
    for _ in range(5):
        look(runtime, clock)
        clock.moves(days=1)
    whens = [runtime.load("pickle", package.parts["kwargs"])["when"] for package in sent(runtime)]
    assert [when[8:16] for when in whens] == ["27T01:30", "28T01:30", "29T01:30", "30T00:30", "31T00:30"]


def test_another_kind_of_schedule_comes_from_a_plugin() -> None:
    class Fortnightly(ScheduleType):
        code = "F"

        def next_run(self, last: datetime) -> datetime:
            return last + timedelta(days=14)

    runtime = runtime_of()
    runtime = replace(runtime, registry=replace(runtime.registry, schedule_types={"F": Fortnightly}))
    clock = Clock("2026-05-01T12:00")
    schedule = add(next_run=clock.moment, schedule_type="F")
    look(runtime, clock)
    schedule.refresh_from_db()
    assert schedule.next_run == datetime(2026, 5, 15, 12, tzinfo=UTC)


def test_another_queue_is_used_while_a_cluster_of_its_name_is_at_work() -> None:
    runtime = runtime_of()
    store = StatStore(runtime, runtime.shared_broker("broker_1"), "broker_1")
    now = time.time()
    taken = Snapshot(conf({"name": "broker_1"}), 1, 2)
    add(kwargs="q_options={'broker_name': 'broker_1', 'timeout': 30}", name="early")
    look(runtime)
    assert [package.group for package in sent(runtime)] == ["early"]
    taken.is_running = True
    store.put({**taken.take(Traffic(conf({}), MemoryBroker), [], {}), "timestamp": now})
    add(kwargs="q_options={'broker_name': 'broker_1', 'timeout': 30}", name="there")
    look(runtime)
    assert [(package.group, package.cluster, package.timeout) for package in sent(runtime, "broker_1")] == [
        ("there", "broker_1", 30)
    ]
    assert len(sent(runtime)) == 1
    taken.is_stopping = True
    store.put({**taken.take(Traffic(conf({}), MemoryBroker), [], {}), "timestamp": now})
    add(kwargs="q_options={'broker_name': 'broker_1'}", name="late")
    look(runtime)
    assert [package.group for package in sent(runtime)] == ["early", "late"]
