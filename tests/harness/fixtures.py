"""The fixtures of flow and chaos tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.harness.databases import Databases, MariaDatabases, PostgresDatabases, SqliteDatabases
from tests.harness.procs import PROC
from tests.harness.sites import Site
from tests.services.mariadb import MariaServer
from tests.services.postgres import PostgresServer

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
#: Where the queue is, on a site whose database is SQLite.
REDIS_LIST = "redis-list"
REDIS_RECEIPTS = "redis-receipts"
MARIADB = "mariadb"
on_both = pytest.mark.parametrize("vendor", [SQLITE, POSTGRESQL])
on_all = pytest.mark.parametrize("vendor", [SQLITE, POSTGRESQL, MARIADB])


_FIXTURES: Mapping[str, str] = {
    POSTGRESQL: "postgres_databases",
    MARIADB: "mariadb_databases",
    **dict.fromkeys((SQLITE, REDIS_LIST, REDIS_RECEIPTS), "sqlite_databases"),
}


class MakeSite(Protocol):
    """Makes a site that is closed when the test, or the module of tests, ends."""

    def __call__(
        self, vendor: str = ..., *, apps: tuple[str, ...] = ..., q_cluster: dict[str, Any] | None = ..., **settings: Any
    ) -> Site:
        """Return a new site on a database of this vendor, or on a Redis broker: on ``server`` where one is given."""


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    """Copies of one migrated file."""
    return SqliteDatabases(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def postgres_databases(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PostgresDatabases]:
    """Copies of one migrated database on the server of this test run."""
    databases = PostgresDatabases(tmp_path_factory.mktemp("template"), postgres_server)
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def mariadb_databases(
    mariadb_server: MariaServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MariaDatabases]:
    """Copies of one migrated database on the server of this test run."""
    databases = MariaDatabases(tmp_path_factory.mktemp("template"), mariadb_server)
    yield databases
    databases.close()


@pytest.fixture
def make_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeSite]:
    """Make sites for one test."""
    with ExitStack() as stack:
        yield _maker(request, tmp_path, stack)


@pytest.fixture(scope="module")
def make_module_site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeSite]:
    """Make sites for all tests of a module."""
    with ExitStack() as stack:
        yield _maker(request, tmp_path_factory.mktemp("sites"), stack)


def _maker(request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> MakeSite:
    if not PROC.joinpath("self").exists():
        pytest.skip("running clusters are watched through /proc, which this system does not have")

    def make(vendor: str = SQLITE, **options: Any) -> Site:
        databases: Databases = request.getfixturevalue(_FIXTURES[vendor])
        place = folder / f"site{len(list(folder.iterdir()))}"
        place.mkdir()
        if vendor in (REDIS_LIST, REDIS_RECEIPTS):
            server = options.pop("server", None) or request.getfixturevalue("valkey_server")
            redis = server.settings(socket_timeout=options.pop("socket_timeout", None))
            options["broker"] = {"redis": redis, "redis_receipts": vendor == REDIS_RECEIPTS}
        site = Site(place, databases, **options)
        stack.callback(site.close)
        return site

    return make
