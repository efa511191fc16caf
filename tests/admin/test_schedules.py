"""The page of schedules: what its list asks, what its form offers and refuses, what its buttons do."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone

from djq_core import current
from djq_core.admin import FailAdmin, ScheduleAdmin, TaskAdmin
from djq_core.models import Failure, Schedule, Success, Task
from djq_core.schedules.kinds import TYPE, choices
from tests.plugins.distributions import site_at

pytestmark = pytest.mark.django_db

FORTNIGHT = """
from datetime import timedelta

from djq_core import hookimpl
from djq_core.schedules import ScheduleType


class Fortnight(ScheduleType):
    code = "F"
    label = "Every fortnight"

    def next_run(self, last):
        return last + timedelta(days=14)


@hookimpl
def djq_register_schedule_types():
    return [Fortnight]
"""
LIST, ADD = "/admin/djq_core/schedule/", "/admin/djq_core/schedule/add/"


def posted(client: Client, **fields: Any) -> dict[str, list[str]]:
    """Fill in the form of a new schedule and return what it complains of."""
    given = {
        "func": "math.pow",
        "schedule_type": "H",
        "repeats": "-1",
        "next_run_0": "2026-01-02",
        "next_run_1": "3:04",
    }
    response = client.post(ADD, {**given, **fields})
    return dict(response.context["adminform"].form.errors) if response.context else {}


def test_the_last_tasks_of_all_rows_are_one_query(admin_client: Client) -> None:
    now = timezone.now()
    for number in range(30):
        task = Task.objects.create(id=f"{number:032x}", name=f"run-{number}", func="f.f", started=now, stopped=now)
        Schedule.objects.create(func="f.f", task=task.pk if number % 3 else "gone")
    with CaptureQueriesContext(connection) as queries:
        text = admin_client.get(LIST).content.decode()
    assert text.count("[run-") == 20
    assert text.count("icon-unknown") == 10
    assert len(queries) <= 6


def test_functions_that_are_not_there_are_refused_where_they_are_new(admin_client: Client) -> None:
    errors = posted(admin_client, func="shop.tasks.send", hook="math.nothing")
    assert errors == {
        "func": ["There is no function “shop.tasks.send” here. Is it spelled right?"],
        "hook": ["There is no function “math.nothing” here. Is it spelled right?"],
    }
    broken = posted(admin_client, func="tests.admin.broken.task")["func"]
    assert broken == ["Importing “tests.admin.broken.task” failed: RuntimeError('It is broken.')."]
    old = Schedule.objects.create(func="shop.tasks.send", schedule_type="H")
    kept = {"func": old.func, "schedule_type": "D", "repeats": "5", "next_run_0": "2026-01-02", "next_run_1": "3:04"}
    assert admin_client.post(f"{LIST}{old.pk}/change/", kept).status_code == 302
    old.refresh_from_db()
    assert (old.schedule_type, old.repeats) == ("D", 5)


def test_what_is_not_allowed_is_not_imported(admin_client: Client) -> None:
    with override_settings(Q_CLUSTER={"orm": "default", "allowed_functions": ["math.*"]}):
        (message,) = posted(admin_client, func="tests.admin.broken.task")["func"]
    assert "is not on the list of functions that may run here" in message


def test_types_of_plugins_can_be_chosen(admin_client: Client, tmp_path: Path) -> None:
    assert [code for code, _ in choices()] == [code for code, _ in TYPE]
    with site_at(tmp_path) as site:
        site.install("djq-fortnight", FORTNIGHT)
        with override_settings(Q_CLUSTER={"name": "tests", "orm": "default"}):
            assert posted(admin_client, schedule_type="F") == {}
            row = Schedule.objects.get()
            text = admin_client.get(f"{LIST}?schedule_type__exact=F").content.decode()
            assert '<td class="field-schedule_type">Every fortnight</td>' in text
            assert row.next_runs(2)[1] - row.next_runs(1)[0] == datetime.timedelta(days=14)
    with override_settings(Q_CLUSTER={"orm": "default", "no_such_key": 1}):
        assert choices() == [*TYPE], "the form is no place to learn of a broken configuration"


def test_cron_counts_from_its_expression_where_no_time_was_given(admin_client: Client) -> None:
    pytest.importorskip("croniter")
    form = admin_client.get(ADD).context["adminform"].form
    start = timezone.localtime(form["next_run"].value())
    day, clock = start.strftime("%Y-%m-%d"), start.strftime("%H:%M:%S")
    shown = {"next_run_0": day, "next_run_1": clock, "initial-next_run_0": day, "initial-next_run_1": clock}
    assert posted(admin_client, schedule_type="C", cron="5 4 * * *", **shown) == {}
    schedule = Schedule.objects.get()
    assert schedule.next_run is not None
    assert (schedule.next_run.hour, schedule.next_run.minute) == (4, 5)
    assert schedule.next_run > timezone.now()


def test_a_schedule_that_cannot_be_run_is_told_and_the_others_go(admin_client: Client) -> None:
    good = Schedule.objects.create(func="math.pow", args="2, 3", name="good")
    bad = Schedule.objects.create(func="math.pow", args="x", name="bad")
    post = {"action": "run_selected", "_selected_action": [good.pk, bad.pk]}
    text = admin_client.post(LIST, post, follow=True).content.decode()
    assert "1 task was put on the queue." in text
    assert "Bad: &#x27;x&#x27; is not a Python literal" in text
    assert current.runtime().broker().queue_size() == 1


def test_editing_how_often_forgets_what_a_pause_remembered(admin_client: Client) -> None:
    row = Schedule.objects.create(func="math.pow", schedule_type="H", repeats=0, paused_repeats=9)
    post = {"func": "math.pow", "schedule_type": "H", "repeats": "3", "next_run_0": "2026-01-02", "next_run_1": "3:04"}
    admin_client.post(f"{LIST}{row.pk}/change/", post)
    row.refresh_from_db()
    assert (row.repeats, row.paused_repeats) == (3, None)


@pytest.mark.parametrize("action", ["run_selected", "pause_selected", "resume_selected"])
def test_who_may_only_look_can_do_nothing(client: Client, django_user_model: Any, action: str) -> None:
    from django.contrib.auth.models import Permission

    guest = django_user_model.objects.create_user("guest", is_staff=True)
    guest.user_permissions.set(Permission.objects.filter(codename="view_schedule"))
    client.force_login(guest)
    row = Schedule.objects.create(func="math.pow", args="2, 3", schedule_type="H")
    before = Schedule.objects.values().get()
    client.post(LIST, {"action": action, "_selected_action": row.pk})
    assert Schedule.objects.values().get() == before
    assert current.runtime().broker().queue_size() == 0


def test_a_site_registers_its_own_class_as_the_manual_shows(admin_client: Client) -> None:
    admin.site.unregister([Failure])
    try:

        @admin.register(Failure)
        class ChildClassAdmin(FailAdmin):
            list_display = ("name", "func", "result", "started", "attempt_count")

        now = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
        Task.objects.create(
            id="1" * 32, name="n", func="f.f", started=now, stopped=now, success=False, result="why", attempt_count=3
        )
        with override_settings(ROOT_URLCONF=(path("admin/", admin.site.urls),)):
            text = admin_client.get("/admin/djq_core/failure/").content.decode()
        assert '<td class="field-listed_result">why</td>' in text
        assert '<td class="field-attempt_count">3</td>' in text
    finally:
        admin.site.unregister([Failure])
        admin.site.register(Failure, FailAdmin)


def test_another_admin_site_keeps_its_links_to_itself(admin_client: Client) -> None:
    site = admin.AdminSite(name="second")
    site.register(Schedule, ScheduleAdmin)
    site.register(Success, TaskAdmin)
    now = timezone.now()
    done = Task.objects.create(id="1" * 32, name="done", func="f.f", started=now, stopped=now)
    lost = Task.objects.create(id="2" * 32, name="lost", func="f.f", started=now, stopped=now, success=False)
    rows = [Schedule.objects.create(func="math.pow", task=task.pk) for task in (done, lost)]
    with override_settings(ROOT_URLCONF=(path("admin/", admin.site.urls), path("second/", site.urls))):
        texts = [admin_client.get(f"/second/djq_core/schedule/{row.pk}/change/").content.decode() for row in rows]
        texts.append(admin_client.get("/second/djq_core/schedule/").content.decode())
    assert [text.count(f"/second/djq_core/success/{done.pk}/change/") for text in texts] == [1, 0, 1]
    assert "lost" in texts[1], "of a task that this site has no page for, the name alone"
    assert not any('"/admin/' in text for text in texts)


@override_settings(USE_THOUSAND_SEPARATOR=True)
def test_a_button_means_a_row_of_any_number(admin_client: Client) -> None:
    row = Schedule.objects.create(pk=12_345_678, func="math.pow", args="2, 3")
    text = admin_client.get(f"{LIST}{row.pk}/change/").content.decode()
    assert set(re.findall(r'name="_selected_action" value="([^"]*)"', text)) == {"12345678"}


def test_a_schedule_can_be_deleted(admin_client: Client) -> None:
    row = Schedule.objects.create(func="math.pow")
    admin_client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"})
    assert not Schedule.objects.exists()


def test_the_list_is_filtered_and_searched(admin_client: Client) -> None:
    Schedule.objects.create(func="math.pow", name="powers", cluster="far", next_run=None)
    Schedule.objects.create(func="math.sqrt", name="roots")

    def found(query: str) -> list[str | None]:
        return [row.name for row in admin_client.get(f"{LIST}?{query}").context["cl"].queryset]

    assert found("cluster=far") == found("next_run__isnull=True") == found("q=power") == ["powers"]
    assert found("q=sqrt") == found("next_run__isnull=False") == ["roots"]
    assert '<a href="?cluster=far">far</a>' in admin_client.get(LIST).content.decode()


def test_the_list_is_sorted_by_what_it_offers(admin_client: Client) -> None:
    for name in ("b", "c", "a"):
        Schedule.objects.create(func="math.pow", name=name)

    def order(query: str) -> list[str | None]:
        return [row.name for row in admin_client.get(f"{LIST}?{query}").context["cl"].result_list]

    assert order("o=2") == ["a", "b", "c"]
    assert order("o=-2") == ["c", "b", "a"]
    assert order("o=99") == order("") == ["b", "c", "a"]


def test_a_subclass_may_have_columns_of_its_own(admin_client: Client) -> None:
    class OwnAdmin(ScheduleAdmin):
        list_display = ("func", "next_run")

    class NamedAdmin(ScheduleAdmin):
        list_display = ("func", "name")

    class LinkedAdmin(FailAdmin):
        list_display = ("name", "result")
        list_display_links = ("result",)

    request = RequestFactory().get(LIST)

    def links(page: Any) -> list[str]:
        assert page.check() == []
        return list(page.get_list_display_links(request, page.get_list_display(request)))

    assert links(ScheduleAdmin(Schedule, admin.site)) == ["id", "name"]
    assert links(OwnAdmin(Schedule, admin.site)) == ["func"]
    assert links(NamedAdmin(Schedule, admin.site)) == ["name"]
    assert links(LinkedAdmin(Failure, admin.site)) == ["listed_result"]
