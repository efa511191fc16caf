"""The entry point, what it costs where nobody asked for it, and its settings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import override_settings
from importlib_metadata import entry_points

from djq_core import current
from djq_core.exceptions import ConfigurationError
from plugins.djq_sentry.tests.envelopes import Inbox, error_of, is_of

ROOT = Path(__file__).resolve().parents[3]

NOT_ASKED_FOR = """
import sys
import django
django.setup()
from django.core.checks import run_checks
from djq_core import current
hooks = current.runtime().hooks
assert not hooks.wants_enqueue
assert hooks.execute(lambda *args: sum(args), {"args": (1, 2), "kwargs": {}}) == 3
hooks.cluster_starting("tests", 1)
hooks.post_spawn("worker", "Process-1:1", 1)
run_checks()
assert "sentry_sdk" not in sys.modules
"""

WITHOUT_DSN = """
import logging
import os
import django
os.environ.pop("SENTRY_DSN", None)
django.setup()
from djq_sentry.sdk import SDK
told = []
handler = logging.Handler()
handler.emit = lambda record: told.append(record.getMessage())
logging.getLogger("djq").addHandler(handler)
SDK.begin({})
SDK.begin({})
SDK.flush(1.0)
assert len(told) == 1 and "no dsn" in told[0], told
"""

IN_SYNC = """
import django
from django.conf import settings
django.setup()
from django.core.management import call_command
from django.test import override_settings
from djq_core import current
from djq_core.tasks import async_task
import sentry_sdk

call_command("migrate", verbosity=0)
reporter = {{"sentry": {{"dsn": {dsn!r}}}}}
with override_settings(Q_CLUSTER={{"name": "tests", "orm": "default", "error_reporter": reporter}}):
    assert not current.runtime().hooks.wants_enqueue
    async_task("math.sqrt", -1, sync=True, task_name="first")
    assert sentry_sdk.is_initialized()
    async_task("math.sqrt", -2, sync=True, task_name="second")
    current.runtime().reporters.flush(5.0)
"""


def run(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def cluster_of(**sentry: Any) -> dict[str, Any]:
    return {"name": "tests", "orm": "default", "error_reporter": {"sentry": sentry}}


def test_the_entry_point_leads_to_the_plugin() -> None:
    (point,) = entry_points(group="djq", name="sentry")
    plugin = point.load()
    assert [setting.name for setting in plugin.djq_settings()] == ["sentry_check_ins"]
    assert [reporter.name for reporter in plugin.djq_register_error_reporters()] == ["sentry"]


def test_where_nobody_asked_for_it_nothing_is_done_and_no_sdk_imported() -> None:
    run(NOT_ASKED_FOR)


def test_tasks_in_sync_are_reported_by_an_sdk_that_the_first_error_sets_up(inbox: Inbox) -> None:
    run(IN_SYNC.format(dsn=inbox.dsn))
    (first,), (second,) = inbox.find("event", is_of("first")), inbox.find("event", is_of("second"))
    assert error_of(first)[0] == error_of(second)[0] == "ValueError"
    assert second["tags"]["djq.func"] == "math.sqrt"


@pytest.mark.parametrize(
    ("sentry", "told"),
    [
        ({"dsn": "http://key@host/1", "enviroment": "x"}, "sentry_sdk.init knows no 'enviroment'"),
        ({"dsn": "no address"}, "BadDsn"),
    ],
)
def test_wrong_settings_are_an_error_of_the_checks_and_of_the_cluster(sentry: dict[str, Any], told: str) -> None:
    with override_settings(Q_CLUSTER=cluster_of(**sentry)):
        (message,) = [each for each in run_checks() if (each.id or "").startswith("djq")]
        assert message.id == "djq_sentry.E001"
        assert told in message.msg
        assert "key@host" not in message.msg
        with pytest.raises(ConfigurationError, match="does not take its settings"):
            _ = current.runtime().reporters


def test_a_missing_dsn_is_told() -> None:
    run(WITHOUT_DSN)


@pytest.mark.parametrize("value", [True, False, ["nightly"]])
def test_right_settings_are_none(value: object) -> None:
    with override_settings(Q_CLUSTER={**cluster_of(dsn="http://key@host/1"), "sentry_check_ins": value}):
        assert [each for each in run_checks() if (each.id or "").startswith("djq")] == []
