"""Deliveries that are no longer this cluster's: it stood still for longer than a lease, and another one has them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext

from djq_core.brokers import Broker
from djq_core.cluster.channels import Frame, Kind

logger = logging.getLogger("djq")


def renewed(broker: Broker, receipts: Mapping[int, str]) -> dict[int, str | None]:
    """Renew deliveries and return the receipts now valid by their numbers, None for what is another cluster's now.

    They stay as they are where the broker does not tell, or cannot now: it ignores a superseded answer all the same.
    """
    if not receipts or not (broker.fences_receipts and broker.supports_leases):
        return dict(receipts)
    try:
        valid = broker.extend(list(receipts.values()), broker.settings.lease)
    except Exception as error:  # whatever the broker's client raises
        logger.warning("Nobody can tell whether %d deliveries are superseded: %s", len(receipts), error)
        return dict(receipts)
    return dict(zip(receipts, valid, strict=True))


class Receipts:
    """The newest receipts of what a monitor holds: one of its threads renews when the sentinel asks, one when it saves.

    ``in_turn`` is held while either of them renews or answers, where a renewal makes the receipt before it void.
    """

    def __init__(self, broker: Broker, tell: Callable[[Frame], None] = lambda _: None) -> None:
        """``broker`` is that of the thread which saves, ``tell`` reaches the sentinel."""
        self.in_turn: AbstractContextManager[object] = threading.Lock() if broker.changes_receipts else nullcontext()
        self._broker = broker
        self._tell = tell
        self._asked: Mapping[int, str] = {}
        #: What was renewed without being asked for: the receipt before, and the one after.
        self._moved: dict[int, tuple[str, str]] = {}

    def take(self, receipts: Mapping[int, str]) -> dict[int, str]:
        """Take the receipts of all that is held, as the sentinel knows them, and return the ones that are valid."""
        self._asked = valid = {seq: self._followed(seq, receipt) for seq, receipt in receipts.items()}
        return valid

    def newest(self, seq: int, receipt: str) -> str:
        """Return the newest receipt of a delivery that came with this one."""
        return self._followed(seq, self._asked.get(seq) or receipt)

    def _followed(self, seq: int, receipt: str) -> str:
        before, after = self._moved.get(seq, ("", ""))
        return after if receipt == before else receipt

    def superseded(self, receipts: Mapping[int, str]) -> set[int]:
        """Return the numbers of the deliveries that are another cluster's now; the others are renewed.

        ``receipts`` are those that they came with.
        """
        with self.in_turn:
            known = {seq: self.newest(seq, receipt) for seq, receipt in receipts.items()}
            valid = renewed(self._broker, known)
            moved = {seq: (known[seq], receipt) for seq, receipt in valid.items() if receipt and receipt != known[seq]}
            self._moved |= moved
            if moved:
                self._tell(Frame(Kind.RENEWED, header=[[seq, *both] for seq, both in moved.items()]))
        return {seq for seq, receipt in valid.items() if receipt is None}

    def forget(self, seqs: Iterable[int]) -> None:
        """Forget what is answered."""
        for seq in seqs:
            self._moved.pop(seq, None)
