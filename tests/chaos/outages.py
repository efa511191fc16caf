"""How the database of the results is taken away, and how its disk becomes full, by vendor."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from tests.harness.sites import Site
from tests.services import mariadb
from tests.services.killable import Killable

TABLE = "djq_core_task"


class Outages(Protocol):
    """What may happen to the results; each lasts as long as its context. ``disk`` says what makes it full."""

    disk: str

    def away(self) -> Any:
        """Take the database away."""

    def full(self) -> Any:
        """Let it take no row because the disk is full."""


class SqliteOutages:
    """The table is not there; the file may have no more pages."""

    disk = "max_page_count"

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

    disk = "a trigger"

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


class SmallDisk(ServerOutages):
    """The server is killed; the file system of the database, which has nothing else on it, is filled."""

    disk = "a small file system"

    def __init__(self, server: Killable, database: dict[str, Any], place: Path) -> None:
        super().__init__(server, database)
        self._filler = place / "filler"

    @contextmanager
    def full(self) -> Iterator[None]:
        """Fill it to its last page."""
        with self._filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                with suppress(OSError):
                    while file.write(bytes(size)):
                        pass
        yield
        self._filler.unlink()


@contextmanager
def server_outages(server: Killable, database: dict[str, Any], mebibytes: int) -> Iterator[ServerOutages]:
    """Give a database a file system of its own of this size, where one can be mounted."""
    place = server.server.folder_of(database["NAME"])
    server.kill()
    is_mounted = _mount(place, mebibytes)
    server.start()
    try:
        yield SmallDisk(server, database, place) if is_mounted else ServerOutages(server, database)
    finally:
        if is_mounted:
            server.kill()
            subprocess.run(["umount", "--lazy", place], check=True)


def _mount(place: Path, mebibytes: int) -> bool:
    """Let a folder lie on a file system in memory; return whether that can be done here."""
    owner, copy = place.stat(), place.with_name(f"{place.name}.copy")
    options = f"size={mebibytes}m,mode=0700,uid={owner.st_uid},gid={owner.st_gid}"
    shutil.copytree(place, copy)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    is_mounted = (
        bool(shutil.which("mount")) and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )
    if is_mounted:
        shutil.copytree(copy, place, dirs_exist_ok=True)
        for path in (place, *place.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)
    shutil.rmtree(copy)
    return is_mounted


def _quoted(text: str) -> str:
    return text.replace("'", "''")
