"""Traces across the processes of a real cluster."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.harness.fixtures import MakeSite
from tests.harness.logs import MONITOR, SCHEDULER
from tests.harness.sites import Site
from tests.harness.waiting import wait_until

SENDING = """
import os, tracing
from opentelemetry import trace
from djq_core.models import Schedule
from djq_core.tasks import async_chain, async_task, schedule
tracing.configure()
T = "tests.harness.tasks"
with trace.get_tracer("site").start_as_current_span("request"):
    async_task(f"{T}.mark", "one", task_name="one")
    async_task(f"{T}.fail", "failing", task_name="failing")
    async_chain([(f"{T}.mark", (f"link-{n}",), {"task_name": f"link-{n}"}) for n in range(3)])
schedule(f"{T}.mark", "planned", name="planned", schedule_type=Schedule.ONCE)
trace.get_tracer_provider().force_flush()
"""


@dataclass(frozen=True)
class Span:
    """A line of the file."""

    told: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.told["name"]).partition(" ")[0]

    @property
    def task(self) -> str | None:
        return self.told["attributes"].get("djq.task.name")

    @property
    def id(self) -> str:
        return str(self.told["context"]["span_id"])

    @property
    def trace(self) -> str:
        return str(self.told["context"]["trace_id"])

    @property
    def parent(self) -> str | None:
        return self.told["parent_id"]

    @property
    def pid(self) -> int:
        return int(self.told["pid"])


def spans(site: Site) -> list[Span]:
    file = site.folder / "spans.jsonl"
    return [Span(json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """Give a site with a way to set up OpenTelemetry, whose workers are renewed after two tasks."""
    site = make_site(
        q_cluster={
            "workers": 1,
            "recycle": 2,
            "ack_failures": True,
            "opentelemetry_setup": "tracing.configure",
        }
    )
    shutil.copy(Path(__file__).with_name("tracing.py"), site.folder / "tracing.py")
    return site


def test_a_trace_goes_from_the_call_to_the_run_and_through_chains(site: Site) -> None:
    sent = site.manage("shell", "-v", "0", "-c", SENDING)
    assert sent.returncode == 0, sent.stderr
    assert sorted(span.told["name"] for span in spans(site)) == ["create site"] * 3 + ["request"]
    with site.cluster() as cluster:
        site.wait_counts(5, 1)
        # What a worker has kept comes when it is renewed, while the cluster runs.
        wait_until(lambda: any(span.kind == "process" for span in spans(site)), 20, "a renewed worker has sent spans")
        roles = cluster.children()
        assert cluster.stop() == 0
    by_task = {(span.kind, span.task): span for span in spans(site)}
    request = by_task["request", None]
    assert len(spans(site)) == 1 + 6 + 6, sorted(map(str, by_task))

    names = ["one", "failing", "link-0", "link-1", "link-2"]
    for name in names:
        made, run = by_task["create", name], by_task["process", name]
        assert made.trace == run.trace == request.trace
        assert run.parent == made.id
        assert [link["context"]["span_id"] for link in run.told["links"]] == [made.id]
        assert run.pid != made.pid
        assert (made.told["kind"], run.told["kind"]) == ("SpanKind.PRODUCER", "SpanKind.CONSUMER")
    assert {by_task["create", name].parent for name in ("one", "failing", "link-0")} == {request.id}
    for before, after in (("link-0", "link-1"), ("link-1", "link-2")):
        assert by_task["create", after].parent == by_task["create", before].id
        assert by_task["create", after].pid in roles[MONITOR]

    failed = by_task["process", "failing"].told
    assert failed["status"]["status_code"] == "ERROR"
    assert failed["attributes"]["error.type"] == "ValueError"
    assert failed["events"][0]["attributes"]["exception.type"] == "ValueError"
    assert by_task["process", "one"].told["status"]["status_code"] == "UNSET"

    (planned,) = [span for span in spans(site) if span.kind == "create" and span.trace != request.trace]
    assert planned.pid in roles[SCHEDULER]
    (run,) = [span for span in spans(site) if span.parent == planned.id]
    assert (run.kind, run.trace) == ("process", planned.trace)
