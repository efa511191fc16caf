"""What the bench knows of a system from the outside."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

#: How many workers every system has.
WORKERS: Final = 2

OURS, PEER, CEILING = "ours", "peer", "ceiling"
POSTGRESQL, SQLITE, REDIS, NOTHING = "postgresql", "sqlite", "redis", "nothing"

PYTHON = sys.executable
#: Beside the interpreter lie the programs of what is installed.
PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Place:
    """Where a system lives: a folder, a database of Django, a database number of the Redis server."""

    folder: Path
    database: Mapping[str, Any]
    socket: str
    number: int

    @property
    def redis_url(self) -> str:
        """The URL of its Redis, as redis-py reads it."""
        return f"unix://{self.socket}?db={self.number}"


class Code(str):
    """A setting that is written into the module of settings as it stands."""

    __slots__ = ()
    __repr__ = str.__str__


Settings = Callable[[Place], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One system with one configuration.

    ``inside`` is the module of ``bench.inside`` that speaks its language. ``workers`` are the commands that start
    its two workers. ``keeps`` is how many results its store has in the end: None for all, else at least so many, and at
    least 0 where results are off. ``tasks`` are as many as it drains in a few seconds. ``version_of`` names its
    distribution.
    """

    name: str
    label: str
    kind: str
    inside: str
    version_of: str
    queue: str
    results: str
    settings: Settings
    workers: tuple[tuple[str, ...], ...]
    tasks: int
    keeps: int | None = None
    #: What its distribution asks for, beyond what we do.
    asks_for: str = ""
    #: Differs from another only in what a drain shows.
    is_variant: bool = False


#: Seconds for which every site keeps its connections, for by default Django closes each after its use.
CONN_MAX_AGE: Final = 600


def django(place: Place, *apps: str, **more: Any) -> dict[str, Any]:
    """Return the settings that every site has."""
    return {
        "SECRET_KEY": "the key of this bench",
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "DATABASES": {"default": {**place.database, "CONN_MAX_AGE": CONN_MAX_AGE}},
        "INSTALLED_APPS": list(apps),
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "CACHES": {
            "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": place.redis_url},
        },
        "LOGGING_CONFIG": None,
        **more,
    }


def tasks(
    place: Place, backend: str, *apps: str, options: Mapping[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Return the settings of a site whose tasks are those of Django's own framework."""
    backends = {"default": {"BACKEND": backend, "QUEUES": ["default"], "OPTIONS": dict(options or {})}}
    return django(place, *apps, TASKS=backends, **more)


def manage(*words: str) -> tuple[str, ...]:
    """Return the command of a management command."""
    return (PYTHON, "-m", "django", *words)
