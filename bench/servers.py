"""The private servers of a run: one PostgreSQL, one Valkey, and a folder for files of SQLite."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import redis

from bench.systems.base import SQLITE, Place, System
from tests.services import postgres, valkey
from tests.services.postgres import PostgresServer
from tests.services.valkey import ValkeyServer

#: As the documentation recommends, for whoever queues on SQLite.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}
#: What the databases keep when they are emptied: what migrations have written.
_KEPT = ("django_migrations", "django_content_type", "auth_permission")
#: What PostgreSQL calls the connections of drivers, which outlive those of killed workers.
DRIVER = "bench-driver"
_END_OTHERS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    f" WHERE datname = '{{}}' AND application_name <> '{DRIVER}'"
)
#: How PostgreSQL begins the line of a statement, whole or prepared.
_STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): ")
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers while they run."""

    folder: Path
    postgres: PostgresServer
    valkey: ValkeyServer
    _numbers: Iterator[int] = field(default_factory=count)

    def pids(self) -> list[int]:
        """Return the processes that everything of the servers descends from."""
        return [self.postgres.process.pid, self.valkey.process.pid]

    def place(self, system: System) -> Place:
        """Return a new, empty place for a system."""
        folder = self.folder / system.name
        folder.mkdir()
        return Place(folder, self._database(system, folder), self.valkey.socket, next(self._numbers))

    def empty(self, place: Place) -> None:
        """Remove everything that a system has put into its stores."""
        with redis.Redis(unix_socket_path=place.socket, db=place.number) as client:
            client.flushdb()
        if is_postgresql(place):
            self.postgres.execute(_END_OTHERS.format(place.database["NAME"]))
            _truncate(self.postgres, place.database["NAME"])
        else:
            _delete(Path(place.database["NAME"]))

    def tidy(self, place: Place) -> None:
        """Give the planner of PostgreSQL the figures that it would have of a table that has grown in peace."""
        if is_postgresql(place):
            self.postgres.execute("VACUUM ANALYZE", place.database["NAME"])

    def log_statements(self, place: Place) -> None:
        """Let connections to a place's database that are made from now on log what they send."""
        self.postgres.execute(f"ALTER DATABASE \"{place.database['NAME']}\" SET log_statement = 'all'")

    def statements(self) -> int:
        """Return how many statements have been logged."""
        return len(_STATEMENT.findall((self.postgres.folder / "log").read_text(errors="replace")))

    def _database(self, system: System, folder: Path) -> dict[str, Any]:
        if SQLITE in (system.queue, system.results):
            file = str(folder / "site.sqlite3")
            return {"ENGINE": "django.db.backends.sqlite3", "NAME": file, "OPTIONS": SQLITE_OPTIONS}
        return self.postgres.settings(self.postgres.create_database())


@contextmanager
def running() -> Iterator[Servers]:
    """Start the servers for as long as the context lasts."""
    folder = Path(tempfile.mkdtemp(prefix="djq-bench-"))
    try:
        with postgres.running() as database, valkey.running() as store:
            yield Servers(folder, database, store)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_postgresql(place: Place) -> bool:
    """Tell whether the database of a place is one of PostgreSQL."""
    return bool(place.database["ENGINE"].endswith("postgresql"))


def _truncate(server: PostgresServer, database: str) -> None:
    import psycopg

    entry = server.settings(database)
    with psycopg.connect(host=entry["HOST"], port=entry["PORT"], user=entry["USER"], dbname=database) as link:
        tables = [f'"{table}"' for (table,) in link.execute(_TABLES) if table not in _KEPT]
        if tables:
            link.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE".encode())


def _delete(file: Path) -> None:
    import sqlite3

    with sqlite3.connect(file, timeout=20) as link:
        names = [name for (name,) in link.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            if name not in _KEPT and not name.startswith("sqlite_"):
                link.execute(f'DELETE FROM "{name}"')
    link.close()
