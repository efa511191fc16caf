"""The manual's Redis broker: a list, without receipts (manual 1.3.1)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from djq_core.brokers.base import Broker, Delivery, Package, Queued
from djq_core.exceptions import ConfigurationError
from djq_redis.base import RedisBase, as_package
from djq_redis.receipts_broker import RedisReceiptsBroker

if TYPE_CHECKING:
    import redis


class RedisBroker(RedisBase):
    """A list: what was handed out is gone from the server, so that a task runs at most once."""

    @classmethod
    def for_keys(cls, keys: Mapping[str, Any]) -> type[Broker]:
        """Return the broker with receipts where ``redis_receipts`` asks for it; raise ConfigurationError."""
        if not keys.get("redis_receipts"):
            return cls
        if cls is not RedisBroker:
            raise ConfigurationError(
                f"Q_CLUSTER['redis_receipts'] is set, and {cls.__name__} is a list: "
                "derive it from djq_redis.receipts_broker.RedisReceiptsBroker."
            )
        return RedisReceiptsBroker

    @property
    def _list(self) -> str:
        return self._key("list")

    # Sending

    def enqueue(self, package: Package) -> str | None:
        """Append a package to the list."""
        with self._server() as server:
            server.rpush(self._list, package)
        return None

    def enqueue_many(self, packages: Sequence[Package]) -> list[str | None]:
        """Append packages in order with one command, all or none."""
        if packages:
            with self._server() as server:
                server.rpush(self._list, *packages)
        return [None] * len(packages)

    # Receiving

    def dequeue(self) -> list[tuple[str | None, Package]]:
        """Take at most ``bulk`` packages (one where unset) from the list, without waiting."""
        return [(None, delivery.package) for delivery in self.receive(self.settings.bulk or 1, 0)]

    def receive(self, count: int, wait: float) -> list[Delivery]:
        """Take at most ``count`` packages, waiting for the first one at most ``wait`` seconds."""
        until = time.monotonic() + wait
        with self._server() as server:
            while not (packages := server.lpop(self._list, count)):
                left = until - time.monotonic()
                if left <= 0:
                    return []
                if package := self._wait(server, left):
                    return [Delivery(None, as_package(package))]
        return [Delivery(None, as_package(package)) for package in packages]

    def _wait(self, server: redis.Redis, seconds: float) -> Any:
        """Return the first package that comes in time. Nothing else is asked then: an error would lose it."""
        from djq_redis import client

        answer = server.blpop([self._list], timeout=max(0.01, min(seconds, client.longest_wait(server))))
        return answer[-1] if answer else None

    # The queue

    def purge_queue(self) -> None:
        """Remove every package."""
        with self._server() as server:
            server.unlink(self._list)

    def delete_queue(self) -> None:
        """Remove the list; an empty one is the same."""
        self.purge_queue()

    def queue_size(self) -> int:
        """Return the number of packages in the list."""
        with self._server() as server:
            return int(server.llen(self._list))

    def peek(self, count: int) -> list[Queued]:
        """Return the first ``count`` packages of the list; of what was handed out nothing is known."""
        if count < 1:
            return []
        with self._server() as server:
            return [Queued(package=as_package(package)) for package in server.lrange(self._list, 0, count - 1)]
