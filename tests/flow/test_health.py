"""What probes and Prometheus are told of a real cluster."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from djq_orm.broker import OrmBroker
from tests.harness.fixtures import MakeSite
from tests.harness.sites import Site
from tests.harness.waiting import wait_until


def probe(site: Site, view: str = "health", **options: Any) -> tuple[int, Any]:
    """Return the status of a page for probes, and its JSON."""
    status, text = site.call("probe", view, **options)
    return status, json.loads(text)


def test_the_life_of_a_cluster_as_probes_see_it(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"workers": 2})
    status, told = probe(site)
    assert (status, told["problems"][0]["code"]) == (503, "no_cluster")
    assert probe(site, "ready")[0] == probe(site, "live")[0] == 200
    site.call("enqueue", "mark", "early")
    _, told = probe(site)
    assert told["queues"][0]["queued"] == 1
    if OrmBroker.supports_peek:
        assert 0 <= told["queues"][0]["oldest_queued_seconds"] < 60
    with site.cluster() as cluster:
        wait_until(lambda: probe(site)[0] == 200, 20, lambda: f"it is well: {probe(site)}")
        done = site.manage("djq", "health", "--live", "--here", "--json")
        assert done.returncode == 0, done.stdout
        (seen,) = json.loads(done.stdout)["queues"][0]["clusters"]
        assert (seen["host"], seen["id"], seen["workers"]) == (socket.gethostname(), cluster.pid, 2)
        site.call("enqueue", "mark", "long", 2.0)
        wait_until(lambda: probe(site)[1]["queues"][0]["clusters"][0]["running"] == 1, 20, "a worker runs it")
        cluster.send()
        wait_until(lambda: probe(site)[1]["problems"], 20, lambda: f"it stops: {probe(site)}")
        status, told = probe(site)
        assert (status, told["status"], told["problems"][0]["code"]) == (503, "changing", "stopping")
        assert cluster.wait_ended() == 0


def test_prometheus_counts_what_a_cluster_has_run(make_site: MakeSite) -> None:
    pytest.importorskip("prometheus_client")
    site = make_site(q_cluster={"workers": 2, "ack_failures": True})
    site.call("enqueue_many", "mark", [f"task-{number}" for number in range(5)])
    site.call("enqueue", "fail", "failing")
    with site.cluster() as cluster:
        site.wait_counts(5, 1)
        place = f'cluster="{socket.gethostname()}:{cluster.pid}"'
        wanted = [
            f'djq_tasks_total{{{place},outcome="success",queue="site"}} 5.0',
            f'djq_tasks_total{{{place},outcome="failure",queue="site"}} 1.0',
            f'djq_task_wait_seconds_count{{{place},queue="site"}} 6.0',
            f'djq_task_run_seconds_bucket{{{place},le="+Inf",queue="site"}} 6.0',
            f'djq_cluster_workers{{{place},queue="site"}} 2.0',
            'djq_queue_tasks{queue="site"} 0.0',
        ]

        def missing() -> list[str]:
            lines = site.call("probe", "metrics")[1].splitlines()
            return [line for line in wanted if line not in lines]

        wait_until(lambda: not missing(), 20, lambda: f"all metrics are right: {missing()}")
