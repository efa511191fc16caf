"""Ourselves."""

from __future__ import annotations

from typing import Any

from bench.systems.base import (
    NOTHING,
    OURS,
    POSTGRESQL,
    REDIS,
    SQLITE,
    WORKERS,
    Place,
    Settings,
    System,
    django,
    manage,
)

#: As the issue of the benchmarks has it; the manual's workers² is a row of its own.
QUEUE_LIMIT = 1000


def _settings(**keys: Any) -> Settings:
    def settings(place: Place) -> dict[str, Any]:
        cluster = {"name": "bench", "workers": WORKERS, "queue_limit": QUEUE_LIMIT, **keys}
        if cluster.pop("on_redis", False):
            cluster["redis"] = {"unix_socket_path": place.socket, "db": place.number}
        else:
            cluster["orm"] = "default"
        return django(place, "djq_core", "djq_orm", Q_CLUSTER=cluster)

    return settings


def _system(name: str, label: str, queue: str, results: str, tasks: int, *, keeps: int | None, **keys: Any) -> System:
    is_variant = name not in {each[0] for each in _FOUR}
    return System(
        name=name,
        label=label,
        kind=OURS,
        inside="djq",
        version_of="djq-core",
        queue=queue,
        results=results,
        settings=_settings(on_redis=queue == REDIS, **keys),
        workers=(manage("qcluster"),),
        tasks=tasks,
        keeps=keeps,
        is_variant=is_variant,
    )


_QUIET: dict[str, Any] = {"save_limit": 0, "log_level": "WARNING"}
_LOUD: dict[str, Any] = {"save_limit": 250, "log_level": "INFO"}

_FOUR: tuple[tuple[str, str, str, str, int, dict[str, Any]], ...] = (
    ("djq-orm-postgresql", "djq, ORM on PostgreSQL", POSTGRESQL, POSTGRESQL, 20_000, {}),
    ("djq-orm-sqlite", "djq, ORM on SQLite", SQLITE, SQLITE, 15_000, {}),
    ("djq-receipts-postgresql", "djq, Redis receipts, results in PostgreSQL", REDIS, POSTGRESQL, 20_000,
     {"redis_receipts": True}),
    ("djq-redis-off", "djq, Redis list, results off", REDIS, NOTHING, 30_000, {"save_limit": -1}),
)  # fmt: skip


def _quiet_and_loud(name: str, label: str, queue: str, results: str, tasks: int, keys: dict[str, Any]) -> list[System]:
    is_off = results == NOTHING
    return [
        _system(name, label, queue, results, tasks, keeps=0 if is_off else None, **_QUIET | keys),
        _system(
            f"{name}-loud",
            f"{label}, save_limit {'-1' if is_off else '250'}, a log line per task",
            queue,
            results,
            tasks,
            keeps=0 if is_off else 250,
            **_LOUD | keys,
        ),
    ]


SYSTEMS: tuple[System, ...] = (
    *(system for each in _FOUR for system in _quiet_and_loud(*each)),
    _system(
        "djq-orm-postgresql-workers2",
        "djq, ORM on PostgreSQL, queue_limit workers²",
        POSTGRESQL,
        POSTGRESQL,
        2_000,
        keeps=None,
        **_QUIET,
        queue_limit=None,
    ),
    _system(
        "djq-receipts-cached",
        "djq, Redis receipts, results cached",
        REDIS,
        REDIS,
        3_000,
        keeps=None,
        **_QUIET,
        redis_receipts=True,
        cached=True,
    ),
)
