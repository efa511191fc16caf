"""Leases: which package was handed out, and in which delivery of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from djq_core.exceptions import BrokerError


class Lease(NamedTuple):
    """The id of a package and the token of one delivery of it; its text, ``<id>:<token>``, is a receipt.

    For a broker that makes its receipts itself. An id has no colon; a token that is never used twice makes a receipt
    good for one delivery only.
    """

    id: str
    token: str

    def __str__(self) -> str:
        return f"{self.id}:{self.token}"

    @classmethod
    def from_receipt(cls, receipt: str, broker: str, is_id: Callable[[str], bool] = str.isdecimal) -> Lease:
        """Return the lease that a receipt stands for; raise BrokerError when it is none of this broker, by its name."""
        id, _, token = receipt.partition(":")
        if not (is_id(id) and token):
            raise BrokerError(f"{receipt!r} is no receipt of the {broker} broker; one looks like '<id>:<token>'.")
        return cls(id, token)
