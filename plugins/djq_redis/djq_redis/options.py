"""The keys of ``Q_CLUSTER`` that belong to the Redis brokers."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings

from djq_core.exceptions import ConfigurationError
from djq_redis import topology
from djq_redis.uri import keywords_of

#: Seconds that a command, or connecting, may take where nothing is said.
TIME_OUT: Final = 5.0

#: The manual's names (1.2.17), and what redis-py calls them today.
RENAMED: Final[Mapping[str, str]] = {"charset": "encoding", "errors": "encoding_errors"}

#: What is asked of redis-py where the configuration says nothing (manual 1.2.17).
DEFAULTS: Final[Mapping[str, Any]] = {
    "host": "localhost",
    "port": 6379,
    "db": 0,
    "password": None,
    "socket_timeout": TIME_OUT,
    "socket_connect_timeout": TIME_OUT,
    "encoding": "utf-8",
    "encoding_errors": "strict",
    "unix_socket_path": None,
}

#: What cannot be configured, and why.
_REFUSED: Final[Mapping[str, str]] = {
    "decode_responses": "djq reads packages as bytes",
    "connection_pool": "each process makes its own connections; to share those of a cache there is 'django_redis'",
    "single_connection_client": "several threads of a process use one client",
}

_TYPES: Final[tuple[tuple[tuple[str, ...], tuple[type[Any], ...], str], ...]] = (
    (("host",), (str,), "a text"),
    (("port", "db"), (int,), "a whole number of at least 0"),
    (("socket_timeout", "socket_connect_timeout"), (int, float), "a number of seconds above 0"),
)

_SECRET: Final = ("password", "ssl_password", "username", "credential_provider")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisOptions:
    """The validated keys (manual 1.2.17, 1.2.18).

    ``keywords`` are the arguments of ``redis.Redis``, or with them those of ``Sentinel`` or ``RedisCluster``. ``cache``
    names an entry of ``CACHES`` whose django-redis connection takes their place. ``receipts`` keeps a package until it
    is acknowledged.
    """

    keywords: Mapping[str, Any] = field(default_factory=lambda: dict(DEFAULTS), repr=False)
    cache: str | None = None
    receipts: bool = False

    @classmethod
    def from_keys(cls, keys: Mapping[str, Any]) -> RedisOptions:
        """Return the options of the plugin's slice of ``Q_CLUSTER``; raise ConfigurationError."""
        receipts = keys.get("redis_receipts", False)
        if not isinstance(receipts, bool):
            raise ConfigurationError(f"Q_CLUSTER['redis_receipts'] is {receipts!r}; it takes True or False.")
        cache = keys.get("django_redis")
        if cache is None:
            return cls(keywords=_keywords(keys.get("redis")), receipts=receipts)
        if keys.get("redis") is not None:
            raise ConfigurationError("Q_CLUSTER has 'redis' and 'django_redis': keep one of them.")
        return cls(cache=_known_cache(cache), receipts=receipts)

    @property
    def setting(self) -> str:
        """The key that tells where the server is, for messages."""
        return "Q_CLUSTER['redis']" if self.cache is None else f"CACHES[{self.cache!r}]"

    @property
    def where(self) -> str:
        """Where the server is, for people; never with a password."""
        if self.cache is not None:
            return f"the cache {self.cache!r}"
        return topology.where(self.keywords)

    @property
    def is_cluster(self) -> bool:
        """True when the queue is in a Redis cluster."""
        return topology.CLUSTER in self.keywords

    @property
    def is_replicated(self) -> bool:
        """True when another server may take the place of the one that has the queue."""
        return self.is_cluster or "sentinels" in self.keywords

    @property
    def secrets(self) -> Collection[str]:
        """What must not be shown."""
        both = (self.keywords, self.keywords.get("sentinel_kwargs", {}))
        return [value for words in both for name in _SECRET if isinstance(value := words.get(name), str) and value]

    def __str__(self) -> str:
        return self.where


def _keywords(value: object) -> Mapping[str, Any]:
    """Return redis-py's arguments; a None in the place of a default means the default."""
    given = _given(value)
    known = topology.known_keywords(given)
    for name in given:
        _check_name(name, known)
    renamed = {RENAMED.get(name, name): each for name, each in given.items() if each is not None}
    place = topology.check_place(renamed)
    defaults = {name: each for name, each in DEFAULTS.items() if not (place and name in topology.PLACE)}
    keywords = {**defaults, **renamed, **place}
    _check_types(keywords)
    return keywords


def _given(value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if isinstance(value, str):
        return keywords_of(value)
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return value
    raise ConfigurationError(
        "Q_CLUSTER['redis'] takes a dictionary of redis-py's keywords or a URI such as 'redis://localhost:6379/0', "
        f"not {type(value).__name__}."
    )


def _check_name(name: str, known: Collection[str]) -> None:
    if name in _REFUSED:
        raise ConfigurationError(f"Q_CLUSTER['redis'] cannot have {name!r}: {_REFUSED[name]}.")
    if name in known or name in RENAMED:
        return
    near = difflib.get_close_matches(name, sorted({*known, *RENAMED} - set(_REFUSED)), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ConfigurationError(f"Q_CLUSTER['redis'] has {name!r}, which redis-py does not know.{hint}")


def _check_types(keywords: Mapping[str, Any]) -> None:
    for names, kinds, told in _TYPES:
        for name in keywords.keys() & set(names):
            value = keywords[name]
            if isinstance(value, bool) or not isinstance(value, kinds) or (not isinstance(value, str) and value < 0):
                raise ConfigurationError(f"Q_CLUSTER['redis'][{name!r}] is {value!r}; it takes {told}.")
    for name in ("socket_timeout", "socket_connect_timeout"):
        if not keywords[name]:
            raise ConfigurationError(f"Q_CLUSTER['redis'][{name!r}] is 0; it takes a number of seconds above 0.")


def _known_cache(alias: object) -> str:
    known = list(settings.CACHES)
    if not isinstance(alias, str) or alias not in known:
        near = difflib.get_close_matches(str(alias), known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(
            f"Q_CLUSTER['django_redis'] is {alias!r}, which CACHES does not have; it has: {', '.join(known)}.{hint}"
        )
    return alias
