"""Every text of the admin is marked for translation: seen in a language that puts what is marked in brackets.

A new page takes a line in ``PAGES``, or a test that shows it and asks :func:`told` for what is not marked.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.db import connection
from django.forms import modelform_factory
from django.test import Client, override_settings
from django.utils import translation

from djq_core.admin import ScheduleForm
from djq_core.enqueue.options import NAMES
from djq_core.models import Failure, Schedule, Task
from djq_core.tasks import async_task
from djq_orm.models import OrmQ
from tests.dashboard.seeding import add_failure, add_schedule, tell_of_clusters
from tests.languages.pseudo import CLOSE, unmarked, unmarked_on
from tests.monitor.dashboard.parts import AWAY, AWAY_CACHE, NO_CACHE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_brackets")]

NOW: Final = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
#: What Django itself does not translate.
DJANGOS: Final = frozenset({"ID", "alt: Search", "alt: True", "alt: False"})
#: What stands on the pages and is no text of djq: values, names of things, and the label of the configuration.
DATA: Final = (
    "Django Q", "djq_core", "djq_orm", "root", "math.pow", "math.copysign", "winter", "crowd", "tests", "UTC", "None",
    "hooks.done", "ValueError: no number", "{'hook':", "'group':", "junk",
)  # fmt: skip
ID: Final = "0" * 32
FAILURE: Final = "1" * 32
PAGES: Final = (
    "",
    "djq_core/",
    "djq_orm/",
    *(f"djq_core/{name}/" for name in ("success", "failure", "schedule")),
    *(f"djq_core/{name}/?q=nothing" for name in ("success", "failure", "schedule")),
    *(f"djq_core/success/{ID}/{page}/" for page in ("change", "delete", "history")),
    *(f"djq_core/failure/{FAILURE}/{page}/" for page in ("change", "delete", "history")),
    *(f"djq_core/schedule/1/{page}/" for page in ("change", "delete", "history")),
    "djq_core/schedule/add/",
    "djq_orm/ormq/",
    *(f"djq_orm/ormq/1/{page}/" for page in ("change", "delete", "history")),
)
FORM: Final = {
    "func": "math.pow",
    "schedule_type": "H",
    "repeats": "-1",
    "next_run_0": "2026-01-02",
    "next_run_1": "3:4",
}
#: What a message about the form may hold: values, names of options, and what Python and croniter say.
SAID_BY_OTHERS: Final = (
    *NAMES, "initial", "factor", "maximum", "jitter", "str", "tiemout", "xxxxxxxxx",
    "'(' was never closed", "failed to find next date", "[99 * * * *] is not acceptable, out of range",
)  # fmt: skip


@pytest.fixture
def client() -> Client:
    """A superuser before a site that has one of everything."""
    client = Client()
    client.force_login(User.objects.create_superuser("root", pk=1))
    with translation.override("en"):
        for number, success in ((ID, True), (FAILURE, False)):
            Task.objects.create(
                id=number, name="winter", func="math.pow", args=(2, 3), kwargs={}, started=NOW, stopped=NOW,
                success=success, result=8 if success else "ValueError: no number", group="crowd", cluster="tests",
            )  # fmt: skip
        Schedule.objects.create(pk=1, func="math.pow", hook="hooks.done", name="winter", task=ID, next_run=NOW)
        async_task("math.copysign", 2, -2, task_name="winter", group="crowd", hook="hooks.done")
        OrmQ.objects.update(id=1)
        OrmQ.objects.create(key="tests", payload="0:0")
    return client


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Let no test see the statistics of another."""
    caches["default"].clear()
    yield
    caches["default"].clear()


def told(client: Client, path: str, data: tuple[str, ...] = (), **post: Any) -> list[str]:
    """Return what a page of the admin says without having it marked."""
    response = client.post(f"/admin/{path}", post, follow=True) if post else client.get(f"/admin/{path}")
    assert response.status_code == 200
    found = unmarked_on(response.content.decode(), [*DATA, *data])
    return [text for text in found if text not in DJANGOS]


@pytest.mark.parametrize("path", PAGES)
def test_every_text_of_a_page_is_marked(client: Client, path: str) -> None:
    queued = OrmQ.objects.get(pk=1)
    assert told(client, path, (queued.payload, queued.task_id())) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("func", "nodots"),
        ("func", "m." * 200 + "f"),
        ("hook", "no dots"),
        ("args", "x=1"),
        ("args", "f(x"),
        ("args", "winter"),
        ("kwargs", "1"),
        ("kwargs", "a=1, a=2"),
        ("kwargs", "q_options=5"),
        ("kwargs", "q_options={'tiemout': 5}"),
        ("kwargs", "q_options={'xxxxxxxxx': 5}"),
        ("kwargs", "q_options={'broker_name': 5}"),
        ("kwargs", "q_options={'broker': 5}"),
        ("kwargs", "q_options={'hook': 5}"),
        ("kwargs", "q_options={'timeout': -1}"),
        ("kwargs", "q_options={'timeout': 'x'}"),
        ("kwargs", "q_options={'max_attempts': -1}"),
        ("kwargs", "q_options={'max_attempts': 'x'}"),
        ("kwargs", "q_options={'backoff': -1}"),
        ("kwargs", "q_options={'backoff': []}"),
        ("kwargs", "q_options={'backoff': {}}"),
        ("kwargs", "q_options={'backoff': {'other': 1}}"),
        ("kwargs", "q_options={'backoff': {'initial': 'x'}}"),
        ("kwargs", "q_options={'cached': -1}"),
        ("kwargs", "q_options={'cached': 'x'}"),
        ("kwargs", "q_options={'save': 'x'}"),
        ("kwargs", "q_options={'task_name': 5}"),
        ("kwargs", "q_options={'task_name': 'n' * 300}"),
        ("kwargs", "q_options={'enqueue_on_commit': 5}"),
        ("schedule_type", "I"),
        ("cron", "* *"),
        ("cron", "99 * * * *"),
        ("cron", "0 0 30 2 *"),
    ],
)
def test_every_message_of_the_schedule_form_is_marked(field: str, value: str) -> None:
    form = modelform_factory(Schedule, form=ScheduleForm, fields="__all__")
    kind = {"schedule_type": "C"} if field == "cron" else {}
    messages = [str(each) for told in form({**FORM, **kind, field: value}).errors.values() for each in told]
    assert any(CLOSE in message for message in messages)
    assert [unmarked(message, [value, *SAID_BY_OTHERS]) for message in messages] == [[]] * len(messages)


def test_a_refused_form_is_marked_as_a_whole(client: Client) -> None:
    fields = {**FORM, "func": "nodots", "next_run_0": "", "minutes": "-1"}
    assert told(client, "djq_core/schedule/add/", ("nodots",), **fields) == []


@pytest.mark.parametrize(
    "fields", [{}, {"args": None}, {"func": "<lambda>"}, {"hook": "<lambda>"}, {"kwargs": "junk"}], ids=str
)
def test_every_message_of_putting_back_is_marked(client: Client, fields: dict[str, Any]) -> None:
    Task.objects.filter(pk=FAILURE).update(**fields)
    told_of = {"action": "resubmit_tasks", "_selected_action": [FAILURE]}
    assert told(client, "djq_core/failure/", ("<lambda>",), **told_of) == []


def test_what_the_broker_refuses_is_said_in_the_readers_language(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE djq_orm_ormq RENAME TO djq_orm_away")
    told_of = {"action": "resubmit_tasks", "_selected_action": [FAILURE]}
    data = ("'default'", "default", "no such table: djq_orm_ormq")
    assert told(client, "djq_core/failure/", data, **told_of) == []
    assert Failure.objects.exists()


@pytest.mark.parametrize("name", ["success", "failure", "schedule"])
def test_the_question_before_deleting_is_marked(client: Client, name: str) -> None:
    chosen = {"success": ID, "failure": FAILURE, "schedule": 1}[name]
    assert told(client, f"djq_core/{name}/", action="delete_selected", _selected_action=[chosen]) == []


def test_values_that_cannot_be_read_say_so_in_the_readers_language(client: Client) -> None:
    Task.objects.filter(pk=ID).update(result="junk")
    assert told(client, f"djq_core/success/{ID}/change/") == []


# Dashboard

DASHBOARD: Final = "djq_core/dashboard/"
#: Names of brokers, plugins, functions and tasks, and what a server says.
SEEN: Final = (
    "four-oranges", "lost-orange", "math.sqrt", "nightly", "math.fabs", "default", "SQLite", "ORM", "orm", "core",
    "disque", "ironmq", "mongo", "opentelemetry", "redis", "rollbar", "sentry", "sqs", "djq-", "django-q-",
    "in-memory", "pickle", "json", "cache", "database", "ConnectionError",
    "AwayBroker", "The server at nowhere:1 <script>refuses</script>.",
)  # fmt: skip


@pytest.mark.parametrize("path", [DASHBOARD, f"{DASHBOARD}live/"])
def test_the_dashboard_of_a_busy_site_is_marked(client: Client, path: str) -> None:
    tell_of_clusters("four-oranges")
    failed = [add_failure(func=f"math.sqrt{number}") for number in range(12)]
    add_schedule(task=failed[0].pk)
    add_schedule(schedule_type="C", cron="0 0 * * *", task=ID)
    add_schedule(schedule_type="I", minutes=5, next_run=NOW)
    add_schedule(repeats=0)
    assert told(client, path, SEEN) == []


def test_the_dashboard_of_a_site_with_nothing_is_marked(client: Client) -> None:
    for model in (Task, Schedule, OrmQ):
        model.objects.all().delete()
    assert told(client, DASHBOARD, SEEN) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"CACHES": NO_CACHE},
        {"CACHES": AWAY_CACHE},
        {"Q_CLUSTER": {"broker_class": AWAY}},
        {"Q_CLUSTER": {"name": "tests", "orm": "default", "ALT_CLUSTERS": {"winter": {}}}},
    ],
    ids=str,
)
def test_what_the_dashboard_cannot_see_is_said_in_the_readers_language(
    client: Client, settings: dict[str, Any]
) -> None:
    with override_settings(**settings):
        assert told(client, DASHBOARD, SEEN) == []


@pytest.mark.parametrize(
    ("action", "key"), [("pause", "1"), ("resume", "1"), ("resubmit", FAILURE), ("pause", "7"), ("other", "")]
)
def test_what_the_dashboard_says_of_an_action_is_marked(client: Client, action: str, key: str) -> None:
    for _time in range(2):
        assert told(client, f"{DASHBOARD}act/", SEEN, **{action: key}) == []


@pytest.mark.parametrize("action", ["run_selected", "pause_selected", "resume_selected"])
def test_what_the_list_of_schedules_says_of_an_action_is_marked(client: Client, action: str) -> None:
    for repeats in (-1, 0):
        Schedule.objects.update(repeats=repeats)
        assert told(client, "djq_core/schedule/", action=action, _selected_action=[1]) == []
