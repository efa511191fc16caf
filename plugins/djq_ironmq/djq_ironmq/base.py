"""What the broker knows without taking anything: its connection, its queue, the service behind it.

The client library and requests take ten megabytes. They are imported when a broker connects, so that a site whose queue
is elsewhere, and which only has djq-ironmq installed, does without.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar

from djq_core.brokers.base import Broker, BrokerSettings, Queued
from djq_core.brokers.finding import Finding
from djq_core.exceptions import BrokerError
from djq_ironmq.bodies import OVERHEAD, Body
from djq_ironmq.names import queue_name
from djq_ironmq.options import MOST_BYTES, IronOptions

if TYPE_CHECKING:
    from djq_ironmq.connection import Connection


class IronMQBase(Broker):
    """A queue of IronMQ v3; any thread may use it, each process connects for itself.

    Every method but ``ping`` and ``info`` raises BrokerError when the service cannot be reached, does not answer within
    ``request_timeout`` or refuses.
    """

    name: ClassVar[str] = "ironmq"
    conf_keys: ClassVar[tuple[str, ...]] = ("iron_mq",)
    choosing_keys: ClassVar[tuple[str, ...]] = ("iron_mq",)

    keeps_order: ClassVar[bool] = True
    supports_receipts: ClassVar[bool] = True
    supports_bulk: ClassVar[bool] = True
    max_bulk: ClassVar[int | None] = 100
    supports_blocking_dequeue: ClassVar[bool] = True
    supports_delay: ClassVar[bool] = True
    supports_leases: ClassVar[bool] = True
    fences_receipts: ClassVar[bool] = True
    changes_receipts: ClassVar[bool] = True
    counts_deliveries: ClassVar[bool] = True
    #: The largest of all plans of the service; ``max_message_bytes`` may say less.
    max_package_bytes: ClassVar[int | None] = MOST_BYTES - OVERHEAD
    supports_peek: ClassVar[bool] = True

    def __init__(self, settings: BrokerSettings | None = None) -> None:
        super().__init__(settings)
        self._connection: Connection | None = None
        self._pid = 0

    @classmethod
    def read_options(cls, keys: Mapping[str, Any]) -> IronOptions:
        """Return the options of the key ``iron_mq`` (manual 1.2.21); raise ConfigurationError."""
        return IronOptions.from_keys(keys)

    @property
    def options(self) -> IronOptions:
        """The validated options."""
        options: IronOptions = self.settings.options
        return options

    @cached_property
    def queue_name(self) -> str:
        """The name of the queue at the service."""
        return queue_name(self.list_key)

    def _server(self) -> _Server:
        return _Server(self)

    def connected(self) -> Connection:
        """Return this process's connection; that of a fork's parent is left alone."""
        if self._connection is None or self._pid != os.getpid():
            from djq_ironmq.connection import Connection

            self._connection, self._pid = Connection(self.options, self.queue_name), os.getpid()
        return self._connection

    # The queue

    def purge_queue(self) -> None:
        """Remove every package, whoever holds it."""
        with self._server() as server:
            server.if_there(server.queue.clear)

    def delete_queue(self) -> None:
        """Remove the queue; what is sent next makes it anew, with the settings of the service."""
        with self._server() as server:
            server.if_there(server.queue.delete_queue)

    def queue_size(self) -> int:
        """Return the number of packages that may be handed out; where that is a hundred or more, all that there are."""
        return self._sizes()[0]

    def lock_size(self) -> int:
        """Return the number of packages that are held, or wait for their time: the service does not tell them apart."""
        return self._sizes()[1]

    def _sizes(self) -> tuple[int, int]:
        with self._server() as server:
            size = int(server.info().get("size", 0))
            ready = len(server.ready(100)) if size else 0
        return (max(size, ready), 0) if ready >= 100 else (ready, max(0, size - ready))

    def peek(self, count: int) -> list[Queued]:
        """Return what would be handed out first, a hundred at most.

        What is held, or waits for its time, the service does not show. A lease that has ended shows as one that ends
        now.
        """
        if count < 1:
            return []
        now = time.time()
        with self._server() as server:
            return [_queued(message, now) for message in server.ready(count)]

    # The server

    def ping(self) -> bool:
        """Return True when the service answers, and the token is right."""
        try:
            with self._server() as server:
                server.mq.client.get("queues?per_page=1")
        except BrokerError:
            return False
        return True

    def info(self) -> str:
        """Return where the service is; it has no version but that of its interface."""
        return f"IronMQ v{self.options.api_version} at {self.options.where}"

    def durability(self) -> str | None:
        """Return for how long the service keeps a task."""
        from djq_ironmq.examination import expiration

        with self._server() as server:
            return expiration(server.info()).message

    def examine(self) -> list[Finding]:
        """Return what type, expiration and dead letters of the queue mean, and how the token travels."""
        from djq_ironmq import examination

        with self._server() as server:
            told = server.info()
            looks = (examination.kind, examination.expiration, examination.dead_letters)
            found = [look(told) for look in looks] if told else [examination.missing(self.queue_name)]
        return [*found, examination.lease(self.settings.lease), examination.encryption(self.options)]

    def close(self) -> None:
        """Close this process's connections."""
        kept, self._connection = self._connection, None
        if kept is not None and self._pid == os.getpid():
            kept.close()


class _Server:
    """The connection of a broker while a call lasts: whatever the client library raises becomes BrokerError."""

    __slots__ = ("_broker",)

    def __init__(self, broker: IronMQBase) -> None:
        self._broker = broker

    def __enter__(self) -> Connection:
        return self._broker.connected()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:
            from djq_ironmq import errors

            errors.reraise(self._broker.options, error)


def _queued(message: Mapping[str, Any], now: float) -> Queued:
    body, was_held = Body.read(message["body"]), bool(message["reserved_count"])
    return Queued(
        package=body.package,
        tracking_id=str(message["id"]),
        due=now if was_held else None,
        is_held=was_held,
        attempts=body.attempts + was_held,
    )
