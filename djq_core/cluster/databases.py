"""The database connections of a long-lived process, around each piece of the site's code."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import TransactionManagementError

logger = logging.getLogger("djq")


def refresh_connections() -> None:
    """Close this thread's connections that are broken or too old, undo open transactions, and keep the others."""
    for connection in connections.all(initialized_only=True):
        connection.queries_log.clear()
        try:
            _refresh(connection)
        except Exception:  # whatever a driver says of a connection that is gone; the next use opens another
            logger.warning("The connection to %r could not be closed", connection.alias, exc_info=True)
            _abandon(connection)


def close_connections() -> None:
    """Close this thread's connections for good, those to a SQLite database in memory too, which Django keeps."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        if connection.connection is not None:
            _abandon(connection)


def _refresh(connection: BaseDatabaseWrapper) -> None:
    _undo(connection)
    if connection.connection is None:
        return
    if is_closed(connection.connection):
        connection.close()
    elif connection.errors_occurred or connection.settings_dict["CONN_MAX_AGE"]:
        connection.close_if_unusable_or_obsolete()


def _undo(connection: BaseDatabaseWrapper) -> None:
    """Leave the transactions that were left open, as if an error had ended their blocks."""
    while connection.in_atomic_block:
        error = TransactionManagementError("The code of the site has left this transaction open.")
        connection.atomic_blocks[-1].__exit__(type(error), error, None)
    if connection.connection is not None and not connection.autocommit and connection.settings_dict["AUTOCOMMIT"]:
        connection.rollback()
        connection.set_autocommit(True)


def _abandon(connection: BaseDatabaseWrapper) -> None:
    with suppress(Exception):  # it is gone in any case
        connection.connection.close()
    del connections[connection.alias]


def is_closed(raw: Any) -> bool:
    """Was the driver's connection closed behind Django's back? Asks no server."""
    try:
        getattr(raw, "total_changes", None)  # a closed connection of sqlite3 raises
    except Exception:
        return True
    return bool(getattr(raw, "closed", False)) or not getattr(raw, "open", True)
