"""The database restarts, breaks its connections, or is locked, under load."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.harness.clusters import ClusterProcess
from tests.harness.databases import MariaDatabases
from tests.harness.fixtures import MARIADB, POSTGRESQL, MakeSite
from tests.harness.oracle import START
from tests.harness.sites import Site
from tests.services import mariadb, unavailable

COUNT = 600


@pytest.fixture
def own_mariadb() -> Iterator[mariadb.MariaServer]:
    """Give a server that may be killed."""
    try:
        with mariadb.running() as server:
            yield server
    except mariadb.Missing as error:
        unavailable(str(error))


def _load(site: Site, seconds: float = 0.01) -> None:
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(COUNT)], seconds)


def _assert_whole(site: Site, cluster: ClusterProcess) -> None:
    site.wait_counts(COUNT)
    assert site.ledger().differences() == []
    assert not cluster.log.deaths(""), cluster.log.tail()
    assert cluster.stop() == 0


@pytest.mark.parametrize("vendor", [POSTGRESQL, MARIADB])
def test_broken_connections_lose_nothing_and_kill_nobody(
    make_site: MakeSite, request: pytest.FixtureRequest, vendor: str
) -> None:
    site = make_site(vendor)
    server = request.getfixturevalue(f"{'postgres' if vendor == POSTGRESQL else vendor}_server")
    _load(site)
    with site.cluster() as cluster:
        for number in range(5):
            site.wait_done((number + 1) * COUNT // 10)
            site.close_shell()
            server.end_connections(site.database["NAME"])
        _assert_whole(site, cluster)


def test_a_killed_mariadb_server_loses_nothing_and_kills_nobody(
    own_mariadb: mariadb.MariaServer, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    site = Site(tmp_path, MariaDatabases(tmp_path_factory.mktemp("template"), own_mariadb))
    _load(site)
    server = own_mariadb
    try:
        with site.cluster() as cluster:
            for number in range(3):
                site.wait_done((number + 1) * COUNT // 10)
                site.close_shell()
                server = server.restart()
            _assert_whole(site, cluster)
    finally:
        site.close_shell()
        server.stop()


def test_a_server_that_ends_idle_connections_costs_nothing(make_site: MakeSite) -> None:
    site = make_site(MARIADB, q_cluster={"backoff": 0})
    site.database["OPTIONS"] = {**site.database["OPTIONS"], "init_command": "SET SESSION wait_timeout = 1"}
    site.configure()
    with site.cluster() as cluster:
        for number in range(2):
            time.sleep(2.5)
            site.close_shell()
            site.call("enqueue_many", "mark", [f"task-{number}-{n}" for n in range(8)])
            site.wait_counts(8 * (number + 1))
        assert site.ledger().differences() == []
        assert not cluster.log.deaths(""), cluster.log.tail()
        assert cluster.stop() == 0


def test_a_locked_sqlite_file_loses_nothing_and_kills_nobody(make_site: MakeSite) -> None:
    site = make_site()
    site.database["OPTIONS"] = {**site.database["OPTIONS"], "timeout": 0.5}
    site.configure()
    _load(site)
    with site.cluster() as cluster:
        site.wait_done(COUNT // 10)
        with closing(sqlite3.connect(site.database["NAME"], isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(4)
            other.execute("ROLLBACK")
        _assert_whole(site, cluster)
        assert set(site.oracle.count(START).values()) == {1}
