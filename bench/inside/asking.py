"""What all modules of this folder ask of their site."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connection


def setting(name: str) -> Any:
    """Return a setting of the site."""
    return getattr(settings, name)


def rows(table: str, where: str = "") -> int:
    """Return the number of rows of a table of the site's database."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {table}" + (f" WHERE {where}" if where else ""))
        return int(cursor.fetchone()[0])
