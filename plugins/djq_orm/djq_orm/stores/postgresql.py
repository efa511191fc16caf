"""PostgreSQL: rows that another has locked are skipped, the server's clock counts, and the queue rings."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db.models import BigIntegerField, Func
from django.db.models.expressions import Expression
from django.db.models.functions import Now

from djq_core.brokers.leases import Lease
from djq_orm.bells import Bell, ListenBell
from djq_orm.clock import MICROSECONDS
from djq_orm.stores.base import Claimed, Store

_NOW = "(EXTRACT(EPOCH FROM STATEMENT_TIMESTAMP()) * 1000000)::bigint"

# However often a transaction rings a bell in the same way, it is heard once.
_INSERT = f"""
INSERT INTO {{table}} ("key", payload, due, deliveries, unanswered) VALUES (%s, %s, {_NOW}, 0, 0)
RETURNING id, pg_notify(%s, '')
"""

# One parameter for all packages: quoting each takes longer than the insert.
_INSERT_MANY = f"""
INSERT INTO {{table}} ("key", payload, due, deliveries, unanswered)
SELECT %s, given.payload, {_NOW}, 0, 0
FROM json_array_elements_text(%s::json) WITH ORDINALITY AS given (payload, place) ORDER BY given.place
RETURNING id, pg_notify(%s, '')
"""

# The picked rows are materialized: the limit must hold whatever plan the update gets.
_CLAIM = f"""
WITH picked AS MATERIALIZED (
    SELECT id, due FROM {{table}} WHERE "key" = %s AND due <= {_NOW}
    ORDER BY due, id LIMIT %s FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE {{table}} AS q
    SET token = %s::text || q.id, "lock" = STATEMENT_TIMESTAMP(), due = {_NOW} + %s::bigint,
        deliveries = q.deliveries + (q.unanswered = 0)::int, unanswered = q.unanswered + 1
    FROM picked WHERE q.id = picked.id
    RETURNING q.id, q.token, q.payload, q.deliveries, q.unanswered, picked.due
)
SELECT id, token, payload, deliveries, unanswered FROM taken ORDER BY due, id
"""

# Several rows are always locked in the order of their ids, so that two answers cannot wait for each other.
_HELD = """
WITH held AS MATERIALIZED (
    SELECT id FROM {table}
    WHERE id = ANY(string_to_array(%s, ' ')::bigint[]) AND token = ANY(string_to_array(%s, ' ')) ORDER BY id FOR UPDATE
)
"""

_EXTEND = f"""
{_HELD}
UPDATE {{table}} AS q SET due = {_NOW} + %s::bigint, "lock" = STATEMENT_TIMESTAMP() FROM held WHERE q.id = held.id
RETURNING q.id
"""

_RELEASE = f"""
{_HELD}, freed AS (
    UPDATE {{table}} AS q
    SET token = NULL, "lock" = NULL, due = {_NOW} + %s::bigint, unanswered = 0, deliveries = q.deliveries - %s::int
    FROM held WHERE q.id = held.id
    RETURNING q.id
)
SELECT pg_notify(%s, %s) WHERE EXISTS (SELECT FROM freed)
"""

_REMOVE = f"{_HELD} DELETE FROM {{table}} AS q USING held WHERE q.id = held.id"


class PostgresStore(Store):
    """PostgreSQL; every method below is one statement."""

    def now(self) -> Expression:
        """Return the server's time at the start of the statement, which an index can be searched with."""
        return Func(template=_NOW, output_field=BigIntegerField())

    def moment(self) -> Any:
        """Return the same as a timestamp."""
        return Now()

    def bell(self, key: str) -> Bell:
        """Return the bell that listens for the queue's notifications."""
        return ListenBell(self.alias, channel(key))

    def insert(self, key: str, texts: Sequence[str]) -> list[int]:
        """Add packages in order and ring once, at the commit."""
        alone = len(texts) == 1
        statement, given = (_INSERT, texts[0]) if alone else (_INSERT_MANY, json.dumps(list(texts)))
        return [pk for pk, _ in self._fetch(statement, key, given, channel(key))]

    def claim(self, key: str, count: int, lease: float) -> list[Claimed]:
        """Hand out at most ``count`` rows that are due and not locked, for ``lease`` seconds."""
        rows = self._fetch(_CLAIM, key, count, secrets.token_hex(8), round(lease * MICROSECONDS))
        return [Claimed(*row) for row in rows]

    def extend(self, leases: Sequence[Lease], seconds: float) -> set[int]:
        """Renew leases and return the ids of the rows that were still held."""
        return {pk for (pk,) in self._fetch(_EXTEND, *_lists(leases), round(seconds * MICROSECONDS))}

    def release(self, key: str, leases: Sequence[Lease], delay: float, *, counted: bool) -> None:
        """Free rows and ring, telling the delay in seconds."""
        attempts = 0 if counted else 1
        self._fetch(_RELEASE, *_lists(leases), round(delay * MICROSECONDS), attempts, channel(key), f"{delay:.3f}")

    def remove(self, leases: Sequence[Lease]) -> None:
        """Delete rows that are answered for."""
        with self.connection.cursor() as cursor:
            cursor.execute(self._with_names(_REMOVE), _lists(leases))

    def clock(self) -> float | None:
        """Return the server's time."""
        return self._asked_clock("(EXTRACT(EPOCH FROM CLOCK_TIMESTAMP()) * 1000000)::bigint")

    def _fetch(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(self._with_names(statement), parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def _with_names(self, statement: str) -> str:
        table = self.connection.ops.quote_name(self.model._meta.db_table)
        return _with_table(statement, table)


@lru_cache(maxsize=100)
def _with_table(statement: str, table: str) -> str:
    return statement.format(table=table)


@lru_cache(maxsize=100)
def channel(key: str) -> str:
    """Return the name under which a queue is rung, whatever its own length."""
    return f"djq_orm_{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}"


def _lists(leases: Sequence[Lease]) -> tuple[str, str]:
    """Return ids and tokens as one text each: quoting every one takes longer than the statement."""
    return " ".join(lease.id for lease in leases), " ".join(lease.token for lease in leases)
