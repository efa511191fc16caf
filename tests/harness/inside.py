"""What a test asks a process of the site to do; all through the public API. Arguments and answers are JSON."""

from __future__ import annotations

import io
import math
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.test import RequestFactory, override_settings
from django.utils import timezone

from djq_core import current, tasks, views
from djq_core.brokers import get_broker
from djq_core.cluster import Cluster
from djq_core.envelope import TASK, TaskPackage, decode_package
from djq_core.exceptions import BrokerError
from djq_core.models import Failure, Part, Schedule, Success, Task
from djq_core.monitor import Stat
from djq_core.monitor.explain import explain
from djq_core.monitor.gathering import gather
from djq_orm.broker import OrmBroker
from djq_orm.models import OrmQ
from djq_orm.packing import from_text
from tests.harness import oracle
from tests.harness.hostile import Deadly, Unloadable
from tests.harness.names import HOSTILE, TASKS
from tests.harness.waiting import wait_until

_CHUNK = 500


def enqueue(func: str, *args: Any, **kwargs: Any) -> str:
    """Enqueue one task of the harness under the name of its label, the first argument; return its id."""
    oracle.note(settings.ORACLE, args[0], oracle.PUT)
    return str(tasks.async_task(f"{TASKS}.{func}", *args, **{"task_name": args[0], **kwargs}))


def enqueue_plain(func: str, *args: Any, **kwargs: Any) -> str:
    """Enqueue any function; return the task's id."""
    return str(tasks.async_task(func, *args, **kwargs))


def enqueue_many(func: str, labels: list[str], *args: Any, **kwargs: Any) -> int:
    """Enqueue one task per label, in transactions of several hundred; return how many."""
    for start in range(0, len(labels), _CHUNK):
        with transaction.atomic():
            for label in labels[start : start + _CHUNK]:
                enqueue(func, label, *args, **kwargs)
    return len(labels)


def enqueue_in_transactions(labels: list[str]) -> None:
    """Enqueue one mark per label, each in a transaction of its own; every second one is rolled back at its end."""
    for number, label in enumerate(labels):
        with transaction.atomic():
            tasks.async_task(f"{TASKS}.mark", label, task_name=label)
            transaction.set_rollback(number % 2 == 1)
        if number % 2 == 0:
            oracle.note(settings.ORACLE, label, oracle.PUT)


def enqueue_paced(calls: list[list[Any]], per_second: float) -> float:
    """Enqueue calls, each a function and its arguments, at a steady pace; return how late the last one was.

    A dictionary as the last argument has the keywords. The functions of this module that enqueue may be called too.
    """
    began = time.monotonic()
    late = 0.0
    own = {each.__name__: each for each in (enqueue_foreign, enqueue_chains, enqueue_in_transactions)}
    for number, (func, *args) in enumerate(calls):
        due = began + number / per_second
        time.sleep(max(0.0, due - time.monotonic()))
        late = time.monotonic() - due
        kwargs = args.pop() if args and isinstance(args[-1], dict) else {}
        own[func](*args, **kwargs) if func in own else enqueue(func, *args, **kwargs)
    return late


def enqueue_once_each(labels: list[str], per_second: float) -> list[float]:
    """Enqueue one mark per label at a pace, trying none again; note what was accepted.

    Return how many were refused, and the seconds of the longest call.
    """
    began, longest, refused = time.monotonic(), 0.0, 0
    for number, label in enumerate(labels):
        time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        called = time.monotonic()
        try:
            tasks.async_task(f"{TASKS}.mark", label, task_name=label)
        except BrokerError:
            refused += 1
        else:
            oracle.note(settings.ORACLE, label, oracle.PUT)
        longest = max(longest, time.monotonic() - called)
    return [refused, longest]


def enqueue_chains(labels: list[str], length: int, seconds: float = 0.0, **options: Any) -> int:
    """Enqueue one chain of marks per label; link n of it is labelled and named ``label:n``."""
    for label in labels:
        names = [f"{label}:{number}" for number in range(length)]
        for name in names:
            oracle.note(settings.ORACLE, name, oracle.PUT)
        tasks.async_chain(
            [(f"{TASKS}.mark", (name, seconds), {"task_name": name, **options}) for name in names], group=label
        )
    return len(labels)


def enqueue_iter(func: str, labels: list[str], *args: Any, **kwargs: Any) -> str:
    """Enqueue a function of the harness over many labels as one iter; return its id."""
    for label in labels:
        oracle.note(settings.ORACLE, label, oracle.PUT)
    return tasks.async_iter(f"{TASKS}.{func}", [(label, *args) for label in labels], **kwargs)


def enqueue_numbers(count: int) -> list[Any]:
    """Enqueue an iter over so many numbers; return its id and the seconds that took."""
    began = time.monotonic()
    return [tasks.async_iter("math.sqrt", range(count)), time.monotonic() - began]


def iter_of(iter_id: str, wait: int = 0, *, cached: bool = False) -> list[Any] | None:
    """Return whether an iter succeeded, and its results; None while it is not complete."""
    found = tasks.fetch(iter_id, wait, cached=cached)
    return None if found is None else [found.success, found.result]


def wait_for_numbers(iter_id: str, count: int, wait: int) -> bool:
    """Return whether the result of an iter over so many numbers came in time and is right."""
    return bool(tasks.result(iter_id, wait) == [math.sqrt(number) for number in range(count)])


def run_chain(links: list[Any], wait: int, **kwargs: Any) -> dict[str, Any]:
    """Run a chain of functions of the harness and return what it says when it has ended."""
    chain = tasks.Chain([(f"{TASKS}.{func}", args) for func, *args in links], **kwargs)
    for _, label, *_ in links:
        oracle.note(settings.ORACLE, label, oracle.PUT)
    group = chain.run()
    said = {"result": chain.result(wait), "success": [task.success for task in chain.fetch(wait=wait)]}
    return said | {"current": chain.current(), "group": tasks.result_group(group, count=len(links), wait=wait)}


def parts_left() -> int:
    """Return how many parts iters have left; notes that one has ended are none."""
    return Part.objects.filter(result__isnull=False).count()


def enqueue_foreign(label: str, **kwargs: Any) -> str:
    """Put a package on this site's queue that another site's key has signed."""
    with override_settings(SECRET_KEY="the key of a stranger"):
        return enqueue_plain(f"{TASKS}.mark", label, task_name=label, **kwargs)


def refusal(kind: str, where: str) -> str:
    """Enqueue a task with an argument that cannot be sent; return what it is refused with."""
    value = {"lock": threading.Lock(), "lambda": lambda: None, "generator": (n for n in range(3))}[kind]
    call: dict[str, Callable[[], Any]] = {
        "second": lambda: tasks.async_task(f"{TASKS}.mark", "refused", value),
        "keyword": lambda: tasks.async_task(f"{TASKS}.mark", "refused", seconds=value),
        "nested": lambda: tasks.async_task(f"{TASKS}.mark", "refused", [1, {"deep": value}]),
    }
    try:
        call[where]()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def enqueue_garbage(count: int) -> None:
    """Put so many different texts on the queue that nobody has signed."""
    broker = get_broker()
    for start in range(0, count, _CHUNK):
        broker.enqueue_many([f"garbage {number}" for number in range(start, min(count, start + _CHUNK))])


def enqueue_unreadable(kind: str, label: str) -> str:
    """Enqueue a task whose argument or result cannot be read; return its id."""
    values: dict[str, tuple[object, ...]] = {"unloadable": (Unloadable(),), "deadly": (Deadly(),), "return": ()}
    func = "take" if values[kind] else "return_unloadable"
    return str(tasks.async_task(f"{HOSTILE}.{func}", label, *values[kind], task_name=label))


def enqueue_instance(name: str, *, is_gone: bool) -> str:
    """Enqueue a task with a model instance, whose row ``is_gone`` then, and whose name is the result; return its id."""
    row = Schedule.objects.create(name=name, func="a.b", repeats=0)
    task_id = str(tasks.async_task(f"{TASKS}.name_of", row, task_name=name, max_attempts=1))
    if is_gone:
        row.delete()
    return task_id


def enqueue_with(label: str, option: str, value: Any) -> str:
    """Enqueue a task with an option; return its id, or what it is refused with."""
    return _id_or_refusal(lambda: tasks.async_task(f"{TASKS}.mark", label, **{option: value}))


def _id_or_refusal(call: Callable[[], Any]) -> str:
    try:
        return str(call())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def enqueue_bytes(func: str, label: str, size: int, **kwargs: Any) -> str:
    """Enqueue a task with an argument of so many bytes; return its id, or what it is refused with."""
    return _id_or_refusal(lambda: enqueue(func, label, bytes(range(256)) * (size // 256), **kwargs))


def run_inline(func: str, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
    """Run a task with ``sync=True`` and return its row."""
    return row(enqueue(func, *args, sync=True, **kwargs))


# Schedules


def add_schedules(count: int, due_in: float, **fields: Any) -> float:
    """Store schedules of marks that are due at one moment, whole seconds ahead; return that moment as a timestamp."""
    due = datetime.fromtimestamp(int(time.time() + due_in), UTC)
    values = {"func": f"{TASKS}.mark", "next_run": due, **fields}
    rows = [Schedule(**{"name": f"s-{number}", "args": f"'s-{number}'", **values}) for number in range(count)]
    Schedule.objects.bulk_create(rows, batch_size=1_000)
    return due.timestamp()


def add_schedule_rows(rows: list[dict[str, Any]]) -> int:
    """Store schedules that give their due date to their task; return how many."""
    made = [{**row, "next_run": datetime.fromisoformat(row["next_run"])} for row in rows]
    fixed = {"func": "builtins.dict", "intended_date_kwarg": "when"}
    return len(Schedule.objects.bulk_create([Schedule(**row, **fixed) for row in made]))


def make_due(name: str) -> None:
    """Make a schedule due now, as an operator may; a scheduler knows from its next reading."""
    Schedule.objects.filter(name=name).update(next_run=timezone.now())


def slots_that_ran() -> list[str]:
    """Take every package off the queue; return the group and the due date of each."""
    runtime = current.runtime()
    deliveries = iter(lambda: runtime.broker().receive(500, 0.0), [])
    texts = [runtime.signer.verify(TASK, each.package) for taken in deliveries for each in taken]
    packages = [decode_package(text, max_bytes=10**6) for text in texts]
    return [f"{each.group} {runtime.load(each.serializer, each.parts['kwargs'])['when']}" for each in packages]


def due_schedules() -> int:
    """Return how many schedules are past their moment and have not run."""
    return Schedule.objects.filter(next_run__lte=timezone.now()).exclude(repeats=0).count()


def queued_for(name: str) -> list[int]:
    """Return how many packages wait on the ORM queue of a cluster, and how many tasks they are."""
    ids = [package.id for package in _packages(name)]
    return [len(ids), len(set(ids))]


def _packages(name: str) -> list[TaskPackage]:
    signer = current.runtime().signer.named(name)
    texts = OrmQ.objects.filter(key=name).values_list("payload", flat=True)
    return [decode_package(signer.verify(TASK, from_text(text)), max_bytes=10**6) for text in texts]


def schedule_rows() -> list[dict[str, Any]]:
    """Return what there is of each schedule, in order."""
    fields = ("name", "func", "repeats", "task", "schedule_type", "is_running", "holder", "seen")
    return [{**row, "pk": row["pk"]} for row in Schedule.objects.order_by("pk").values("pk", *fields)]


def schedule(func: str, *args: Any, **kwargs: Any) -> str:
    """Call ``schedule``; return its row's id, or what it is refused with."""
    return _id_or_refusal(lambda: tasks.schedule(func, *args, **kwargs).pk)


# Looking


def row(task_id: str) -> dict[str, Any] | None:
    """Return the row of a task by its id or name, None where there is none."""
    found = Task.objects.filter(id=task_id).first() or Task.objects.filter(name=task_id).first()
    return None if found is None else _as_dict(found)


def rows() -> list[dict[str, Any]]:
    """Return all rows."""
    return [_as_dict(task) for task in Task.objects.all()]


def fetched(task_id: str, wait: int = 0, *, cached: bool = False) -> dict[str, Any] | None:
    """Return what ``fetch`` returns."""
    found = tasks.fetch(task_id, wait, cached=cached)
    return None if found is None else _as_dict(found)


def result(task_id: str, wait: int = 0, *, cached: bool = False) -> Any:
    """Return what ``result`` returns."""
    return tasks.result(task_id, wait, cached=cached)


def result_size(task_id: str, wait: int = 0) -> int:
    """Return the length of a result."""
    return len(tasks.result(task_id, wait) or b"")


def save_cached(task_id: str) -> dict[str, Any] | None:
    """Store a cached task in the database and return its row."""
    found = tasks.fetch(task_id, cached=True)
    assert found is not None
    found.save()
    return row(task_id)


def group(group_id: str) -> dict[str, Any]:
    """Return what the group functions say."""
    return {
        "results": tasks.result_group(group_id),
        "count": tasks.count_group(group_id),
        "failures": tasks.count_group(group_id, failures=True),
    }


def group_results(group_id: str, count: int, *, cached: bool = False) -> list[Any]:
    """Wait for so many results of a group, half a minute at most, and return them."""
    return list(tasks.result_group(group_id, count=count, wait=30_000, cached=cached))


def stored() -> dict[str, Any]:
    """Return names of the successes, names and errors of the failures, and how many packages are on the queue."""
    failures: dict[str, str] = {}
    for task in Failure.objects.all():
        failures[f"{task.name} {task.id}" if task.name in failures else task.name] = str(task.result)
    successes = list(Success.objects.values_list("name", flat=True))
    return {"successes": successes, "failures": failures, "queued": _queued()}


def counts() -> list[int]:
    """Return how many successes, failures and queued packages there are."""
    return [Success.objects.count(), Failure.objects.count(), _queued()]


def sizes() -> list[int]:
    """Return what the broker says of its queue: how many wait, how many are held."""
    broker = get_broker()
    return [broker.queue_size(), broker.lock_size()]


def _queued() -> int:
    """Return how many packages are on the queue, waiting or held; on the ORM those of every cluster."""
    broker = get_broker()
    return OrmQ.objects.using(broker.database).count() if isinstance(broker, OrmBroker) else sum(sizes())


def stats() -> list[dict[str, Any]]:
    """Return the status of every cluster."""
    fields = (
        "cluster_id", "host", "status", "workers", "sentinel", "monitor", "pusher", "reincarnations", "task_q_size",
        "done_q_size",
    )  # fmt: skip
    return [{name: getattr(stat, name) for name in fields} for stat in Stat.get_all()]


def own_pid() -> int:
    """Return the id of this process."""
    return os.getpid()


def command(*arguments: str) -> str:
    """Run a management command here and return what it writes; its exit code is left alone."""
    output = io.StringIO()
    with suppress(SystemExit):
        call_command(*arguments, stdout=output, stderr=output)
    return output.getvalue()


def probe(view: str = "health", **options: Any) -> list[Any]:
    """Return the status of a page for probes, and its text."""
    answer = getattr(views, view)(RequestFactory().get("/"), **options)
    return [answer.status_code, answer.content.decode()]


def own_a_cluster() -> dict[str, Any]:
    """Start a cluster here, let it drain the queue, stop it while a task runs, and return its states on the way."""
    cluster = Cluster()
    seen: dict[str, Any] = {"before": _states(cluster), "timeout": cluster.timeout}
    cluster.start()
    seen |= {"started": _states(cluster), "is_own": cluster.pid == os.getpid()}
    until = time.monotonic() + 20
    while _queued() or cluster.stat().status != "Idle":
        assert time.monotonic() < until, cluster.stat()
        time.sleep(0.05)
    seen["stat"] = cluster.stat().status
    enqueue("mark", "last", 1.5)
    wait_until(lambda: oracle.Oracle(Path(settings.ORACLE)).of("last") == [oracle.START], 10, "the last one runs")
    assert cluster.stop_event
    cluster.stop_event.set()
    seen["stopping"] = _states(cluster)
    cluster.stop()
    return {**seen, "stopped": _states(cluster)}


def _states(cluster: Cluster) -> list[bool]:
    return [cluster.is_starting, cluster.is_running, cluster.is_stopping, cluster.has_stopped]


def drop_tables(tables: list[str]) -> None:
    """Drop tables of the database ``default``, so that whoever asks for them fails."""
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DROP TABLE {table}")


def purge() -> None:
    """Delete every package, as an operator may."""
    get_broker().purge_queue()


def delete_queue() -> None:
    """Delete the queue, as an operator may."""
    get_broker().delete_queue()


def queue_size() -> int:
    """Return what ``queue_size`` returns."""
    return int(tasks.queue_size())


def _as_dict(task: Task) -> dict[str, Any]:
    fields = ("id", "name", "func", "hook", "group", "success", "attempt_count")
    try:
        value = task.result
    except LookupError as error:
        value = error
    return {name: getattr(task, name) for name in fields} | {
        "args": repr(task.args)[:200],
        "kwargs": repr(task.kwargs)[:200],
        "result": value if isinstance(value, str | int | None) else repr(value)[:200],
        "time_taken": task.time_taken(),
    }


def explained(query: str) -> list[Any]:
    """Return the causes that ``djq explain`` has for a task, the details of the first one behind them."""
    causes = explain(gather(current.runtime(), query))
    return [[cause.code for cause in causes], [causes[0].headline, *causes[0].details]]
