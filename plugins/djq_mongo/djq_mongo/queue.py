"""What is asked of MongoDB: one queue, its packages changed one by one by conditions on id and token alone."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pymongo import DeleteOne, ReturnDocument, UpdateOne

from djq_core.brokers.base import Delivery, Package, Queued
from djq_core.brokers.leases import Lease
from djq_mongo import documents
from djq_mongo.clock import LEEWAY
from djq_mongo.documents import MICROSECONDS

if TYPE_CHECKING:
    from djq_mongo.client import Connection

#: How many unreadable packages are kept, the newest.
DEAD_LETTERS: Final = 100
#: A larger one, in bytes, is dropped: a hundred of any size would fill the server.
LARGEST_DEAD_LETTER: Final = 1 << 20
#: How often others may be quicker before a claim takes what comes, one package.
_TRIES: Final = 3
_BY_DUE: Final = [("due", 1)]
_BY_AGE: Final = [("_id", 1)]


class Queue:
    """The queue of a connection; what pymongo raises is passed on."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._clock = connection.clock
        self._packages = connection.queue

    # Sending

    def send(self, packages: Sequence[Package]) -> list[str]:
        """Add packages in order with one call and return their ids; one that is too large keeps all from being sent."""
        new = [documents.new_document(package, self._clock.stamp()) for package in packages]
        if len(new) == 1:
            self._packages.insert_one(new[0])
        elif new:
            self._packages.insert_many(new)
        return [document["_id"] for document in new]

    # Receiving

    def claim(self, count: int, lease: float) -> list[Delivery]:
        """Take at most so many packages that are due, those that have been due the longest."""
        self._connection.prepare()
        if count > 1:
            for _ in range(_TRIES):
                ids = self._due_ids(count)
                if len(ids) < 2:
                    break
                if found := self._claim_these(ids, lease):
                    return found
        return self._claim_first(lease)

    def _due_ids(self, count: int) -> list[str]:
        due = documents.is_due(self._clock.now() + LEEWAY)
        return [found["_id"] for found in self._packages.find(due, {"_id": 1}, sort=_BY_DUE, limit=count)]

    def _claim_these(self, ids: Sequence[str], lease: float) -> list[Delivery]:
        """Take those of the packages that nobody else took meanwhile."""
        now, token = self._clock.now(), secrets.token_hex(8)
        change = documents.claim(now + _micro(lease), token)
        due = documents.is_due(now + LEEWAY)
        done = self._packages.bulk_write([UpdateOne({"_id": id, **due}, change) for id in ids], ordered=False)
        if not done.modified_count:
            return []
        found = list(self._packages.find({"_id": {"$in": list(ids)}, "token": token}))
        return [documents.delivery(each) for each in documents.in_order(found, ids) if documents.is_ours(each)]

    def _claim_first(self, lease: float) -> list[Delivery]:
        now = self._clock.now()
        found = self._packages.find_one_and_update(
            documents.is_due(now + LEEWAY),
            documents.claim(now + _micro(lease), secrets.token_hex(8)),
            sort=_BY_DUE,
            return_document=ReturnDocument.AFTER,
        )
        return [documents.delivery(found)] if found and documents.is_ours(found) else []

    def seconds_to_next(self) -> float | None:
        """Return in how many seconds the next package may be claimed, 0 for now, None for an empty queue."""
        first = self._packages.find_one({"due": {"$gte": 0}}, {"due": 1}, sort=_BY_DUE)
        if first is None:
            return None
        return max(0, int(first["due"]) - LEEWAY - self._clock.now()) / MICROSECONDS

    # Answering

    def extend(self, leases: Sequence[Lease], seconds: float) -> set[Lease]:
        """Let leases end so many seconds from now; return those that were not lost."""
        change = {"$set": {"due": self._clock.now() + _micro(seconds)}}
        wanted = set(leases)
        done = self._change(UpdateOne(documents.of_lease(lease), change) for lease in wanted)
        if done == len(wanted):
            return wanted
        ids = [lease.id for lease in wanted]
        found = self._packages.find({"_id": {"$in": ids}}, {"token": 1})
        return wanted & {Lease(each["_id"], each.get("token", "")) for each in found}

    def release(self, leases: Iterable[Lease], delay: float, *, counted: bool) -> None:
        """Hand packages back, for another delivery after so many seconds."""
        later = _micro(delay)
        self._change(
            UpdateOne(documents.of_lease(lease), documents.release((self._clock.stamp()) + later, counted=counted))
            for lease in leases
        )

    def remove(self, leases: Iterable[Lease]) -> None:
        """Remove packages unless they were delivered again since."""
        self._change(DeleteOne(documents.of_lease(lease)) for lease in leases)

    def _change(self, changes: Iterable[Any]) -> int:
        """Make changes in one call, each by itself; return how many found their package."""
        wanted = list(changes)
        if not wanted:
            return 0
        return int(self._packages.bulk_write(wanted, ordered=False).matched_count)

    def put_aside(self, lease: Lease) -> None:
        """Move a package that could not be read to the dead letters, of which the newest are kept."""
        found = self._packages.find_one(documents.of_lease(lease))
        if found is None:
            return
        package = documents.package_of(found)
        if len(package) <= LARGEST_DEAD_LETTER:
            letter = {"package": package, "failed": datetime.now(UTC), "order": self._clock.stamp()}
            self._connection.dead.replace_one({"_id": lease.id}, letter, upsert=True)
            self._trim()
        self.remove([lease])

    def _trim(self) -> None:
        dead = self._connection.dead
        surplus = [each["_id"] for each in dead.find({}, {"_id": 1}, sort=[("order", -1)], skip=DEAD_LETTERS)]
        if surplus:
            dead.delete_many({"_id": {"$in": surplus}})

    def dead_letters(self) -> list[Package]:
        """Return the packages that were put aside, the newest first."""
        found = self._connection.dead.find({}, sort=[("order", -1)], limit=DEAD_LETTERS)
        return [documents.package_of(each) for each in found]

    # The queue

    def remove_package(self, id: str) -> None:
        """Remove a package, whoever holds it."""
        self._packages.delete_one({"_id": id})

    def clear(self) -> None:
        """Remove every package."""
        self._packages.delete_many({})

    def drop(self) -> None:
        """Remove the collections."""
        self._packages.drop()
        self._connection.dead.drop()
        self._connection.forget_index()

    def count_waiting(self) -> int:
        """Return the number of packages that nobody holds."""
        return self._packages.count_documents(documents.is_waiting(self._clock.now()))

    def count_held(self) -> int:
        """Return the number of packages that are held under a lease in force."""
        return self._packages.count_documents(documents.is_held(self._clock.now()))

    def oldest(self, count: int) -> list[Queued]:
        """Return the packages that were sent first."""
        now = self._clock.now()
        found = self._packages.find({}, sort=_BY_AGE, limit=count)
        return [documents.queued(each, now) for each in found if documents.is_ours(each)]


def _micro(seconds: float) -> int:
    return round(seconds * MICROSECONDS)
