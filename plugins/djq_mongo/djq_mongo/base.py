"""What the MongoDB broker has of its server: the connection of this process, and what is known of it.

pymongo takes several megabytes. It is imported once a broker has options to check, so that a site whose queue is
elsewhere, and which only has djq-mongo installed, does without.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar

from djq_core.brokers.base import Broker, BrokerSettings
from djq_core.brokers.finding import Finding
from djq_core.exceptions import BrokerError
from djq_mongo.options import MongoOptions

if TYPE_CHECKING:
    from djq_mongo.client import Connection
    from djq_mongo.queue import Queue


class MongoBase(Broker):
    """A server of MongoDB; any thread may use it, each process connects for itself."""

    name: ClassVar[str] = "mongo"
    conf_keys: ClassVar[tuple[str, ...]] = ("mongo", "mongo_db")
    choosing_keys: ClassVar[tuple[str, ...]] = ("mongo", "mongo_db")

    def __init__(self, settings: BrokerSettings | None = None) -> None:
        super().__init__(settings)
        self._connection: Connection | None = None
        self._of_parents: list[Connection] = []
        self._pid = 0

    @classmethod
    def read_options(cls, keys: Mapping[str, Any]) -> MongoOptions:
        """Return the options of this plugin's keys (manual 1.2.24, 1.2.25); raise ConfigurationError."""
        from djq_mongo import client

        options = MongoOptions.from_keys(keys, client.known_names())
        client.check(options)
        return options

    @property
    def options(self) -> MongoOptions:
        """The validated options."""
        return self.settings.options or MongoOptions()

    def connected(self) -> Connection:
        """Return what this process has of the server; a client of a fork's parent is kept, unused and unclosed."""
        if self._connection is not None and self._pid != os.getpid():
            self._of_parents.append(self._connection)
            self._connection = None
        if self._connection is None:
            from djq_mongo import client

            self._connection, self._pid = client.Connection(self.options, self.list_key), os.getpid()
        return self._connection

    def _asking(self) -> Asking:
        return Asking(self)

    def ping(self) -> bool:
        """Return True when the server answers."""
        try:
            with self._asking():
                self.connected().admin("ping")
        except BrokerError:
            return False
        return True

    def info(self) -> str:
        """Return where the server is with its version, without that while it does not answer."""
        try:
            with self._asking():
                version = self.connected().admin("buildInfo").get("version", "")
        except BrokerError:
            version = ""
        return f"{f'MongoDB {version}'.strip()} at {self.options.where}"

    def clock(self) -> float | None:
        """Return the time of the server's clock, by which leases and delays count."""
        with self._asking():
            return self.connected().ask_time()

    def examine(self) -> list[Finding]:
        """Return what the server's kind and storage, and our write concern, mean for the queue."""
        from djq_mongo import examination

        with self._asking():
            connection = self.connected()
            connection.ask()
            status = connection.status()
        return [
            examination.replication(connection.replica_set),
            examination.confirmation(connection.concern.document),
            examination.storage(status),
        ]

    def durability(self) -> str | None:
        """Return when the server counts a task as accepted.

        Whoever asks is about to fork, so that what pymongo has running in threads is ended.
        """
        from djq_mongo import client, examination

        try:
            with self._asking():
                connection = self.connected()
                connection.ask()
            return examination.durability(connection.replica_set, connection.concern.document)
        finally:
            self.close()
            client.wait_for_threads()

    def close(self) -> None:
        """Close this process's connections."""
        kept, self._connection = self._connection, None
        if kept is None:
            return
        if self._pid == os.getpid():
            kept.close()
        else:
            self._of_parents.append(kept)


class Asking:
    """The queue of a broker while a call lasts, which has one time-out: what pymongo raises becomes BrokerError."""

    __slots__ = ("_broker", "_is_limited", "_limit")

    def __init__(self, broker: MongoBase, *, is_limited: bool = True) -> None:
        self._broker = broker
        self._is_limited = is_limited
        self._limit: Any = None

    def __enter__(self) -> Queue:
        from djq_mongo.queue import Queue

        try:
            connection = self._broker.connected()
        except Exception as error:
            self._reraise(error)
            raise
        if self._is_limited:
            self._limit = connection.limited()
            self._limit.__enter__()
        return Queue(connection)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._limit is not None:
            self._limit.__exit__(kind, error, at)
        if error is not None:
            self._broker.connected().clock.forget()
            self._reraise(error)

    def _reraise(self, error: BaseException) -> None:
        from djq_mongo import errors

        if errors.is_about_the_user(error):
            self._broker.close()  # this client would wait for the server now, which is not away
        errors.reraise(self._broker.options, error)
