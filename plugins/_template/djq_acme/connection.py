"""A process's connection to the file, and what SQLite says as the broker's errors: here your client library goes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from djq_acme.options import AcmeOptions
from djq_core.exceptions import BrokerError

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS acme_package (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- never used twice: it is the tracking id
    queue TEXT NOT NULL,
    package NOT NULL,                       -- text or bytes, as it came
    due REAL NOT NULL,                      -- when it may be handed out; of a held one, the end of the lease
    token TEXT,                             -- that of the newest delivery; NULL when nobody holds it
    attempts INTEGER NOT NULL DEFAULT 0,
    unanswered INTEGER NOT NULL DEFAULT 0   -- deliveries in a row that nobody has answered
);
CREATE INDEX IF NOT EXISTS acme_package_due ON acme_package (queue, due, id);
"""


class Connection:
    """What one process has of the file; it is opened on first use, and anew after an error.

    Several threads of a process use a broker at once. Here they take turns; a client that threads may share, or that
    has a pool, needs no lock.
    """

    def __init__(self, options: AcmeOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._sqlite: sqlite3.Connection | None = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the file to one thread; whatever SQLite raises becomes BrokerError."""
        with self._lock:
            try:
                if self._sqlite is None:
                    self._sqlite = _opened(self._options)
                yield self._sqlite
            except sqlite3.Error as error:
                self._drop()
                raise BrokerError(_told(self._options, error)) from error

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """Give the file for one transaction, which is on the disk when the block ends, or has changed nothing."""
        with self.reading() as sqlite, sqlite:
            sqlite.execute("BEGIN IMMEDIATE")
            yield sqlite

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        sqlite, self._sqlite = self._sqlite, None
        if sqlite is not None:
            sqlite.close()


def _opened(options: AcmeOptions) -> sqlite3.Connection:
    # Every client library has a default for its time-outs that is too long, or none: each call must end in time.
    sqlite = sqlite3.connect(options.file, timeout=options.timeout, isolation_level=None, check_same_thread=False)
    try:
        # Accepted means written. A write-ahead log would be faster, but who has one open holds a lock even when idle,
        # and in a fork SQLite would believe to hold it too.
        sqlite.execute("PRAGMA synchronous = FULL")
        sqlite.executescript(_SCHEMA)
    except sqlite3.Error:
        sqlite.close()
        raise
    return sqlite


def _told(options: AcmeOptions, error: sqlite3.Error) -> str:
    """Say in a line what was asked of whom, what it answered and what to do; never what was sent."""
    text = str(error)
    if "locked" in text:
        remedy = f"Another process wrote for longer than Q_CLUSTER['acme']['timeout'] ({options.timeout:g} s)."
    elif "unable to open" in text or "readonly" in text:
        remedy = "Is the folder of Q_CLUSTER['acme']['file'] there, and may this user write to it?"
    else:
        remedy = "See Q_CLUSTER['acme']['file']."
    return f"SQLite did not do what was asked with {options.file}: {text}. {remedy}"
