"""Check-ins of schedules: what is sent of real runs, and what the monitors are made of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from djq_core.envelope.package import ORIGIN
from djq_sentry.checkins import Settings, _config_of, slug_of
from plugins.djq_sentry.tests.envelopes import Inbox


def test_runs_of_schedules_check_in(make_sentry_site: Any, inbox: Inbox) -> None:
    site = make_sentry_site(
        {"dsn": inbox.dsn, "environment": "tests"}, timeout=100, sentry_check_ins=["Every Hour", "bad", "gone"]
    )
    for name, func, fields in (
        ("Every Hour", "mark", {"schedule_type": "H"}),
        ("bad", "fail", {"schedule_type": "C", "cron": "* * * * *"}),
        ("gone", "leave", {"schedule_type": "I", "minutes": 5}),
        ("once", "mark", {"schedule_type": "O"}),
        ("unwatched", "mark", {"schedule_type": "D"}),
    ):
        site.call("add_schedules", 1, -120, name=name, func=f"tests.harness.tasks.{func}", args=repr(func), **fields)
    with site.cluster() as cluster:
        inbox.find("check_in", lambda told: told["status"] != "in_progress", 3)
        site.wait_done(3)
        assert cluster.stop() == 0
    by_slug: dict[str, list[Any]] = {}
    for told in inbox.all("check_in"):
        assert told["environment"] == "tests"
        by_slug.setdefault(told["monitor_slug"], []).append(told)
    assert set(by_slug) == {"every-hour", "bad", "gone"}
    statuses = {slug: [told["status"] for told in found] for slug, found in by_slug.items()}
    assert statuses["every-hour"][:2] == ["in_progress", "ok"]
    assert statuses["bad"][:2] == ["in_progress", "error"]
    assert statuses["gone"][-1] == "error", "the monitor tells of a worker that died"
    for found in by_slug.values():
        first, last = found[0], found[-1]
        assert first["monitor_config"] == last["monitor_config"]
    began, ended = by_slug["every-hour"][:2]
    assert began["check_in_id"] == ended["check_in_id"]
    assert 0 < ended["duration"] < 10
    assert began["monitor_config"] == {
        "schedule": {"type": "interval", "value": 1, "unit": "hour"},
        "timezone": "UTC",
        "max_runtime": 3,
    }
    assert by_slug["bad"][0]["monitor_config"]["schedule"] == {"type": "crontab", "value": "* * * * *"}
    assert by_slug["gone"][0]["monitor_config"]["schedule"] == {"type": "interval", "value": 5, "unit": "minute"}


@pytest.mark.parametrize(
    ("origin", "slug"),
    [
        ({"id": 7, "name": "Nightly report"}, "nightly-report"),
        ({"id": 7}, "schedule-7"),
        ({"id": 7, "name": "2024"}, "schedule-2024"),
        ({"id": 7, "name": "日報"}, "schedule-7"),
        ({"id": 7, "name": "Übersicht"}, "ubersicht"),
    ],
)
def test_a_slug_is_what_sentry_takes(origin: dict[str, Any], slug: str) -> None:
    assert slug_of(origin) == slug


def test_long_names_that_begin_alike_have_slugs_of_their_own() -> None:
    slugs = {slug_of({"id": 1, "name": f"{'long ' * 20}{end}"}) for end in ("a", "b")}
    assert len(slugs) == 2
    assert {len(slug) for slug in slugs} == {50}


@pytest.mark.parametrize(
    ("origin", "rule"),
    [
        ({"type": "C", "cron": "*/5 8-18 * * MON-FRI"}, {"type": "crontab", "value": "*/5 8-18 * * MON-FRI"}),
        ({"type": "C", "cron": "0 0 L * *"}, {"type": "crontab", "value": "0 0 L * *"}),
        ({"type": "Q"}, {"type": "interval", "value": 3, "unit": "month"}),
        ({"type": "I", "minutes": 10}, {"type": "interval", "value": 10, "unit": "minute"}),
    ],
)
def test_the_monitor_has_the_rule_of_the_schedule(origin: dict[str, Any], rule: dict[str, Any]) -> None:
    settings = Settings(schedules=True, time_zone="Europe/Vienna")
    task = {"id": "1", "headers": {ORIGIN: json.dumps(origin)}}
    assert _config_of(origin, task, settings) == {"schedule": rule, "timezone": "Europe/Vienna"}


@pytest.mark.parametrize(
    "origin", [{"type": "C", "cron": "* * * * * *"}, {"type": "C", "cron": "0 0 * * 5#1"}, {"type": "XX"}]
)
def test_a_rule_that_sentry_does_not_read_is_left_to_a_monitor_made_by_hand(origin: dict[str, Any]) -> None:
    assert _config_of(origin, {}, Settings(schedules=True, time_zone="UTC")) is None
