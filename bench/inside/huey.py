"""The calls of Huey, on PostgreSQL with results, and on Redis without."""

from __future__ import annotations

from typing import Any

from huey import PostgresHuey, RedisHuey

from bench import work
from bench.inside.asking import setting

HAS_RESULTS = setting("HUEY_STORE") == "postgresql"


def _made() -> Any:
    if not HAS_RESULTS:
        return RedisHuey("bench", url=setting("REDIS_URL"), results=False)
    entry = setting("DATABASES")["default"]
    dsn = f"host={entry['HOST']} port={entry['PORT']} user={entry['USER']} dbname={entry['NAME']}"
    return PostgresHuey("bench", dsn=dsn, store_none=True)


huey = _made()


@huey.task()
def append(number: int, milliseconds: float) -> None:
    """Run the task."""
    work.append(number, milliseconds)


def enqueue(number: int, milliseconds: float) -> None:
    """Send one task."""
    append(number, milliseconds)


def queued() -> int:
    """Return how many are on the queue; what was fetched is not on it any more."""
    return int(huey.storage.queue_size())


def stored() -> int:
    """Return how many results there are."""
    return int(huey.storage.result_store_size()) if HAS_RESULTS else 0
