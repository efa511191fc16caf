"""The connection of an SQS broker, its queue as a whole, and what SQS tells of it.

boto3 and botocore take a tenth of a second and thirty megabytes. They are imported once a queue is used, so that a
site whose queue is elsewhere, and which only has djq-sqs installed, does without.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from djq_core.brokers.base import Broker, BrokerSettings
from djq_core.brokers.finding import Finding
from djq_core.exceptions import BrokerError
from djq_sqs import examination
from djq_sqs.checks import check_settings
from djq_sqs.options import SqsOptions

if TYPE_CHECKING:
    from djq_sqs.queue import Queue

_WAITING: Final = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed")
_HELD: Final = ("ApproximateNumberOfMessagesNotVisible",)


class SqsServer(Broker):
    """A queue in SQS; any thread may use it, each process connects for itself.

    Every method but ``ping``, ``info`` and ``durability`` raises BrokerError when SQS cannot be reached, does not
    answer in time or refuses; the next call connects anew.
    """

    name: ClassVar[str] = "sqs"
    conf_keys: ClassVar[tuple[str, ...]] = ("sqs",)
    choosing_keys: ClassVar[tuple[str, ...]] = ("sqs",)

    def __init__(self, settings: BrokerSettings | None = None) -> None:
        super().__init__(settings)
        check_settings(self.settings)
        self._queue: Queue | None = None
        self._pid = 0

    @classmethod
    def read_options(cls, keys: Mapping[str, Any]) -> SqsOptions:
        """Return the options of this plugin's key (manual 1.2.22); raise ConfigurationError."""
        return SqsOptions.from_keys(keys)

    @property
    def options(self) -> SqsOptions:
        """The validated options."""
        return self.settings.options or SqsOptions()

    def _server(self) -> _Server:
        return _Server(self)

    def connected(self) -> Queue:
        """Return this process's queue; that of a fork's parent is left alone."""
        if self._queue is None or self._pid != os.getpid():
            from djq_sqs.client import Client
            from djq_sqs.queue import Queue

            self._queue, self._pid = Queue(Client(self.options), self.list_key, self.options), os.getpid()
        return self._queue

    # The queue

    def purge_queue(self) -> None:
        """Delete every message, held ones too; SQS takes up to a minute, and refuses a second purge meanwhile."""
        with self._server() as queue:
            queue.call("purge_queue")

    def delete_queue(self) -> None:
        """Delete the queue; SQS takes its name again after a minute."""
        with self._server() as queue:
            queue.call("delete_queue")
            queue.forget()

    def queue_size(self) -> int:
        """Return about how many messages wait, as SQS tells it."""
        return self._count(_WAITING)

    def lock_size(self) -> int:
        """Return about how many messages are in flight; those that were released for later are among them."""
        return self._count(_HELD)

    def _count(self, names: Sequence[str]) -> int:
        with self._server() as queue:
            told = queue.attributes(*names) or {}
        return sum(int(told.get(name, 0)) for name in names)

    # The server

    def ping(self) -> bool:
        """Return True when SQS answers and takes the credentials."""
        try:
            with self._server() as queue:
                queue.look()
        except BrokerError:
            return False
        return True

    def info(self) -> str:
        """Return where the queue is: SQS tells no version."""
        return self.options.where

    def durability(self) -> str | None:
        """Return how long the queue keeps a task, and what it does with one that fails; make it where it is missing."""
        return examination.durability(self._told())

    def examine(self) -> list[Finding]:
        """Return what visibility, retention, redrive, delay and size mean for the tasks on the queue."""
        told = self._told()
        return [
            examination.visibility(self.settings.lease),
            examination.retention(told),
            examination.dead_letters(told, self.options.dead_letter_queue),
            examination.delay(told),
            examination.size(told),
        ]

    def _told(self) -> Mapping[str, str]:
        with self._server() as queue:
            return queue.attributes("All", creates=True) or {}

    def close(self) -> None:
        """Close this process's connections."""
        kept, self._queue = self._queue, None
        if kept is not None and self._pid == os.getpid():
            kept.client.close()


class _Server:
    """The queue of a broker while a call lasts: whatever botocore raises becomes BrokerError."""

    __slots__ = ("_broker",)

    def __init__(self, broker: SqsServer) -> None:
        self._broker = broker

    def __enter__(self) -> Queue:
        try:
            return self._broker.connected()
        except Exception as error:
            self.__exit__(type(error), error, None)
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:
            from djq_sqs import errors

            errors.reraise(self._broker.options, error)
