"""A queue that is not where the site reads, or not where its results are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.harness.databases import Databases, site_settings, write_settings
from tests.harness.fixtures import MARIADB, POSTGRESQL, SQLITE, MakeSite
from tests.harness.logs import WORKER
from tests.harness.oracle import START
from tests.harness.shell import Shell
from tests.harness.sites import Site
from tests.harness.waiting import wait_until

COUNT = 40
CHAINS = 5
DATABASES = {SQLITE: "sqlite_databases", POSTGRESQL: "postgres_databases", MARIADB: "mariadb_databases"}
QUEUE = "djq_orm_ormq"
RESULTS = ("djq_core_task", "djq_core_schedule", "djq_core_part")


@pytest.fixture
def second(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give a maker of one more migrated database, of any vendor."""
    made: list[tuple[Databases, dict[str, Any]]] = []

    def make(vendor: str) -> dict[str, Any]:
        databases = request.getfixturevalue(DATABASES[vendor])
        made.append((databases, databases.create(tmp_path_factory.mktemp("second"))))
        return made[-1][1]

    yield make
    for databases, database in made:
        databases.drop(database)


@contextmanager
def _looking_into(database: dict[str, Any], folder: Path) -> Iterator[Shell]:
    """Start a process that has only this database, so that no router has a say."""
    folder.mkdir()
    settings = site_settings(database, folder) | {"Q_CLUSTER": {"name": "site", "orm": "default"}}
    shell = Shell(folder, write_settings(folder, **settings))
    try:
        yield shell
    finally:
        shell.close()


def _labels() -> set[str]:
    return {f"task-{n}" for n in range(COUNT)} | {f"chain-{n}:{link}" for n in range(CHAINS) for link in (0, 1)}


def _enqueue(site: Site) -> None:
    for n in range(COUNT):
        site.call("enqueue", "mark", f"task-{n}", 0.01)
    site.call("enqueue_chains", [f"chain-{n}" for n in range(CHAINS)], 2)
    site.call("enqueue", "fail_until", "late", 2)


@pytest.mark.parametrize("vendor", [SQLITE, MARIADB])
def test_with_a_replica_nothing_of_the_queue_is_read_there(
    make_site: MakeSite, second: Any, tmp_path: Path, vendor: str
) -> None:
    site = make_site(vendor, q_cluster={"has_replica": True, "save_limit": 20})
    primary = second(vendor)
    site.change_settings(
        DATABASES={"default": site.database, "primary": primary},
        DATABASE_ROUTERS=["tests.harness.routers.ReplicaRouter"],
    )
    with _looking_into(site.database, tmp_path / "replica") as replica:
        replica.call("drop_tables", [QUEUE, *RESULTS])
    with _looking_into(primary, tmp_path / "primary") as shell:
        _enqueue(site)
        assert shell.call("counts") == [0, 0, COUNT + CHAINS + 1]
        assert site.call("queue_size") == COUNT + CHAINS + 1
        with site.cluster() as cluster:
            wait_until(lambda: shell.call("counts")[1:] == [0, 0], 30, lambda: f"all done: {shell.call('counts')}", 0.1)
            wait_until(lambda: _labels() <= set(site.oracle.count(START)), 30, "every task and link has run", 0.1)
            assert cluster.stop() == 0
        assert shell.call("counts")[0] <= 30, "the oldest successes were deleted where results are written"
    assert not cluster.log.lines("no such table|doesn't exist"), cluster.log.tail()
    assert site.oracle.count(START) == {**dict.fromkeys(_labels(), 1), "late": 2}


@pytest.mark.parametrize(("vendor", "queue"), [(SQLITE, POSTGRESQL), (POSTGRESQL, MARIADB), (MARIADB, SQLITE)])
def test_a_queue_in_a_database_of_its_own(
    make_site: MakeSite, second: Any, tmp_path: Path, vendor: str, queue: str
) -> None:
    site = make_site(vendor, q_cluster={"orm": "queue"})
    own = second(queue)
    with _looking_into(own, tmp_path / "queue") as shell:
        shell.call("drop_tables", RESULTS)
    with _looking_into(site.database, tmp_path / "results") as shell:
        shell.call("drop_tables", [QUEUE])
    site.change_settings(DATABASES={"default": site.database, "queue": own})
    _enqueue(site)
    assert site.call("counts") == [0, 0, COUNT + CHAINS + 1]
    with site.cluster() as cluster:
        site.wait_counts(COUNT + 2 * CHAINS + 1)
        assert not cluster.log.deaths(""), cluster.log.tail()
        assert cluster.stop() == 0
    assert site.oracle.count(START) == {**dict.fromkeys(_labels(), 1), "late": 2}
    assert set(site.ledger().successes) == {*_labels(), "late"}


def test_a_cluster_of_alt_clusters_has_its_queue_elsewhere(make_site: MakeSite, second: Any) -> None:
    site = make_site(MARIADB, q_cluster={"ALT_CLUSTERS": {"mail": {"orm": "queue", "workers": 1}}})
    site.change_settings(DATABASES={"default": site.database, "queue": second(SQLITE)})
    site.call("enqueue", "mark", "mine")
    site.call("enqueue_chains", ["chain"], 3, cluster="mail")
    with site.cluster() as main, site.cluster("-n", "mail") as mail:
        site.wait_counts(4)
        workers = {name: set(cluster.role(WORKER)) for name, cluster in (("mail", mail), ("main", main))}
        assert [cluster.stop() for cluster in (main, mail)] == [0, 0]
    assert set(site.oracle.pids([f"chain:{link}" for link in range(3)])) <= workers["mail"]
    assert set(site.oracle.pids(["mine"])) <= workers["main"]
    assert site.ledger().differences() == []
