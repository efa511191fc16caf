"""The ceiling on PostgreSQL: claim a hundred, run them, store and delete them, in one transaction each."""

from __future__ import annotations

import pickle
import time
from collections.abc import Sequence

import psycopg
from django.db import connection

from bench.inside import results
from bench.inside.asking import rows, setting

BATCH = 100
CLAIM = (
    "DELETE FROM raw_queue WHERE id IN (SELECT id FROM raw_queue ORDER BY id FOR UPDATE SKIP LOCKED LIMIT %s)"
    " RETURNING payload"
)


def prepare() -> None:
    """Make the tables."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE raw_queue (id bigserial PRIMARY KEY, payload bytea NOT NULL)")
    results.create()


def enqueue(number: int, milliseconds: float) -> None:
    """Send one task."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO raw_queue (payload) VALUES (%s)", [pickle.dumps((number, milliseconds))])


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


def connect() -> psycopg.Connection:
    """Return a connection without Django to the site's database."""
    entry = setting("DATABASES")["default"]
    return psycopg.connect(host=entry["HOST"], port=entry["PORT"], user=entry["USER"], dbname=entry["NAME"])


def main() -> None:
    """Work until killed."""
    with connect() as link, link.cursor() as cursor:
        while True:
            cursor.execute(CLAIM, [BATCH])
            done = [results.run(payload) for (payload,) in cursor]
            if done:
                results.insert(cursor, done)
            link.commit()
            if not done:
                time.sleep(0.005)


if __name__ == "__main__":
    main()
