"""What tells a waiting cluster that its queue has changed: a change stream.

It is read with commands, not with pymongo's own cursor: each wait has a length of its own.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from bson.int64 import Int64
from pymongo import errors

from djq_mongo.errors import reason_of

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.client_session import ClientSession
    from pymongo.collection import Collection

logger = logging.getLogger("djq")

#: What makes a package ready: it was sent, or handed back. A claim and its renewal are no news. The package itself is
#: left out of what is told.
_PIPELINE: Final[list[dict[str, Any]]] = [
    {"$changeStream": {}},
    {"$match": {"$or": [{"operationType": "insert"}, {"updateDescription.updatedFields.unanswered": 0}]}},
    {"$project": {"_id": 1}},
]
#: So much news is read at once; when more has piled up it is dropped, and one look at the queue takes its place.
_MOST: Final = 100
#: How often in a row a cursor may be refused that the server has opened.
_TRIES: Final = 3


class Stream:
    """News of a queue, for one thread; the cursor behind it is opened when it is first waited for."""

    def __init__(self, client: MongoClient[Any], queue: Collection[Any]) -> None:
        self._client = client
        self._queue = queue
        self._session: ClientSession | None = None
        self._cursor = 0
        self._unread = 0
        self._failures = 0
        #: Whether this server has refused to tell news.
        self.is_refused = False

    @property
    def is_open(self) -> bool:
        """Whether a change from now on will be told."""
        return self._cursor != 0 and self._unread <= _MOST

    def note(self, count: int) -> None:
        """Note that so many packages were taken, whose news has not been read."""
        self._unread += count

    def open(self) -> None:
        """Begin to listen; where the server refuses, ``is_refused`` is set."""
        self.close()
        self._session = self._client.start_session(causal_consistency=False)  # getMore takes no read concern
        try:
            answer = self._command({"aggregate": self._queue.name, "pipeline": _PIPELINE, "cursor": {}})
        except errors.OperationFailure as error:
            self._refused(error)
            return
        self._cursor, self._unread = int(answer["cursor"]["id"]), 0

    def wait(self, seconds: float) -> bool:
        """Wait for news at most so long, and tell whether there was any; the loss of the cursor is some.

        Raises NetworkTimeout when the server does not answer.
        """
        command = {
            "getMore": Int64(self._cursor),
            "collection": self._queue.name,
            "maxTimeMS": max(1, round(seconds * 1000)),
        }
        self._unread = 0
        try:
            answer = self._command(command)
        except errors.PyMongoError as error:
            self._lost(error)
            if isinstance(error, errors.NetworkTimeout):
                raise
            return True
        self._failures = 0
        self._cursor = int(answer["cursor"]["id"])
        return bool(answer["cursor"]["nextBatch"]) or not self._cursor

    def _lost(self, error: errors.PyMongoError) -> None:
        """Forget the cursor, as after a fail-over; one that is refused again and again is given up."""
        self._cursor = 0
        if isinstance(error, errors.OperationFailure):
            self._failures += 1
            if self._failures == _TRIES:
                self._refused(error)

    def _refused(self, error: errors.OperationFailure) -> None:
        self.is_refused = True
        self.close()
        logger.warning("MongoDB tells no news of %s, it is polled: %s", self._queue.full_name, reason_of(error))

    def close(self) -> None:
        """Stop listening."""
        cursor, self._cursor = self._cursor, 0
        session, self._session = self._session, None
        if session is None:
            return
        try:
            if cursor:
                killing = {"killCursors": self._queue.name, "cursors": [Int64(cursor)]}
                self._queue.database.command(killing, session=session)
        except errors.PyMongoError:
            return  # the server forgets a cursor by itself
        finally:
            session.end_session()

    def _command(self, command: dict[str, Any]) -> dict[str, Any]:
        return dict(self._queue.database.command(command, session=self._session))
