"""Running a task and storing its result, as all raw clients do it."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from bench.work import append

COLUMNS = 6
Row = tuple[Any, ...]


def create() -> None:
    """Make the table: what a row of a task must tell at least."""
    binary = "bytea" if connection.vendor == "postgresql" else "blob"
    when = "timestamptz" if connection.vendor == "postgresql" else "text"
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE raw_result (id varchar(32) PRIMARY KEY, func text NOT NULL, result {binary},"
            f" success boolean NOT NULL, started {when} NOT NULL, stopped {when} NOT NULL)"
        )


def run(payload: bytes) -> Row:
    """Run one task and return the row of its result."""
    started = datetime.now(UTC)
    number, milliseconds = pickle.loads(payload)
    value = append(number, milliseconds)  # type: ignore[func-returns-value]
    return uuid.uuid4().hex, "append", pickle.dumps(value), True, started, datetime.now(UTC)


def insert(cursor: Any, done: Sequence[Row], mark: str = "%s") -> None:
    """Store results with one statement."""
    row = "(" + ", ".join([mark] * COLUMNS) + ")"
    cursor.execute(
        "INSERT INTO raw_result (id, func, result, success, started, stopped) VALUES " + ", ".join([row] * len(done)),
        [value for each in done for value in each],
    )
