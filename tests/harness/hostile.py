"""Tasks and values that a queue would rather not meet."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from tests.harness import oracle


class BadlyTold(Exception):
    """An error that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no text for you")

    __repr__ = __str__


class Unloadable:
    """A value that can be written and not read."""

    def __reduce__(self) -> Any:
        return _raise_on_load, ("unloadable on purpose",)


class Deadly:
    """A value that kills who reads it."""

    def __reduce__(self) -> Any:
        return os._exit, (9,)


def _raise_on_load(text: str) -> None:
    raise LookupError(text)


def exit_politely(label: str) -> None:
    """Call sys.exit."""
    _start(label)
    sys.exit(3)


def interrupt(label: str) -> None:
    """Raise what ctrl-c raises."""
    _start(label)
    raise KeyboardInterrupt


def tell_badly(label: str) -> None:
    """Raise an error without a text."""
    _start(label)
    raise BadlyTold


def nest_without_end(label: str) -> object:
    """Return a value too deep for pickle."""
    _start(label)
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


def return_unloadable(label: str) -> object:
    """Return what nobody can read."""
    _start(label)
    return Unloadable()


def take(label: str, value: object) -> str:
    """Take a value."""
    _start(label)
    return str(value)


def close_everything(label: str) -> str:
    """Close every descriptor that the worker has."""
    _start(label)
    os.closerange(3, 4096)
    return label


def fork_and_return_twice(label: str) -> str:
    """Fork and let both processes return."""
    _start(label)
    os.fork()
    return label


def leave_a_thread(label: str, seconds: float) -> str:
    """Leave a thread behind that does not end with its process."""
    _start(label)
    threading.Thread(target=time.sleep, args=(seconds,)).start()
    return label


def leave_a_transaction(label: str) -> str:
    """Leave the database connection inside a transaction."""
    _start(label)
    transaction.set_autocommit(False)
    connection.cursor().execute("SELECT 1")
    return label


def leave_blocks(label: str) -> str:
    """Leave two nested blocks of a transaction open, the lowest by an error of the database."""
    _start(label)
    for _ in range(2):
        transaction.atomic().__enter__()
    with contextlib.suppress(DatabaseError):
        connection.cursor().execute("SELECT nonsense")
    return label


def leave_closed_blocks(label: str) -> str:
    """Leave a block of a transaction open whose connection is closed."""
    _start(label)
    transaction.atomic().__enter__()
    connection.connection.close()
    return label


def ask_the_database(label: str) -> int:
    """Use the database, outside a transaction and inside of one."""
    _start(label)
    assert connection.get_autocommit()
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return int(cursor.fetchone()[0])


def close_the_connection(label: str) -> str:
    """Break the database connection."""
    _start(label)
    connection.ensure_connection()
    connection.connection.close()
    return label


def write_everywhere(label: str) -> str:
    """Write to standard output and to standard error."""
    _start(label)
    sys.stdout.write("out\n" * 10_000)
    sys.stderr.write("error\n" * 10_000)
    return label


def _start(label: str) -> None:
    oracle.note(settings.ORACLE, label, oracle.START)
