"""The peers whose queue is a table of the database."""

from __future__ import annotations

from typing import Any

from bench.systems.base import PEER, POSTGRESQL, PROGRAMS, WORKERS, Code, Place, Settings, System, django, manage, tasks


def _peer(name: str, label: str, settings: Settings, workers: tuple[tuple[str, ...], ...], count: int) -> System:
    is_for_newer = name in {"django-ox", "dj-queue", "steady-queue"}
    return System(
        name=name,
        label=label,
        kind=PEER,
        inside=name.replace("-", "_"),
        version_of=name,
        queue=POSTGRESQL,
        results=POSTGRESQL,
        settings=settings,
        workers=workers,
        tasks=count,
        asks_for="Python 3.12" if is_for_newer else "",
    )


def _procrastinate(place: Place) -> dict[str, Any]:
    return django(place, "procrastinate.contrib.django", PROCRASTINATE_IMPORT_PATHS=["bench.inside.procrastinate"])


def _huey(place: Place) -> dict[str, Any]:
    return django(place, HUEY_STORE="postgresql")


def _tasks_db(place: Place) -> dict[str, Any]:
    return tasks(place, "django_tasks_db.DatabaseBackend", "django_tasks_db")


def _ox(place: Place) -> dict[str, Any]:
    return tasks(place, "django_ox.backend.OxBackend", "django_ox")


def _dj_queue(place: Place) -> dict[str, Any]:
    worker = {"queues": "*", "threads": 1, "processes": WORKERS, "polling_interval": 0.1, "prefetch_multiplier": 20}
    routers = ["dj_queue.routers.DjQueueRouter"]
    backend = "dj_queue.backend.DjQueueBackend"
    return tasks(place, backend, "dj_queue", options={"workers": [worker]}, DATABASE_ROUTERS=routers)


def _steady_queue(place: Place) -> dict[str, Any]:
    made = "__import__('steady_queue.configuration').configuration.Configuration"
    worker = f"{made}.Worker(threads=1, processes={WORKERS})"
    options = Code(f"{made}.Options(workers=[{worker}], recurring_tasks=[])")
    return tasks(place, "steady_queue.backend.SteadyQueueBackend", "steady_queue", STEADY_QUEUE=options)


_CONSUMER = (str(PROGRAMS / "huey_consumer"), "bench.inside.huey.huey", "-w", str(WORKERS), "-k", "process", "-q")

SYSTEMS = (
    _peer(
        "procrastinate",
        "Procrastinate, two workers",
        _procrastinate,
        (manage("procrastinate", "worker", "--concurrency", "1"),) * WORKERS,
        1000,
    ),
    _peer(
        "django-tasks-db",
        "django-tasks-db, two workers, interval 0.1 s",
        _tasks_db,
        (manage("db_worker", "--interval", "0.1", "--no-startup-delay"),) * WORKERS,
        1000,
    ),
    _peer(
        "django-ox",
        "django-ox, two processes, interval 0.1 s",
        _ox,
        (manage("ox_worker", "--processes", str(WORKERS), "--interval", "0.1"),),
        1500,
    ),
    _peer("dj-queue", "dj-queue, two processes, prefetch 20", _dj_queue, (manage("dj_queue", "--only-work"),), 2000),
    _peer("steady-queue", "steady-queue, two processes", _steady_queue, (manage("steady_queue"),), 500),
    System(
        name="huey-postgresql",
        label="Huey on PostgreSQL, results stored",
        kind=PEER,
        inside="huey",
        version_of="huey",
        queue=POSTGRESQL,
        results=POSTGRESQL,
        settings=_huey,
        workers=(_CONSUMER,),
        tasks=3000,
    ),
)
