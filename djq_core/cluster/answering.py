"""How the monitor answers the broker for what is saved, and for how long it tries while the broker is away."""

from __future__ import annotations

import itertools
import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from djq_core.brokers import Broker
from djq_core.cluster.aside import recover
from djq_core.cluster.callbacks import Saved
from djq_core.cluster.fencing import Receipts

logger = logging.getLogger("djq")

#: How often a broker that can be reached is asked before an answer is left to the end of the lease.
ANSWER_TRIES: Final = 8
#: Seconds for which a stop that has nothing else left to do waits for a broker that is away.
LAST_ANSWERS: Final = 5.0


class Answering:
    """Answers for saved results, however long the broker is away, until nothing but that keeps the cluster."""

    def __init__(self, name: str, broker: Broker, receipts: Receipts) -> None:
        """``name`` is who answers, for the log."""
        self._name = name
        self._broker = broker
        self._receipts = receipts
        self._hurried: float | None = None
        self._away_since: float | None = None
        self._is_given_up = False

    def hurry(self) -> None:
        """Wait for a broker that is away no longer than :data:`LAST_ANSWERS` from now on; any thread may call this."""
        self._hurried = self._hurried or time.monotonic()

    def is_over(self, since: float) -> bool:
        """Is it no longer worth while to wait for a broker that has been away since then, by the monotonic clock?"""
        return self._hurried is not None and time.monotonic() - max(self._hurried, since) >= LAST_ANSWERS

    def answer(self, entries: Sequence[Saved]) -> None:
        """Acknowledge or release; a broker that is there and refuses is asked a few times only.

        Once a stop has given up a broker that is away nothing more is tried: each try may take a client's time-out.
        """
        for tries in itertools.count(1):
            if self._is_given_up:
                break
            try:
                self._acknowledge(entries)
            except Exception as error:  # whatever the broker's client raises
                logger.warning("%s cannot answer the broker: %s", self._name, error)
            else:
                self._away_since = None
                return
            if self._was_tried_enough(tries):
                break
            recover(tries)
        self.leave(entries)

    def _was_tried_enough(self, tries: int) -> bool:
        self._away_since = self._away_since or time.monotonic()
        is_over = self.is_over(self._away_since)
        if not is_over and tries < ANSWER_TRIES:
            return False
        is_there = self._broker.ping()
        self._is_given_up = is_over and not is_there
        return is_over or is_there

    def leave(self, entries: Sequence[Saved]) -> None:
        """Say that deliveries are not answered for: their tasks run once more."""
        told = "%s leaves %d deliveries to the end of their lease: the broker does not take the answer"
        logger.error(told, self._name, len(entries))

    def _acknowledge(self, entries: Sequence[Saved]) -> None:
        with self._receipts.in_turn:
            self._acknowledge_in_turn(entries)

    def _acknowledge_in_turn(self, entries: Sequence[Saved]) -> None:
        delays: dict[float, list[str]] = defaultdict(list)
        finals: list[str] = []
        for entry in entries:
            receipt = self._receipts.newest(entry.seq, entry.header["receipt"])
            if entry.header.get("fail"):
                self._broker.fail(receipt)
            elif entry.verdict.is_final:
                finals.append(entry.header.get("newest") or receipt)
            else:
                delays[round(entry.verdict.delay, 1)].append(receipt)
        if finals:
            self._broker.acknowledge_many(finals)
        for delay, receipts in delays.items():
            if not delay or self._broker.supports_delay:  # else the end of the lease is the delay
                self._broker.release(receipts, delay=delay, counted=True)
