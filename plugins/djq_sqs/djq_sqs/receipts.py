"""Receipts: the handle of one delivery, until when its lease lasts, when it began, and what lies in a storage."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Final

from djq_core.exceptions import BrokerError

#: A message is held so many seconds after it was received at most, however often that is renewed.
LONGEST: Final = 43_200
_PARTS: Final = 4


@dataclass(frozen=True, slots=True)
class Receipt:
    """One delivery; times are seconds since 1970 by the clock of this host.

    ``handle`` is SQS's receipt handle. ``claim`` is the token of a package in a storage, "" for one in its message.
    A lease that is over by this clock is lost: SQS keeps no promise for a handle after that.
    """

    until: float
    received: float
    claim: str
    handle: str

    def __str__(self) -> str:
        return f"{self.until:.3f}:{self.received:.3f}:{self.claim}:{self.handle}"

    @classmethod
    def new(cls, handle: str, lease: int, claim: str | None, now: float | None = None) -> Receipt:
        """Return the receipt of a message that was received, at ``now`` or just so, for so many seconds."""
        now = time.time() if now is None else now
        return cls(now + lease, now, claim or "", handle)

    @classmethod
    def from_text(cls, text: str) -> Receipt:
        """Return what a text stands for; raise BrokerError when it is no receipt of this broker."""
        until, received, claim, handle = (text.split(":", _PARTS - 1) + [""] * _PARTS)[:_PARTS]
        try:
            return cls(float(until), float(received), claim, handle)
        except ValueError:
            raise BrokerError(f"{text[:80]!r} is no receipt of the SQS broker.") from None

    @property
    def is_over(self) -> bool:
        """Has the lease ended?"""
        return time.time() >= self.until

    def within_limit(self, seconds: float) -> int:
        """Return whole seconds, at least so many, or what SQS still allows for this delivery."""
        return max(0, min(whole(seconds), int(self.received + LONGEST - time.time())))

    def held_for(self, seconds: int) -> Receipt:
        """Return the receipt of a lease that ends so many seconds from now."""
        return replace(self, until=time.time() + seconds)


def whole(seconds: float) -> int:
    """Return a duration as SQS takes it: whole seconds, at most twelve hours."""
    return min(LONGEST, math.ceil(seconds))
