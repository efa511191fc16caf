"""Receipts: which row was handed out, and in which delivery of it."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from djq_core.exceptions import BrokerError


class Lease(NamedTuple):
    """A row and the token of one delivery of it; tokens are never used twice."""

    pk: int
    token: str

    def __str__(self) -> str:
        return f"{self.pk}:{self.token}"

    @classmethod
    def from_receipt(cls, receipt: str) -> Lease:
        """Return the lease that a receipt stands for; raise BrokerError when it is none of this broker."""
        pk, _, token = receipt.partition(":")
        if not (pk.isdecimal() and token):
            raise BrokerError(f"{receipt!r} is no receipt of the ORM broker; one looks like '17:5f0c…'.")
        return cls(int(pk), token)


def new_claim() -> str:
    """Return what the tokens of one claim begin with; the row's id follows it."""
    return secrets.token_hex(8)
