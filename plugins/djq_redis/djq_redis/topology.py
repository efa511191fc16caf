"""Where the servers are: one, the primary that Sentinel names, or a cluster; and which keywords each of them takes."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from djq_core.exceptions import ConfigurationError

#: The keywords that name one server.
PLACE: Final = ("host", "port", "unix_socket_path")
#: The keywords of ``redis.sentinel.Sentinel`` and of its ``master_for``.
SENTINEL: Final = ("sentinels", "service_name", "sentinel_kwargs")
#: The keyword of ``redis.cluster.RedisCluster``.
CLUSTER: Final = "startup_nodes"

#: What RedisCluster has for others than a queue.
_NOT_FOR_A_QUEUE: Final = ("self", "url", "kwargs", "read_from_replicas", "load_balancing_strategy")


def known_keywords(given: Collection[str]) -> set[str]:
    """Return the keywords that redis-py takes for the servers that these ask for."""
    import redis
    from redis.cluster import REDIS_ALLOWED_KEYS, RedisCluster

    one = set(inspect.signature(redis.Redis.__init__).parameters) - {"self"}
    if CLUSTER in given:
        of_a_cluster = set(inspect.signature(RedisCluster.__init__).parameters).difference(_NOT_FOR_A_QUEUE)
        return (one & set(REDIS_ALLOWED_KEYS)) | of_a_cluster | {"db"}
    return one | {*SENTINEL, CLUSTER}


def check_place(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords that name the servers, in the one form in which they are kept; raise ConfigurationError."""
    several = [name for name in (*SENTINEL[:2], CLUSTER) if name in given]
    if not several:
        _refuse(given, ("sentinel_kwargs",), "sentinels")
        return {}
    if CLUSTER in several:
        return _cluster(given)
    return _sentinels(given)


def _cluster(given: Mapping[str, Any]) -> dict[str, Any]:
    _refuse(given, (*PLACE, *SENTINEL), CLUSTER, without=True)
    if given.get("db"):
        raise ConfigurationError(f"Q_CLUSTER['redis']['db'] is {given['db']!r}; a Redis cluster has database 0 alone.")
    return {CLUSTER: _nodes(given, CLUSTER)}


def _sentinels(given: Mapping[str, Any]) -> dict[str, Any]:
    _refuse(given, PLACE, "sentinels", without=True)
    service, words = given.get("service_name"), given.get("sentinel_kwargs", {})
    if not isinstance(service, str) or not service:
        raise ConfigurationError(
            f"Q_CLUSTER['redis']['service_name'] is {service!r}; it takes the name that Sentinel has for the primary."
        )
    known = known_keywords(()) - {*PLACE, *SENTINEL, CLUSTER}
    if not isinstance(words, Mapping) or not known.issuperset(words):
        raise ConfigurationError(
            "Q_CLUSTER['redis']['sentinel_kwargs'] takes a dictionary of redis-py's keywords "
            "for the connections to the sentinels, such as {'password': '…'}."
        )
    return {"sentinels": _nodes(given, "sentinels"), "service_name": service, "sentinel_kwargs": dict(words)}


def _refuse(given: Mapping[str, Any], names: Sequence[str], keyword: str, *, without: bool = False) -> None:
    for name in names:
        if name in given:
            relation = f"beside {keyword!r}" if without else f"without {keyword!r}"
            raise ConfigurationError(f"Q_CLUSTER['redis'] cannot have {name!r} {relation}.")


def _nodes(given: Mapping[str, Any], name: str) -> tuple[tuple[str, int], ...]:
    """Return pairs of host and port; raise ConfigurationError."""
    value = given.get(name)
    if not isinstance(value, list | tuple) or not value or not all(map(_is_node, value)):
        raise ConfigurationError(
            f"Q_CLUSTER['redis'][{name!r}] takes a list of pairs of host and port, such as [('localhost', 26379)]."
        )
    return tuple((host, port) for host, port in value)


def _is_node(value: object) -> bool:
    match value:
        case [str(host), int(port)]:
            return bool(host) and 0 < port < 65_536
    return False


def where(keywords: Mapping[str, Any]) -> str:
    """Return where the servers are, for people."""
    if nodes := keywords.get(CLUSTER):
        return f"the cluster of {_list(nodes)}"
    if sentinels := keywords.get("sentinels"):
        return f"{keywords['service_name']}/{keywords['db']} (by Sentinel at {_list(sentinels)})"
    return f"{keywords['unix_socket_path'] or '{host}:{port}'.format_map(keywords)}/{keywords['db']}"


def _list(nodes: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in nodes)
