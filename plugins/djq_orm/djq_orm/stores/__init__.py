"""The statements on the queue's table, in the dialect of each database."""

from __future__ import annotations

from django.db import connections

from djq_orm.stores.base import Claimed, Lying, Store
from djq_orm.stores.mysql import MySQLStore
from djq_orm.stores.postgresql import PostgresStore
from djq_orm.stores.sqlite import SQLiteStore

_DIALECTS: dict[str, type[Store]] = {"mysql": MySQLStore, "postgresql": PostgresStore, "sqlite": SQLiteStore}

__all__ = ["Claimed", "Lying", "Store", "store_for"]


def store_for(alias: str) -> Store:
    """Return the store of a database alias: its own dialect, else what every database of Django understands."""
    return _DIALECTS.get(connections[alias].vendor, Store)(alias)
