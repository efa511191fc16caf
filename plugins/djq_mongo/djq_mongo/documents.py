"""A package as it lies in its collection.

``_id`` sorts as the packages were sent. ``due`` is when it may be handed out, in microseconds since 1970 by the
server's clock: of what is held, the end of the lease. ``token`` is that of its holder. ``unanswered`` is the number of
deliveries in a row for which nobody has come back, 0 while nobody holds it. ``attempts`` is the number that the next
attempt has, or, while it is held, the one of its holder.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from djq_core.brokers.base import Delivery, Package, Queued
from djq_core.brokers.leases import Lease
from djq_core.exceptions import BrokerError
from djq_mongo.ids import is_id, new_id

Document: TypeAlias = dict[str, Any]

MICROSECONDS: Final = 1_000_000
#: What the document of a package may have, 16 MiB, less the room of its other fields.
LARGEST: Final = 16 * 1024 * 1024 - 1024
#: The index by which packages are found in their order and counted.
INDEX: Final = (("due", 1), ("unanswered", 1))
INDEX_NAME: Final = "djq_due"


def new_document(package: Package, stamp: int) -> Document:
    """Return the document of a package that is sent now; raise BrokerError when it is too large."""
    size = len(package) if isinstance(package, bytes) or package.isascii() else len(package.encode())
    if size > LARGEST:
        raise BrokerError(f"The package has {size:,} bytes; a document of MongoDB takes one of {LARGEST:,}.")
    return {"_id": new_id(stamp), "due": stamp, "unanswered": 0, "attempts": 1, "package": package}


def claim(until: int, token: str) -> Document:
    """Return the change that hands a package out until a time."""
    return {"$set": {"due": until, "token": token}, "$inc": {"unanswered": 1}}


def release(due: int, *, counted: bool) -> Document:
    """Return the change that hands a package back."""
    return {"$set": {"due": due, "unanswered": 0}, "$unset": {"token": ""}, "$inc": {"attempts": int(counted)}}


def is_due(now: int) -> Document:
    """Return the condition for what may be handed out."""
    return {"due": {"$lte": now}}


def is_held(now: int) -> Document:
    """Return the condition for what is held under a lease in force."""
    return {"due": {"$gt": now}, "unanswered": {"$gt": 0}}


def is_waiting(now: int) -> Document:
    """Return the condition for what nobody holds under a lease in force."""
    return {"$or": [is_due(now), {"due": {"$gt": now}, "unanswered": 0}]}


def of_lease(lease: Lease) -> Document:
    """Return the condition for the package of a receipt, unless it was delivered again since."""
    return {"_id": lease.id, "token": lease.token}


def delivery(found: Document) -> Delivery:
    """Return what was claimed."""
    receipt = str(Lease(found["_id"], found["token"]))
    return Delivery(receipt, package_of(found), found.get("attempts", 1), found["unanswered"])


def queued(found: Document, now: int) -> Queued:
    """Return what lies on the queue."""
    held = found.get("unanswered", 0) > 0
    return Queued(
        package=package_of(found),
        tracking_id=found["_id"],
        due=found["due"] / MICROSECONDS if held or found["due"] > now else None,
        is_held=held,
        attempts=found.get("attempts", 1) - (not held),
    )


def in_order(documents: Sequence[Document], ids: Sequence[str]) -> list[Document]:
    """Return documents in the order of these ids."""
    places = {id: place for place, id in enumerate(ids)}
    return sorted(documents, key=lambda found: places[found["_id"]])


def is_ours(found: Document) -> bool:
    """Tell whether a document was sent; what somebody else wrote into the collection has no id of ours."""
    id = found["_id"]
    return isinstance(id, str) and is_id(id) and isinstance(found.get("due"), int)


def package_of(found: Document) -> Package:
    """Return the package of a document as it was sent; nothing, which is unreadable, where it holds none."""
    package: object = found.get("package")
    return package if isinstance(package, str) else bytes(package) if isinstance(package, bytes) else b""
