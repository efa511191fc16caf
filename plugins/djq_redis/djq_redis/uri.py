"""Connection URIs: ``redis://``, ``rediss://`` (TLS) and ``unix://`` (manual 1.2.17), Sentinel and clusters."""

from __future__ import annotations

import difflib
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from djq_core.exceptions import ConfigurationError

ONE: Final = ("redis", "rediss", "unix")
SENTINEL: Final = ("redis+sentinel", "rediss+sentinel")
CLUSTER: Final = ("redis+cluster", "rediss+cluster")
SCHEMES: Final = (*ONE, *SENTINEL, *CLUSTER)

#: The options that are for the connections to the sentinels.
_OF_A_SENTINEL: Final = ("sentinel_username", "sentinel_password")


def keywords_of(uri: str) -> dict[str, Any]:
    """Return a URI as redis-py's keywords; raise ConfigurationError that does not repeat the password.

    Several servers are ``redis+sentinel://user:password@host:port,host:port/service/db`` and
    ``redis+cluster://user:password@host:port,host:port``.
    """
    _check_scheme(uri)
    scheme = uri.partition("://")[0]
    if scheme in SENTINEL:
        return _of_sentinels(uri)
    return _of_a_cluster(uri) if scheme in CLUSTER else _of_one(uri)


def _of_sentinels(uri: str) -> dict[str, Any]:
    single, nodes, path = _split(uri, port=26_379)
    service, _, db = path.strip("/").partition("/")
    if not service:
        raise _wrong(
            "after the sentinels comes the name of the primary, as in 'redis+sentinel://host:26379/mymaster/0'."
        )
    words = _of_one(single.format(db=db))
    theirs = {name.removeprefix("sentinel_"): words.pop(name) for name in list(words) if name in _OF_A_SENTINEL}
    return {**_without_place(words), "sentinels": nodes, "service_name": unquote(service), "sentinel_kwargs": theirs}


def _of_a_cluster(uri: str) -> dict[str, Any]:
    single, nodes, path = _split(uri, port=6379)
    return {**_without_place(_of_one(single.format(db=path.strip("/")))), "startup_nodes": nodes}


def _split(uri: str, *, port: int) -> tuple[str, list[tuple[str, int]], str]:
    """Return the URI with one host and a place for the number of the database, the hosts, and the path."""
    scheme, _, rest = uri.partition("://")
    place, mark, query = rest.partition("?")
    authority, _, path = place.partition("/")
    credentials, at, hosts = authority.rpartition("@")
    around = [part.replace("{", "{{").replace("}", "}}") for part in (f"{credentials}{at}", f"{mark}{query}")]
    single = f"{scheme.partition('+')[0]}://{around[0]}localhost/{{db}}{around[1]}"
    return single, [_node(host, port) for host in hosts.split(",")], path


def _node(text: str, port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, given = parts.hostname, parts.port
    except ValueError as error:
        raise _wrong(_reason(f"//{text}", error)) from None
    if not host:
        raise _wrong("between two commas, or before the first or after the last, a host is missing.")
    return host, port if given is None else given


def _without_place(words: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in words.items() if name not in ("host", "port")}


def _of_one(uri: str) -> dict[str, Any]:
    from redis.connection import parse_url

    try:
        words: dict[str, Any] = dict(parse_url(uri))  # type: ignore[no-untyped-call]
        query = parse_qs(urlsplit(uri).query)
    except ValueError as error:
        raise _wrong(_reason(uri, error)) from None
    words.pop("connection_class", None)
    if uri.startswith("unix:"):
        path = _socket_path(words.pop("path", ""))
        return {**words, "unix_socket_path": path}
    if uri.startswith("rediss:"):
        words["ssl"] = True
    _check_path(uri, has_db="db" in query)
    return words


def _check_scheme(uri: str) -> None:
    scheme, separator, rest = uri.partition("://")
    if scheme in SCHEMES and separator and rest:
        return
    word = scheme if separator else scheme.partition(":")[0]
    near = difflib.get_close_matches(word, SCHEMES, n=1)
    hint = f" Did you mean '{near[0]}://'?" if near else ""
    raise _wrong(f"it must begin with {', '.join(f'{one}://' for one in SCHEMES)}.{hint}")


def _check_path(uri: str, *, has_db: bool) -> None:
    path = unquote(urlsplit(uri).path).strip("/")
    if path and not has_db and not path.isdecimal():
        raise _wrong(f"after the host comes the number of a database, not {path!r}.")


def _socket_path(path: str) -> str:
    if not path:
        raise _wrong("it names no socket; one looks like 'unix:///run/redis.sock?db=0'.")
    return path


def _reason(uri: str, error: ValueError) -> str:
    try:
        _ = urlsplit(uri).port
    except ValueError:
        return "its port is no number between 0 and 65535. In a password, write ':' as %3A, '@' as %40, '/' as %2F."
    return f"{error}"


def _wrong(reason: str) -> ConfigurationError:
    return ConfigurationError(f"Q_CLUSTER['redis'] is a URI that cannot be read: {reason}")
