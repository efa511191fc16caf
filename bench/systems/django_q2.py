"""Django-Q2, tuned and with its defaults."""

from __future__ import annotations

from typing import Any

from bench.systems.base import PEER, POSTGRESQL, REDIS, SQLITE, WORKERS, Place, Settings, System, django, manage

#: As fast as its settings make it: every result kept without a count, packages fetched a hundred at a time.
TUNED: dict[str, Any] = {"save_limit": 0, "bulk": 100, "queue_limit": 1000, "poll": 0.05, "log_level": "WARNING"}


def _settings(*, is_on_redis: bool, **keys: Any) -> Settings:
    def settings(place: Place) -> dict[str, Any]:
        cluster = {"name": "bench", "workers": WORKERS, "timeout": 60, "retry": 120, **keys}
        broker: dict[str, Any] = {"redis": place.redis_url} if is_on_redis else {"orm": "default"}
        site = django(place, "django_q", Q_CLUSTER=cluster | broker)
        if "bulk" not in keys:
            site["DATABASES"]["default"]["CONN_MAX_AGE"] = 0
        return site

    return settings


def _system(name: str, label: str, queue: str, results: str, tasks: int, **keys: Any) -> System:
    return System(
        name=name,
        label=label,
        kind=PEER,
        inside="django_q2",
        version_of="django-q2",
        queue=queue,
        results=results,
        settings=_settings(is_on_redis=queue == REDIS, **keys),
        workers=(manage("qcluster"),),
        tasks=tasks,
        is_variant="save_limit" not in keys,
        keeps=keys.get("save_limit", 250) or None,
    )


SYSTEMS = (
    _system("django-q2-orm-postgresql", "Django-Q2, ORM on PostgreSQL", POSTGRESQL, POSTGRESQL, 1500, **TUNED),
    _system("django-q2-orm-sqlite", "Django-Q2, ORM on SQLite", SQLITE, SQLITE, 1000, **TUNED),
    _system("django-q2-redis-postgresql", "Django-Q2, Redis, results in PostgreSQL", REDIS, POSTGRESQL, 2000, **TUNED),
    _system("django-q2-defaults", "Django-Q2, ORM on PostgreSQL, its defaults", POSTGRESQL, POSTGRESQL, 300),
)
