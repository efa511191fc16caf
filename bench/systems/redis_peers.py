"""The peers whose queue is in Redis."""

from __future__ import annotations

from typing import Any

from bench.systems.base import NOTHING, PEER, POSTGRESQL, PROGRAMS, REDIS, WORKERS, Place, Settings, System, django

#: How many messages a process of Celery fetches ahead; by default it is four, which is slower.
PREFETCH = 100


def _peer(
    name: str, label: str, inside: str, settings: Settings, workers: tuple[tuple[str, ...], ...], count: int,
    results: str = NOTHING, *, is_variant: bool = False,
) -> System:  # fmt: skip
    return System(
        name=name,
        label=label,
        kind=PEER,
        inside=inside,
        version_of=inside,
        queue=REDIS,
        results=results,
        settings=settings,
        workers=workers,
        tasks=count,
        is_variant=is_variant,
        keeps=0 if results == NOTHING else None,
    )


def _celery(*, is_late: bool, has_results: bool, reuse: int = 0) -> Settings:
    def settings(place: Place) -> dict[str, Any]:
        apps = ("django_celery_results",) if has_results else ()
        return django(
            place,
            *apps,
            CELERY_BROKER_URL=f"redis+socket://{place.socket}?virtual_host={place.number}",
            CELERY_RESULT_BACKEND="django-db" if has_results else None,
            DB_REUSE_MAX=reuse,
            CELERY_TASK_IGNORE_RESULT=not has_results,
            CELERY_TASK_ACKS_LATE=is_late,
            CELERY_WORKER_PREFETCH_MULTIPLIER=PREFETCH,
        )

    return settings


def _huey(place: Place) -> dict[str, Any]:
    return django(place, HUEY_STORE="redis", REDIS_URL=place.redis_url)


def _plain(place: Place) -> dict[str, Any]:
    return django(place, REDIS_URL=place.redis_url)


def _program(name: str, *words: str) -> tuple[str, ...]:
    return str(PROGRAMS / name), *words


_PREFORK = _program(
    "celery", "-A", "bench.inside.celery", "worker", "--concurrency", str(WORKERS), "--pool", "prefork",
    "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING",
)  # fmt: skip
_DRAMATIQ = _program("dramatiq", "bench.inside.dramatiq", "--processes", str(WORKERS), "--threads", "1")
_CONSUMER = _program("huey_consumer", "bench.inside.huey.huey", "-w", str(WORKERS), "-k", "process", "-q")


def _rq(*words: str) -> tuple[tuple[str, ...], ...]:
    return (_program("python", "-m", "bench.inside.rq", *words),) * WORKERS


SYSTEMS = (
    _peer("celery-late", "Celery prefork, late ack, results in PostgreSQL", "celery",
          _celery(is_late=True, has_results=True), (_PREFORK,), 1000, POSTGRESQL),
    _peer("celery-early", "Celery prefork, early ack, results in PostgreSQL", "celery",
          _celery(is_late=False, has_results=True), (_PREFORK,), 1000, POSTGRESQL, is_variant=True),
    _peer("celery-late-reuse", "Celery prefork, late ack, results in PostgreSQL, connections kept", "celery",
          _celery(is_late=True, has_results=True, reuse=10_000), (_PREFORK,), 1000, POSTGRESQL, is_variant=True),
    _peer("celery-off", "Celery prefork, early ack, results off", "celery",
          _celery(is_late=False, has_results=False), (_PREFORK,), 5000),
    _peer("dramatiq", "Dramatiq, two processes, results off", "dramatiq", _plain, (_DRAMATIQ,), 8000),
    _peer("rq", "RQ, two workers, results off", "rq", _plain, _rq(), 500),
    _peer("rq-simple", "RQ, two SimpleWorkers, results off", "rq", _plain, _rq("simple"), 2000, is_variant=True),
    _peer("huey-redis", "Huey on Redis, results off", "huey", _huey, (_CONSUMER,), 8000),
)  # fmt: skip
