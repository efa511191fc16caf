"""Several processes and threads at one queue."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from djq_core.brokers.leases import Lease
from djq_orm.broker import OrmBroker
from djq_orm.stores.base import Store

MakeBroker = Callable[..., OrmBroker]
DRAIN = Path(__file__).with_name("drain.py")


def start_drain(database: dict[str, Any], bulk: int, idle: float = 1.0) -> subprocess.Popen[str]:
    arguments = json.dumps({"database": database, "bulk": bulk, "idle": idle})
    process = subprocess.Popen(
        [sys.executable, str(DRAIN), arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_four_processes_take_each_package_once(alias: str, database: dict[str, Any], make_broker: MakeBroker) -> None:
    broker = make_broker()
    broker.enqueue_many([f"p{number}" for number in range(2000)])
    processes = [start_drain(database, bulk) for bulk in (1, 3, 7, 20)]
    for process in processes:
        go(process)
    taken = [process.communicate(timeout=60)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    assert Counter(line for lines in taken for line in lines) == Counter(f"p{number} 1" for number in range(2000))
    assert sum(bool(lines) for lines in taken) > 1, "one process took everything: nothing was shown"
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)


def test_renewing_and_answering_at_once_never_wait_for_each_other(alias: str, make_broker: MakeBroker) -> None:
    broker = make_broker()
    broker.enqueue_many([f"p{number}" for number in range(600)])
    held = [str(delivery.receipt) for delivery in broker.receive(600, 0)]
    errors: list[BaseException] = []
    stop = threading.Event()

    def renew() -> None:
        try:
            while not stop.is_set():
                broker.extend(held[::-1], 60)
        except Exception as error:
            errors.append(error)
        finally:
            connections["queue"].close()

    threads = [threading.Thread(target=renew) for _ in range(2)]
    for thread in threads:
        thread.start()
    for start in range(0, 600, 50):
        broker.acknowledge_many(held[start : start + 50])
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)


@pytest.mark.parametrize("kind", ["postgres_alias", "mariadb_alias"])
def test_the_portable_claim_gives_each_row_once(
    kind: str, request: pytest.FixtureRequest, make_broker: MakeBroker
) -> None:
    alias = request.getfixturevalue(kind)
    store = Store(alias)
    store.insert("main", [f"p{number}" for number in range(400)])
    taken: list[str] = []

    def take() -> None:
        own = Store(alias)
        while rows := own.claim("main", 7, 60):
            taken.extend(row.text for row in rows)
            own.remove([Lease(str(row.pk), row.token) for row in rows])
        connections[alias].close()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(taken) == Counter(f"p{number}" for number in range(400))
    assert store.count_waiting("main") == store.count_held("main") == 0
