"""Errors of every process of a real cluster arrive, also of those that could not report them."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from plugins.djq_rollbar.tests.endpoint import Endpoint, error_of
from tests.harness.clusters import ClusterProcess
from tests.harness.fixtures import MakeSite, make_module_site
from tests.harness.logs import PUSHER, SENTINEL
from tests.harness.sites import Site
from tests.harness.waiting import wait_until

__all__ = ["make_module_site"]

FUNC = "tests.harness.tasks"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Endpoint]:
    """Give the endpoint of all tests here."""
    with Endpoint() as made:
        yield made


@pytest.fixture(scope="module")
def site(make_module_site: MakeSite, receiver: Endpoint) -> Site:
    """Give the site of all tests here."""
    return make_module_site(
        q_cluster={
            "workers": 2,
            "max_attempts": 1,
            "timeout_grace": 0.5,
            "error_reporter": {"rollbar": {"access_token": "t0k3n", "environment": "tests", "endpoint": receiver.url}},
        }
    )


@pytest.fixture(scope="module")
def cluster(site: Site) -> Iterator[ClusterProcess]:
    """Give the cluster of all tests here, with a schedule that cannot be run."""
    site.call("add_schedules", 1, 0.0, func="math.pow", args="not, python (")
    with site.cluster() as cluster:
        yield cluster
        assert cluster.stop() == 0


def told(item: dict[str, Any]) -> tuple[str, str]:
    """Return the class of the error and where it was."""
    return error_of(item)["class"], item["custom"]["djq"]["where"]


def task_of(item: dict[str, Any]) -> dict[str, Any]:
    """Return what is told of the task."""
    found: dict[str, Any] = item["custom"]["djq"]["task"]
    return found


def test_a_failing_task(site: Site, cluster: ClusterProcess, receiver: Endpoint) -> None:
    task_id = site.call("enqueue", "fail", "bad", task_name="failing", group="the-group")
    item = receiver.wait_for("broken on purpose: bad")
    assert told(item) == ("ValueError", "worker")
    task = task_of(item)
    assert task.pop("started").startswith("20")
    assert task == {
        "id": task_id,
        "name": "failing",
        "func": f"{FUNC}.fail",
        "group": "the-group",
        "attempt": 1,
        "queue": "site",
        "arguments": {"label": "bad"},
    }
    assert item["context"] == f"{FUNC}.fail"
    assert [frame["method"] for frame in item["body"]["trace"]["frames"]] == ["fail"], "the site's code alone"
    assert (item["environment"], item["level"]) == ("tests", "error")


def test_a_task_that_kills_its_worker(site: Site, cluster: ClusterProcess, receiver: Endpoint) -> None:
    task_id = site.call("enqueue", "segfault", "dead", task_name="deadly")
    item = receiver.wait_for("SIGSEGV", "deadly")
    assert told(item) == ("ProcessDied", "worker")
    assert (task_of(item)["id"], task_of(item)["attempt"], task_of(item)["queue"]) == (task_id, 1, "site")
    assert "arguments" not in task_of(item), "reading them may be what has killed it"


def test_a_task_whose_time_is_up(site: Site, cluster: ClusterProcess, receiver: Endpoint) -> None:
    site.call("enqueue", "mark", "late", 30, task_name="late", timeout=1)
    item = receiver.wait_for("TimeLimitExceeded", '"late"')
    assert told(item) == ("TimeLimitExceeded", "worker")
    assert item["body"]["trace"]["frames"], "the worker itself tells where it was"
    assert task_of(item)["arguments"] == {"label": "late", "seconds": 30}


def test_a_task_that_does_not_hear_of_its_time(site: Site, cluster: ClusterProcess, receiver: Endpoint) -> None:
    site.call("enqueue", "sleep_deaf", "deaf", 30, task_name="deaf", timeout=1)
    item = receiver.wait_for("deaf", "was ended")
    assert told(item) == ("TimeLimitExceeded", "worker")


def test_a_hook_that_fails(site: Site, cluster: ClusterProcess, receiver: Endpoint) -> None:
    site.call("enqueue", "mark", "hooked", task_name="hooked", hook=f"{FUNC}.raise_in_hook")
    item = receiver.wait_for("raise_in_hook", '"where": "monitor"')
    assert task_of(item)["name"] == "hooked"


def test_a_package_that_nobody_can_read(site: Site, cluster: ClusterProcess, receiver: Endpoint) -> None:
    site.call("enqueue_garbage", 1)
    item = receiver.wait_for("The package was not run")
    assert told(item) == ("PackageError", "pusher")


def test_a_schedule_that_cannot_be_run(site: Site, cluster: ClusterProcess, receiver: Endpoint) -> None:
    item = receiver.wait_for('"where": "scheduler"')
    assert told(item) == ("ValueError", "scheduler")


def test_a_pusher_that_is_killed(site: Site, cluster: ClusterProcess, receiver: Endpoint) -> None:
    (pid,) = cluster.everybody(2)[PUSHER]
    cluster.kill(pid, signal.SIGKILL)
    item = receiver.wait_for(f"(pid {pid}) ended by signal 9")
    assert told(item) == ("ProcessDied", "pusher")


def test_a_sentinel_that_is_killed(site: Site, cluster: ClusterProcess, receiver: Endpoint) -> None:
    before = cluster.everybody(2)
    (pid,) = before[SENTINEL]
    cluster.kill(pid, signal.SIGKILL)
    item = receiver.wait_for(f"(pid {pid}) ended by signal 9")
    assert told(item) == ("ProcessDied", "sentinel")
    old = {pid for pids in before.values() for pid in pids}
    wait_until(lambda: not old.intersection(cluster.processes()), 20, "whom it left behind is gone")
    cluster.everybody(2)


def test_nothing_is_told_twice_and_no_token_is_logged(cluster: ClusterProcess, receiver: Endpoint) -> None:
    known = [
        (told(item), error_of(item)["message"], json.dumps(item["custom"], sort_keys=True)) for item in receiver.items
    ]
    assert len(known) == len(set(known)), known
    assert not re.search("t0k3n", cluster.log.text())


def test_a_recycled_worker_sends_before_it_goes(make_site: MakeSite, endpoint: Endpoint) -> None:
    endpoint.delay = 0.5
    own = {"access_token": "t", "endpoint": endpoint.url}
    site = make_site(
        q_cluster={"workers": 1, "recycle": 1, "max_attempts": 1, "error_reporter": {"rollbar": own}},
    )
    with site.cluster() as cluster:
        site.call("enqueue_many", "fail", ["a", "b", "c"])
        site.wait_counts(0, 3)
        assert cluster.stop() == 0
        assert len(cluster.log.lines("recycled worker")) >= 2
    texts = " ".join(endpoint.texts)
    assert all(f"broken on purpose: {label}" in texts for label in "abc")
