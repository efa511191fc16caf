"""SQLite: one writer at a time, so a claim takes the write lock before it reads."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from django.db import OperationalError
from django.utils import timezone
from django.utils.translation import gettext as _

from djq_core.brokers.finding import WARNING, Finding
from djq_core.brokers.leases import Lease
from djq_orm.bells import Bell, VersionBell
from djq_orm.clock import MICROSECONDS, now_in_microseconds
from djq_orm.stirring import Stirring
from djq_orm.stores.base import Store

logger = logging.getLogger("djq")

_INSERT = 'INSERT INTO {table} ("key", payload, due, deliveries, unanswered) VALUES (%s, %s, %s, 0, 0)'

_DUE = """
SELECT id, payload, deliveries, unanswered FROM djq_orm_ormq WHERE "key" = %s AND due <= %s ORDER BY due, id LIMIT %s
"""

_PICK_UP = """
UPDATE djq_orm_ormq
SET token = %s || id, "lock" = %s, due = %s, deliveries = deliveries + (unanswered = 0), unanswered = unanswered + 1
WHERE id IN (SELECT value FROM json_each(%s))
"""

_REMOVE = """
DELETE FROM djq_orm_ormq
WHERE id IN (SELECT value FROM json_each(%s)) AND token IN (SELECT value FROM json_each(%s))
"""


class SQLiteStore(Store):
    """SQLite with a write-ahead log, in which readers and the one writer do not wait for each other.

    What runs for every task is written out: building these statements takes longer than SQLite needs for them.
    """

    def prepare(self) -> None:
        """Switch the file to its write-ahead log, which lasts; log it when SQLite refuses."""
        if self.connection.in_atomic_block:
            return
        try:
            mode = self._pragma("journal_mode=WAL")
        except OperationalError as error:
            mode = str(error)
        if mode not in ("wal", "memory"):
            logger.warning("SQLite did not switch %r to journal_mode=WAL: %s", self.alias, mode)

    def _pragma(self, text: str) -> str:
        with self.connection.cursor() as cursor:
            cursor.execute(f"PRAGMA {text}")
            return str(cursor.fetchone()[0])

    def examine(self) -> list[Finding]:
        """Return whether readers and the writer wait for each other, and how transactions begin."""
        return [_journal(self._pragma("journal_mode")), _beginning(self._begins_with)]

    @property
    def _begins_with(self) -> str:
        return str(self.connection.settings_dict["OPTIONS"].get("transaction_mode") or "DEFERRED").upper()

    def bell(self, key: str) -> Bell:
        """Return the bell that watches the file's version."""
        return VersionBell(self._version, self._stirring)

    def _stirring(self) -> Stirring | None:
        raw = self._raw()
        with self.connection.wrap_database_errors:
            files = {name: Path(file) for _, name, file in raw.execute("PRAGMA database_list") if file}
        file = files.get("main")
        try:
            return Stirring(file.parent, (file.name, f"{file.name}-wal")) if file else None
        except OSError as error:
            logger.debug("Nothing tells of writes to %r, it is looked at now and then: %s", self.alias, error)
            return None

    def insert(self, key: str, texts: Sequence[str]) -> Sequence[int | None]:
        """Add packages in order; a single one with one plain statement."""
        if len(texts) > 1:
            return super().insert(key, texts)
        statement = _INSERT.format(table=self.model._meta.db_table)
        with self.connection.cursor() as cursor:
            cursor.execute(statement, [key, texts[0], now_in_microseconds()])
            return [cursor.lastrowid]

    def _due(self, key: str, count: int) -> Sequence[tuple[int, str, int, int]]:
        with self.connection.cursor() as cursor:
            cursor.execute(_DUE, [key, now_in_microseconds(), count])
            rows: list[tuple[int, str, int, int]] = cursor.fetchall()
            return rows

    def _pick_up(self, pks: Sequence[int], claim: str, lease: float) -> None:
        lock = self.connection.ops.adapt_datetimefield_value(timezone.now())
        due = now_in_microseconds() + round(lease * MICROSECONDS)
        with self.connection.cursor() as cursor:
            cursor.execute(_PICK_UP, [claim, lock, due, json.dumps(pks)])

    def remove(self, leases: Sequence[Lease]) -> None:
        """Delete rows that are answered for, with one statement however many they are."""
        pks, tokens = [int(lease.id) for lease in leases], [lease.token for lease in leases]
        with self.connection.cursor() as cursor:
            cursor.execute(_REMOVE, [json.dumps(pks), json.dumps(tokens)])

    def _version(self) -> tuple[int, int, int]:
        # The version leaves out what this connection commits itself; total_changes counts that.
        raw = self._raw()
        with self.connection.wrap_database_errors:
            (version,) = raw.execute("PRAGMA data_version").fetchone()
        return id(raw), version, raw.total_changes

    def _raw(self) -> sqlite3.Connection:
        self.connection.ensure_connection()
        return cast(sqlite3.Connection, self.connection.connection)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the write lock from the first statement on; within a transaction of the caller, rely on that."""
        if self.connection.in_atomic_block:
            yield
            return
        with self.connection.cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield
                cursor.execute("COMMIT")
            finally:
                if self._raw().in_transaction:
                    cursor.execute("ROLLBACK")


def _journal(mode: str) -> Finding:
    message = _("SQLite's journal_mode is %(mode)s.") % {"mode": mode}
    if mode in ("wal", "memory"):
        return Finding(code="orm-journal", message=message)
    remedy = _("The first cluster that starts makes it wal; until then readers and writers wait for each other.")
    return Finding(level=WARNING, code="orm-journal", message=message, remedy=remedy)


def _beginning(mode: str) -> Finding:
    message = _("Transactions begin in SQLite's mode %(mode)s.") % {"mode": mode}
    if mode != "DEFERRED":
        return Finding(code="orm-transactions", message=message)
    remedy = _(
        "Add 'transaction_mode': 'IMMEDIATE' to the OPTIONS of the database: a transaction that reads first and writes "
        "later fails with 'database is locked' otherwise."
    )
    return Finding(level=WARNING, code="orm-transactions", message=message, remedy=remedy)
