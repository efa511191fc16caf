"""The page "Queued tasks"."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from djq_core import current
from djq_core.tasks import async_task
from djq_orm.admin import LISTED, is_configured
from djq_orm.models import OrmQ

pytestmark = pytest.mark.django_db
LIST = "admin:djq_orm_ormq_changelist"


def page_of(row: OrmQ) -> str:
    return reverse("admin:djq_orm_ormq_change", args=[row.pk])


def test_it_is_there_with_the_orm_broker() -> None:
    assert is_configured()
    assert admin.site.is_registered(OrmQ)


@pytest.mark.parametrize("configured", [{"name": "x", "broker": "nothing"}, {"name": "x", "retry": "soon"}, "nonsense"])
def test_it_is_not_there_with_another_or_an_unusable_configuration(configured: object) -> None:
    with override_settings(Q_CLUSTER=configured):
        assert not is_configured()


def test_it_is_not_there_where_a_build_has_no_secret_key() -> None:
    with override_settings(SECRET_KEY=""):
        assert not is_configured()


def test_the_list_shows_tasks(admin_client: Client) -> None:
    task_id = async_task("math.copysign", 2, -2, task_name="sign", group="crowd")
    text = admin_client.get(reverse(LIST)).content.decode()
    assert all(part in text for part in (task_id, "sign", "crowd", "math.copysign", "Queued tasks"))


def test_what_a_foreign_package_says_is_escaped_and_not_read(admin_client: Client) -> None:
    row = OrmQ.objects.create(key="<script>", payload="<script>alert(1)</script>")
    for url in (reverse(LIST), page_of(row)):
        response = admin_client.get(url)
        assert response.status_code == 200
        assert "<script>alert" not in response.content.decode()
        assert escape(row.task["error"]) in response.content.decode()


def test_emptying_the_lock_frees_the_package(admin_client: Client) -> None:
    async_task("math.copysign", 2, -2)
    broker = current.runtime().broker()
    (held,) = broker.receive(1, 0)
    row = OrmQ.objects.get()
    assert row.lock is not None
    admin_client.post(page_of(row), {"key": row.key, "payload": row.payload, "lock_0": "", "lock_1": ""})
    (again,) = broker.receive(1, 0)
    assert (again.package, again.count) == (held.package, 2)
    assert broker.extend([str(held.receipt)], 60) == [None]


def test_editing_leaves_a_lease_in_force(admin_client: Client) -> None:
    async_task("math.copysign", 2, -2)
    broker = current.runtime().broker()
    (held,) = broker.receive(1, 0)
    row = OrmQ.objects.get()
    assert row.lock is not None
    lock = {"lock_0": row.lock.date().isoformat(), "lock_1": row.lock.time().isoformat("seconds")}
    admin_client.post(page_of(row), {"key": row.key, "payload": "edited", **lock})
    row.refresh_from_db()
    assert row.payload == "edited"
    assert broker.extend([str(held.receipt)], 60) == [held.receipt]


def test_rows_can_be_deleted(admin_client: Client) -> None:
    async_task("math.copysign", 2, -2)
    row = OrmQ.objects.get()
    admin_client.post(reverse("admin:djq_orm_ormq_delete", args=[row.pk]), {"post": "yes"})
    assert not OrmQ.objects.exists()


def test_rows_cannot_be_added(admin_client: Client) -> None:
    assert admin_client.get(reverse("admin:djq_orm_ormq_add")).status_code == 403


def test_long_packages_stay_in_the_database_where_many_are_listed(admin_client: Client) -> None:
    async_task("math.fabs", "x" * LISTED, task_name="long")
    async_task("math.fabs", 1, task_name="short")
    with CaptureQueriesContext(connection) as queries:
        response = admin_client.get(reverse(LIST))
    text = response.content.decode()
    assert "Too long for a list: its own page shows it." in text
    assert "short" in text
    assert "long" in admin_client.get(page_of(OrmQ.objects.order_by("id")[0])).content.decode()
    assert [row.get_deferred_fields() for row in response.context["cl"].result_list] == [{"payload"}] * 2
    assert len(queries) <= 6


def test_a_package_that_is_too_long_for_a_form_is_shown_and_freed(admin_client: Client) -> None:
    async_task("math.fabs", "x" * 3_000_000, task_name="long")
    current.runtime().broker().receive(1, 0)
    row = OrmQ.objects.get()
    text = admin_client.get(page_of(row)).content.decode()
    assert 'name="payload"' not in text
    assert row.payload[:1000] in text
    assert len(text) < 100_000
    assert admin_client.post(page_of(row), {"key": row.key, "lock_0": "", "lock_1": ""}).status_code == 302
    freed = OrmQ.objects.get()
    assert (freed.lock, freed.payload == row.payload) == (None, True)
