"""The pusher: fetches packages from the broker, verifies them and hands them to the sentinel (manual 1.14.3)."""

from __future__ import annotations

import hashlib
import logging
import os
import random
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError

from djq_core.brokers import Broker, Delivery
from djq_core.cluster.answered import deliveries_since_an_end
from djq_core.cluster.channels import Channel, Frame, Kind
from djq_core.cluster.databases import refresh_connections
from djq_core.cluster.faults import Faults
from djq_core.cluster.overlaps import schedule_of, take
from djq_core.envelope import TASK, TaskPackage, encode_package
from djq_core.envelope.package import UNREADABLE
from djq_core.envelope.wire import read_header
from djq_core.exceptions import BrokerError, PackageError

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

logger = logging.getLogger("djq")

#: Seconds that one fetch may wait in the broker.
FETCH_WAIT = 1.0
#: The most packages of one fetch where ``bulk`` is not set.
FETCH_MOST = 100
#: So much is told of a package that cannot be read, in characters: it may be damaged at great length.
_MOST_TOLD = 1000
#: The longest pause after a failed fetch, in seconds.
LONGEST_PAUSE = 5.0
#: What would be recorded of a run that is skipped; it is answered and not recorded.
SKIPPED = "The run before it has not ended."


class Pusher:
    """The fetching thread of a pusher process; the control thread calls ``grant`` and ``stop``."""

    def __init__(self, name: str, runtime: Runtime, broker: Broker, data: Channel, control: Channel) -> None:
        self._name = name
        self._runtime = runtime
        self._broker = broker
        self._data = data
        self._control = control
        self._faults = Faults.parse(runtime.conf.faults)
        self._changed = threading.Condition()
        self._granted = 0
        self._pushed = 0
        self._is_stopping = False
        self._failures = 0

    def grant(self, total: int) -> None:
        """Allow so many packages in all, counted from the start of this process."""
        with self._changed:
            self._granted = max(self._granted, total)
            self._changed.notify()

    def stop(self) -> None:
        """Fetch no more."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()

    def run(self) -> None:
        """Fetch until told to stop."""
        logger.info("%s pushing tasks at %s", self._name, os.getpid())
        self._control.send(Frame(Kind.READY))
        while (credit := self._wait_for_credit()) > 0:
            self._push(self._fetch(credit))
        logger.info("%s stopped pushing tasks", self._name)
        self._control.send(Frame(Kind.STOPPED, self._pushed))

    def _wait_for_credit(self) -> int:
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopping or self._granted > self._pushed)
            return 0 if self._is_stopping else self._granted - self._pushed

    def _fetch(self, credit: int) -> list[Delivery]:
        most = min(credit, self._runtime.conf.bulk or FETCH_MOST, self._broker.max_bulk or FETCH_MOST)
        try:
            deliveries = self._broker.receive(most, FETCH_WAIT)
        except Exception as error:  # the border of this process: whatever the broker's client raises
            self._pause(error)
            return []
        if self._failures:
            logger.info("%s reaches the broker again", self._name)
        self._failures = 0
        return deliveries

    def _pause(self, error: Exception) -> None:
        if not self._failures:
            told = isinstance(error, BrokerError)  # it says itself what is wrong and where
            logger.error("%s cannot fetch from the broker: %s", self._name, error, exc_info=None if told else error)
            self._runtime.reporters.report((type(error), error, error.__traceback__), None, "pusher")
        self._failures += 1
        seconds = min(LONGEST_PAUSE, 0.1 * 2 ** min(self._failures, 8)) * random.uniform(0.5, 1.0)
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopping, seconds)

    def _push(self, deliveries: list[Delivery]) -> None:
        if deliveries:
            self._faults.hit("pusher.after_receive")
        for delivery in deliveries:
            self._data.put(self._frame(delivery))
        self._data.flush()
        self._pushed += len(deliveries)

    def _frame(self, delivery: Delivery) -> Frame:
        about = {
            "receipt": delivery.receipt,
            "attempt": delivery.count,
            "unanswered": delivery.unanswered,
            "fetched": time.monotonic(),
        }
        try:
            text = self._runtime.signer.verify(TASK, delivery.package)
            header = {**read_header(text), **about}
            header["unanswered"] = self._unanswered(header["id"], delivery)
        except PackageError as error:
            logger.error("%s cannot read a package: %.1000s", self._name, error)
            return self._unreadable(delivery, about, error)
        tag = header.pop("serializer")
        if tag not in self._runtime.conf.accept_serializers:
            return self._unaccepted(header, text, tag)
        schedule = schedule_of(header.pop("headers"))
        if schedule is not None:
            header["schedule"] = schedule
            if not self._takes(schedule, header["id"]):
                logger.info("%s skips [%s]: the run before it has not ended", self._name, header["name"])
                return Frame(Kind.RESULT, 0, {**header, "error": SKIPPED, "skip": True}, text.encode("ascii"))
        return Frame(Kind.TASK, 0, header, text.encode("ascii"))

    def _unanswered(self, task_id: str, delivery: Delivery) -> int:
        """Return how many deliveries in a row nobody came back for; a server that counts all of them cannot tell."""
        if not self._broker.counts_every_delivery or delivery.unanswered <= self._runtime.conf.max_deliveries:
            return delivery.unanswered
        return deliveries_since_an_end(self._runtime, task_id, delivery.count)

    def _takes(self, schedule: int, task_id: str) -> bool:
        """May this run of a schedule begin? While the database is away it waits; a stop hands it over as it is."""
        self._data.flush()  # whoever came before must not wait with it
        while True:
            try:
                return take(schedule, task_id, self._runtime.conf)
            except DatabaseError as error:
                logger.error("%s cannot tell whether a schedule still runs: %s", self._name, error)
                refresh_connections()
            with self._changed:
                if self._changed.wait_for(lambda: self._is_stopping, FETCH_WAIT):
                    return True

    def _unaccepted(self, header: dict[str, Any], text: str, tag: str) -> Frame:
        """Return what is recorded of a task whose serializer is not accepted: it failed, its values are kept unread."""
        error = self._runtime.unaccepted(tag)
        logger.error("%s refuses [%s] %s: %s", self._name, header["name"], header["id"], error)
        told = f"The package was not run: {error}"[:_MOST_TOLD]
        return Frame(Kind.RESULT, 0, {**header, "fail": True, "error": told}, text.encode("ascii"))

    def _unreadable(self, delivery: Delivery, about: dict[str, Any], error: PackageError) -> Frame:
        """Return what is recorded of a package that nobody can run: one row, for its id comes from its text."""
        package = delivery.package if isinstance(delivery.package, bytes) else delivery.package.encode()
        task_id = hashlib.sha256(package).hexdigest()[:32]
        stand_in = self._stand_in(task_id)
        header = {
            "id": task_id,
            "name": stand_in.name,
            "func": stand_in.func,
            "timeout": None,
            "hook": None,
            **about,
            "fail": True,
        }
        text = f"The package was not run: {error}"[:_MOST_TOLD]
        return Frame(Kind.RESULT, 0, {**header, "error": text}, encode_package(stand_in).encode("ascii"))

    def _stand_in(self, task_id: str) -> TaskPackage:
        runtime = self._runtime
        return TaskPackage(
            id=task_id,
            name="unreadable package",
            func=UNREADABLE,
            started=datetime.now(UTC),
            serializer=runtime.conf.serializer,
            parts={"args": runtime.dump(()), "kwargs": runtime.dump({})},
        )
