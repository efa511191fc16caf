"""From options to a client of redis-py, and what the server tells of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import redis
from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import BlockingConnectionPool, ConnectionPool
from redis.retry import Retry
from redis.sentinel import Sentinel

from djq_core.exceptions import ConfigurationError
from djq_redis import topology
from djq_redis.options import TIME_OUT, RedisOptions

#: What a call that waits in the server takes of the time-out at most.
_SHARE: Final = 0.5
#: A server looks ten times a second whose wait is over.
_LATE: Final = 0.1
#: The shortest wait; 0 would mean for ever.
_SHORTEST: Final = 0.01

#: What the connections of a cache are given where it says nothing.
_FOR_A_CACHE: Final = {"socket_timeout": TIME_OUT, "socket_connect_timeout": TIME_OUT}


def check(options: RedisOptions) -> None:
    """Raise ConfigurationError, or what redis-py has against the keywords; nothing is connected."""
    if options.is_cluster:
        redis.Redis(**_of_a_connection(options.keywords)).close()
    else:
        connect(options).close()


def connect(options: RedisOptions) -> redis.Redis:
    """Return a client; raises ConfigurationError. That of a cluster asks it for its nodes, no other does I/O.

    Nothing is tried twice unless the configuration gives a ``retry``: a time-out is then one time-out long, and a
    package whose answer was lost is not sent again.
    """
    if options.cache is not None:
        return _of_cache(options.cache)
    words = {"retry": _once(), **options.keywords}
    if options.is_cluster:
        return _of_cluster(words)
    return _of_sentinels(words) if options.is_replicated else redis.Redis(**words)


def home(client: redis.Redis | RedisCluster, key: str) -> dict[str, Any]:
    """Return what sends a command that has no key to the server that has this one."""
    if not isinstance(client, RedisCluster):
        return {}
    return {"target_nodes": client.get_node_from_key(key)}  # type: ignore[no-untyped-call]


def longest_wait(client: redis.Redis) -> float:
    """Return the seconds that a call may wait in the server without looking like one that hangs."""
    time_out = float(client.get_connection_kwargs().get("socket_timeout") or TIME_OUT)
    return max(_SHORTEST, time_out * _SHARE - _LATE)


def disconnect(client: redis.Redis | RedisCluster) -> None:
    """Close the connections of a client, those to the sentinels too."""
    client.close()
    if isinstance(client, RedisCluster):
        return
    client.connection_pool.disconnect()
    for sentinel in getattr(getattr(client.connection_pool, "sentinel_manager", None), "sentinels", ()):
        sentinel.close()


def _of_cluster(words: Mapping[str, Any]) -> redis.Redis:
    nodes = [ClusterNode(host, port) for host, port in words[topology.CLUSTER]]  # type: ignore[no-untyped-call]
    given = {name: each for name, each in words.items() if name not in (topology.CLUSTER, "db")}
    return cast(redis.Redis, RedisCluster(startup_nodes=nodes, **given))


def _of_sentinels(words: Mapping[str, Any]) -> redis.Redis:
    """Return a client that asks the sentinels for the primary whenever it connects; all of them share one time-out."""
    given = _of_a_connection(words)
    shared = {name: each for name, each in given.items() if name.startswith(("socket_", "ssl"))}
    times = {name: shared[name] / len(words["sentinels"]) for name in _FOR_A_CACHE}
    theirs = {"retry": _once(), **shared, **times, **words["sentinel_kwargs"]}
    sentinel = Sentinel(words["sentinels"], sentinel_kwargs=theirs)  # type: ignore[no-untyped-call]
    return cast(redis.Redis, sentinel.master_for(words["service_name"], **given))  # type: ignore[no-untyped-call]


def _of_a_connection(words: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords that are the same for every server; those of TLS only with TLS."""
    is_tls = bool(words.get("ssl"))
    names = set(topology.known_keywords(())) - {*topology.SENTINEL, topology.CLUSTER}
    return {name: each for name, each in words.items() if name in names and (is_tls or not name.startswith("ssl"))}


def _once() -> Retry:
    return Retry(NoBackoff(), 0)


def _of_cache(alias: str) -> redis.Redis:
    """Return a client with the connection settings of a cache (manual 1.2.18), and our time-outs where it has none."""
    try:
        from django_redis import get_redis_connection
    except ImportError as error:
        raise ConfigurationError(
            "Q_CLUSTER['django_redis'] needs django-redis: pip install 'djq-redis[django-redis]'"
        ) from error
    try:
        client: redis.Redis = get_redis_connection(alias)
    except (NotImplementedError, ImproperlyConfigured) as error:
        raise ConfigurationError(
            f"Q_CLUSTER['django_redis'] is {alias!r}, and CACHES[{alias!r}] is no cache of django-redis."
        ) from error
    pool = client.connection_pool
    if type(pool) not in (ConnectionPool, BlockingConnectionPool):
        return client
    words: dict[str, Any] = {**_FOR_A_CACHE, "retry": _once(), **pool.connection_kwargs, "decode_responses": False}
    return redis.Redis(connection_pool=ConnectionPool(connection_class=pool.connection_class, **words))


def version(client: redis.Redis, target: Mapping[str, Any]) -> str:
    """Return name and version of the server that ``home`` has named, such as ``Valkey 9.1.2``."""
    told = client.info("server", **target)
    name = str(told.get("server_name") or "redis")
    return f"{name.capitalize()} {told.get(f'{name}_version') or told.get('redis_version', '')}".strip()


def told(client: redis.Redis, target: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the server that ``home`` has named tells of itself."""
    return cast("Mapping[str, Any]", client.info(**target))


def clock(client: redis.Redis, target: Mapping[str, Any]) -> float:
    """Return the time of the server that ``home`` has named, in seconds since 1970."""
    answer: Any = client.execute_command("TIME", **target)  # type: ignore[no-untyped-call]
    seconds, micro = answer
    return int(seconds) + int(micro) / 1_000_000


def durability(told: Mapping[str, Any]) -> str:
    """Return what persistence and eviction of a server mean for a queue, in a sentence or two."""
    kept = (
        "appendonly is on, so that the queue outlives a restart of the server."
        if told.get("aof_enabled")
        else "appendonly is off: a restart of the server loses what it has not written to its last snapshot."
    )
    policy = str(told.get("maxmemory_policy", "noeviction"))
    if not told.get("maxmemory"):
        return f"{kept} maxmemory is not set, so that maxmemory-policy ({policy}) throws nothing away."
    if policy.startswith("allkeys"):
        return f"{kept} maxmemory-policy is {policy}: when memory is short the server throws the queue away."
    return f"{kept} maxmemory-policy is {policy}, which throws no task away."
