"""S5: the admin escapes whatever a task, a schedule or an error holds, and its lists load nothing."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models
from django.test import Client, override_settings
from django.utils.html import escape
from django.utils.safestring import mark_safe

from djq_core.models import Failure, Schedule, Success, Task
from djq_core.tasks import async_task
from djq_orm.models import OrmQ
from tests.security.test_packages import EXECUTED, Telltale

pytestmark = [pytest.mark.security, pytest.mark.django_db]

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
SCRIPT = "<script>alert(1)</script>"
PAGES = {Success: "success", Failure: "failure", Schedule: "schedule"}


class Spoken:
    """A value whose text is a script that calls itself safe."""

    def __str__(self) -> str:
        return mark_safe(SCRIPT)

    __repr__ = __str__


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def texts_of(model: type[models.Model]) -> dict[str, str]:
    """Return a script for every text field, whatever fields there are; but for what is a key or a choice."""
    fields = [each for each in model._meta.local_fields if isinstance(each, models.CharField | models.TextField)]
    own = [each for each in fields if not (each.primary_key or each.choices or each.name in ("args", "kwargs"))]
    return {each.name: SCRIPT[: each.max_length or None] for each in own if each.name not in ("result", "task")}


def everything() -> Iterator[tuple[str, Any]]:
    """Yield rows full of scripts, each with the name of its pages."""
    for success, value in ((True, Spoken()), (True, mark_safe(SCRIPT)), (False, mark_safe(f"Error: {SCRIPT}"))):
        values = {"args": (value,), "kwargs": {SCRIPT: value}, "result": value, "started": NOW, "stopped": NOW}
        number = Task.objects.count()
        task = Task.objects.create(id=f"{number:032x}", success=success, **{**texts_of(Task), **values})
        yield ("success" if success else "failure"), task
    texts = texts_of(Schedule) | {"args": SCRIPT, "kwargs": SCRIPT, "schedule_type": "H", "task": task.pk}
    yield "schedule", Schedule.objects.create(next_run=NOW, **texts)


def test_s5_every_page_of_every_model_of_ours_is_looked_at() -> None:
    ours = {model for model in apps.get_app_config("djq_core").get_models() if admin.site.is_registered(model)}
    assert ours == set(PAGES)


def test_s5_scripts_are_escaped_on_every_page(client: Client) -> None:
    for name, row in everything():
        for path in ("", "?q=script", f"{row.pk}/change/", f"{row.pk}/delete/", f"{row.pk}/history/"):
            page = client.get(f"/admin/djq_core/{name}/{path}").content.decode()
            assert "<script>alert" not in page, path
        page = client.get(f"/admin/djq_core/{name}/{row.pk}/change/").content.decode()
        assert page.count(escape(SCRIPT)) >= len(texts_of(type(row))) - 2
        _act(client, name, row)


def _act(client: Client, name: str, row: Any) -> None:
    actions = ["delete_selected", *(["resubmit_tasks"] if name == "failure" else [])]
    for action in actions:
        asked = {"action": action, "_selected_action": [row.pk]}
        page = client.post(f"/admin/djq_core/{name}/", asked, follow=True).content.decode()
        assert "<script>alert" not in page, action
        assert escape(SCRIPT) in page or "&lt;script&gt;" in page, action


def test_s5_what_a_form_refuses_is_shown_escaped(client: Client) -> None:
    form = {"func": SCRIPT, "args": SCRIPT, "kwargs": SCRIPT, "cron": SCRIPT, "schedule_type": "C", "name": SCRIPT}
    page = client.post("/admin/djq_core/schedule/add/", form).content.decode()
    assert "<script>alert" not in page
    assert "errorlist" in page
    assert not Schedule.objects.exists()


def test_s5_what_is_queued_is_escaped_and_not_loaded(client: Client) -> None:
    with override_settings(Q_CLUSTER={"orm": "default"}):
        options = {"task_name": SCRIPT, "group": SCRIPT}  # of a function or a hook a path is asked for
        async_task("math.pow", Telltale(), **{SCRIPT: Telltale()}, q_options=options)
        row = OrmQ.objects.get()
        EXECUTED.clear()
        for path in ("", "?q=script", f"{row.pk}/change/", f"{row.pk}/delete/"):
            page = client.get(f"/admin/djq_orm/ormq/{path}").content.decode()
            assert "<script>alert" not in page, path
            assert escape(SCRIPT) in page or "delete" in path, path
    assert EXECUTED == []


@pytest.mark.parametrize("success", [True, False])
def test_s5_lists_searches_and_confirmations_load_no_value(client: Client, success: bool) -> None:
    values: dict[str, Any] = {"args": Telltale(), "kwargs": Telltale(), "result": Telltale()}
    task = Task.objects.create(
        id="a" * 32, name="n", func="a.b", success=success, started=NOW, stopped=NOW, group="g", **values
    )
    name = "success" if success else "failure"
    EXECUTED.clear()
    for path in ("", "?q=n", "?group=g", "?o=2.1", f"{task.pk}/delete/", f"{task.pk}/history/"):
        assert client.get(f"/admin/djq_core/{name}/{path}").status_code == 200
    client.post(f"/admin/djq_core/{name}/", {"action": "delete_selected", "_selected_action": [task.pk]})
    assert EXECUTED == []
    client.get(f"/admin/djq_core/{name}/{task.pk}/change/")
    assert EXECUTED == ["unpickled"] * 3
