"""What both Redis brokers share: the connection, statistics, what is known of the server.

redis-py takes eight megabytes. It is imported once a broker has options to check, so that a site whose queue is
elsewhere, and which only has djq-redis installed, does without.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import quote

from djq_core.brokers.base import Broker, BrokerSettings, Package
from djq_core.brokers.finding import Finding
from djq_core.exceptions import BrokerError
from djq_redis.options import RedisOptions

if TYPE_CHECKING:
    import redis

#: The keys of all statistics, by the time at which they vanish.
_STATS: Final = "djq:{stats}"

#: Replication is asynchronous, of whatever server.
_FAIL_OVER: Final = "A fail-over loses what the server that takes over had not received."


class RedisBase(Broker):
    """A queue in Redis or Valkey; any thread may use it, each process connects for itself.

    Every method but ``ping``, ``info`` and ``durability`` raises BrokerError when the server cannot be reached, does
    not answer within ``socket_timeout`` or refuses; the next call connects anew.
    """

    name: ClassVar[str] = "redis"
    conf_keys: ClassVar[tuple[str, ...]] = ("redis", "django_redis", "redis_receipts")
    choosing_keys: ClassVar[tuple[str, ...]] = ("redis", "django_redis")

    keeps_order: ClassVar[bool] = True
    supports_bulk: ClassVar[bool] = True
    supports_blocking_dequeue: ClassVar[bool] = True
    #: The longest text that a server takes unless it is configured otherwise.
    max_package_bytes: ClassVar[int | None] = 512 * 1024 * 1024
    supports_peek: ClassVar[bool] = True
    shares_stats: ClassVar[bool] = True

    def __init__(self, settings: BrokerSettings | None = None) -> None:
        super().__init__(settings)
        self._client: redis.Redis | None = None
        self._pid = 0

    @classmethod
    def read_options(cls, keys: Mapping[str, Any]) -> RedisOptions:
        """Return the options of this plugin's keys (manual 1.2.17, 1.2.18); raise ConfigurationError."""
        from djq_redis import client

        options = RedisOptions.from_keys(keys)
        client.check(options)
        return options

    @property
    def options(self) -> RedisOptions:
        """The validated options."""
        return self.settings.options or RedisOptions()

    def _server(self) -> _Server:
        return _Server(self)

    def connected(self) -> redis.Redis:
        """Return this process's client; that of a fork's parent is left alone."""
        if self._client is None or self._pid != os.getpid():
            from djq_redis import client

            self._client, self._pid = client.connect(self.options), os.getpid()
        return self._client

    def _home(self, server: redis.Redis) -> Mapping[str, Any]:
        from djq_redis import client

        return client.home(server, self._key(""))

    def _key(self, part: str) -> str:
        """Return a key of this queue; all of them lie in one slot of a cluster."""
        return f"{self._prefix}{part}"

    @cached_property
    def _prefix(self) -> str:
        return f"djq:{{{quote(self.list_key)}}}:"

    # The server

    def ping(self) -> bool:
        """Return True when the server answers."""
        try:
            with self._server() as server:
                return bool(server.ping(**self._home(server)))
        except BrokerError:
            return False

    def info(self) -> str:
        """Return where the server is with its name and version, without these while it does not answer."""
        from djq_redis import client

        try:
            with self._server() as server:
                return f"{client.version(server, self._home(server))} at {self.options.where}"
        except BrokerError:
            return f"Redis at {self.options.where}"

    def durability(self) -> str | None:
        """Return what ``appendonly`` and ``maxmemory-policy`` of the server mean for the queue."""
        from djq_redis import client

        with self._server() as server:
            told = client.durability(client.told(server, self._home(server)))
        return f"{told} {_FAIL_OVER}" if self.options.is_replicated else told

    def clock(self) -> float | None:
        """Return the time of the server's clock, by which leases and delays count."""
        from djq_redis import client

        with self._server() as server:
            return client.clock(server, self._home(server))

    def examine(self) -> list[Finding]:
        """Return what the server's persistence, eviction and memory mean for the queue."""
        from djq_redis import client
        from djq_redis.examination import eviction, memory, persistence

        with self._server() as server:
            told = client.told(server, self._home(server))
        return [persistence(told), eviction(told), memory(told)]

    def close(self) -> None:
        """Close this process's connections."""
        kept, self._client = self._client, None
        if kept is not None and self._pid == os.getpid():
            from djq_redis import client

            client.disconnect(kept)

    # Statistics

    def put_stat(self, key: str, text: str, seconds: float) -> None:
        """Keep a signed statistics text for some seconds."""
        now = time.time()
        with self._server() as server, server.pipeline() as pipe:
            pipe.set(f"{_STATS}:{key}", text, px=max(1, round(seconds * 1000)))
            pipe.zadd(_STATS, {key: now + seconds})
            pipe.zremrangebyscore(_STATS, "-inf", now - seconds)
            pipe.execute()

    def get_stats(self, prefix: str) -> list[str]:
        """Return the texts of all keys that begin with the prefix."""
        with self._server() as server:
            known = map(as_text, server.zrange(_STATS, 0, -1))
            wanted = [f"{_STATS}:{key}" for key in known if key.startswith(prefix)]
            texts = server.mget(wanted) if wanted else []
        return [as_text(text) for text in texts if text is not None]


class _Server:
    """The client of a broker while a call lasts: whatever redis-py raises becomes BrokerError."""

    __slots__ = ("_broker",)

    def __init__(self, broker: RedisBase) -> None:
        self._broker = broker

    def __enter__(self) -> redis.Redis:
        try:
            return self._broker.connected()
        except Exception as error:
            self.__exit__(type(error), error, None)
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:
            from djq_redis import errors

            errors.reraise(self._broker.options, error)


def as_text(raw: Any) -> str:
    """Return bytes of the server as a text; redis-py's types leave open what it answers."""
    return bytes(raw).decode()


def as_package(raw: Any) -> Package:
    """Return a package as it was sent: djq's own are ASCII texts, what is not stays bytes."""
    return bytes(raw).decode("ascii") if raw.isascii() else bytes(raw)
