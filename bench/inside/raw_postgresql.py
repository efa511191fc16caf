"""The ceiling on PostgreSQL: claim a hundred, run them, store and delete them, in one transaction each."""

from __future__ import annotations

import time

import psycopg
from django.db import connection

from bench.inside import results
from bench.inside.asking import setting
from bench.inside.raw_queue import enqueue, enqueue_many, queued, stored

__all__ = ["enqueue", "enqueue_many", "main", "prepare", "queued", "stored"]

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
