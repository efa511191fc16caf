"""A MariaDB server of the tests' own, from Debian's ``mariadb-server-core``, which brings no service."""

from __future__ import annotations

import itertools
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql
from pymysql.constants import ER

from tests.services import children, debian

START_SECONDS = 30.0
_SHARES = ("/usr/share/mysql", "/usr/share/mariadb", "/usr/local/share/mysql")
#: Nothing is forced to the disk, but what is committed is the kernel's: it survives a kill -9 of the server.
_OPTIONS: Mapping[str, str] = {
    "innodb-flush-log-at-trx-commit": "2",
    "innodb-flush-method": "nosync",
    "innodb-doublewrite": "0",
    "innodb-log-file-size": "64M",
    "innodb-buffer-pool-size": "64M",
    "innodb-data-file-path": "ibdata1:4M:autoextend",
    "innodb-temp-data-file-path": "ibtmp1:1M:autoextend",
    "innodb-autoextend-increment": "1",
    "innodb-undo-tablespaces": "0",
    "sync-frm": "0",
    "character-set-server": "utf8mb4",
    "max-connections": "300",
    "max-allowed-packet": "128M",
}


class Missing(Exception):
    """No MariaDB server can be started here."""


@dataclass(frozen=True, slots=True)
class MariaServer:
    """A running server, reached through a Unix socket in its own folder."""

    folder: Path
    process: subprocess.Popen[bytes]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def path(self) -> Path:
        """The Unix socket; its path must stay short."""
        return self.folder / "s"

    def settings(self, name: str, **more: Any) -> dict[str, Any]:
        """Return an entry of Django's ``DATABASES`` for one database of this server."""
        return {
            "ENGINE": "django.db.backends.mysql",
            "NAME": name,
            "USER": "root",
            "HOST": str(self.path),
            "OPTIONS": {"charset": "utf8mb4", "ssl_disabled": True},  # a tenth of a second for each connection
            **more,
        }

    def create_database(self, charset: str = "utf8mb4") -> str:
        """Create an empty database and return its name."""
        name = f"djq_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE `{name}` CHARACTER SET {charset}")
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, after the connections to it."""
        self.end_connections(name)
        self.execute(f"DROP DATABASE IF EXISTS `{name}`")

    def folder_of(self, name: str) -> Path:
        """Return where the files of a database are."""
        return self.folder / "data" / name

    def end_connections(self, name: str) -> None:
        """End every connection to a database, whatever it does."""
        rows = self.execute(f"SELECT id FROM information_schema.processlist WHERE db = '{name}'")
        for (number,) in rows:
            try:
                self.execute(f"KILL {number}")
            except pymysql.OperationalError as error:
                if error.args[0] != ER.NO_SUCH_THREAD:
                    raise

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements of a superuser and return the rows of the last one."""
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def connect(self, database: str | None = None) -> pymysql.Connection[Any]:
        """Return a superuser's connection in autocommit mode."""
        return pymysql.connect(
            unix_socket=str(self.path), user="root", database=database, autocommit=True, ssl_disabled=True
        )

    def restart(self) -> MariaServer:
        """Kill the server, breaking every connection, and start it again on the same data."""
        children.stop(self.process, signal.SIGKILL)
        return _launch(self.folder)

    def stop(self) -> None:
        """Kill the server and remove its folder."""
        children.stop(self.process, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def running() -> Iterator[MariaServer]:
    """Start a new server for as long as the context lasts; raises Missing with the reason.

    From then on this process has PyMySQL as the module ``MySQLdb``, which Django's backend imports.
    """
    pymysql.install_as_MySQLdb()
    folder = Path(tempfile.mkdtemp(prefix="djq-my-"))
    try:
        _fill(folder)
        server = _launch(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        yield server
    finally:
        server.stop()


def _command(folder: Path, **more: str) -> list[str]:
    try:
        mariadbd = debian.program("mariadbd", "mariadb-server-core")
    except debian.NotInstalled as error:
        raise Missing(str(error)) from error
    own = folder / "tmp"  # a server that starts deletes whatever temporary tables it finds in there
    own.mkdir(exist_ok=True)
    options = {**_OPTIONS, "datadir": str(folder / "data"), "tmpdir": str(own), **more}
    return [mariadbd, "--no-defaults", "--user=root", *(f"--{name}={value}" for name, value in options.items())]


def _fill(folder: Path) -> None:
    """Make the system tables: those that the server cannot do without, which is quicker than its own installer."""
    command = _command(folder)
    (folder / "data").mkdir()
    done = subprocess.run(
        [*command, "--bootstrap", "--log-warnings=0"],
        cwd=folder,
        input=_system_tables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=START_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise Missing(f"MariaDB's tables could not be made: {done.stdout.decode(errors='replace')[-500:]}")


def _system_tables() -> bytes:
    share = next((Path(share) for share in _SHARES if Path(share, "mysql_system_tables.sql").exists()), None)
    if share is None:
        raise Missing("the statements that make MariaDB's system tables are not where they are looked for")
    files = [share / "mysql_system_tables.sql", share / "mysql_system_tables_data.sql"]
    first = b"CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n"
    return first + b"".join(file.read_bytes() for file in files)


def _launch(folder: Path) -> MariaServer:
    log = folder / "log"
    more = {"socket": str(folder / "s"), "pid-file": str(folder / "pid")}
    command = [*_command(folder, **more), "--skip-networking", "--skip-log-bin"]
    process = children.start(command, folder, log, on_death=signal.SIGKILL)
    server = MariaServer(folder, process)
    _wait_until_ready(server, log)
    return server


def _wait_until_ready(server: MariaServer, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while not _listens(server.path):
        if server.process.poll() is not None or time.monotonic() > until:
            server.process.kill()
            raise Missing(f"MariaDB did not start: {log.read_text(errors='replace')[-500:]}")
        time.sleep(0.02)
    server.execute("SELECT 1")


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0
