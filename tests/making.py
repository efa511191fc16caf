"""Small real parts for unit tests: a broker and a result backend in memory, and runtimes built of them."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from djq_core.brokers import Broker, BrokerSettings, Delivery
from djq_core.brokers.base import Package
from djq_core.envelope import TaskPackage, TaskResult, new_id
from djq_core.exceptions import BrokerError, ResultBackendUnavailable
from djq_core.models import Task
from djq_core.plugins import load
from djq_core.reporters import ErrorReporter
from djq_core.reporters.base import ExcInfo
from djq_core.results import ResultBackend, Stored
from djq_core.results.records import task_of
from djq_core.runtime import Runtime
from tests.conf.making import conf

START = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


class MemoryBroker(Broker):
    """A queue in memory with receipts and leases that writes down every call; ``failures`` calls in a row raise."""

    name = "memory"
    supports_receipts = True
    supports_leases = True
    supports_delay = True
    counts_deliveries = True

    def __init__(self, settings: BrokerSettings | None = None, *, log: list[Any] | None = None) -> None:
        super().__init__(settings)
        self.queue: deque[Package] = deque()
        self.log: list[Any] = [] if log is None else log
        self.lost: set[str] = set()
        self.failures = 0
        self._numbers = itertools.count(1)

    def enqueue(self, package: Package) -> str | None:
        self._note("enqueue")
        self.queue.append(package)
        return f"id-{len(self.queue)}"

    def enqueue_many(self, packages: Sequence[Package]) -> list[str | None]:
        self._note("enqueue_many", len(packages))
        self.queue.extend(packages)
        return [f"id-{number}" for number in range(len(packages))]

    def receive(self, count: int, wait: float) -> list[Delivery]:
        self._note("receive", count)
        taken = [self.queue.popleft() for _ in range(min(count, len(self.queue)))]
        return [Delivery(f"receipt-{next(self._numbers)}", package) for package in taken]

    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        self._note("extend", list(receipts), seconds)
        return [None if receipt in self.lost else f"{receipt}+" for receipt in receipts]

    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        self._note("release", list(receipts), delay, counted)

    def acknowledge_many(self, ids: Sequence[str]) -> None:
        self._note("acknowledge", list(ids))

    def fail(self, id: str) -> None:
        self._note("fail", id)

    def purge_queue(self) -> None:
        self._note("purge_queue")

    def calls(self, name: str) -> list[Any]:
        """Return the arguments of the calls of this name."""
        return [call[1:] for call in self.log if call[0] == name]

    def _note(self, *call: Any) -> None:
        if self.failures:
            self.failures -= 1
            raise BrokerError("The memory is away.")
        self.log.append(call)


class Shelf(ResultBackend):
    """Results in a dictionary; made by :func:`new_shelf`, which gives each test a class of its own."""

    log: ClassVar[list[Any]]
    rows: ClassVar[dict[str, TaskResult]]
    crashes: ClassVar[dict[str, int]]
    refused: ClassVar[frozenset[str]]
    outages: ClassVar[list[None]]

    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        if self.outages:
            self.outages.pop()
            raise ResultBackendUnavailable("The shelf is away.")
        self.log.append(("save", [result.package.name for result in results]))
        if any(result.package.id in self.refused and result.success for result in results):
            raise ValueError("The shelf does not take this row.")
        return dict(pair for result in results if (pair := self._put(result)))

    def get(self, task_id: str) -> Task | None:
        return task_of(self.rows[task_id]) if task_id in self.rows else None

    def _put(self, result: TaskResult) -> tuple[str, Stored] | None:
        task_id = result.package.id
        if task_id in self.rows and self.rows[task_id].success:
            return None
        self.rows[task_id] = result
        self.crashes[task_id] = self.crashes.get(task_id, 0) + result.crashed
        return task_id, Stored(result.attempt, self.crashes[task_id])

    def prune(self, keep: int, **only: str | None) -> None:
        self.log.append(("prune", keep))

    def prune_unreadable(self, keep: int) -> None:
        self.log.append(("prune_unreadable", keep))


def new_shelf(*, log: list[Any] | None = None, refuses: Iterable[str] = (), outages: int = 0) -> type[Shelf]:
    """Return a class of shelves that share one content; the first ``outages`` saves find it away."""
    own = {
        "log": [] if log is None else log,
        "rows": {},
        "crashes": {},
        "refused": frozenset(refuses),
        "outages": [None] * outages,
    }
    return type("OwnShelf", (Shelf,), own)


def new_reporter() -> type[Reporter]:
    """Return a class of reporters that share one list."""
    return type("OwnReporter", (Reporter,), {"reports": []})


class Reporter(ErrorReporter):
    """Keeps what it is told in ``reports``."""

    reports: ClassVar[list[tuple[ExcInfo | None, Mapping[str, Any] | None, str | None]]]

    def report(
        self, exc_info: ExcInfo | None = None, task: Mapping[str, Any] | None = None, where: str | None = None
    ) -> None:
        self.reports.append((exc_info, task, where))


def runtime_of(
    *,
    broker: type[Broker] = MemoryBroker,
    results: type[ResultBackend] | None = None,
    cache_results: type[ResultBackend] | None = None,
    reporter: type[ErrorReporter] | None = None,
    plugins: Sequence[object] = (),
    **keys: Any,
) -> Runtime:
    """Return a runtime without installed plugins, with these parts and keys of ``Q_CLUSTER``."""
    keys = {"broker": "memory", "workers": 2, **keys, **({"error_reporter": {"own": {}}} if reporter else {})}
    made = conf(keys)
    registry = load(made, entry_points=[])
    own = {"database": results, "cache": cache_results}
    backends = {**registry.result_backends, **{name: backend for name, backend in own.items() if backend}}
    reporters = {"own": reporter} if reporter else {}
    registry = replace(registry, brokers={"memory": broker}, result_backends=backends, error_reporters=reporters)
    for number, plugin in enumerate(plugins):
        registry.hooks.register(plugin, f"plugin-{number}")
    return Runtime(made, registry)


def package_of(
    runtime: Runtime,
    func: str = "math.pow",
    args: tuple[Any, ...] = (2, 3),
    kwargs: Mapping[str, Any] | None = None,
    **fields: Any,
) -> TaskPackage:
    """Return a package without asking how core builds them."""
    task_id = fields.pop("id", None) or new_id()
    parts = {"args": runtime.dump(args), "kwargs": runtime.dump(dict(kwargs or {}))}
    values: dict[str, Any] = {"name": f"name-{task_id[:8]}", "started": START, "parts": parts, **fields}
    return TaskPackage(id=task_id, func=func, serializer=runtime.conf.serializer, **values)


def result_of(
    runtime: Runtime, package: TaskPackage, value: Any = 8.0, *, success: bool = True, **fields: Any
) -> TaskResult:
    """Return a result of a package."""
    stopped = fields.pop("stopped", datetime.now(UTC))
    return package.finished(runtime.dump(value), stopped, success=success, serializer=runtime.conf.serializer, **fields)


def wait_until(is_so: Any, seconds: float = 5.0) -> None:
    """Wait for another thread; fail when it takes too long."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "It did not happen in time."
        time.sleep(0.002)
