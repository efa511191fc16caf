"""What a process that was not forked does before it uses the queue of a test."""

from __future__ import annotations

from typing import Any

import django
import pymysql
from django.db import connections


class KnowDatabase:
    """Set Django up and let it know a database under an alias."""

    def __init__(self, alias: str, database: dict[str, Any]) -> None:
        self._alias = alias
        self._database = database

    def __call__(self) -> None:
        if self._database["ENGINE"].endswith("mysql"):
            pymysql.install_as_MySQLdb()
        django.setup()
        known = connections.configure_settings({"default": {}, self._alias: self._database})
        connections.settings[self._alias] = known[self._alias]
