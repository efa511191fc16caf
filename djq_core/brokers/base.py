"""The contract between the cluster and a message broker (manual 1.3.8)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from djq_core.brokers.finding import Finding
from djq_core.exceptions import NotSupported

Package: TypeAlias = str | bytes
DEFAULT_POLL = 0.2


@dataclass(frozen=True, slots=True)
class Delivery:
    """One package that the broker has handed out.

    ``receipt`` is what acknowledges it (None on a broker without receipts). ``count`` is the number of attempts, the
    one that this delivery is for included: it grows with the first delivery and the one after each counted release,
    and stays where the delivery before was never answered, for then nobody knows of a start. ``unanswered`` is the
    number of deliveries in a row, this one included, for which no cluster has come back. Where the broker
    ``counts_every_delivery`` both are the number of deliveries, for the server cannot tell how they ended.
    """

    receipt: str | None
    package: Package
    count: int = 1
    unanswered: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A package as it lies on the queue, for those who look and do not take.

    ``tracking_id`` is what ``enqueue`` returned where the broker knows it. ``due`` is when it may be handed out, in
    seconds since 1970, None for now; of a package that is held it is the end of the lease. ``is_held`` says that it
    was handed out and not answered, ``attempts`` how many attempts there were, that of its holder included.
    """

    package: Package = field(repr=False)
    tracking_id: str | None = None
    due: float | None = None
    is_held: bool = False
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """What a broker is built from; it pickles, connections do not.

    ``list_key`` names the queue. ``lease`` is the setting ``retry`` in seconds, ``poll`` the polling interval in
    seconds (None: the broker's own choice), ``bulk`` the most packages a ``dequeue()`` returns. ``options`` is what
    :meth:`Broker.read_options` made of the plugin's keys.
    """

    list_key: str = "default"
    lease: float = 60.0
    poll: float | None = None
    bulk: int | None = None
    options: Any = field(default=None, repr=False)


class Broker:
    """Base class of all brokers: override what the server behind it can do.

    Building one does no I/O: connections are made on first use and belong to the process that made them.
    """

    #: The name by which ``Q_CLUSTER["broker"]`` chooses this class.
    name: ClassVar[str] = ""
    #: The keys of ``Q_CLUSTER`` that belong to this class; the first ones choose it, see ``choosing_keys``.
    conf_keys: ClassVar[tuple[str, ...]] = ()
    #: Those of ``conf_keys`` whose presence chooses this broker.
    choosing_keys: ClassVar[tuple[str, ...]] = ()

    #: Do packages come out in the order in which they went in?
    keeps_order: ClassVar[bool] = False
    #: Does the queue live in one process, so that no cluster can use it?
    is_local: ClassVar[bool] = False
    #: Does the server keep a package until it is acknowledged?
    supports_receipts: ClassVar[bool] = False
    #: Does ``dequeue`` return several packages at once?
    supports_bulk: ClassVar[bool] = False
    #: The most packages of one call, None for no limit.
    max_bulk: ClassVar[int | None] = None
    #: Does ``receive`` wait in the server, or woken by it, instead of polling?
    supports_blocking_dequeue: ClassVar[bool] = False
    #: Can a package be released for later?
    supports_delay: ClassVar[bool] = False
    supports_priority: ClassVar[bool] = False
    #: Can a delivery be renewed while its task waits or runs?
    supports_leases: ClassVar[bool] = False
    #: Is a receipt good for one delivery only, so that a late answer changes nothing?
    fences_receipts: ClassVar[bool] = False
    #: Does a renewed lease have another receipt, so that the one before is of no use any more?
    changes_receipts: ClassVar[bool] = False
    #: Does a delivery tell how many attempts there were?
    counts_deliveries: ClassVar[bool] = False
    #: Does that number grow with every delivery, one that was handed back uncounted too? Then a cluster fetches no
    #: more than its workers can start at once.
    counts_every_delivery: ClassVar[bool] = False
    #: Is ``enqueue`` part of the caller's database transaction?
    supports_transactions: ClassVar[bool] = False
    #: The size of the largest package, None for no limit.
    max_package_bytes: ClassVar[int | None] = None
    #: Can packages be looked at where they lie?
    supports_peek: ClassVar[bool] = False
    #: Does the broker keep the statistics of clusters itself?
    shares_stats: ClassVar[bool] = False

    def __init__(self, settings: BrokerSettings | None = None) -> None:
        self.settings = settings or BrokerSettings()

    def __reduce__(self) -> tuple[type[Broker], tuple[BrokerSettings]]:
        return type(self), (self.settings,)

    @classmethod
    def for_keys(cls, keys: Mapping[str, Any]) -> type[Broker]:  # noqa: ARG003
        """Return the class that works with the plugin's slice of ``Q_CLUSTER``; raise ConfigurationError.

        Flags are class attributes, so a server that can be used in two ways has two classes: the one that is chosen
        names the other here.
        """
        return cls

    @classmethod
    def read_options(cls, keys: Mapping[str, Any]) -> Any:
        """Validate the plugin's slice of ``Q_CLUSTER`` and return its options; raise ConfigurationError."""
        return dict(keys)

    @property
    def list_key(self) -> str:
        """The name of the queue."""
        return self.settings.list_key

    @property
    def database(self) -> str | None:
        """The alias of the database whose transactions ``enqueue`` joins, None where there is none."""
        return None

    # Sending

    def enqueue(self, package: Package) -> str | None:
        """Put a signed package on the queue and return its tracking id where there is one."""
        if type(self).async_task is not Broker.async_task:
            return self.async_task(package)
        raise NotSupported(f"{type(self).__name__} does not implement enqueue().")

    def async_task(self, task: Package) -> str | None:
        """Put a signed package on the queue: the manual's name of :meth:`enqueue`."""
        return self.enqueue(task)

    def enqueue_many(self, packages: Sequence[Package]) -> list[str | None]:
        """Put several packages on the queue, in order, and return their tracking ids."""
        return [self.enqueue(package) for package in packages]

    # Receiving

    def dequeue(self) -> list[tuple[str | None, Package]]:
        """Return at most ``bulk`` packages (one where unset) as ``(tracking id, package)``; an empty list for none."""
        raise NotSupported(f"{type(self).__name__} does not implement dequeue().")

    def receive(self, count: int, wait: float) -> list[Delivery]:
        """Return at most ``count`` deliveries, waiting for the first one at most ``wait`` seconds."""
        until = time.monotonic() + wait
        poll = self.settings.poll or DEFAULT_POLL
        while True:
            deliveries = [Delivery(tracking_id, package) for tracking_id, package in self.dequeue()]
            left = until - time.monotonic()
            if deliveries or left <= 0:
                return deliveries
            time.sleep(min(poll, left))

    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        """Renew leases; return for each receipt the one that is valid now, None where the lease was lost."""
        raise NotSupported(f"{type(self).__name__} has no leases to extend.")

    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        """Hand packages back for another delivery after ``delay`` seconds; ``counted=False`` takes the attempt back.

        A broker that ``counts_every_delivery`` cannot take it back, and hands back all the same.
        """
        raise NotSupported(f"{type(self).__name__} cannot release a package.")

    # Answering

    def acknowledge(self, id: str) -> None:
        """Tell the broker that the task has been processed."""

    def acknowledge_many(self, ids: Sequence[str]) -> None:
        """Tell the broker that several tasks have been processed."""
        for tracking_id in ids:
            self.acknowledge(tracking_id)

    def fail(self, id: str) -> None:
        """Tell the broker that the package could not be read."""

    def delete(self, id: str) -> None:
        """Remove a package from the queue."""
        raise NotSupported(f"{type(self).__name__} cannot delete a package.")

    # The queue

    def purge_queue(self) -> None:
        """Remove every package from the queue."""
        raise NotSupported(f"{type(self).__name__} cannot purge its queue.")

    def delete_queue(self) -> None:
        """Remove the queue itself."""
        raise NotSupported(f"{type(self).__name__} cannot delete its queue.")

    def queue_size(self) -> int:
        """Return the number of packages that wait, without those being processed."""
        raise NotSupported(f"{type(self).__name__} cannot count its queue.")

    def lock_size(self) -> int:
        """Return the number of packages that are handed out and not answered."""
        return 0

    def peek(self, count: int) -> list[Queued]:
        """Return the ``count`` packages that have been on the queue the longest, in the order in which they were sent.

        Held packages are among them, and nothing is changed. What was released may count as sent anew. What is held and
        has ``due`` in the past was not answered in time: it is handed out again.
        """
        raise NotSupported(f"{type(self).__name__} cannot look at its queue without taking from it.")

    def ping(self) -> bool:
        """Return True when the server can be reached."""
        return False

    def info(self) -> str:
        """Return name and version of the server, for people."""
        return type(self).__name__

    def clock(self) -> float | None:
        """Return the time of the server's clock in seconds since 1970; None where that of this host counts."""
        return None

    def examine(self) -> list[Finding]:
        """Return what its operator should know of the server's settings, for ``manage.py djq doctor``.

        What is as it should be is told too. That the server answers, and its clock, are looked at elsewhere.
        """
        return []

    def durability(self) -> str | None:
        """Say in a sentence, for the log, what the server's own settings make of the promise; None for nothing to say.

        Called once, when a cluster starts, which goes on whatever is raised; it must not wait longer than any call.
        """
        return None

    def close(self) -> None:
        """Close this process's connections."""

    # Statistics, where ``shares_stats``

    def put_stat(self, key: str, text: str, seconds: float) -> None:
        """Keep a signed statistics text for some seconds."""
        raise NotSupported(f"{type(self).__name__} keeps no statistics.")

    def get_stats(self, prefix: str) -> list[str]:
        """Return the texts of all keys that begin with the prefix."""
        raise NotSupported(f"{type(self).__name__} keeps no statistics.")
