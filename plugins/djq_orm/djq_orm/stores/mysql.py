"""MariaDB and MySQL 8: the server's clock counts, a lost deadlock is tried again, a statement has a largest size."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from django.db import DataError, OperationalError, transaction
from django.db.models import BigIntegerField, Func
from django.db.models.expressions import Expression
from django.utils.translation import gettext as _

from djq_core.brokers.finding import ERROR, WARNING, Finding
from djq_core.brokers.leases import Lease
from djq_orm.clock import MICROSECONDS
from djq_orm.stores.base import Claimed, Store

T = TypeVar("T")

DEADLOCK = 1213
TRIES = 5
#: What every server takes as one statement, in bytes; above that it is asked.
MODEST = 512 * 1024
#: What a statement needs beside its packages, in bytes.
MARGIN = 16 * 1024
#: The value of ``max_allowed_packet`` below which sites run into it, in bytes.
SMALLEST_PACKET = 4 * 2**20

#: Characters that take two bytes in a statement.
_ESCAPED = "'\"\\\n\r\0\x1a"

# The time zone of the session does not matter to it, and it stays the same for a whole statement.
_NOW = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))"

_INSERT = "INSERT INTO djq_orm_ormq (`key`, payload, due, deliveries, unanswered) VALUES {rows}"
_ROW = f"(%s, %s, {_NOW}, 0, 0)"

_DUE = f"""
SELECT id, payload, deliveries, unanswered FROM djq_orm_ormq WHERE `key` = %s AND due <= {_NOW}
ORDER BY due, id LIMIT %s FOR UPDATE SKIP LOCKED
"""

_ENGINE = """
SELECT engine, @@max_allowed_packet FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_name = %s
"""

# Columns are set from left to right, and what stands further to the left is seen already changed.
_PICK_UP = f"""
UPDATE djq_orm_ormq
SET token = CONCAT(%s, id), `lock` = %s, due = {_NOW} + %s, deliveries = deliveries + (unanswered = 0),
    unanswered = unanswered + 1
WHERE id IN %s
"""


class MySQLStore(Store):
    """MariaDB from 10.6 and MySQL from 8.0.1, with InnoDB."""

    def now(self) -> Expression:
        """Return the server's time at the start of the statement, which an index can be searched with."""
        return Func(template=_NOW, output_field=BigIntegerField())

    # Sending

    def insert(self, key: str, texts: Sequence[str]) -> Sequence[int | None]:
        """Add packages in order, with as many statements as the server's largest one asks for, all or none.

        MySQL tells the id of a single row only.
        """
        parts = list(self._parts(texts))
        if len(parts) == 1:
            return self._again(partial(self._insert, key, parts[0]))
        with transaction.atomic(using=self.alias):
            return [pk for part in parts for pk in self._insert(key, part)]

    def _insert(self, key: str, texts: Sequence[str]) -> Sequence[int | None]:
        returns = self.connection.features.can_return_columns_from_insert
        statement = _INSERT.format(rows=", ".join([_ROW] * len(texts))) + (" RETURNING id" if returns else "")
        with self.connection.cursor() as cursor:
            cursor.execute(statement, [part for text in texts for part in (key, text)])
            if returns:
                return [pk for (pk,) in cursor.fetchall()]
            return [cursor.lastrowid] if len(texts) == 1 else [None] * len(texts)

    def _parts(self, texts: Sequence[str]) -> Iterator[Sequence[str]]:
        sizes = [_bytes_on_the_way(text) for text in texts]
        if sum(sizes) + len(texts) * len(_ROW) <= MODEST:
            yield texts
            return
        most = self._largest_statement() - MARGIN
        if max(sizes) > most:
            raise DataError(f"a package of {max(sizes)} bytes is larger than the server's max_allowed_packet allows")
        yield from _split(texts, sizes, most)

    def _largest_statement(self) -> int:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT @@max_allowed_packet")
            return int(cursor.fetchone()[0])

    # Receiving

    def claim(self, key: str, count: int, lease: float) -> list[Claimed]:
        """Hand out at most ``count`` rows that are due and not locked, for ``lease`` seconds."""
        return self._again(partial(super().claim, key, count, lease))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Return a transaction that locks rows and no gaps between them, unless it is one of the caller."""
        is_mine = not self.connection.in_atomic_block
        if is_mine and getattr(self.connection, "isolation_level", None) != "read committed":
            with self.connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        with transaction.atomic(using=self.alias):
            yield

    def _due(self, key: str, count: int) -> Sequence[tuple[int, str, int, int]]:
        with self.connection.cursor() as cursor:
            cursor.execute(_DUE, [key, count])
            rows: Sequence[tuple[int, str, int, int]] = cursor.fetchall()
            return rows

    def _pick_up(self, pks: Sequence[int], claim: str, lease: float) -> None:
        lock = self.connection.ops.adapt_datetimefield_value(self.moment())
        with self.connection.cursor() as cursor:
            cursor.execute(_PICK_UP, [claim, lock, round(lease * MICROSECONDS), tuple(pks)])

    # Answering

    def extend(self, leases: Sequence[Lease], seconds: float) -> set[int]:
        """Renew leases and return the ids of the rows that were still held."""
        return self._again(partial(super().extend, leases, seconds))

    def release(self, key: str, leases: Sequence[Lease], delay: float, *, counted: bool) -> None:
        """Free rows of a queue, to be handed out again after ``delay`` seconds."""
        self._again(partial(super().release, key, leases, delay, counted=counted))

    def remove(self, leases: Sequence[Lease]) -> None:
        """Delete rows that are answered for."""
        self._again(partial(super().remove, leases))

    def clear(self, key: str) -> None:
        """Delete every row of a queue."""
        self._again(partial(super().clear, key))

    # The server

    def version(self) -> str:
        """Return name and version of a server that answers: Django remembers them."""
        self.probe()
        return super().version()

    def clock(self) -> float | None:
        """Return the server's time."""
        return self._asked_clock(_NOW)

    def examine(self) -> list[Finding]:
        """Return whether the table can lock single rows, and how large a package may be."""
        with self.connection.cursor() as cursor:
            cursor.execute(_ENGINE, [self.model._meta.db_table])
            engine, largest = next(iter(cursor.fetchall()), ("", 0))
        return [_engine(engine), _largest(int(largest))] if engine else []

    def _again(self, act: Callable[[], T]) -> T:
        """Repeat what lost a deadlock; within a transaction of the caller the whole of that would have to be."""
        for _try in range(TRIES - 1):
            try:
                return act()
            except OperationalError as error:
                if error.args[:1] != (DEADLOCK,) or self.connection.in_atomic_block:
                    raise
            time.sleep(random.uniform(0.0, 0.02))
        return act()


def _engine(engine: str) -> Finding:
    message = _("The table of the queue has the engine %(engine)s.") % {"engine": engine}
    if engine == "InnoDB":
        return Finding(code="orm-engine", message=message)
    remedy = _("ALTER TABLE djq_orm_ormq ENGINE = InnoDB: others lock no single row and know no transaction.")
    return Finding(level=ERROR, code="orm-engine", message=message, remedy=remedy)


def _largest(size: int) -> Finding:
    message = _("A package may have %(size)s MiB (max_allowed_packet).") % {"size": f"{size / 2**20:g}"}
    if size >= SMALLEST_PACKET:
        return Finding(code="orm-packet", message=message)
    remedy = _("Raise max_allowed_packet of the server to 16M or more: what is larger is refused.")
    return Finding(level=WARNING, code="orm-packet", message=message, remedy=remedy)


def _bytes_on_the_way(text: str) -> int:
    return len(text.encode()) + sum(map(text.count, _ESCAPED))


def _split(texts: Sequence[str], sizes: Sequence[int], most: int) -> Iterator[Sequence[str]]:
    start = total = 0
    for place, size in enumerate(sizes):
        total += size + len(_ROW)
        if place > start and total > most:
            yield texts[start:place]
            start, total = place, size + len(_ROW)
    yield texts[start:]
