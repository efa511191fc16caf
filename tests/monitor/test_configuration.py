"""The configuration in force, without any secret (manual 1.10.2)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from djq_core import hookimpl
from djq_core.conf import KEYS
from djq_core.monitor.configuration import configuration
from djq_core.plugins import PluginSetting
from djq_core.runtime import Runtime
from tests.conf.making import KEY
from tests.making import runtime_of

SECRETS: dict[str, Any] = {
    "redis": {"host": "h", "password": "s3cret-1"},
    "mongo": "mongodb://user:s3cret-2@h",
    "sqs": {"aws_access_key_id": "s3cret-3", "aws_secret_access_key": "s3cret-4", "aws_region": "eu"},
    "iron_mq": {"token": "s3cret-5"},
    "disque_auth": "s3cret-6",
    "error_reporter": {"sentry": {"dsn": "https://s3cret-7@h/1", "release": "s3cret-8"}},
    "ALT_CLUSTERS": {"mails": {"redis": "redis://:s3cret-9@h", "error_reporter": {"rollbar": {"x": "s3cret-10"}}}},
    "prefix": f"made of {KEY}",
}


def shown(runtime: Runtime) -> dict[str, Any]:
    found = configuration(runtime)
    text = json.dumps(found)
    assert "s3cret" not in text
    assert KEY not in text
    return found


def test_every_key_is_there_with_the_value_in_force() -> None:
    found = shown(runtime_of(name="main", workers=3, timeout=90, cache="default"))
    assert set(KEYS) <= set(found)
    assert (found["name"], found["workers"], found["queue_limit"], found["timeout"]) == ("main", 3, 9, 90)
    assert found["label"] == "Django Q"
    assert found["accept_serializers"] == ["json", "pickle"]


def test_no_secret_is_shown() -> None:
    found = shown(runtime_of(**SECRETS))
    assert found["redis"] == {"host": "h", "password": "********"}
    assert found["mongo"] == "mongodb://********@h"
    assert found["sqs"]["aws_region"] == "eu"
    assert found["disque_auth"] == "********"
    assert found["error_reporter"] == {"sentry": {"dsn": "********", "release": "********"}}
    assert found["ALT_CLUSTERS"]["mails"]["redis"] == "redis://********@h"
    assert found["ALT_CLUSTERS"]["mails"]["error_reporter"] == {"rollbar": "********"}
    assert found["prefix"] == "made of ********"


def test_what_a_plugin_calls_secret_is_hidden() -> None:
    runtime = runtime_of(pin="s3cret-1", other="open", ALT_CLUSTERS={"mails": {"pin": "s3cret-2"}})
    settings = (PluginSetting("pin", str, secret=True), PluginSetting("more", int, default=3))
    found = shown(Runtime(runtime.conf, replace(runtime.registry, settings=settings)))
    assert (found["pin"], found["other"], found["more"]) == ("********", "open", 3)
    assert found["ALT_CLUSTERS"]["mails"]["pin"] == "********"


class Redacting:
    @hookimpl
    def djq_redact(self, key: str, value: object) -> str | None:
        if key == "broken":
            raise ValueError("no")
        return f"ends with {str(value)[-1]}" if key == "number" else None


def test_the_hook_is_asked_first(caplog: pytest.LogCaptureFixture) -> None:
    found = shown(runtime_of(plugins=[Redacting()], number="s3cret-7", broken="s3cret-1", plain="open"))
    assert (found["number"], found["broken"], found["plain"]) == ("ends with 7", "********", "open")
    assert "djq_redact" in caplog.text


def test_lists_and_pauses_are_shown_as_they_are_written() -> None:
    found = shown(runtime_of(allowed_functions=["shop.tasks.*", "a.b"], backoff=[1, 5], max_attempts=3))
    assert found["allowed_functions"] == ["a.b", "shop.tasks.*"]
    assert found["backoff"] == [1, 5]
    assert shown(runtime_of(backoff={"initial": 2}))["backoff"]["initial"] == 2
