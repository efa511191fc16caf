"""Whether a site is well, and what is said where it is not."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest

from djq_core import hookimpl
from djq_core.conf import Conf
from djq_core.monitor.health import LIVE, READY, Report, examine, reach
from djq_core.monitor.troubles import Kind
from djq_core.plugins import Health
from tests.monitor.making import HOST, new_broker, publish, put, site_of


def codes(report: Report) -> list[str]:
    return [trouble.code for trouble in report.troubles]


def of_one(**values: Any) -> Report:
    """Return the report on a site with one cluster."""
    runtime = site_of()
    publish(runtime, **values)
    return examine(runtime)


class Plugin:
    """Says how it is."""

    def __init__(self, *answers: Any) -> None:
        self.answers = answers

    @hookimpl
    def djq_health(self) -> Any:
        if isinstance(self.answers[0], Exception):
            raise self.answers[0]
        return list(self.answers)


@pytest.mark.parametrize("status", [Conf.IDLE, Conf.WORKING])
def test_a_site_with_a_cluster_that_works_is_healthy(status: str) -> None:
    report = of_one(status=status, lease_age=59.0)
    assert (report.is_healthy, report.status, report.exitcode) == (True, "healthy", 0)


def test_a_site_without_a_cluster_is_not() -> None:
    report = examine(site_of())
    assert (codes(report), report.status, report.exitcode) == (["no_cluster"], "broken", 4)
    assert report.troubles[0].message == "No cluster works on the queue main."
    assert report.troubles[0].remedy == "Start one: python manage.py qcluster --name main"


def test_one_cluster_that_is_not_well_is_enough() -> None:
    runtime = site_of()
    publish(runtime, cluster_id=1)
    publish(runtime, cluster_id=2, workers=[])
    report = examine(runtime)
    assert codes(report) == ["no_workers"]
    assert report.troubles[0].cluster == f"{HOST}:2"


@pytest.mark.parametrize(
    ("status", "code"), [(Conf.STARTING, "starting"), (Conf.STOPPING, "stopping"), (Conf.STOPPED, "stopping")]
)
def test_a_cluster_that_starts_or_stops_is_neither_broken_nor_ready(status: str, code: str) -> None:
    report = of_one(status=status, workers=[], pusher=None, monitor=None, scheduler=None)
    assert (codes(report), report.exitcode) == ([code], 6)
    assert report.only(LIVE).is_healthy
    assert not report.only(READY).is_healthy


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"workers": []}, "no_workers"),
        ({"pusher": None}, "no_pusher"),
        ({"monitor": None}, "no_monitor"),
        ({"scheduler": None}, "no_scheduler"),
        ({"lease_age": 61.0}, "leases_expired"),
        ({"lease_age": 61.0, "status": Conf.STOPPING}, "leases_expired"),
    ],
)
def test_a_cluster_that_does_not_do_its_work_is_broken(values: dict[str, Any], code: str) -> None:
    report = of_one(**values)
    assert codes(report)[0] == code
    assert report.exitcode == 4
    assert not report.only(LIVE).is_healthy


def test_a_cluster_that_shall_have_no_scheduler_needs_none() -> None:
    runtime = site_of(scheduler=False)
    publish(runtime, scheduler=None)
    assert examine(runtime).is_healthy


def test_the_lease_of_a_cluster_is_that_of_its_own_settings() -> None:
    runtime = site_of(ALT_CLUSTERS={"long": {"retry": 900}})
    publish(runtime)
    publish(runtime, "long", lease_age=600.0)
    assert examine(runtime).is_healthy
    publish(runtime, lease_age=600.0)
    assert [(trouble.code, trouble.queue) for trouble in examine(runtime).troubles] == [("leases_expired", "main")]


def test_every_queue_of_the_site_needs_a_cluster() -> None:
    runtime = site_of(ALT_CLUSTERS={"long": {}})
    publish(runtime)
    assert [(trouble.code, trouble.queue) for trouble in examine(runtime).troubles] == [("no_cluster", "long")]
    assert examine(runtime, ["main"]).is_healthy
    assert [queue.name for queue in examine(runtime).queues] == ["long", "main"]


def test_a_site_that_runs_its_tasks_in_sync_needs_none() -> None:
    assert examine(site_of(sync=True)).is_healthy


# This host alone


def test_the_clusters_of_other_hosts_are_left_out() -> None:
    runtime = site_of(ALT_CLUSTERS={"long": {}})
    publish(runtime, cluster_id=1, workers=[])
    publish(runtime, cluster_id=2, host=socket.gethostname())
    report = examine(runtime, here=True)
    assert report.is_healthy
    assert [stat.cluster_id for queue in report.queues for stat in queue.clusters] == [2]


def test_a_host_needs_one_cluster_and_one_on_each_queue_that_is_named() -> None:
    runtime = site_of(ALT_CLUSTERS={"long": {}})
    publish(runtime)
    assert codes(examine(runtime, here=True)) == ["no_cluster"]
    publish(runtime, host=socket.gethostname())
    assert examine(runtime, here=True).is_healthy
    assert [(trouble.code, trouble.queue) for trouble in examine(runtime, ["long"], here=True).troubles] == [
        ("no_cluster", "long")
    ]


# The broker


def test_a_broker_that_is_away_is_said_first() -> None:
    report = examine(site_of(new_broker(away=("ping",))))
    assert codes(report) == ["broker_unreachable", "no_cluster"]
    assert (report.status, report.exitcode) == ("unreachable", 3)


def test_where_nobody_knows_the_clusters_none_is_missed() -> None:
    report = examine(site_of(new_broker(away=("get_stats",))))
    assert codes(report) == ["statistics_unreachable"]
    assert report.only(LIVE).is_healthy
    assert report.as_dict(detail=False)["queues"][0]["clusters"] is None
    assert codes(examine(site_of(new_broker(away=("get_stats",))), here=True)) == ["statistics_unreachable"]


def test_a_cache_that_nobody_shares_is_told_with_its_remedy() -> None:
    report = examine(site_of(new_broker(shares_stats=False)))
    assert (codes(report), report.exitcode) == (["cache_not_shared"], 3)
    assert "is not shared between processes" in report.troubles[0].message
    assert report.only(LIVE).is_healthy


def test_a_task_that_waits_too_long_is_said() -> None:
    runtime = site_of()
    publish(runtime)
    put(runtime, age=90)
    assert examine(runtime).is_healthy
    assert examine(runtime, max_wait=300).is_healthy
    report = examine(runtime, max_wait=60)
    assert (codes(report), report.exitcode) == (["waits_too_long"], 5)
    assert report.only(READY).is_healthy


@pytest.mark.parametrize("call", ["ping", "get_stats"])
def test_a_server_that_hangs_costs_no_more_than_the_time_for_looking(call: str) -> None:
    broker = new_broker(hanging=(call,))
    runtime = site_of(broker)
    publish(runtime)
    began = time.monotonic()
    reports = [examine(runtime, seconds=0.1) for _ in range(3)]
    assert time.monotonic() - began < 3
    broker.go_on.set()
    assert {report.status for report in reports} == {"unreachable"}
    assert {trouble.detail for report in reports for trouble in report.troubles} == {"No answer came in time."}
    assert broker.calls.count(call) == 1


# Sending


def test_tasks_can_be_sent_where_no_cluster_is() -> None:
    broker = new_broker()
    report = reach(site_of(broker))
    assert report.is_healthy
    assert broker.calls == ["ping"]


def test_tasks_cannot_be_sent_where_one_broker_is_away_or_hangs() -> None:
    assert codes(reach(site_of(new_broker(away=("ping",))))) == ["broker_unreachable"]
    broker = new_broker(hanging=("ping",))
    assert codes(reach(site_of(broker), seconds=0.05)) == ["broker_unreachable"]
    broker.go_on.set()


# Plugins


def test_plugins_are_asked_each_alone() -> None:
    answers = [
        Plugin(Health("disk"), Health("clock", is_healthy=False, message="It is slow.")),
        Plugin(ValueError("no")),
        Plugin("well"),
        Plugin(Health("net")),
    ]
    runtime = site_of(plugins=answers)
    publish(runtime)
    report = examine(runtime)
    assert {health.name: health.is_healthy for health in report.plugins} == {
        "net": True,
        "plugin-2": False,
        "plugin-1": False,
        "disk": True,
        "clock": False,
    }
    assert codes(report) == ["plugin_unhealthy"] * 3
    assert {trouble.detail for trouble in report.troubles} >= {"It is slow.", "ValueError: no"}
    assert report.exitcode == 5
    assert report.only(READY).is_healthy


# JSON


def test_json_names_no_server_unless_it_is_to() -> None:
    runtime = site_of(new_broker(away=("queue_size",)), plugins=[Plugin(ValueError("secret.example"))])
    publish(runtime, workers=[])
    report = examine(runtime)
    text = json.dumps(report.as_dict(detail=False))
    assert "secret.example" not in text
    assert HOST not in text
    told = json.dumps(report.as_dict(detail=True))
    assert "secret.example (queue_size)" in told
    assert f'"cluster": "{HOST}:17"' in told


def test_json_tells_what_a_probe_wants_to_know() -> None:
    runtime = site_of()
    publish(runtime, processed=7, failed=2, lease_age=1.5, reincarnations=1, task_q_size=3, done_q_size=4)
    put(runtime, age=5)
    told = examine(runtime).as_dict(detail=False)
    (queue,) = told["queues"]
    (cluster,) = queue.pop("clusters")
    assert queue.pop("oldest_queued_seconds") == pytest.approx(5, abs=5)
    assert queue == {"name": "main", "broker_reachable": True, "queued": 1, "held": 0}
    assert cluster.pop("uptime_seconds") >= 0
    assert cluster == {
        "status": "Idle",
        "workers": 2,
        "running": 0,
        "task_queue": 3,
        "result_queue": 4,
        "reincarnations": 1,
        "processed": 7,
        "failed": 2,
        "lease_age_seconds": 1.5,
    }
    assert (told["status"], told["problems"], told["plugins"]) == ("healthy", [], [])


def test_every_kind_of_finding_has_an_exit_code_of_its_own() -> None:
    assert {kind.name: int(kind) for kind in Kind} == {"UNREACHABLE": 3, "BROKEN": 4, "DEGRADED": 5, "CHANGING": 6}
