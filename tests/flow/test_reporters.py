"""Error reporters of others in real clusters: those for Django-Q as they are, one that hangs, one that raises."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from textwrap import dedent
from typing import Any

import pytest

from plugins.djq_rollbar.tests.endpoint import Endpoint, error_of
from tests.harness.fixtures import MakeSite
from tests.harness.logs import PUSHER
from tests.harness.oracle import HOOK
from tests.harness.sites import Site
from tests.harness.waiting import wait_until

#: Reporters as a third party wrote them for Django-Q.
SOURCES = {
    "hanging": """
        import time
        class Reporter:
            def report(self):
                time.sleep(600)
            flush = time.sleep
    """,
    "stuck": """
        import time
        class Reporter:
            def __init__(self):
                time.sleep(600)
            def report(self):
                pass
    """,
    "raising": """
        class Reporter:
            def report(self):
                raise OSError("no route")
    """,
    "good": """
        import sys
        class Reporter:
            def __init__(self, path):
                self.path = path
            def report(self):
                with open(self.path, "a") as file:
                    print(sys.exc_info()[1], file=file)
    """,
}


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """Give what takes the place of Rollbar and of Sentry."""
    with Endpoint() as made:
        yield made


def install(site: Site, name: str, source: str) -> None:
    """Install a distribution for Django-Q in the folder of a site, which is on its path."""
    (site.folder / f"{name}_reporting.py").write_text(dedent(source))
    info = site.folder / f"acme_{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[djangoq.errorreporters]\n{name} = {name}_reporting:Reporter\n")


def run_into_errors(site: Site, endpoint: Endpoint) -> dict[str, str]:
    """Let a task fail, one kill its worker and one outlast its time; return their ids by function."""
    with site.cluster() as cluster:
        ids = {"fail": site.call("enqueue", "fail", "bad", task_name="failing")}
        wait_until(lambda: bool(endpoint.bodies), 15, "the failing task is told")
        ids |= {
            "segfault": site.call("enqueue", "segfault", "dead", task_name="deadly"),
            "sleep_deaf": site.call("enqueue", "sleep_deaf", "deaf", 30, task_name="deaf", timeout=1),
        }
        site.wait_counts(0, 3)
        assert cluster.stop() == 0
    return ids


Q_CLUSTER: dict[str, Any] = {"workers": 2, "max_attempts": 1, "timeout_grace": 0.5}


def test_django_q_rollbar_works_as_it_is(make_site: MakeSite, endpoint: Endpoint) -> None:
    own = {"access_token": "t", "environment": "Django-Q", "endpoint": endpoint.url}
    site = make_site(q_cluster={**Q_CLUSTER, "error_reporter": {"rollbar": own}, "disabled_plugins": ["djq-rollbar"]})
    run_into_errors(site, endpoint)
    errors = {error_of(item)["class"]: item for item in endpoint.items}
    assert sorted(errors) == ["ProcessDied", "TimeLimitExceeded", "ValueError"]
    assert error_of(errors["ValueError"])["message"] == "broken on purpose: bad"
    assert [frame["method"] for frame in errors["ValueError"]["body"]["trace"]["frames"]] == ["fail"]
    assert errors["ValueError"]["environment"] == "Django-Q"


def test_django_q_sentry_works_as_it_is(make_site: MakeSite, endpoint: Endpoint) -> None:
    own = {"dsn": endpoint.dsn, "environment": "tests"}
    site = make_site(q_cluster={**Q_CLUSTER, "error_reporter": {"sentry": own}, "disabled_plugins": ["djq-sentry"]})
    ids = run_into_errors(site, endpoint)
    events = [event for text in endpoint.texts for line in text.splitlines() if "level" in (event := json.loads(line))]
    assert [event["environment"] for event in events] == ["tests"] * 3, "and none is a line of the log"
    told = {event["exception"]["values"][-1]["type"]: event["extra"] for event in events}
    assert sorted(told) == ["ProcessDied", "TimeLimitExceeded", "ValueError"]
    by_func = {extra["django_q_task_func"].rpartition(".")[2]: extra["django_q_task_id"] for extra in told.values()}
    assert by_func == ids
    assert told["ValueError"]["django_q_task_name"] == "failing"


def test_one_that_hangs_and_one_that_raises_hurt_nobody(make_site: MakeSite) -> None:
    site = make_site()
    for name in ("hanging", "raising", "good"):
        install(site, name, SOURCES[name])
    path = site.folder / "reported"
    reporters = {"hanging": {}, "raising": {}, "good": {"path": str(path)}}
    site.configure(workers=1, max_attempts=1, recycle=3, error_reporter=reporters)
    labels = [f"label-{number}" for number in range(7)]
    with site.cluster() as cluster:
        site.call("enqueue_many", "fail", labels)
        site.call("enqueue", "mark", "fine")
        site.wait_counts(1, len(labels), seconds=20)
        assert cluster.stop(20) == 0
        log = cluster.log
        assert log.lines("Error reporter hanging takes longer than 2 s to report")
        assert log.lines("Error reporter raising failed to report")
        assert not log.lines("is kept by a thread"), "each worker went by itself"
        assert not log.deaths()
    assert sorted(path.read_text().split("\n")[:-1]) == [f"broken on purpose: {label}" for label in labels]


def test_one_that_hangs_in_the_making_stops_no_cluster(make_site: MakeSite) -> None:
    site = make_site()
    install(site, "stuck", SOURCES["stuck"])
    site.configure(workers=1, error_reporter={"stuck": {}})
    with site.cluster() as cluster:
        site.call("enqueue", "mark", "fine")
        site.wait_counts(1)
        assert cluster.log.lines("Error reporter stuck is left out for now, it cannot be built: it hangs")
        assert cluster.stop() == 0


def test_the_command_shows_them(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"error_reporter": {"good": {"path": "reported"}}})
    install(site, "good", SOURCES["good"])
    told = re.sub("  +", " ", site.manage("djq", "plugins").stdout)
    assert "good acme-good 1.0 loaded\n error reporters: good\n" in told
    assert "rollbar django-q-rollbar 0.1.3 disabled\n not used: djq-rollbar 0.1.0 offers" in told


def test_a_slow_one_keeps_no_hook_waiting_and_ends_no_monitor(make_site: MakeSite) -> None:
    site = make_site()
    install(site, "slow", "import time\nclass Reporter:\n    def report(self):\n        time.sleep(1.5)\n")
    site.configure(workers=1, hook_timeout=1, error_reporter={"slow": {}})
    with site.cluster() as cluster:
        site.call("enqueue_garbage", 20)
        site.wait_counts(0, 20)
        site.call("enqueue", "mark", "bad", hook="tests.harness.tasks.raise_in_hook")
        site.call("enqueue", "mark", "good", hook="tests.harness.tasks.note_hook")
        wait_until(lambda: site.oracle.count(HOOK)["good"] == 1, 5, "the hook is called before all is told")
        assert cluster.stop(15) == 0
        assert not cluster.log.deaths()


def test_the_thread_of_one_keeps_no_process_that_an_error_ended(make_site: MakeSite) -> None:
    site = make_site()
    told, flag = site.folder / "told", site.folder / "flag"
    install(
        site,
        "staying",
        f"""
        import sys, threading, time
        class Reporter:
            def report(self):
                with open({str(told)!r}, "a") as file:
                    print(repr(sys.exc_info()[1]), file=file)
                threading.Thread(target=time.sleep, args=(600,), daemon=False).start()
        """,
    )
    (site.folder / "faulty.py").write_text(
        dedent(
            f"""
            from pathlib import Path
            from djq_orm.broker import OrmBroker
            class Faulty(OrmBroker):
                def receive(self, *args, **kwargs):
                    if Path({str(flag)!r}).exists():
                        Path({str(flag)!r}).unlink()
                        raise SystemExit(3)
                    return super().receive(*args, **kwargs)
            """
        )
    )
    site.configure(workers=1, error_reporter={"staying": {}}, broker_class="faulty.Faulty")
    with site.cluster() as cluster:
        victim = cluster.only(PUSHER)
        flag.touch()
        cluster.wait_full(1, 10, role=PUSHER, without=victim)
        site.call("enqueue", "mark", "fine")
        site.wait_counts(1)
        assert cluster.stop() == 0
    assert told.read_text() == "SystemExit(3)\n", "once, by the pusher itself"
