"""The ceiling: raw clients that do the least an at-least-once worker can do."""

from __future__ import annotations

from typing import Any

from bench.systems.base import CEILING, NOTHING, POSTGRESQL, PYTHON, REDIS, SQLITE, WORKERS, Place, System, django


def _settings(place: Place) -> dict[str, Any]:
    return django(place, REDIS_URL=place.redis_url)


def _system(inside: str, label: str, queue: str, results: str, client: str, tasks: int) -> System:
    return System(
        name=inside.replace("_", "-"),
        label=label,
        kind=CEILING,
        inside=inside,
        version_of=client,
        queue=queue,
        results=results,
        settings=_settings,
        workers=((PYTHON, "-m", f"bench.inside.{inside}"),) * WORKERS,
        tasks=tasks,
        keeps=0 if results == NOTHING else None,
    )


SYSTEMS = (
    _system("raw_postgresql", "psycopg alone", POSTGRESQL, POSTGRESQL, "psycopg", 60_000),
    _system("raw_sqlite", "sqlite3 alone", SQLITE, SQLITE, "django", 60_000),
    _system("raw_redis_postgresql", "redis-py and psycopg alone", REDIS, POSTGRESQL, "redis", 60_000),
    _system("raw_redis", "redis-py alone, no results", REDIS, NOTHING, "redis", 200_000),
)
