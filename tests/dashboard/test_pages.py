"""The dashboard: what it shows to whom, and what it says of what is away."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from djq_core.admin import FailAdmin
from djq_core.dashboard import Dashboard, DashboardAdmin
from djq_core.dashboard.texts import UNKNOWN
from djq_core.envelope import new_id
from djq_core.models import Failure, Schedule, Task
from tests.dashboard.conftest import ADDRESS, LogIn
from tests.dashboard.seeding import SCRIPT, add_failure, add_schedule, fill, tell_of_clusters
from tests.monitor.dashboard.parts import AWAY, AWAY_CACHE, NO_CACHE, durations, snapshot, tell

pytestmark = pytest.mark.django_db


def page(client: Client, address: str = ADDRESS) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def sections(text: str) -> list[str]:
    return re.findall(r'<section [^>]*id="djq-([a-z-]+[0-9]*)"', text)


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


# Its place


def test_the_index_leads_there(client: Client) -> None:
    assert f'href="{ADDRESS}"' in page(client, "/admin/")
    assert f'href="{ADDRESS}"' in page(client, "/admin/djq_core/")
    assert reverse("admin:djq_core_dashboard") == reverse("admin:djq_core_dashboard_changelist") == ADDRESS


def test_it_needs_no_table_and_no_migration() -> None:
    assert Dashboard not in apps.get_app_config("djq_core").get_models()
    call_command("makemigrations", "djq_core", check=True, dry_run=True, verbosity=0)


def test_nothing_can_be_added_changed_or_deleted(client: Client) -> None:
    for path in ("add/", "1/change/", "1/delete/", "1/"):
        assert client.get(f"{ADDRESS}{path}").status_code == 404


def test_another_admin_site_may_have_it(client: Client) -> None:
    site = admin.AdminSite(name="second")
    site.register(Failure, FailAdmin)
    site.register(Dashboard, DashboardAdmin)
    request = RequestFactory().get("/")
    request.user = User.objects.get()
    (app,) = site.get_app_list(request) if _is_mounted(site) else [{"models": []}]
    assert [model["object_name"] for model in app["models"]] == ["Dashboard", "Failure"]
    own = site.get_model_admin(Dashboard)
    assert own.has_view_permission(request)
    assert not own.has_change_permission(request)


def _is_mounted(site: admin.AdminSite) -> bool:
    """Is every address of the site there, as ``path("…", site.urls)`` needs it?"""
    names = {pattern.name for each in site.get_urls() for pattern in getattr(each, "url_patterns", [])}
    return {"djq_core_dashboard_changelist", "djq_core_dashboard_live", "djq_core_dashboard_act"} <= names


# What it shows


def test_everything_is_there(client: Client) -> None:
    tell_of_clusters()
    add_failure()
    add_schedule()
    text = page(client)
    assert sections(text) == ["glance", "queue-1", "failures", "schedules", "plugins"]
    told = text_of(text)
    for each in (
        "Workers at work 1 of 3",
        "four-oranges 4711 Working 3 0 0 3",
        "2 idle workers: 17005, 17006",
        "four-oranges:4711 17004 four-oranges four-oranges",
        "nightly math.fabs Hourly in 1.5 h",
        "orm djq-orm",
        "Broker ORM default (SQLite",
    ):
        assert each in told
    assert re.search(r"math.sqrt 1 6\d s ago", told)
    assert "Runs a minute 60" in told


def test_charts_have_words_and_a_table(client: Client) -> None:
    tell_of_clusters()
    text = page(client)
    assert text.count("<svg viewBox") == 4
    assert re.search(r'role="img" aria-label="Queue depth. on the queue: now 3, at most 3; fetched: now 1', text)
    table = text[text.index("djq-points-1-table") :]
    assert table[: table.index("</table>")].count('<th scope="row">') == 60


def test_latencies_of_their_lives_are_told(client: Client) -> None:
    runtime = apps.get_app_config("djq_core").runtime  # type: ignore[attr-defined]
    tell(runtime, runtime.shared_broker(), [snapshot(runs=durations(6, 6))])
    assert "Time to run 200 ms 1.5 s 75 ms 98 ms 100 ms" in text_of(page(client))


def test_a_site_at_rest_says_so(client: Client) -> None:
    told = text_of(page(client))
    for each in (f"Clusters {UNKNOWN} ", "Waiting tasks 0", "Nothing failed.", "Nothing is scheduled."):
        assert each in told


def test_other_queues_are_shown_too(client: Client) -> None:
    with override_settings(Q_CLUSTER={"name": "tests", "orm": "default", "ALT_CLUSTERS": {"reports": {}}}):
        text = page(client)
    assert "Queue “tests”" in text
    assert "Queue “reports”" in text


def test_numbers_of_drawings_know_no_language(client: Client) -> None:
    tell_of_clusters()
    with override_settings(LANGUAGE_CODE="de", USE_THOUSAND_SEPARATOR=True):
        text = page(client)
    paths = re.findall(r' d="([^"]*)"', text[text.index("djq-plot") : text.index("djq-details")])
    assert len(paths) == 20
    assert all(re.fullmatch(r"[MLHZ0-9., ]*", path) for path in paths)
    assert 'data-interval="5"' in text


def test_everything_is_escaped(client: Client) -> None:
    fill(SCRIPT)
    text = page(client)
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 10


def test_a_strict_policy_holds(client: Client) -> None:
    fill("x")
    own = page(client)
    own = own[own.index('id="djq"') :]
    own = own[: own.index("<footer")]
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|<script", own)
    assert page(client).count("djq_core/dashboard.js") == 1


def test_looking_changes_nothing_and_asks_little(log_in: LogIn) -> None:
    client = log_in("view_success", "view_failure", "view_schedule", "change_failure", "change_schedule")
    tell_of_clusters()
    task = add_failure()
    for number in range(12):
        add_schedule(f"s{number}", task=task.pk)
        add_failure(f"f{number}")
    for address in (ADDRESS, f"{ADDRESS}live/"):
        page(client, address)
        with CaptureQueriesContext(connection) as queries:
            page(client, address)
        asked = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
        assert len(asked) <= 12
        assert {sql.split()[0] for sql in asked} == {"SELECT"}


# Who sees it


@pytest.mark.parametrize(
    ("permissions", "shown"),
    [
        (["view_success"], ["glance", "queue-1", "plugins"]),
        (["view_failure"], ["glance", "queue-1", "failures", "plugins"]),
        (["view_schedule"], ["glance", "schedules"]),
    ],
)
def test_each_part_is_for_who_may_see_it(log_in: LogIn, permissions: list[str], shown: list[str]) -> None:
    client = log_in(*permissions)
    add_failure()
    add_schedule(task=add_failure().pk)
    for address in (ADDRESS, f"{ADDRESS}live/"):
        text = page(client, address)
        assert sections(text) == shown
        assert 'form="djq-act"' not in text


def test_others_are_kept_out(log_in: LogIn) -> None:
    stranger, staff = Client(), log_in("view_user")
    for path in ("", "live/"):
        assert stranger.get(f"{ADDRESS}{path}").status_code == 302
        assert staff.get(f"{ADDRESS}{path}").status_code == 403
    assert ADDRESS not in page(staff, "/admin/")


# What is away


@override_settings(Q_CLUSTER={"broker_class": AWAY})
def test_a_broker_that_is_away_is_one_line(client: Client) -> None:
    text = page(client)
    assert text.count("The broker does not answer") == 1
    assert "&lt;script&gt;refuses" in text


@pytest.mark.parametrize(
    ("caches", "told"),
    [(AWAY_CACHE, "does not answer (ConnectionError)"), (NO_CACHE, "keeps nothing. No cluster can be seen")],
)
def test_a_cache_that_does_not_help_is_one_line(client: Client, caches: Any, told: str) -> None:
    with override_settings(CACHES=caches):
        text = page(client)
    assert text.count(told) == 1
    assert "secret" not in text


def test_tables_that_are_away_are_one_line_each(client: Client) -> None:
    with connection.cursor() as cursor:
        for model in (Task, Schedule):
            cursor.execute(f"DROP TABLE {model._meta.db_table}")
    assert page(client).count("The database does not answer: no such table") == 2


@override_settings(Q_CLUSTER={"workers": -1})
def test_a_configuration_that_cannot_be_used_is_said(client: Client) -> None:
    text = page(client)
    assert "Q_CLUSTER cannot be used." in text
    assert sections(text) == ["glance", "configuration", "failures", "schedules"]


def test_a_task_without_a_name_is_still_linked(client: Client) -> None:
    task = Task.objects.get(pk=add_failure("").pk)
    assert len(task.pk) == len(new_id())
    assert f">{task.pk}</a>" in page(client)


def test_a_failure_without_a_function_leads_to_its_list_by_a_name(client: Client) -> None:
    add_failure("nameless", func="")
    assert re.search(r'<a href="/admin/djq_core/failure/\?q=">\u2013</a>', page(client))
