"""What can be done on the dashboard, by whom."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client, override_settings

from djq_core import current
from djq_core.models import Schedule, Task
from tests.dashboard.conftest import ADDRESS, LogIn
from tests.dashboard.seeding import SCRIPT, add_failure, add_schedule

pytestmark = pytest.mark.django_db


def press(client: Client, name: str, value: object) -> str:
    """Press a button of the page and return the page that follows."""
    client.get(ADDRESS)
    token = client.cookies["csrftoken"].value
    posted = {"csrfmiddlewaretoken": token, name: value}
    response = client.post(f"{ADDRESS}act/", posted, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_a_schedule_is_paused_and_runs_again(client: Client) -> None:
    schedule = add_schedule(SCRIPT, repeats=3)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;” is paused." in press(client, "pause", schedule.pk)
    assert Schedule.objects.get().repeats == 0
    assert "was paused already" in press(client, "pause", schedule.pk)
    assert "runs again" in press(client, "resume", schedule.pk)
    assert Schedule.objects.get().repeats == 3
    assert "was not paused" in press(client, "resume", schedule.pk)
    assert [entry.get_change_message() for entry in LogEntry.objects.all()] == ["Changed repeats."] * 2


def test_a_schedule_that_cannot_run_is_not_resumed(client: Client) -> None:
    past = datetime(2026, 1, 1, tzinfo=UTC)
    schedule = add_schedule(repeats=0, schedule_type="C", cron="never", next_run=past)
    assert "was not resumed" in press(client, "resume", schedule.pk)
    assert Schedule.objects.get().repeats == 0


def test_a_failure_goes_back_on_the_queue(client: Client) -> None:
    task = add_failure()
    assert "“lost-orange” was put back on the queue." in press(client, "resubmit", task.pk)
    assert not Task.objects.exists()
    assert current.runtime().broker().queue_size() == 1


@override_settings(Q_CLUSTER={"broker_class": "tests.monitor.dashboard.parts.RefusingBroker"})
def test_what_cannot_be_sent_stays(client: Client) -> None:
    task = add_failure()
    assert "was not put back on the queue" in press(client, "resubmit", task.pk)
    assert Task.objects.exists()


@pytest.mark.parametrize("name", ["pause", "resume", "resubmit"])
@pytest.mark.parametrize("key", ["0", "nothing", "9" * 30])
def test_what_is_gone_is_said(client: Client, name: str, key: str) -> None:
    assert "no longer there" in press(client, name, key)


def test_a_form_without_a_button_does_nothing(client: Client) -> None:
    assert "no button was pressed" in press(client, "something", "1")


@pytest.mark.parametrize("name", ["pause", "resubmit"])
def test_who_may_only_look_cannot_act(log_in: LogIn, name: str) -> None:
    client = log_in("view_failure", "view_schedule")
    schedule, task = add_schedule(), add_failure()
    client.get(ADDRESS)
    keys = {"pause": schedule.pk, "resubmit": task.pk}
    posted = {"csrfmiddlewaretoken": client.cookies["csrftoken"].value, name: keys[name]}
    assert client.post(f"{ADDRESS}act/", posted).status_code == 403
    assert (Schedule.objects.get().repeats, Task.objects.count()) == (-1, 1)


def test_only_a_post_with_a_token_acts(client: Client) -> None:
    schedule = add_schedule()
    assert client.get(f"{ADDRESS}act/", {"pause": schedule.pk}).status_code == 302
    assert client.post(f"{ADDRESS}act/", {"pause": schedule.pk}).status_code == 403
    assert Schedule.objects.get().repeats == -1


def test_who_may_change_schedules_alone_sees_no_button_of_failures(log_in: LogIn) -> None:
    client = log_in("view_failure", "view_schedule", "change_schedule")
    add_schedule()
    add_failure()
    text = client.get(ADDRESS).content.decode()
    assert 'name="pause"' in text
    assert 'name="resubmit"' not in text


def test_who_was_logged_out_comes_back_to_the_dashboard(client: Client) -> None:
    schedule = add_schedule()
    user = User.objects.get()
    client.get(ADDRESS)
    posted = {"csrfmiddlewaretoken": client.cookies["csrftoken"].value, "pause": schedule.pk}
    del client.cookies["sessionid"]
    login = client.post(f"{ADDRESS}act/", posted)
    client.force_login(user)
    response = client.get(parse_qs(urlsplit(login["Location"]).query)["next"][0], follow=True)
    assert response.redirect_chain == [(ADDRESS, 302)]
    assert "Nothing was done: you were logged out." in response.content.decode()
    assert Schedule.objects.get().repeats == schedule.repeats != 0
