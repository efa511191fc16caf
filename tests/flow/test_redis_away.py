"""The Redis server goes away under a running cluster: no process dies, and all goes on when it is back."""

from __future__ import annotations

import time

import pytest

from djq_core.cluster.answering import LAST_ANSWERS
from tests.harness.fixtures import REDIS_LIST, REDIS_RECEIPTS, MakeSite
from tests.harness.oracle import START
from tests.harness.sites import WORKERS
from tests.harness.waiting import wait_until
from tests.services.fixtures import StartValkey
from tests.services.topologies import SentinelGroup, ValkeyCluster

#: Seconds, as short as ``retry`` can be.
LEASE = 2

on_redis = pytest.mark.parametrize("vendor", [REDIS_LIST, REDIS_RECEIPTS])


@on_redis
def test_a_killed_server_stops_no_process(make_site: MakeSite, start_valkey: StartValkey, vendor: str) -> None:
    server = start_valkey(appendonly="yes")
    site = make_site(vendor, server=server, q_cluster={"retry": 30})
    with site.cluster() as cluster:
        before = cluster.everybody(WORKERS)
        site.call("enqueue_many", "mark", [f"task-{n}" for n in range(8)], 1.0)
        wait_until(lambda: site.oracle.total(START) >= 4, 10, "four run")
        server.kill()
        cluster.wait_for("cannot fetch from the broker: Redis at .* cannot be reached")
        site.wait_done(4)
        server.start()
        cluster.wait_for("reaches the broker again", 10)
        site.call("enqueue", "mark", "after")
        site.wait_counts(9)
        assert site.ledger().differences(kills=0) == []
        assert cluster.everybody(WORKERS) == before
        assert not cluster.log.deaths()
        assert cluster.stop() == 0


def test_a_server_frozen_for_longer_than_a_lease_costs_no_run(make_site: MakeSite, start_valkey: StartValkey) -> None:
    """The cluster is given again what it runs and what waits."""
    server = start_valkey()
    site = make_site(REDIS_RECEIPTS, server=server, socket_timeout=1, q_cluster={"retry": LEASE})
    with site.cluster() as cluster:
        site.call("enqueue_many", "mark", [f"long-{n}" for n in range(WORKERS)], 4.0 * LEASE)
        site.call("enqueue_many", "mark", [f"short-{n}" for n in range(2 * WORKERS)], 0.1)
        wait_until(lambda: site.oracle.total(START) == WORKERS, 10, "four run")
        server.pause()
        time.sleep(LEASE + 0.5)
        server.resume()
        site.wait_counts(3 * WORKERS)
        assert site.ledger().differences(kills=0) == []
        assert cluster.stop() == 0


@on_redis
def test_a_frozen_server_stops_no_process(make_site: MakeSite, start_valkey: StartValkey, vendor: str) -> None:
    server = start_valkey()
    site = make_site(vendor, server=server, socket_timeout=1, q_cluster={"retry": 30})
    with site.cluster() as cluster:
        before = cluster.everybody(WORKERS)
        site.call("enqueue", "mark", "before")
        site.wait_counts(1)
        server.pause()
        cluster.wait_for("cannot fetch from the broker: Redis at .* did not answer in time", 10)
        refused = site.call("enqueue_with", "late", "group", "late", seconds=5)
        assert refused.startswith("BrokerError: Redis at ")
        server.resume()
        cluster.wait_for("reaches the broker again", 10)
        site.call("enqueue", "mark", "after")
        wait_until(lambda: site.row("after")["success"], 10, "it goes on")
        assert cluster.everybody(WORKERS) == before
        assert cluster.stop() == 0


def test_a_stop_does_not_wait_for_a_server_that_is_away(make_site: MakeSite, start_valkey: StartValkey) -> None:
    """What nobody could acknowledge runs once more: the lease is over, and the row stays as it is."""
    server = start_valkey(appendonly="yes")
    site = make_site(REDIS_RECEIPTS, server=server, q_cluster={"retry": LEASE})
    with site.cluster() as cluster:
        site.call("enqueue_many", "mark", [f"task-{n}" for n in range(WORKERS)], 0.5)
        wait_until(lambda: site.oracle.total(START) == WORKERS, 10, "four run")
        server.kill()
        cluster.wait_for("cannot answer the broker", 10)
        assert cluster.stop(3 * LAST_ANSWERS) == 0
        cluster.assert_nothing_left(0.5)
        assert cluster.log.lines(r"leaves \d deliveries to the end of their lease")
    server.start()
    site.wait_counts(WORKERS, queued=WORKERS)
    with site.cluster() as successor:
        site.wait_counts(WORKERS)
        assert set(site.oracle.count(START).values()) == {2}
        assert successor.stop() == 0


@on_redis
def test_a_cluster_goes_on_at_the_new_primary(make_site: MakeSite, valkey_pair: SentinelGroup, vendor: str) -> None:
    site = make_site(vendor, server=valkey_pair, socket_timeout=1, q_cluster={"retry": 30})
    with site.cluster() as cluster:
        before = cluster.everybody(WORKERS)
        assert cluster.log.lines(r"A fail-over loses what the server that takes over had not received")
        site.call("enqueue_many", "mark", [f"task-{n}" for n in range(4)])
        site.wait_counts(4)
        valkey_pair.kill()
        refused = site.call("enqueue_with", "late", "group", "late", seconds=5)
        assert refused.startswith("BrokerError: Redis at primary/")
        cluster.wait_for("cannot fetch from the broker: Redis at primary/")
        cluster.wait_for("reaches the broker again", 40)
        site.call("enqueue", "mark", "after")
        wait_until(lambda: site.row("after")["success"], 20, "it goes on at the new primary")
        assert cluster.everybody(WORKERS) == before
        assert not cluster.log.deaths()
        assert cluster.stop() == 0


@on_redis
def test_tasks_run_on_a_cluster_of_servers(make_site: MakeSite, valkey_cluster: ValkeyCluster, vendor: str) -> None:
    site = make_site(vendor, server=valkey_cluster)
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(100)])
    with site.cluster() as cluster:
        site.wait_counts(100)
        assert site.ledger().differences(kills=0) == []
        assert site.call("sizes") == [0, 0]
        wait_until(lambda: cluster.pid in [one["cluster_id"] for one in site.call("stats")], 5, "the status is there")
        assert cluster.stop() == 0
