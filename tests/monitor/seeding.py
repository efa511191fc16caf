"""A site in a state of its own: clusters that say they live, packages on queues, outcomes in the database."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections
from django.db.models import Model
from django.test import override_settings

from djq_core import current
from djq_core.brokers import Broker
from djq_core.cluster.snapshot import Snapshot
from djq_core.cluster.status import StatStore
from djq_core.cluster.traffic import Traffic
from djq_core.conf import Conf
from djq_core.envelope import new_id
from djq_core.models import Task

HOST = "orion"


def publish(name: str | None = None, **values: Any) -> None:
    """Let a cluster of this name say what it does, as its pusher would."""
    runtime = current.runtime()
    broker = runtime.shared_broker(name)
    snapshot = Snapshot(runtime.conf, 17, 18).take(Traffic(runtime.conf, type(broker)), [], {})
    told = {"host": HOST, "status": Conf.IDLE, "workers": [101, 102], "scheduler": 103, **values}
    StatStore(runtime, broker, name).put({**snapshot, **told})


def run_of(task_id: str, func: str = "shop.tasks.bill", *, seconds: float = 30.0, attempt: int = 1) -> dict[str, Any]:
    """Return a task that a worker runs, as a cluster tells it."""
    since = time.time() - seconds
    return {"worker": 101, "id": task_id, "name": "a-name", "func": func, "since": since, "attempt": attempt}


def busy(*others: dict[str, Any], **values: Any) -> dict[str, Any]:
    """Return what a cluster tells whose two workers are busy."""
    running = [*others, *(run_of(new_id(), seconds=seconds) for seconds in (90, 30))][:2]
    return {"status": Conf.WORKING, "running": running, **values}


def store(task_id: str, result: Any, *, success: bool, ago: float = 60.0, **fields: Any) -> Task:
    """Store the outcome of a task that ended so many seconds ago."""
    stopped = datetime.now(UTC) - timedelta(seconds=ago)
    values = {"name": "a-name", "func": "math.pow", "args": (), "kwargs": {}, "attempt_count": 1, **fields}
    started = stopped - timedelta(seconds=3)
    return Task.objects.create(id=task_id, result=result, success=success, started=started, stopped=stopped, **values)


def manage(*command: str) -> tuple[int, str]:
    """Run ``manage.py djq`` in this process; return its exit code and what it wrote."""
    out = io.StringIO()
    try:
        call_command("djq", *command, stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


def explained(*query: str) -> dict[str, Any]:
    """Return what ``djq explain --json`` says, its exit code as ``exit``."""
    code, told = manage("explain", *query, "--json")
    answer: dict[str, Any] = json.loads(told)
    return {**answer, "exit": code}


def file_cache(folder: Path) -> dict[str, Any]:
    """Return an entry of ``CACHES`` that processes share."""
    return {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(folder / "cache")}


class AwayRouter:
    """Sends everything to the database ``away``."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        return "away"

    db_for_write = db_for_read


@contextmanager
def away(folder: Path) -> Iterator[None]:
    """Let every table be in a database that cannot be opened."""
    nowhere = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "no" / "folder" / "db")}
    connections.settings["away"] = connections.configure_settings({"default": {}, "away": nowhere})["away"]
    try:
        with override_settings(DATABASE_ROUTERS=["tests.monitor.seeding.AwayRouter"]):
            yield
    finally:
        connections["away"].close()
        del connections["away"], connections.settings["away"]


def broker(name: str | None = None) -> Broker:
    """Return the broker of a queue."""
    return current.runtime().shared_broker(name)


def take(count: int = 1, name: str | None = None) -> list[str]:
    """Take so many packages as a cluster does; return the receipts."""
    return [str(each.receipt) for each in broker(name).receive(count, 0)]
