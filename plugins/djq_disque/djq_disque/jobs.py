"""Jobs as Disque tells of them, and packages with what was counted before they were sent anew.

Disque counts what happens to one job. Where djq has to send a package again as another job (for later, for another
lease, for another attempt) the counts go on in a mark before the package. A package that was sent once has none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from djq_core.brokers.base import Package
from djq_disque.receipts import Receipt

_BEGIN: Final = b"\x00djq "
_MARK: Final = re.compile(rb"\x00djq (\d{1,9}) (\d{1,9})\x00")

ACTIVE: Final = "active"
QUEUED: Final = "queued"


class Mark(NamedTuple):
    """How many attempts were answered before this job, and how many deliveries in a row were not."""

    attempts: int = 0
    unanswered: int = 0


FRESH: Final = Mark()


def sealed(package: Package, mark: Mark = FRESH) -> bytes:
    """Return the body of a job: the package itself unless there is something to count on from."""
    raw = package.encode() if isinstance(package, str) else bytes(package)
    if mark == FRESH and not raw.startswith(_BEGIN):
        return raw
    return b"%b%d %d\x00%b" % (_BEGIN, *mark, raw)


def opened(body: bytes) -> tuple[Package, Mark]:
    """Return the package of a body, and its mark; what another program has sent is a package as it stands."""
    found = _MARK.match(body)
    raw, mark = (body[found.end() :], Mark(int(found[1]), int(found[2]))) if found else (body, FRESH)
    return (raw.decode("ascii") if raw.isascii() else raw), mark


class Job(NamedTuple):
    """A job as ``SHOW`` tells of it; ``ctime`` is in nanoseconds since 1970, ``due`` is in so many seconds."""

    id: str
    state: str
    ctime: int
    delay: int
    retry: int
    nacks: int
    additional: int
    due: float
    package: Package
    mark: Mark

    @property
    def unanswered(self) -> int:
        """How many deliveries in a row nobody has answered; the one that is held now is not among them."""
        return self.mark.unanswered + self.additional

    @property
    def is_alive(self) -> bool:
        """Is it still to be done?"""
        return self.state in (ACTIVE, QUEUED)

    def is_later(self, now: float) -> bool:
        """Was it released for later, and has its time not come?

        A job with a delay is not queued until then. Where the mark counts a delivery that was not answered, the delay
        is a lease, and somebody holds the job.
        """
        return self.state == ACTIVE and not self.mark.unanswered and self.starts > now

    @property
    def starts(self) -> float:
        """When it may be handed out for the first time, in seconds since 1970."""
        return self.ctime / 1_000_000_000 + self.delay

    def is_of(self, receipt: Receipt) -> bool:
        """Is the delivery of this receipt still the last one?"""
        return self.is_alive and (self.nacks, self.additional) == (receipt.nacks, receipt.additional)


def shown(answer: Sequence[Any] | None) -> Job | None:
    """Return what ``SHOW``, or ``JSCAN`` with ``REPLY all``, says of a job; None where the node does not know it."""
    if answer is None:
        return None
    told = {bytes(name).decode(): value for name, value in zip(answer[::2], answer[1::2], strict=True)}
    package, mark = opened(told["body"])
    return Job(
        id=told["id"].decode(),
        state=told["state"].decode(),
        ctime=int(told["ctime"]),
        delay=int(told["delay"]),
        retry=int(told["retry"]),
        nacks=int(told["nacks"]),
        additional=int(told["additional-deliveries"]),
        due=int(told["next-requeue-within"] or 0) / 1000,
        package=package,
        mark=mark,
    )
