"""The entry point, and what it costs where nobody traces."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.test import override_settings
from importlib_metadata import entry_points

ROOT = Path(__file__).resolve().parents[3]

WITHOUT_SDK = """
import sys
import django
django.setup()
from djq_core import current
hooks = current.runtime().hooks
assert not hooks.wants_enqueue
assert hooks.execute(lambda *args: sum(args), {"args": (1, 2), "kwargs": {}}) == 3
hooks.process_stopping("worker", "Process-1:1", 1)
assert "djq_opentelemetry.spans" not in sys.modules

# Somebody has imported the API, and set up no SDK
from opentelemetry import trace
assert not hooks.wants_enqueue
assert hooks.execute(lambda *args: sum(args), {"args": (1, 2), "kwargs": {}}) == 3
assert "djq_opentelemetry.spans" not in sys.modules
"""

IN_SYNC = """
import django
django.setup()
from django.core.management import call_command
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from djq_core.tasks import async_task

call_command("migrate", verbosity=0)
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
task_id = async_task("math.pow", 2, 3, sync=True, group="powers", task_name="two-cubed")
made, run = exporter.get_finished_spans()
assert (made.name, made.kind) == ("create tests", SpanKind.PRODUCER), made.name
assert (run.name, run.kind) == ("process tests", SpanKind.CONSUMER), run.name
assert run.parent.span_id == made.context.span_id
assert [link.context.span_id for link in run.links] == [made.context.span_id]
assert dict(run.attributes) == {
    "messaging.system": "djq",
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.destination.name": "tests",
    "messaging.message.id": task_id,
    "djq.task.name": "two-cubed",
    "djq.task.func": "math.pow",
    "djq.task.group": "powers",
}, dict(run.attributes)
"""


def run(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("path", "told"),
    [("nosuch.configure", "cannot be imported"), ("math.nosuch", "cannot be imported"), ("math.pi", "is no function")],
)
def test_a_setup_that_leads_nowhere_is_an_error_of_the_checks(path: str, told: str) -> None:
    with override_settings(Q_CLUSTER={"name": "tests", "orm": "default", "opentelemetry_setup": path}):
        (message,) = [each for each in run_checks() if (each.id or "").startswith("djq")]
    assert message.id == "djq_opentelemetry.E001"
    assert told in message.msg


@pytest.mark.parametrize("keys", [{}, {"opentelemetry_setup": "math.floor"}])
def test_one_that_leads_to_a_function_is_none(keys: dict[str, str]) -> None:
    with override_settings(Q_CLUSTER={"name": "tests", "orm": "default", **keys}):
        assert [each for each in run_checks() if (each.id or "").startswith("djq")] == []


def test_the_entry_point_leads_to_the_plugin() -> None:
    (point,) = entry_points(group="djq", name="opentelemetry")
    (setting,) = point.load().djq_settings()
    assert setting.name == "opentelemetry_setup"


def test_where_nobody_traces_nothing_is_done_and_nothing_imported() -> None:
    run(WITHOUT_SDK)


def test_a_task_in_sync_has_both_spans_with_the_attributes_of_the_conventions() -> None:
    run(IN_SYNC)
