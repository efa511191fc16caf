"""The keys of ``Q_CLUSTER`` that belong to the Disque broker."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from djq_core.exceptions import ConfigurationError

PORT: Final = 7711
#: Seconds that a call may take where nothing is said.
TIME_OUT: Final = 5.0
#: Seconds after which Disque drops a job, whatever became of it, where nothing is said: a year.
TTL: Final = 31_536_000
#: How many copies of a job there are where nothing is said and there are so many nodes: Disque's own choice.
COPIES: Final = 3

_NODE: Final = re.compile(r"(?P<host>\[[0-9a-fA-F:.%]+\]|[^\s:/@\[\]]+)(:(?P<port>\d{1,5}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class DisqueOptions:
    """The validated keys (manual 1.2.19, 1.2.20).

    ``nodes`` are ``host:port``. ``fastack`` acknowledges in Disque's faster way. ``replicate`` is how many copies of a
    task there are, None for Disque's own choice. ``timeout`` is how many seconds a call may take, ``ttl`` how many a
    task may stay.
    """

    nodes: tuple[str, ...] = (f"localhost:{PORT}",)
    auth: str | None = field(default=None, repr=False)
    fastack: bool = False
    replicate: int | None = None
    timeout: float = TIME_OUT
    ttl: int = TTL

    @classmethod
    def from_keys(cls, keys: Mapping[str, Any]) -> DisqueOptions:
        """Return the options of the plugin's slice of ``Q_CLUSTER``; a None means the default.

        Raises ConfigurationError.
        """
        given = {name: value for name, value in keys.items() if value is not None}
        read: Mapping[str, Callable[[object], Any]] = {
            "disque_nodes": _nodes,
            "disque_auth": _auth,
            "disque_fastack": _fastack,
            "disque_replicate": _replicate,
            "disque_timeout": _timeout,
            "disque_ttl": _ttl,
        }
        return cls(**{name.removeprefix("disque_"): read[name](value) for name, value in given.items()})

    @property
    def node_timeout(self) -> float:
        """Seconds that one node may take to answer: with several of them there is time to ask a second one."""
        return self.timeout if len(self.nodes) == 1 else self.timeout / 2

    @property
    def where(self) -> str:
        """Where the nodes are, for people."""
        return ", ".join(self.nodes)

    def __str__(self) -> str:
        return self.where


def address(node: str) -> tuple[str, int]:
    """Return host and port of a node."""
    host, _, port = node.rpartition(":")
    return host.strip("[]"), int(port)


def _nodes(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        raise ConfigurationError(
            "Q_CLUSTER['disque_nodes'] is a text; it takes a list such as ['127.0.0.1:7711', '127.0.0.1:7712']. "
            "One that is separated by commas becomes a list with .split(',')."
        )
    if not isinstance(value, list | tuple) or not value:
        raise ConfigurationError(
            "Q_CLUSTER['disque_nodes'] takes a list of nodes such as ['127.0.0.1:7711', '127.0.0.1:7712'], "
            f"not {'an empty one' if value == [] else type(value).__name__}."
        )
    return tuple(dict.fromkeys(_node(place, entry) for place, entry in enumerate(value)))


def _node(place: int, entry: object) -> str:
    """Return a node with its port. What cannot be read is not repeated: it may hold a password."""
    found = _NODE.fullmatch(entry.strip()) if isinstance(entry, str) else None
    port = int(found["port"] or PORT) if found else 0
    if found is None or not 0 < port < 65_536:
        raise ConfigurationError(
            f"Q_CLUSTER['disque_nodes'][{place}] is no node: one looks like 'host:{PORT}', or '[::1]:{PORT}'. "
            "A password belongs into 'disque_auth'."
        )
    return f"{found['host']}:{port}"


def _auth(value: object) -> str | None:
    if not isinstance(value, str):
        raise ConfigurationError(f"Q_CLUSTER['disque_auth'] takes the password as a text, not {type(value).__name__}.")
    return value or None


def _fastack(value: object) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"Q_CLUSTER['disque_fastack'] is {value!r}; it takes True or False.")
    return value


def _replicate(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 65_536:
        raise ConfigurationError(
            f"Q_CLUSTER['disque_replicate'] is {value!r}; it takes the number of copies of a task, 1 to 65535."
        )
    return value


def _timeout(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ConfigurationError(f"Q_CLUSTER['disque_timeout'] is {value!r}; it takes a number of seconds above 0.")
    return float(value)


def _ttl(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"Q_CLUSTER['disque_ttl'] is {value!r}; it takes a whole number of seconds above 0.")
    return value
