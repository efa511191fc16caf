"""Receipts: which message was handed out, and under which reservation."""

from __future__ import annotations

from typing import NamedTuple

from djq_core.exceptions import BrokerError


class Lease(NamedTuple):
    """The id of a message and that of one reservation of it; a touch gives a new one, and voids the old one."""

    id: str
    reservation: str

    def __str__(self) -> str:
        return f"{self.id}:{self.reservation}"

    @classmethod
    def from_receipt(cls, receipt: str) -> Lease:
        """Return the lease that a receipt stands for; raise BrokerError when it is none of this broker."""
        id, _, reservation = receipt.partition(":")
        if not (id and reservation):
            raise BrokerError(f"{receipt!r} is no receipt of the IronMQ broker; one looks like '260560…:5f0c…'.")
        return cls(id, reservation)
