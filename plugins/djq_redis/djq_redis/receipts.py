"""Receipts: which package was handed out, and in which delivery of it."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from djq_core.exceptions import BrokerError


class Lease(NamedTuple):
    """The id of a package and the token of one delivery of it; tokens are never used twice."""

    id: str
    token: str

    def __str__(self) -> str:
        return f"{self.id}:{self.token}"

    @classmethod
    def from_receipt(cls, receipt: str) -> Lease:
        """Return the lease that a receipt stands for; raise BrokerError when it is none of this broker."""
        number, _, token = receipt.partition(":")
        if not (number.isdecimal() and token):
            raise BrokerError(f"{receipt!r} is no receipt of the Redis broker; one looks like '17:5f0c…'.")
        return cls(number, token)


def new_token() -> str:
    """Return the token of one claim; with the id of a package it names one delivery."""
    return secrets.token_hex(8)
