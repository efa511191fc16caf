"""What ``qmonitor`` and its like, ``djq health``, ``doctor`` and ``explain`` write is marked for translation.

JSON is not: programs read it, in English whatever the language of the site.
"""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest
from django.core.management import call_command
from django.test import Client, override_settings
from django.urls import path
from django.utils.translation import gettext
from rich.console import Console, RenderableType

from djq_core import views as probes
from djq_core.cluster.status import Running, Stat
from djq_core.conf import Conf
from djq_core.envelope import new_id
from djq_core.management.subcommands import health
from djq_core.management.terminal import memory, summary, tables
from djq_core.management.terminal.views import View
from djq_core.models import Schedule
from djq_core.monitor.clusters import Overview, Queue
from djq_core.monitor.failures import Failed
from djq_core.monitor.health import Report
from djq_core.monitor.memory import Measured, Memory, Used
from djq_core.monitor.queues import QueueState
from djq_core.monitor.rates import Series
from djq_core.monitor.statistics import ClustersSeen, unseen
from djq_core.monitor.summary import Summary
from djq_core.monitor.troubles import Trouble, no_cluster, of_clusters, of_plugins, of_queue
from djq_core.plugins import Health
from djq_core.tasks import async_task
from tests.conf.making import conf
from tests.languages.pseudo import OPEN, unmarked
from tests.management.terminal.test_live import driven, seen
from tests.monitor.seeding import busy, file_cache, manage, publish, run_of, store, take

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_brackets")]

urlpatterns = [path("health/", probes.health)]

#: Values, names of settings and tables, and what others say.
DATA: Final = (
    "orion", "a-name", "first", "tests", "winter", "default", "orm", "core", "ORM", "djq_core", "djq-core", "djq-orm",
    "math.pow", "math.nothing", "'math'", "'nothing'", "shop.tasks.bill", "MiB", "USS", "PSS", "RSS", "MemoryBroker",
    "ValueError: no number", "FunctionNotFound: no number", "The worker was ended by SIGKILL.",
    "MemoryBroker cannot count its queue.", "ConnectionError: redis://********@nowhere",
    "The server at nowhere:1 <script>refuses</script>.",
)  # fmt: skip
#: What the database says of itself.
DOCTOR: Final = ("SQLite", "DEFERRED", "memory", "delete")


@pytest.fixture(autouse=True)
def a_site(tmp_path: Path) -> Iterator[None]:
    with override_settings(
        Q_CLUSTER={"name": "tests", "orm": "default", "retry": 600}, CACHES={"default": file_cache(tmp_path)}
    ):
        yield


def drawn(what: RenderableType) -> str:
    output = StringIO()
    Console(file=output, width=200).print(what)
    return output.getvalue()


# Tables


def stat(**fields: Any) -> Stat:
    born = datetime.now(UTC) - timedelta(seconds=75)
    values = {
        "cluster_id": 17,
        "host": "orion",
        "name": "tests",
        "status": Conf.WORKING,
        "tob": born,
        "workers": [1, 2],
    }
    return Stat(**{**values, **fields})


RUN: Final = Running(worker=5, id="1", name="a-name", func="math.pow", since=time.time() - 9)
STATES: Final = (Conf.STARTING, Conf.IDLE, Conf.WORKING, Conf.STOPPING, Conf.STOPPED)
HALF_AN_HOUR: Final = Series(depths=(None,) * 179 + (3,), rates=(2.5,) * 180)
QUEUES: Final = (
    Queue(name="tests", waiting=9, held=2, rate=0.001, series=HALF_AN_HOUR),
    Queue(name="winter", rate=0.5),
    Queue(name="core", rate=0.0),
)
FULL: Final = Overview(stats=tuple(stat(status=status, running=(RUN,)) for status in STATES), queues=QUEUES)
FAILED: Final = Failed(
    id="1", name="a-name", func="math.pow", cluster="", stopped=datetime.now(UTC), attempts=2,
    error="ValueError: no number",
)  # fmt: skip
ROLES: Final = ("cluster", "sentinel", "pusher", "monitor", "scheduler", "worker", "worker")
MEASURED: Final = Memory(
    host="orion",
    total=2**32,
    available=2**31,
    clusters=(
        Measured(
            host="orion",
            cluster_id=17,
            name="tests",
            is_here=True,
            processes=tuple(Used(role=role, pid=1, uss=1, pss=1, rss=1) for role in ROLES),
        ),
        Measured(host="orion", cluster_id=18, name="tests", is_here=False),
    ),
)
NOTHING: Final = Memory(host="orion", total=2**32, available=2**31, clusters=())


def summed(done: int) -> Summary:
    return Summary(
        clusters=1, workers=4, restarts=0, queued=0, successes=3, failures=2, schedules=4, done=done,
        is_done_complete=True, avg_time=0.2,
    )  # fmt: skip


@pytest.mark.parametrize(
    "picture",
    [
        lambda: tables.clusters(FULL),
        lambda: tables.clusters(Overview()),
        lambda: tables.queues(FULL, 160),
        lambda: tables.running(FULL),
        lambda: tables.running(Overview()),
        lambda: tables.failures([FAILED]),
        lambda: tables.failures([]),
        *(lambda done=done: summary.drawn(summed(done), ()) for done in (1, 100, 10_000, 1_000_000)),
        lambda: memory.drawn(memory.Reading(MEASURED), has_workers=False),
        lambda: memory.drawn(memory.Reading(MEASURED), has_workers=True),
        lambda: memory.drawn(memory.Reading(NOTHING), has_workers=True),
    ],
)
def test_every_text_of_a_table_is_marked(picture: Callable[[], RenderableType]) -> None:
    assert unmarked(drawn(picture()), DATA) == []


@pytest.mark.parametrize(
    "line",
    [
        *(f"qmonitor --run-once --view {view}" for view in ("clusters", "queues", "running", "failures")),
        "qinfo",
        "qinfo --ids",
        "qmemory --run-once --workers",
    ],
)
def test_what_is_written_once_is_marked(line: str) -> None:
    publish(**busy())
    out, error = StringIO(), StringIO()
    call_command(*line.split(), stdout=out, stderr=error, no_color=True)
    assert OPEN in out.getvalue() or "--ids" in line
    assert unmarked(out.getvalue() + error.getvalue(), (*DATA, socket.gethostname())) == []


@pytest.mark.parametrize("kind", ["dummy.DummyCache", "locmem.LocMemCache"])
def test_a_cache_that_shows_no_cluster_is_said_in_the_readers_language(kind: str) -> None:
    with override_settings(CACHES={"default": {"BACKEND": f"django.core.cache.backends.{kind}"}}):
        told = unseen("default")
    assert told
    assert unmarked(told, ("default", kind.partition(".")[2])) == []


def test_the_frame_of_the_live_views_is_in_the_readers_language() -> None:
    asked: list[str] = []

    def read() -> None:
        asked.append(gettext("No cluster is running."))
        raise ConnectionError("ValueError: no number")

    async def drive(app: Any, pilot: Any) -> None:
        await seen(app, f"{OPEN}This cannot be read now: ", f"{OPEN}Quit")

    driven([View(name="only", title="tests", read=read, draw=lambda data, width: "")], drive)
    assert asked[0].startswith(OPEN)


# Health


def sentences(found: Iterator[Trouble]) -> Report:
    return Report(queues=(), troubles=tuple(found), plugins=(Health("winter", is_healthy=True),))


WELL: Final = {"pusher": 19, "monitor": 20, "scheduler": 21}
ILL: Final[tuple[dict[str, Any], ...]] = (
    {"status": Conf.STARTING},
    {"status": Conf.STOPPING},
    {**WELL, "workers": []},
    {},
    {**WELL, "lease_age": 1e6},
)


@pytest.mark.parametrize(
    "troubles",
    [
        lambda: iter(()),
        lambda: of_queue("tests", QueueState(), 1),
        lambda: of_queue("tests", QueueState(is_reachable=True, oldest=9), 1),
        lambda: of_clusters("tests", ClustersSeen(flaw="orm"), conf(), needs_one=True),
        lambda: of_clusters("tests", ClustersSeen(error="orm"), conf(), needs_one=True),
        lambda: of_clusters("tests", ClustersSeen(), conf(), needs_one=True),
        *(
            lambda ill=ill: of_clusters("tests", ClustersSeen(stats=(stat(**ill),)), conf(), needs_one=True)
            for ill in ILL
        ),
        lambda: iter([no_cluster()]),
        lambda: of_plugins(None),
        lambda: of_plugins([Health("winter", is_healthy=False)]),
    ],
)
def test_every_sentence_of_health_is_marked(troubles: Callable[[], Iterator[Trouble]]) -> None:
    assert unmarked(health.as_text(sentences(troubles())), DATA) == []


@override_settings(Q_CLUSTER={"name": "tests", "broker_class": "tests.monitor.dashboard.parts.Counting"})
def test_the_table_of_health_is_marked() -> None:
    assert unmarked(manage("health")[1], DATA) == []


# Doctor


def findings(*data: str) -> list[str]:
    """Return what the doctor says outside of brackets, codes of findings aside."""
    codes = {f"({each['code']})" for each in json.loads(manage("doctor", "--json")[1])["findings"]}
    told = re.sub(r"\w+ \d+\.\d+\.\d+,?", "", joined(manage("doctor")[1]))  # a plugin and its version
    return unmarked(told, [*codes, *DATA, *DOCTOR, *data])


def joined(text: str) -> str:
    """Return a text without the lines that it was wrapped into."""
    return re.sub(r"\n +(?! )", " ", text)


def test_the_doctor_speaks_the_readers_language() -> None:
    assert findings() == []
    publish(done_q_size=900, lease_age=1e6, version="0", timestamp=time.time() + 900, scheduler=None)
    plan(next_run=datetime(2020, 1, 1, tzinfo=UTC))
    plan(func="math.nothing", cluster="winter", next_run=None)
    async_task("math.pow", 2, 3)
    assert findings() == []
    publish(status=Conf.STOPPING)
    assert findings() == []


@pytest.mark.parametrize(
    "settings",
    [
        {"DEBUG": True},
        {"SECRET_KEY": "short"},
        {"CACHES": {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}},
        {"CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}},
        {"CACHES": {"default": {"BACKEND": "tests.monitor.dashboard.parts.AwayCache"}}},
        {"Q_CLUSTER": {"sync": True}},
        {"Q_CLUSTER": {"broker_class": "tests.making.MemoryBroker"}},
        {"Q_CLUSTER": {"broker_class": "tests.monitor.dashboard.parts.AwayBroker"}},
        {"Q_CLUSTER": {"orm": "default", "retry": 3, "timeout": 1}},
    ],
    ids=str,
)
def test_the_doctor_tells_of_settings_in_the_readers_language(settings: dict[str, Any]) -> None:
    with override_settings(**settings):
        assert findings() == []


# Explain


def plan(**fields: Any) -> Schedule:
    return Schedule.objects.create(**{"name": "winter", "func": "math.pow", "schedule_type": "D", **fields})


def on_the_queue(**told: Any) -> None:
    async_task("math.pow", 2, 3, task_name="first")
    async_task("math.pow", 2, 3, task_name="a-name")
    if told:
        publish(**told)


def held(**told: Any) -> None:
    on_the_queue()
    take(2)
    publish(**told)


def ended(result: str = "ValueError: no number", **fields: Any) -> None:
    store(new_id(), result, **{"success": False, **fields})


def runs() -> None:
    publish(**busy(run_of(new_id())))


def signed_by_another() -> None:
    with override_settings(SECRET_KEY="another"):
        on_the_queue()


def without_statistics() -> None:
    on_the_queue()
    held_nowhere = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    with override_settings(CACHES=held_nowhere):
        assert explained() == []


CAUSES: Final[dict[str, Callable[[], object]]] = {
    "unknown": lambda: None,
    "no cluster": on_the_queue,
    "behind": lambda: on_the_queue(**busy(task_q_size=4, queue_limit=4)),
    "starting": lambda: on_the_queue(status=Conf.STARTING),
    "idle": lambda: on_the_queue(status=Conf.IDLE),
    "stopping": lambda: on_the_queue(**busy(status=Conf.STOPPING)),
    "one worker": lambda: on_the_queue(**busy(workers=[101])),
    "running": runs,
    "held": lambda: held(task_q_size=2),
    "held by the dead": lambda: held(),
    "saving": lambda: held(done_q_size=2),
    "just taken": lambda: held(task_q_size=1, done_q_size=1),
    "signature": signed_by_another,
    "statistics": without_statistics,
    "function": lambda: str(async_task("math.nothing", task_name="a-name")),
    "failed": ended,
    "crashed": lambda: ended("The worker was ended by SIGKILL.", crashes=3),
    "succeeded": lambda: ended("8", success=True),
    "no function": lambda: ended("FunctionNotFound: no number"),
}  # fmt: skip


def explained(*query: str) -> list[str]:
    told = joined(manage("explain", *(query or ("a-name",)))[1])
    return unmarked(re.sub(r"\b[0-9a-f]{32}\b", "", told), DATA)


@pytest.mark.parametrize("cause", CAUSES)
def test_what_explain_says_of_a_task_is_marked(cause: str) -> None:
    CAUSES[cause]()
    assert explained() == []


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, None),
        ({}, {}),
        ({"repeats": 0}, {}),
        ({"func": "math.nothing"}, {}),
        ({"next_run": datetime(2020, 1, 1, tzinfo=UTC)}, {}),
        ({"cluster": "core"}, {}),
        ({}, {"scheduler": None}),
        ({"overlap_policy": Schedule.SKIP, "task": "a-name", "is_running": True}, {}),
    ],
)
def test_what_explain_says_of_a_schedule_is_marked(fields: dict[str, Any], told: dict[str, Any] | None) -> None:
    plan(**fields)
    if told is not None:
        publish(**told)
    assert explained("--schedule", "winter") == []
    assert explained("--schedule", "a-name") == []


# JSON


@pytest.mark.parametrize(
    "line",
    [
        "djq doctor --json",
        "djq explain a-name --json",
        "djq explain --schedule winter --json",
        "djq health --json",
        "qinfo --json",
        "qmonitor --json",
    ],
)
@pytest.mark.parametrize("cache", ["dummy.DummyCache", "locmem.LocMemCache"])
def test_json_is_english(line: str, cache: str) -> None:
    plan(repeats=0)
    on_the_queue()
    out = StringIO()
    chosen = {"default": {"BACKEND": f"django.core.cache.backends.{cache}"}}
    with override_settings(CACHES=chosen), suppress(SystemExit):
        call_command(*line.split(), stdout=out)
    assert json.loads(out.getvalue())
    assert OPEN not in json.dumps(json.loads(out.getvalue()), ensure_ascii=False)


@override_settings(ROOT_URLCONF=__name__)
def test_a_probe_is_answered_in_english(client: Client) -> None:
    answer = client.get("/health/")
    assert answer.status_code == 503
    told = answer.json()["problems"]
    assert told
    assert OPEN not in json.dumps(told, ensure_ascii=False)
