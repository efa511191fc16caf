"""Traces from the request to the run, and what the queue spans say."""

from __future__ import annotations

from typing import Any

from plugins.djq_sentry.tests.envelopes import Inbox, error_of, is_of
from tests.harness.sites import Site

REQUEST = """
import sentry_sdk
from djq_core.tasks import async_chain, async_task
sentry_sdk.init({dsn!r}, traces_sample_rate=1.0)
T = "tests.harness.tasks"
with sentry_sdk.start_transaction(op="http.server", name="/order"):
    async_task(f"{{T}}.mark", "one", task_name="one")
    async_task(f"{{T}}.fail_until", "two", 2, task_name="two", max_attempts=2, ack_failure=False)
    async_chain([(f"{{T}}.mark", (f"link-{{n}}",), {{"task_name": f"link-{{n}}"}}) for n in range(2)])
    try:
        async_task(f"{{T}}.mark", "never", hook=lambda: None)
    except Exception:
        pass
sentry_sdk.flush()
"""

UNTRACED = """
import sentry_sdk
from djq_core.tasks import async_task
sentry_sdk.init({dsn!r})
async_task("tests.harness.tasks.fail", "failed", task_name="failed")
async_task("tests.harness.tasks.leave", "crashed", task_name="crashed")
sentry_sdk.capture_message("meanwhile")
sentry_sdk.flush()
"""

STREAMED = """
import sentry_sdk
from djq_core.tasks import async_task
sentry_sdk.init({dsn!r}, traces_sample_rate=1.0, trace_lifecycle="stream")
with sentry_sdk.traces.start_span("/order", parent_span=None):
    async_task("tests.harness.tasks.fail", "one", task_name="one")
sentry_sdk.flush()
"""


def send(site: Site, code: str, dsn: str) -> None:
    sent = site.manage("shell", "-v", "0", "-c", code.format(dsn=dsn))
    assert sent.returncode == 0, sent.stderr


def span_of(transaction: Any, op: str) -> Any:
    (span,) = [span for span in transaction["spans"] if span["op"] == op]
    return span


def test_a_trace_goes_from_the_request_to_each_run_and_through_chains(make_sentry_site: Any, inbox: Inbox) -> None:
    site = make_sentry_site(ack_failures=False, backoff=0.1)
    send(site, REQUEST, inbox.dsn)
    (request,) = inbox.wait("transaction")
    published = [span for span in request["spans"] if span["op"] == "queue.publish"]
    assert [span["data"]["messaging.destination.name"] for span in published] == ["site"] * 3
    assert all(span["timestamp"] > span["start_timestamp"] for span in published)
    with site.cluster() as cluster:
        runs = inbox.find("transaction", lambda payload: payload["transaction"] != "/order", 5)
        (event,) = inbox.find("event", is_of("two"))
        assert cluster.stop() == 0
    trace = request["contexts"]["trace"]["trace_id"]
    by_task: dict[str, list[Any]] = {}
    for run in sorted(runs, key=lambda run: run["start_timestamp"]):
        by_task.setdefault(run["tags"]["djq.name"], []).append(run)
        assert run["contexts"]["trace"]["trace_id"] == trace
        assert run["contexts"]["trace"]["op"] == "queue.task.djq"
        assert run["transaction_info"]["source"] == "task"
    assert {name: len(found) for name, found in by_task.items()} == {"one": 1, "two": 2, "link-0": 1, "link-1": 1}

    (one,) = by_task["one"]
    made = next(s for s in published if s["data"]["messaging.message.id"] == one["tags"]["djq.id"])
    assert one["transaction"] == made["description"] == "tests.harness.tasks.mark"
    assert one["contexts"]["trace"]["parent_span_id"] == made["span_id"]
    assert one["contexts"]["trace"]["status"] == "ok"
    process = span_of(one, "queue.process")
    told = {name: value for name, value in process["data"].items() if name.startswith("messaging.")}
    assert told.pop("messaging.message.receive.latency") > 100, "milliseconds since the request"
    assert told == {
        "messaging.system": "djq",
        "messaging.message.id": one["tags"]["djq.id"],
        "messaging.destination.name": "site",
        "messaging.message.body.size": made["data"]["messaging.message.body.size"],
        "messaging.message.retry.count": 0,
    }
    assert made["data"]["messaging.message.body.size"] > 0

    first, second = by_task["two"]
    assert [span_of(run, "queue.process")["data"]["messaging.message.retry.count"] for run in (first, second)] == [0, 1]
    assert "messaging.message.receive.latency" not in span_of(second, "queue.process")["data"]
    assert [run["contexts"]["trace"]["status"] for run in (first, second)] == ["internal_error", "ok"]
    assert event["contexts"]["trace"]["span_id"] == span_of(first, "queue.process")["span_id"]
    assert event["tags"]["djq.attempt"] == "1"


def test_without_tracing_errors_are_in_the_trace_of_the_request_also_those_that_the_monitor_reports(
    make_sentry_site: Any, inbox: Inbox
) -> None:
    site = make_sentry_site({"dsn": inbox.dsn})
    send(site, UNTRACED, inbox.dsn)
    (meanwhile,) = inbox.wait("event")
    with site.cluster():
        (failed,), (crashed,) = inbox.find("event", is_of("failed")), inbox.find("event", is_of("crashed"))
    assert (error_of(failed)[0], error_of(crashed)[0]) == ("ValueError", "ProcessDied")
    traces = {event["contexts"]["trace"]["trace_id"] for event in (meanwhile, failed, crashed)}
    assert len(traces) == 1
    assert inbox.all("transaction") == []


def test_spans_are_streamed_where_the_sdk_streams_them(make_sentry_site: Any, inbox: Inbox) -> None:
    site = make_sentry_site({"dsn": inbox.dsn, "traces_sample_rate": 1.0, "trace_lifecycle": "stream"})
    send(site, STREAMED, inbox.dsn)
    with site.cluster() as cluster:
        (event,) = inbox.find("event", is_of("one"))
        assert cluster.stop() == 0
    spans = {}
    for batch in inbox.wait("span", 2):
        for span in batch["items"]:
            spans[span["attributes"].get("sentry.op", {}).get("value", span["name"])] = span
    request, made, run, process = (spans[op] for op in ("/order", "queue.publish", "queue.task.djq", "queue.process"))
    assert {span["trace_id"] for span in (request, made, run, process)} == {event["contexts"]["trace"]["trace_id"]}
    assert [made["parent_span_id"], run["parent_span_id"], process["parent_span_id"]] == [
        request["span_id"],
        made["span_id"],
        run["span_id"],
    ]
    assert (run["name"], run["is_segment"], run["status"]) == ("tests.harness.tasks.fail", True, "error")
    data = {name: attribute["value"] for name, attribute in process["attributes"].items()}
    assert (data["messaging.destination.name"], data["messaging.message.retry.count"]) == ("site", 0)
    assert data["messaging.message.receive.latency"] > 0
    assert event["contexts"]["trace"]["span_id"] == process["span_id"]
