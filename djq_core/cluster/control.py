"""The second thread of pusher and monitor: answers the sentinel at once, whatever the first thread waits for."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from djq_core.brokers import Broker
from djq_core.cluster.channels import Channel, Frame, Kind
from djq_core.cluster.fencing import Receipts, renewed
from djq_core.exceptions import BrokerError

logger = logging.getLogger("djq")

#: Seconds that a process may take to finish once its sentinel is gone.
ORPHAN_SECONDS = 3.0
#: How often a release is tried before it is left to the end of the lease.
RELEASE_TRIES = 3


def _refusal(kind: Kind) -> str:
    if kind is Kind.STAT:
        return "The cluster's status cannot be published"
    return f"A control frame could not be answered: {kind.name}"


class Control(threading.Thread):
    """Reads control frames: leases are renewed and released here, other kinds go to their handler.

    When the sentinel is gone, ``orphaned`` is called and the process ends after :data:`ORPHAN_SECONDS` at the latest.
    ``receipts`` are those that another thread answers with.
    """

    def __init__(
        self,
        channel: Channel,
        broker: Broker,
        handlers: Mapping[Kind, Callable[[Frame], None]],
        orphaned: Callable[[], None] = lambda: None,
        receipts: Receipts | None = None,
    ) -> None:
        super().__init__(name="control", daemon=True)
        self._channel = channel
        self._broker = broker
        self._handlers = {Kind.RENEW: self._renew, Kind.RELEASE: self._release, **handlers}
        self._orphaned = orphaned
        self._refused: dict[Kind, type[Exception]] = {}
        self._receipts = receipts or Receipts(broker)

    def run(self) -> None:
        """Answer control frames until told to leave, or until the sentinel is gone."""
        try:
            while (frame := self._channel.receive()) is not None and frame.kind is not Kind.LEAVE:
                self._answer(frame)
        except (EOFError, OSError):
            self._orphaned()
            time.sleep(ORPHAN_SECONDS)
            os._exit(1)
        except BaseException:  # a process that no longer hears its sentinel must not live on
            logger.critical("%s cannot go on", self.name, exc_info=True)
            os._exit(2)  # 1 would say that it has been reported

    def _answer(self, frame: Frame) -> None:
        try:
            self._handlers[frame.kind](frame)
        except Exception as error:  # the border of this thread; whether the sentinel is gone is found out by receiving
            if self._refused.get(frame.kind) is not type(error):  # the status comes every second
                says_itself = isinstance(error, BrokerError)
                logger.error("%s: %s", _refusal(frame.kind), error, exc_info=None if says_itself else error)
            self._refused[frame.kind] = type(error)
        else:
            if self._refused.pop(frame.kind, None):
                logger.info("%s: that is over", _refusal(frame.kind))

    def _renew(self, frame: Frame) -> None:
        with self._receipts.in_turn:
            asked = self._receipts.take(dict(frame.header))
            self._channel.send(Frame(Kind.RENEWED, header=self._renewed(asked)))

    def _renewed(self, asked: Mapping[int, str]) -> list[list[Any]]:
        try:
            receipts = self._broker.extend(list(asked.values()), self._broker.settings.lease)
            valid = dict(zip(asked, receipts, strict=True))
        except Exception as error:  # whatever the broker's client raises; the sentinel asks again
            logger.warning("%d leases could not be renewed: %s", len(asked), error)
            return [[seq, None, None] for seq in asked]
        self._receipts.take({seq: receipt or asked[seq] for seq, receipt in valid.items()})
        return [[seq, asked[seq], receipt] for seq, receipt in valid.items()]

    def _release(self, frame: Frame) -> None:
        items: list[tuple[int, str]] = frame.header
        valid = renewed(self._broker, dict(items))
        if late := list(valid.values()).count(None):
            logger.warning("Superseded: %d packages are not handed back, they are no longer this cluster's", late)
        for attempt in range(RELEASE_TRIES):
            try:
                self._broker.release([receipt for receipt in valid.values() if receipt is not None], counted=False)
                break
            except Exception as error:  # whatever the broker's client raises; the lease ends by itself
                logger.warning("%d packages could not be released: %s", len(items), error)
                time.sleep(0.1 * 2**attempt)
        self._channel.send(Frame(Kind.RELEASED, header=[seq for seq, _ in items]))
