"""How the database of the results is taken away, and how its disk becomes full, by vendor."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, Protocol

from tests.harness.sites import Site
from tests.services import mariadb
from tests.services.killable import Killable

TABLE = "djq_core_task"


class Outages(Protocol):
    """What may happen to the results; each lasts as long as its context."""

    def away(self) -> Any:
        """Take the database away."""

    def full(self) -> Any:
        """Let it take no row because the disk is full."""


class SqliteOutages:
    """The table is not there; the file may have no more pages."""

    def __init__(self, site: Site, pages: int) -> None:
        """``site`` keeps its results in a file that may have so many pages of 4 KiB, from its next connections on."""
        options = site.database["OPTIONS"]
        limited = f"{options['init_command']} PRAGMA max_page_count={pages};"
        site.database["OPTIONS"] = {**options, "init_command": limited}
        self._file = site.database["NAME"]
        self._pages = pages

    @contextmanager
    def away(self) -> Iterator[None]:
        """Rename the table."""
        self._execute(f"ALTER TABLE {TABLE} RENAME TO gone")
        yield
        self._execute(f"ALTER TABLE gone RENAME TO {TABLE}")

    @contextmanager
    def full(self) -> Iterator[None]:
        """Fill the file to its last page."""
        with closing(self._connect()) as connection:
            connection.execute(f"PRAGMA max_page_count={self._pages}")
            connection.execute("CREATE TABLE filler (data BLOB)")
            for size in (1 << 20, 1 << 16, 1 << 12, 1 << 10):
                with suppress(sqlite3.OperationalError):
                    while True:
                        connection.execute("INSERT INTO filler VALUES (zeroblob(?))", [size])
            yield
            connection.execute("DROP TABLE filler")

    def _execute(self, statement: str) -> None:
        with closing(self._connect()) as connection:
            connection.execute(statement)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=20, isolation_level=None)


class ServerOutages:
    """The server is killed; a trigger raises what the server says when its disk is full."""

    def __init__(self, server: Killable, database: dict[str, Any]) -> None:
        self._killable = server
        self._name = database["NAME"]

    @contextmanager
    def away(self) -> Iterator[None]:
        """Kill the server."""
        self._killable.kill()
        yield
        self._killable.start()

    @contextmanager
    def full(self) -> Iterator[None]:
        """Refuse every row with the server's own error."""
        self._change(*self._refusal())
        yield
        self._change("DROP TRIGGER disk_full ON djq_core_task" if self._is_postgres else "DROP TRIGGER disk_full")

    @property
    def _is_postgres(self) -> bool:
        return not isinstance(self._killable.server, mariadb.MariaServer)

    def _refusal(self) -> list[str]:
        if not self._is_postgres:
            says = f"SET MYSQL_ERRNO = 1114, MESSAGE_TEXT = 'The table ''{TABLE}'' is full'"
            return [
                f"CREATE TRIGGER disk_full BEFORE INSERT ON {TABLE} FOR EACH ROW SIGNAL SQLSTATE 'HY000' {says}",
            ]
        says = "'could not extend file: No space left on device' USING ERRCODE = 'disk_full'"
        body = f"BEGIN RAISE EXCEPTION {_quoted(says)}; END"
        return [
            f"CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS '{body}'",
            f"CREATE TRIGGER disk_full BEFORE INSERT ON {TABLE} FOR EACH ROW EXECUTE FUNCTION disk_full()",
        ]

    def _change(self, *statements: str) -> None:
        server = self._killable.server
        if isinstance(server, mariadb.MariaServer):
            server.execute(f"USE `{self._name}`", *statements)
        else:
            for statement in statements:
                server.execute(statement, self._name)


def _quoted(text: str) -> str:
    return text.replace("'", "''")
