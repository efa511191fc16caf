"""Receipts: which package was handed out, and in which delivery of it."""

from __future__ import annotations

import re
import secrets
from typing import Final, NamedTuple

from djq_core.exceptions import BrokerError

_ID: Final = re.compile(r"[0-9a-f]{14}-[0-9a-f]{8}")


class Lease(NamedTuple):
    """The id of a package and the token of one delivery of it; tokens are never used twice."""

    id: str
    token: str

    def __str__(self) -> str:
        return f"{self.id}:{self.token}"

    @classmethod
    def from_receipt(cls, receipt: str) -> Lease:
        """Return the lease that a receipt stands for; raise BrokerError when it is none of this broker."""
        id, _, token = receipt.partition(":")
        if not (is_id(id) and token):
            raise BrokerError(
                f"{receipt!r} is no receipt of the MongoDB broker; one looks like '0644a1f3c9d2e5-5f0c91aa:7d10…'."
            )
        return cls(id, token)


def is_id(text: str) -> bool:
    """Tell whether a text is the id of a package."""
    return _ID.fullmatch(text) is not None


def new_id(stamp: int) -> str:
    """Return the id of a package that was sent at this microsecond since 1970: ids sort as their packages were sent."""
    return f"{stamp:014x}-{secrets.token_hex(4)}"


def new_token() -> str:
    """Return the token of one claim; with the id of a package it names one delivery."""
    return secrets.token_hex(8)
