"""``manage.py qinfo``, ``qmonitor`` and ``qmemory`` without a terminal (manual 1.10)."""

from __future__ import annotations

import io
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from djq_core import current
from djq_core.cluster.snapshot import Snapshot
from djq_core.cluster.status import StatStore
from djq_core.cluster.traffic import Traffic
from djq_core.envelope import new_id
from djq_core.management.terminal.command import seconds
from djq_core.models import Task
from tests.conf.making import conf
from tests.making import MemoryBroker

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
ME = os.getpid()
NOT_SHARED = "The cache 'default' is not shared between processes."


@pytest.fixture(autouse=True)
def published() -> Iterator[None]:
    """Publish one cluster, which is this process, and store one failure."""
    runtime = current.runtime()
    taken = Snapshot(conf(name="tests"), ME, ME).take(Traffic(conf(), MemoryBroker), [], {})
    StatStore(runtime, runtime.shared_broker()).put({**taken, "workers": [ME], "host": socket.gethostname()})
    now = datetime.now(UTC)
    values = {"name": "winter", "func": "a.b", "started": now, "stopped": now, "result": "ValueError: x"}
    Task.objects.create(id=new_id(), success=False, **values)
    yield
    caches["default"].clear()


def said(*command: str) -> str:
    output = io.StringIO()
    call_command(*command, stdout=output)
    return output.getvalue()


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make Python refuse to import these, as if they were not installed."""
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)


# qinfo


def test_the_summary_is_printed() -> None:
    found = said("qinfo")
    assert ["Clusters", "1", "Workers", "1", "Restarts", "0"] in rows(found)
    assert ["Queued", "0", "Successes", "0", "Failures", "1"] in rows(found)
    assert NOT_SHARED in found
    assert "\x1b" not in found


def test_the_summary_as_json() -> None:
    found = json.loads(said("qinfo", "--json"))
    assert (found["clusters"], found["workers"], found["failures"], found["rate_unit"]) == (1, 1, 1, "day")
    assert NOT_SHARED in found["problems"][0]


def test_the_ids_of_the_clusters() -> None:
    assert said("qinfo", "--ids") == f"{ME}\n"
    assert json.loads(said("qinfo", "--ids", "--json")) == [{"id": ME, "host": socket.gethostname(), "name": "tests"}]


def test_the_configuration() -> None:
    with override_settings(Q_CLUSTER={"name": "tests", "orm": "default", "error_reporter": {}, "workers": 3}):
        lines = said("qinfo", "--config").splitlines()
        assert {"name: tests", "workers: 3", "max_rss: null", "orm: default"} <= set(lines)
        assert json.loads(said("qinfo", "--config", "--json"))["workers"] == 3


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_ids_that_nobody_can_know_are_said_so(options: list[str]) -> None:
    caches["default"].clear()
    problems = io.StringIO()
    call_command("qinfo", "--ids", *options, stdout=io.StringIO(), stderr=problems)
    assert NOT_SHARED in problems.getvalue()


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_no_setting_steers_the_terminal(options: list[str]) -> None:
    with override_settings(Q_CLUSTER={"name": "tests", "label": "a\x1b[31m\x9b1m"}):
        assert said("qinfo", "--config", *options).replace("\n", "").isprintable()


def test_a_configuration_that_is_wrong_is_one_error() -> None:
    with override_settings(Q_CLUSTER={"workers": -1}), pytest.raises(CommandError, match="workers"):
        said("qinfo")


@pytest.mark.parametrize(
    "command",
    [
        ("qinfo",),
        ("qinfo", "--json"),
        ("qmonitor", "--run-once"),
        ("djq", "doctor"),
        ("djq", "health"),
        ("djq", "health", "--json"),
    ],
)
def test_no_error_quotes_the_password_of_a_cache(command: tuple[str, ...]) -> None:
    cache = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://:hunter2#x@127.0.0.1:1/1"}
    output = io.StringIO()
    with override_settings(CACHES={"default": cache}), suppress(SystemExit):
        call_command(*command, stdout=output)
    assert "Port could not be cast" in " ".join(output.getvalue().split())
    assert "hunter2" not in output.getvalue()


def test_a_database_that_is_away_is_one_line() -> None:
    with connection.execute_wrapper(_refuse), pytest.raises(CommandError, match=r"^The database does not answer: "):
        said("qinfo")


def test_a_table_that_is_missing_is_told_with_what_makes_it() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE djq_core_schedule")
    for line in ("qinfo", "qinfo --json"):
        with pytest.raises(
            CommandError, match=r"^A table is missing: .*djq_core_schedule\. Run: python manage\.py migrate"
        ):
            said(*line.split())


def _refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    return execute("SELECT no_such_function()", None, many, context)


# qmonitor


@pytest.mark.parametrize(
    ("view", "text"),
    [
        ("clusters", "Starting"),
        ("queues", "Throughput"),
        ("running", "No task is running."),
        ("failures", "ValueError: x"),
    ],
)
def test_one_picture_of_each_view(view: str, text: str) -> None:
    found = said("qmonitor", "--run-once", "--view", view)
    assert text in found or (view == "running" and NOT_SHARED in found)
    assert "\x1b" not in found


def test_everything_as_json() -> None:
    found = json.loads(said("qmonitor", "--json"))
    assert found["clusters"][0]["cluster_id"] == ME
    assert found["clusters"][0]["workers"] == [ME]
    assert found["queues"][0]["name"] == "tests"
    assert found["failures"][0]["error"] == "ValueError: x"
    assert len(found["problems"]) == 1


@pytest.mark.parametrize("command", ["qmonitor", "qmemory"])
def test_what_is_live_needs_a_terminal(command: str) -> None:
    with pytest.raises(CommandError, match="--run-once or --json"):
        said(command)


@pytest.mark.parametrize(("text", "expected"), [("0", 0.1), ("-3", 0.1), ("2.5", 2.5), ("inf", 3600)])
def test_an_interval_is_kept_within_reason(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("qmonitor --interval soon", "argument --interval: soon is not a number"),
        ("djq health --timeout soon", "argument --timeout: soon is not a number"),
        ("djq health --max-wait soon", "argument --max-wait: soon is not a number"),
        ("djq explain x --depth 1.5", "argument --depth: 1.5 is not a whole number"),
    ],
)
def test_what_is_no_number_is_refused_in_words(line: str, told: str) -> None:
    with pytest.raises(CommandError, match=f"{re.escape(told)}$"):
        said(*line.split())


# qmemory


def test_memory_is_printed_once() -> None:
    pytest.importorskip("psutil")
    found = said("qmemory", "--run-once")
    assert "MiB are available" in found
    assert [socket.gethostname(), str(ME), "cluster", str(ME)] in [row[:4] for row in rows(found)]
    assert ["1", "worker"] in [row[:2] for row in rows(found)]
    assert ["worker", str(ME)] in [row[:2] for row in rows(said("qmemory", "--run-once", "--workers"))]


def test_memory_as_json_is_in_bytes() -> None:
    pytest.importorskip("psutil")
    (cluster,) = json.loads(said("qmemory", "--json"))["memory"]["clusters"]
    assert [process["role"] for process in cluster["processes"]] == ["cluster", "sentinel", "worker"]
    assert cluster["processes"][0]["uss"] > 2**20


def test_without_psutil_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "psutil")
    with pytest.raises(CommandError, match=r"pip install 'djq-core\[psutil\]'"):
        said("qmemory", "--json")


# Without the extra


@pytest.mark.parametrize("missing", ["rich", "textual"])
@pytest.mark.parametrize("command", [("qmonitor",), ("qmonitor", "--run-once"), ("qinfo",), ("qmemory", "--run-once")])
def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], missing: str
) -> None:
    without(monkeypatch, missing)
    with pytest.raises(CommandError, match=r"pip install 'djq-core\[monitor\]'") as caught:
        said(*command)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "command",
    [("qmonitor", "--json"), ("qinfo", "--json"), ("qinfo", "--config"), ("qinfo", "--ids"), ("qmemory", "--json")],
)
def test_json_and_plain_texts_need_no_extra(monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    if "qmemory" in command:
        pytest.importorskip("psutil")
    without(monkeypatch, "rich", "textual")
    assert said(*command)


ALL_AS_JSON = """
import sys
sys.modules.update(rich=None, textual=None)
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
for command in ("qmonitor", "qinfo"):
    call_command(command, "--json")
"""


def test_a_fresh_process_needs_no_extra() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", ALL_AS_JSON]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert '"clusters": []' in done.stdout
