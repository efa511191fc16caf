"""The ceiling on SQLite: claim a hundred in one transaction, run them, store and delete them in another."""

from __future__ import annotations

import os
import sqlite3
import time
from datetime import datetime

from django.db import connection

from bench.inside import results
from bench.inside.asking import setting
from bench.inside.raw_queue import enqueue, enqueue_many, queued, stored

__all__ = ["enqueue", "enqueue_many", "main", "prepare", "queued", "stored"]

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
