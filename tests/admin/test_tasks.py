"""The pages of tasks: what they show, escape, leave unread, and put back on the queue."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from django.utils.safestring import mark_safe

from djq_core import current
from djq_core.admin import FailAdmin, TaskAdmin
from djq_core.envelope import TASK, decode_package, new_id, task_name
from djq_core.models import Failure, Schedule, Success, Task
from djq_core.tasks import async_task, fetch

pytestmark = pytest.mark.django_db

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
SCRIPT = "<script>alert(1)</script>"
LOADED: list[str] = []


class Telltale:
    """Notes when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return loaded, ("x",)


class Mute:
    """Cannot be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def loaded(name: str) -> str:
    LOADED.append(name)
    return name


@pytest.fixture
def client() -> Client:
    """A client that is logged in as a superuser."""
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def make_task(success: bool, **fields: Any) -> Task:
    task_id = new_id()
    values: dict[str, Any] = {"name": task_name(task_id), "func": "math.pow", "args": (2, 3), "kwargs": {}, **fields}
    return Task.objects.create(id=task_id, success=success, started=NOW, stopped=NOW, **values)


def page(client: Client, path: str, *, follow: bool = False, **post: Any) -> str:
    response = client.post(path, post, follow=True) if post else client.get(path, follow=follow)
    assert response.status_code == 200
    return response.content.decode()


def resubmit(client: Client, *tasks: Task) -> str:
    return page(
        client,
        "/admin/djq_core/failure/",
        action="resubmit_tasks",
        _selected_action=[task.pk for task in tasks],
    )


@pytest.mark.parametrize(("success", "name"), [(True, "success"), (False, "failure")])
def test_lists_read_no_stored_value(client: Client, success: bool, name: str) -> None:
    LOADED.clear()
    task = make_task(success, result=Telltale(), args=Telltale(), kwargs=Telltale(), group="group-a")
    with CaptureQueriesContext(connection) as queries:
        text = page(client, f"/admin/djq_core/{name}/?q={task.name}")
    assert task.name in text
    assert "group-a" in text
    assert LOADED == []
    assert not [query["sql"] for query in queries.captured_queries if '"result"' in query["sql"]]
    page(client, f"/admin/djq_core/{name}/{task.pk}/change/")
    assert LOADED == ["x"] * 3


@pytest.mark.parametrize(("success", "name"), [(True, "success"), (False, "failure")])
def test_everything_is_escaped(client: Client, success: bool, name: str) -> None:
    trap = mark_safe(SCRIPT)
    task = make_task(
        success, result=trap, args=(trap,), kwargs={"a": trap}, func=SCRIPT, hook=SCRIPT, group=SCRIPT, cluster=SCRIPT
    )
    Task.objects.filter(pk=task.pk).update(name=SCRIPT)
    for path in ("", f"{task.pk}/change/", f"{task.pk}/delete/"):
        assert "<script>alert" not in page(client, f"/admin/djq_core/{name}/{path}")
    assert "&lt;script&gt;alert" in page(client, f"/admin/djq_core/{name}/{task.pk}/change/")


def test_schedules_are_escaped(client: Client) -> None:
    task = make_task(True, name=SCRIPT)
    schedule = Schedule.objects.create(
        func=SCRIPT, name=SCRIPT, hook=SCRIPT, args=SCRIPT, kwargs=SCRIPT, cluster=SCRIPT, cron=SCRIPT, task=task.pk
    )
    for path in ("", f"{schedule.pk}/change/"):
        text = page(client, f"/admin/djq_core/schedule/{path}")
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


def test_a_task_can_be_looked_at_and_deleted_but_not_changed(client: Client) -> None:
    task = make_task(True, result=[1, 2], hook="hooks.done")
    path = f"/admin/djq_core/success/{task.pk}/"
    text = page(client, f"{path}change/")
    assert re.search(r"<pre[^>]*>\[1, 2\]</pre>", text)
    assert "hooks.done" in text
    assert client.get("/admin/djq_core/success/add/").status_code == 403
    page(client, f"{path}change/", func="os.system")
    assert Task.objects.get(pk=task.pk).func == "math.pow"
    page(client, f"{path}delete/", post="yes")
    assert not Task.objects.exists()


def test_values_that_cannot_be_shown_say_so(client: Client) -> None:
    task = make_task(True, result=Mute(), args=("x" * 30_000,))
    connection.cursor().execute(f"UPDATE {Task._meta.db_table} SET kwargs = 'junk' WHERE id = %s", [task.pk])
    text = page(client, f"/admin/djq_core/success/{task.pk}/change/")
    assert "Mute: RuntimeError when printed" in text
    assert "This value cannot be read" in text
    assert len(text) < 60_000


@pytest.mark.parametrize(("success", "name"), [(True, "success"), (False, "failure")])
def test_half_of_a_surrogate_pair_can_be_shown(client: Client, success: bool, name: str) -> None:
    task = make_task(success, result="no such file: caf\udce9")
    assert r"no such file: caf\udce9" in page(client, f"/admin/djq_core/{name}/{task.pk}/change/")


def test_a_site_may_list_results(client: Client) -> None:
    class ChildAdmin(FailAdmin):
        list_display = ("name", "func", "result", "started", "attempt_count")

    make_task(False, result=mark_safe(SCRIPT + "y" * 500))
    request = RequestFactory().get("/admin/")
    request.user = User.objects.get(username="root")
    child = ChildAdmin(Failure, admin.site)
    with CaptureQueriesContext(connection) as queries:
        listed = [child.listed_result(task) for task in child.get_queryset(request)]
    assert len(queries) == 1
    assert listed[0].startswith("&lt;script&gt;")
    assert len(listed[0]) < 300
    assert list(child.get_list_display(request)) == ["name", "func", "listed_result", "started", "attempt_count"]


def test_a_schedule_is_made_and_shows_its_last_run(client: Client) -> None:
    page(
        client,
        "/admin/djq_core/schedule/add/",
        func="math.copysign",
        args="2,-2",
        schedule_type="H",
        repeats="-1",
        next_run_0="2026-01-02",
        next_run_1="03:04:05",
    )
    schedule = Schedule.objects.get()
    assert (schedule.func, schedule.args, schedule.schedule_type, schedule.next_run) == (
        "math.copysign",
        "2,-2",
        "H",
        NOW,
    )
    task = make_task(False)
    Schedule.objects.update(task=task.pk)
    text = page(client, "/admin/djq_core/schedule/")
    assert f'<a href="/admin/djq_core/failure/{task.pk}/change/">[{task.name}]</a>' in text
    assert "icon-no" in text


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("func", "nodots", "“nodots” is no dotted path"),
        ("hook", "no dots", "“no dots” is no dotted path"),
        ("kwargs", "q_options={'tiemout': 5}", "Did you mean &#x27;timeout&#x27;"),
        ("kwargs", "q_options=5", "q_options takes a dictionary"),
        ("kwargs", "a=", "cannot be read"),
    ],
)
def test_a_schedule_that_cannot_be_meant_is_refused_once(client: Client, field: str, value: str, told: str) -> None:
    fields: dict[str, Any] = {
        "func": "math.pow",
        "schedule_type": "H",
        "repeats": "-1",
        "next_run_0": "2026-01-02",
        "next_run_1": "3:04",
    }
    text = page(client, "/admin/djq_core/schedule/add/", **{**fields, field: value})
    assert text.count(told) == 1
    assert not Schedule.objects.exists()


# Resubmitting


def queued() -> list[Any]:
    """Return what lies on the queue."""
    runtime = current.runtime()
    return [
        decode_package(runtime.signer.verify(TASK, delivery.package), max_bytes=10**6)
        for delivery in runtime.broker().receive(10, 0)
    ]


def test_a_failed_task_goes_back_on_the_queue_unread(client: Client) -> None:
    LOADED.clear()
    task = make_task(False, args=(Telltale(),), kwargs={"a": 1}, group="g", hook="hooks.done", result="error")
    LOADED.clear()
    assert "1 task was put back on the queue." in resubmit(client, task)
    assert LOADED == []
    (package,) = queued()
    assert (package.func, package.group, package.hook) == ("math.pow", "g", "hooks.done")
    assert current.runtime().load(package.serializer, package.parts["args"]) == ("x",)
    assert current.runtime().load(package.serializer, package.parts["kwargs"]) == {"a": 1}
    assert package.id != task.pk
    assert package.name == task_name(package.id)
    assert not Task.objects.exists()


def test_a_resubmitted_task_runs(client: Client) -> None:
    failed = async_task("math.sqrt", -1, sync=True, task_name="root of all evil")
    assert fetch(failed).success is False  # type: ignore[union-attr]
    Task.objects.update(func="math.fabs")
    with override_settings(Q_CLUSTER={"orm": "default", "sync": True}):
        resubmit(client, Task.objects.get())
    task = Task.objects.get()
    assert (task.success, task.result, task.name) == (True, 1.0, "root of all evil")
    assert task.pk != failed


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"func": "functools.partial(<function f>)"}, "function has no dotted path"),
        ({"hook": "<lambda>"}, "hook has no dotted path"),
        ({"args": None}, "arguments were not stored"),
    ],
)
def test_what_cannot_be_sent_again_stays_and_the_others_go(client: Client, fields: Any, reason: str) -> None:
    bad, good = make_task(False, **fields), make_task(False)
    text = resubmit(client, bad, good)
    assert reason in text
    assert "1 task was put back on the queue." in text
    assert [task.pk for task in Task.objects.all()] == [bad.pk]
    assert len(queued()) == 1


def test_arguments_with_a_foreign_signature_are_not_sent(client: Client) -> None:
    task = make_task(False)
    connection.cursor().execute(f"UPDATE {Task._meta.db_table} SET args = 'pickle:junk:sig' WHERE id = %s", [task.pk])
    assert "arguments cannot be read" in resubmit(client, task)
    assert (Task.objects.count(), queued()) == (1, [])


def test_a_success_that_is_sent_again_stays(client: Client) -> None:
    task = make_task(True, args=(2, 3), kwargs={}, result=8.0)
    text = page(client, "/admin/djq_core/success/", action="resubmit_tasks", _selected_action=[task.pk])
    assert "1 task was put back on the queue." in text
    (package,) = queued()
    assert (package.func, package.id != task.pk) == ("math.pow", True)
    assert Task.objects.get().result == 8.0


def test_a_task_leads_to_its_group_and_its_schedule(client: Client) -> None:
    named = Schedule.objects.create(func="math.pow", name="nightly")
    unnamed = Schedule.objects.create(func="math.pow")
    for group, schedule in (("nightly", named), (str(unnamed.pk), unnamed)):
        text = page(client, f"/admin/djq_core/success/{make_task(True, group=group).pk}/change/")
        assert f'<a href="/admin/djq_core/success/?group={group}">{group}</a>' in text
        assert f'<a href="/admin/djq_core/schedule/{schedule.pk}/change/">' in text
    assert "/admin/djq_core/schedule/1" not in page(client, f"/admin/djq_core/success/{make_task(True).pk}/change/")


def test_a_site_may_choose_what_is_on_a_page(client: Client) -> None:
    class ShortAdmin(TaskAdmin):
        fields = ("name", "result")

    request = RequestFactory().get("/admin/")
    request.user = User.objects.get(username="root")
    short = ShortAdmin(Success, admin.site)
    assert short.get_fieldsets(request) == [(None, {"fields": ["name", "shown_result"]})]


def test_a_site_may_put_fields_in_one_line(client: Client) -> None:
    class LinesAdmin(TaskAdmin):
        fields = (("name", "func"), ("args", "result"))

    request = RequestFactory().get("/admin/")
    request.user = User.objects.get(username="root")
    lines = LinesAdmin(Success, admin.site)
    text = lines.changeform_view(request, make_task(True, result=8.0).pk).rendered_content
    assert "math.pow" in text
    assert '<pre class="djq-value-shown">(2, 3)</pre>' in text
    assert '<pre class="djq-value-shown">8.0</pre>' in text


def test_the_time_taken_is_no_power_of_ten(client: Client) -> None:
    task = make_task(True)
    Task.objects.filter(pk=task.pk).update(stopped=NOW + datetime.timedelta(microseconds=64))
    for path in ("", f"{task.pk}/change/"):
        assert "0.000064 s<" in page(client, f"/admin/djq_core/success/{path}")


@pytest.mark.parametrize(("language", "shown"), [("en", "12.402957 s"), ("de", "12,402957 s"), ("fr", "12,402957 s")])
def test_the_time_taken_has_its_unit_in_the_readers_language(language: str, shown: str) -> None:
    task = make_task(True)
    task.stopped = NOW + datetime.timedelta(seconds=12.402957)
    with translation.override(language):
        assert TaskAdmin(Success, admin.site).time_taken(task) == shown
