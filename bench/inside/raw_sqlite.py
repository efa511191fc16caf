"""The ceiling on SQLite: claim a hundred in one transaction, run them, store and delete them in another."""

from __future__ import annotations

import os
import pickle
import sqlite3
import time
from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from bench.inside import results
from bench.inside.asking import rows, setting

BATCH = 100
CLAIM = (
    "UPDATE raw_queue SET holder = ? WHERE id IN (SELECT id FROM raw_queue WHERE holder IS NULL ORDER BY id LIMIT ?)"
    " RETURNING id, payload"
)


def prepare() -> None:
    """Make the tables."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE raw_queue (id integer PRIMARY KEY, payload blob NOT NULL, holder integer)")
        cursor.execute("CREATE INDEX raw_free ON raw_queue (id) WHERE holder IS NULL")
    results.create()


def enqueue(number: int, milliseconds: float) -> None:
    """Send one task."""
    enqueue_many([number], milliseconds)


def enqueue_many(numbers: Sequence[int], milliseconds: float) -> None:
    """Send many with one statement."""
    values = ", ".join(["(%s)"] * len(numbers))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO raw_queue (payload) VALUES {values}",
            [pickle.dumps((number, milliseconds)) for number in numbers],
        )


def queued() -> int:
    """Return how many are on the queue."""
    return rows("raw_queue")


def stored() -> int:
    """Return how many results there are."""
    return rows("raw_result")


def main() -> None:
    """Work until killed."""
    sqlite3.register_adapter(datetime, str)
    link = sqlite3.connect(setting("DATABASES")["default"]["NAME"], timeout=20, isolation_level=None)
    link.execute("PRAGMA synchronous=NORMAL")
    while True:
        link.execute("BEGIN IMMEDIATE")
        claimed = link.execute(CLAIM, [os.getpid(), BATCH]).fetchall()
        link.execute("COMMIT")
        if not claimed:
            time.sleep(0.005)
            continue
        done = [results.run(payload) for _, payload in claimed]
        link.execute("BEGIN IMMEDIATE")
        results.insert(link, done, "?")
        link.execute(f"DELETE FROM raw_queue WHERE id IN ({', '.join(str(key) for key, _ in claimed)})")
        link.execute("COMMIT")


if __name__ == "__main__":
    main()
