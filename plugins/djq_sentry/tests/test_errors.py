"""Errors of every process of a real cluster, as they reach Sentry."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from plugins.djq_sentry.tests.envelopes import Inbox, error_of, is_of
from plugins.djq_sentry.tests.errands import PASSWORD
from tests.harness.logs import MONITOR, PUSHER, SCHEDULER, SENTINEL, WORKER
from tests.harness.waiting import wait_until


def threads_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def test_a_failing_task_is_reported_once_with_all_that_is_known_and_no_secret(
    make_sentry_site: Any, inbox: Inbox
) -> None:
    sentry = {"dsn": inbox.dsn, "traces_sample_rate": 1.0, "release": "site@1.2", "environment": "tests"}
    site = make_sentry_site(sentry)
    with site.cluster() as cluster:
        task_id = site.call(
            "enqueue_plain", "errands.login", "ada", PASSWORD, api_token=PASSWORD, tries=3, task_name="in", group="g"
        )
        (event,) = inbox.wait("event")
        (transaction,) = inbox.wait("transaction")
        assert cluster.stop() == 0
    assert len(inbox.all("event")) == 1, "the log line of the monitor is no second report"
    assert error_of(event) == ("PermissionError", "no entry for ada")
    assert event["exception"]["values"][-1]["mechanism"] == {"type": "djq", "handled": False}
    assert (event["release"], event["environment"]) == ("site@1.2", "tests")
    assert (event["transaction"], event["transaction_info"]) == ("errands.login", {"source": "task"})
    assert "fingerprint" not in event
    assert event["tags"] == {
        "djq.id": task_id,
        "djq.name": "in",
        "djq.func": "errands.login",
        "djq.group": "g",
        "djq.attempt": "1",
        "djq.queue": "site",
        "djq.where": "worker",
    }
    told = event["contexts"]["djq"]
    assert (told["args"], told["kwargs"]) == (["ada", "********"], {"api_token": "********", "tries": 3})
    assert (told["id"], told["attempt"]) == (task_id, 1)
    frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
    assert [(frame["module"], frame["function"], frame["in_app"]) for frame in frames] == [("errands", "login", True)]
    assert event["contexts"]["trace"]["trace_id"] == transaction["contexts"]["trace"]["trace_id"]
    assert event["contexts"]["trace"]["span_id"] in {span["span_id"] for span in transaction["spans"]}
    assert frames[0]["vars"] == {"user": "'ada'", "tries": "3"}
    assert not any(PASSWORD in request.text for request in inbox.requests)
    assert transaction["contexts"]["trace"]["status"] == "internal_error"
    assert "status" not in transaction["tags"] or transaction["tags"]["status"] == "internal_error"


def test_a_killed_worker_s_task_is_reported_by_the_monitor(make_sentry_site: Any, inbox: Inbox) -> None:
    site = make_sentry_site()
    with site.cluster():
        task_id = site.call("enqueue_plain", "errands.crash", task_name="crash")
        (event,) = inbox.find("event", is_of("crash"))
    kind, text = error_of(event)
    assert kind == "ProcessDied"
    assert "SIGSEGV" in text
    assert "in crash" in text, "the last stack"
    assert (event["tags"]["djq.where"], event["tags"]["djq.id"], event["tags"]["djq.attempt"]) == (
        "worker",
        task_id,
        "1",
    )
    assert event["fingerprint"] == ["djq", "ProcessDied", "errands.crash"]
    assert event["transaction"] == "errands.crash"
    assert not event["breadcrumbs"]["values"], "what the monitor did has nothing to do with it"


def test_a_worker_that_is_ended_for_a_time_out_has_sent_what_it_reported(make_sentry_site: Any, inbox: Inbox) -> None:
    site = make_sentry_site(timeout_grace=1.5)
    with site.cluster() as cluster:
        site.call("enqueue_plain", "errands.hang", 30, task_name="hung", timeout=0.5)
        (event,) = inbox.find("event", lambda event: "exception" in event)
        (said,) = inbox.find("event", lambda event: "exception" not in event)
        assert cluster.log.lines("SIGTERM")
    assert error_of(event)[0] == "TimeLimitExceeded"
    assert event["fingerprint"] == ["djq", "TimeLimitExceeded", "errands.hang"]
    assert said["message"] == "not now: TimeLimitExceeded"
    assert (said["tags"]["djq.name"], event["tags"]["djq.name"]) == ("hung", "hung")


def test_a_task_that_takes_its_time_out_is_reported_before_its_worker_goes(make_sentry_site: Any, inbox: Inbox) -> None:
    site = make_sentry_site()
    with site.cluster() as cluster:
        site.call("enqueue", "mark", "late", 30, timeout=0.5)
        (event,) = inbox.wait("event")
        cluster.wait_for("reincarnated worker")
        assert cluster.stop() == 0
    assert len(inbox.all("event")) == 1
    assert error_of(event) == ("TimeLimitExceeded", "The task ran longer than its timeout of 0.5 s.")
    assert event["fingerprint"] == ["djq", "TimeLimitExceeded", "tests.harness.tasks.mark"]
    assert event["tags"]["djq.where"] == "worker"


def test_recycled_workers_have_sent_everything(make_sentry_site: Any, inbox: Inbox) -> None:
    site = make_sentry_site(recycle=1)
    with site.cluster() as cluster:
        for number in range(3):
            site.call("enqueue", "fail", f"f{number}")
        inbox.wait("event", 3)
        inbox.wait("transaction", 3)
        cluster.wait_for("recycled worker")
        assert cluster.stop() == 0
    assert sorted(event["tags"]["djq.name"] for event in inbox.all("event")) == ["f0", "f1", "f2"]
    assert len({transaction["contexts"]["trace"]["trace_id"] for transaction in inbox.all("transaction")}) == 3


def test_deaths_of_processes_are_reported_by_those_who_know(make_sentry_site: Any, inbox: Inbox) -> None:
    site = make_sentry_site()
    with site.cluster() as cluster:
        killed = {}
        for role in (WORKER, PUSHER, MONITOR, SCHEDULER, SENTINEL):
            roles = cluster.everybody(1)
            killed[role] = roles[role][0]
            cluster.kill(killed[role])
            told = f"(pid {killed[role]}) ended by signal 9 (SIGKILL)"
            inbox.find("event", lambda event, told=told: told in error_of(event)[1])
            wait_until(lambda role=role: cluster.role(role) not in ([], [killed[role]]), 20, f"another {role}")
        for pid in (cluster.pid, cluster.only(SENTINEL)):  # they fork
            wait_until(lambda pid=pid: threads_of(pid) == 1, 5, "one thread")
    events = {event["tags"]["djq.where"]: event for event in inbox.all("event")}
    assert set(events) == {"worker", "pusher", "monitor", "scheduler", "sentinel"}
    for where, event in events.items():
        assert error_of(event)[0] == "ProcessDied"
        assert event["transaction"] == f"djq.{where}"
        assert event["fingerprint"] == ["djq", "ProcessDied", f"djq.{where}"]


def test_errors_of_pusher_monitor_and_scheduler(make_sentry_site: Any, inbox: Inbox) -> None:
    site = make_sentry_site()
    site.call("drop_tables", ["djq_core_schedule"])
    with site.cluster() as cluster:
        cluster.everybody(1)
        site.call("enqueue_garbage", 1)
        (unreadable,) = inbox.find("event", lambda event: event["tags"]["djq.where"] == "pusher")
        site.call("enqueue", "mark", "hooked", hook="tests.harness.tasks.raise_in_hook")
        (hook,) = inbox.find("event", is_of("hooked"))
        (scheduler,) = inbox.find("event", lambda event: event["tags"]["djq.where"] == "scheduler")
    assert error_of(unreadable)[0] == "PackageError"
    assert unreadable["fingerprint"] == ["djq", "PackageError", "unreadable"]
    assert (hook["tags"]["djq.where"], hook["transaction"]) == ("monitor", "tests.harness.tasks.raise_in_hook")
    assert error_of(hook)[0] == "RuntimeError"
    assert scheduler["transaction"] == "djq.scheduler"
    assert len(inbox.find("event", lambda event: event["tags"]["djq.where"] == "scheduler")) == 1, (
        "it fails each second"
    )


def test_an_endpoint_that_hangs_delays_no_task_and_the_end_by_little(make_sentry_site: Any, inbox: Inbox) -> None:
    site = make_sentry_site(recycle=2)
    with inbox.endpoint.hanging(), site.cluster() as cluster:
        for number in range(4):
            site.call("enqueue", "fail", f"f{number}")
        site.wait_counts(0, failures=4, seconds=15)
        seconds = wait_until(lambda: cluster.stop(15) == 0, 15, "the cluster stops")
        assert cluster.log.lines("Sentry has not taken within 2 s")
    assert seconds < 10


OWN_SETTINGS = """
import sentry_sdk
sentry_sdk.init({dsn!r}, environment="the site's")
from site_settings import *
"""


def test_an_sdk_that_the_site_has_set_up_is_used_as_it_is(make_sentry_site: Any, inbox: Inbox) -> None:
    site = make_sentry_site({"environment": "another"})
    (site.folder / "own_settings.py").write_text(OWN_SETTINGS.format(dsn=inbox.dsn))
    with site.cluster(env={"DJANGO_SETTINGS_MODULE": "own_settings"}) as cluster:
        site.call("enqueue", "fail", "f")
        site.call("enqueue_plain", "errands.greet", task_name="greet")
        inbox.wait("event", 2)
        cluster.kill(cluster.only(SENTINEL), signal.SIGKILL)
        inbox.wait("event", 3)
        site.call("enqueue", "fail", "f2")
        inbox.find("event", is_of("f2"))
        assert cluster.stop() == 0
        assert len(cluster.log.lines("Sentry is set up by the site")) == 1
    (failed,), (said,) = inbox.find("event", is_of("f")), inbox.find("event", is_of("greet"))
    assert failed["environment"] == said["environment"] == "the site's"
    assert said["message"] == "a message of the site's own"
    assert len(inbox.all("event")) == 4
    assert inbox.all("transaction") == [], "the site traces nothing"
