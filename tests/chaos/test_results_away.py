"""R8: the database of the results goes away, and then its disk is full."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.curves import Sampler
from tests.chaos.outages import Outages, SqliteOutages, server_outages
from tests.chaos.servers import site_on_own_server
from tests.chaos.sizes import EVERYWHERE, report, short_and_full
from tests.harness import procs
from tests.harness.clusters import ClusterProcess
from tests.harness.databases import Databases
from tests.harness.fixtures import MARIADB, POSTGRESQL, REDIS_RECEIPTS, SQLITE, MakeSite
from tests.harness.oracle import START
from tests.harness.sites import WORKERS, Site
from tests.harness.waiting import wait_until

HELD = WORKERS + WORKERS**2
#: Far below the outages: whatever is not renewed is delivered, and run, a second time.
RETRY = 3
RESULT = 32 << 10
#: What the cluster may grow by, in MiB; all results together are twice as large.
GROWTH = 32
TASK = 0.02
#: Pages of 4 KiB that a result takes in SQLite, and those of the tables: there is room for all, and for little else.
PAGES, FIRST_PAGES = 13, 400
#: The same of a server's tables, in MiB.
TABLES = 64


def _site(
    vendor: str, make_site: MakeSite, request: pytest.FixtureRequest, folder: Path, tasks: int
) -> AbstractContextManager[tuple[Site, Outages]]:
    """Make a site whose queue does not go away with its results."""
    if vendor == REDIS_RECEIPTS:
        return _limited(make_site(REDIS_RECEIPTS, q_cluster={"retry": RETRY}), tasks)
    databases: Databases = request.getfixturevalue(
        {SQLITE: "sqlite_databases", POSTGRESQL: "postgres_databases", MARIADB: "mariadb_databases"}[vendor]
    )
    (folder / "queue").mkdir(parents=True)
    queue = databases.create(folder / "queue")
    request.addfinalizer(lambda: databases.drop(queue))
    if vendor == SQLITE:
        return _limited(make_site(SQLITE, q_cluster={"retry": RETRY, "orm": "queue"}), tasks, queue)
    return _on_own_server(vendor, folder, queue, tasks)


@contextmanager
def _limited(site: Site, tasks: int, queue: dict[str, Any] | None = None) -> Iterator[tuple[Site, Outages]]:
    outages = SqliteOutages(site, FIRST_PAGES + PAGES * tasks)
    site.change_settings(DATABASES={"default": site.database, **({"queue": queue} if queue else {})})
    yield site, outages


@contextmanager
def _on_own_server(vendor: str, folder: Path, queue: dict[str, Any], tasks: int) -> Iterator[tuple[Site, Outages]]:
    """Make a site whose results have a file system with room for all of them, and for little else."""
    mebibytes = TABLES + 2 * tasks * RESULT // (1 << 20)
    with (
        site_on_own_server(vendor, folder, q_cluster={"retry": RETRY, "orm": "queue"}) as (site, server),
        server_outages(server, site.database, mebibytes) as outages,
    ):
        site.change_settings(DATABASES={"default": site.database, "queue": queue})
        yield site, outages


def _sit_through(
    site: Site, cluster: ClusterProcess, outage: AbstractContextManager[None], tasks: int, seconds: float
) -> int:
    """Let an outage happen; return how many tasks were started and not answered for at its end.

    Once the monitor has said that it cannot save, nothing may be answered until it can.
    """
    troubles = len(cluster.log.lines("cannot save"))
    site.close_shell()
    with outage:
        wait_until(lambda: len(cluster.log.lines("cannot save")) > troubles, 10, "the monitor cannot save")
        unanswered: int = sum(site.call("sizes"))
        time.sleep(seconds)
        assert sum(site.call("sizes")) == unanswered, "something was acknowledged unsaved"
        held = site.oracle.total(START) - (tasks - unanswered)
    site.close_shell()
    assert len(site.call("stored")["successes"]) >= tasks - unanswered
    return held


@short_and_full("tasks, seconds", (300, 2), (2_000, 30), seconds=600, vendors=EVERYWHERE, short_on=(SQLITE,))
def test_r8_nothing_is_acknowledged_that_is_not_saved(
    make_site: MakeSite, request: pytest.FixtureRequest, tmp_path: Path, vendor: str, tasks: int, seconds: int
) -> None:
    with _site(vendor, make_site, request, tmp_path / "own", tasks) as (site, outages), site.cluster() as cluster:
        site.call("enqueue_many", "produce_slowly", [f"task-{n}" for n in range(tasks)], RESULT, TASK)
        site.wait_done(tasks // 8)
        before = procs.memory_of(cluster.pid) / (1 << 20)
        with Sampler({"it": lambda: cluster.pid}, 0.25) as sampler:
            held = [_sit_through(site, cluster, outages.away(), tasks, seconds)]
            site.wait_done(tasks // 2)
            held.append(_sit_through(site, cluster, outages.full(), tasks, seconds))
            site.wait_counts(tasks, seconds=120)
        ledger = site.ledger()
        growth = max(sample.mebibytes for sample in sampler.samples["it"]) - before
        report(ledger, most_held=max(held), growth=f"{growth:.0f} MiB", disk=outages.disk)
        assert ledger.differences(kills=0) == []
        assert max(held) <= HELD
        assert growth <= GROWTH
        assert not cluster.log.deaths("")
        assert cluster.stop() == 0
