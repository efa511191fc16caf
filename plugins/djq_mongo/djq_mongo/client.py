"""From options to a client of pymongo, and what the server tells of itself."""

from __future__ import annotations

import contextvars
import os
import threading
import time
import warnings
import weakref
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from typing import Any, Final

import pymongo
from bson.codec_options import CodecOptions
from pymongo import MongoClient, ReadPreference, WriteConcern, common, errors
from pymongo.collection import Collection as MongoCollection
from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from djq_core.exceptions import ConfigurationError
from djq_mongo.clock import ServerClock
from djq_mongo.documents import INDEX, INDEX_NAME, Document
from djq_mongo.naming import DEAD, collection_of
from djq_mongo.options import TIMES, MongoOptions
from djq_mongo.stream import Stream

#: The parameters of MongoClient that are none of its options.
_PARAMETERS: Final = ("host", "port", "document_class", "tz_aware", "connect", "type_registry")
#: What keeps a task that was confirmed: the disks of most servers have it.
_SAFE: Final[Mapping[str, Any]] = {"w": "majority", "j": True}
#: Seconds that saying goodbye may take, and that the threads of a client may take to end.
_GOODBYE: Final = 0.5
_END: Final = 1.0
_THREADS: Final = "pymongo_"

#: What a call that waits in the server takes of the time-out at most, and how late its answer may come.
_SHARE: Final = 0.5
_LATE: Final = 0.1
_SHORTEST: Final = 0.01


def known_names() -> Collection[str]:
    """Return the names that MongoClient takes; its options in lower case, for it takes them in any."""
    return {*common.VALIDATORS, *_PARAMETERS}


def check(options: MongoOptions) -> None:
    """Raise ConfigurationError for what pymongo has against the keywords; nothing is connected or looked up."""
    if options.is_looked_up:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            make(options).close()
    except (errors.PyMongoError, ValueError, TypeError, OSError, UserWarning) as error:
        raise ConfigurationError(f"{options.setting} cannot be used: {options.masked(str(error))}") from None


def make(options: MongoOptions) -> MongoClient[Document]:
    """Return a client that is not connected yet.

    The time of a whole call is ours to watch, for a wait for news is none of it: ``timeoutMS`` of the client is off.
    """
    milliseconds = round(options.time_out * 1000)
    times = {name: milliseconds for name in TIMES if name not in options.times}
    return MongoClient(**{**times, **options.keywords, "timeoutMS": None, "connect": False})


class Connection:
    """What one process has of a queue: the client, the collections, the server's clock, the news of it."""

    def __init__(self, options: MongoOptions, list_key: str) -> None:
        self.client = make(options)
        weakref.finalize(self, contextvars.Context().run, _leave, self.client, os.getpid())
        self.concern = WriteConcern(**{**_SAFE, **self.client.write_concern.document})
        self._time_out = options.time_out
        self.database: Database[Document] = self.client.get_database(
            options.database,
            codec_options=CodecOptions(),
            read_preference=ReadPreference.PRIMARY,
            write_concern=self.concern,
            read_concern=ReadConcern(),
        )
        name = collection_of(list_key)
        self.queue: MongoCollection[Document] = self.database[name]
        self.dead: MongoCollection[Document] = self.database[f"{name}{DEAD}"]
        self.clock = ServerClock(self.ask_time)
        self.stream = Stream(self.client, self.queue)
        self.hello: Document = {}
        self._prepared = False

    def limited(self) -> AbstractContextManager[Any]:
        """Return a context in which all calls together may take the time-out."""
        return pymongo.timeout(self._time_out)

    def prepare(self) -> None:
        """Make the index once, and again where it may have gone with the queue."""
        if self.clock.is_stale or not self._prepared:
            self.queue.create_index(list(INDEX), name=INDEX_NAME)
            self._prepared = True

    def forget_index(self) -> None:
        """Make the index again at the next opportunity."""
        self._prepared = False

    def ask(self) -> Document:
        """Return what the server says of itself."""
        self.hello = self.admin("hello")
        return self.hello

    def ask_time(self) -> float:
        """Return the server's time in seconds since 1970; this host's where it does not tell."""
        told = self.ask().get("localTime")
        if not isinstance(told, datetime):
            return time.time()
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()

    def admin(self, command: str, **more: Any) -> Document:
        """Run a command on the server itself."""
        database = self.client.get_database("admin", codec_options=CodecOptions())
        return dict(database.command(command, **more))

    def status(self) -> Document | None:
        """Return what ``serverStatus`` tells, None where the user may not ask."""
        try:
            return self.admin("serverStatus")
        except errors.OperationFailure:
            return None

    @property
    def tells_news(self) -> bool:
        """Whether the server can be listened to: a replica set can, unless it has refused."""
        return self.replica_set is not None and not self.stream.is_refused

    @property
    def longest_wait(self) -> float:
        """The seconds that a call may wait in the server without looking like one that hangs."""
        time_out = self.client.options.pool_options.socket_timeout
        return max(_SHORTEST, (time_out or self._time_out) * _SHARE - _LATE)

    @property
    def replica_set(self) -> str | None:
        """The name of the replica set, that of a sharded cluster for one; None for a single server."""
        if self.hello.get("msg") == "isdbgrid":
            return "a sharded cluster"
        name = self.hello.get("setName")
        return f"the replica set {name!r}" if name else None

    def close(self) -> None:
        """Close it, without waiting for a server that is away."""
        with pymongo.timeout(_GOODBYE), suppress(errors.PyMongoError):
            self.stream.close()
        _leave(self.client, os.getpid())


def _leave(client: MongoClient[Document], pid: int) -> None:
    """Close a client, at the latest when its process ends; that of a fork's parent is none of ours.

    The garbage collector may call this in the middle of anything, a change of a context variable for one: hence in a
    context of its own, for Python does not bear two changes of one context inside each other.
    """
    if pid == os.getpid():
        with pymongo.timeout(_GOODBYE), suppress(errors.PyMongoError):
            client.close()


def wait_for_threads() -> None:
    """Wait until the threads of closed clients have ended, so that the process may fork."""
    until = time.monotonic() + _END
    for thread in threading.enumerate():
        if thread.name.startswith(_THREADS):
            thread.join(max(0.0, until - time.monotonic()))
