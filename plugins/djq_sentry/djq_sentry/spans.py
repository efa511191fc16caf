"""The spans of a task, by Sentry's conventions for queues: of its sending, and of each run.

The SDK has two ways to trace: transactions that are sent with all their spans, and spans that are streamed one by one
(``trace_lifecycle="stream"``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import sentry_sdk

from djq_sentry.events import tags_of

#: The operations.
TASK: Final = "queue.task.djq"
PUBLISH: Final = "queue.publish"
PROCESS: Final = "queue.process"
ORIGIN: Final = "auto.queue.djq"
#: The headers of a package, for others may have a ``baggage`` of their own there, and what the SDK calls them.
HEADERS: Final = {"sentry-trace": "sentry-trace", "sentry-baggage": "baggage"}


def is_streamed() -> bool:
    """Does the SDK stream its spans?"""
    options = sentry_sdk.get_client().options
    chosen = options.get("trace_lifecycle") or (options.get("_experiments") or {}).get("trace_lifecycle")
    return bool(chosen == "stream")


# Where a task is sent


def current_span() -> Any:
    """Return the span that the caller is in, None where it is in none."""
    if is_streamed():
        from sentry_sdk import traces

        return traces.get_current_span()
    return sentry_sdk.get_current_span()


def begin_publishing(task: Mapping[str, Any], queue: str) -> Any:
    """Begin the span of the sending, a child of the current one, and return it; :func:`end_publishing` ends it."""
    data = {"messaging.system": "djq", **_messaging(task, queue)}
    if is_streamed():
        from sentry_sdk import traces

        return traces.start_span(task["func"], {**_streamed(PUBLISH), **data}, active=False)
    span = current_span().start_child(op=PUBLISH, name=task["func"], origin=ORIGIN)
    for name, value in data.items():
        span.set_data(name, value)
    return span


def end_publishing(span: Any) -> None:
    """End the span of a sending."""
    if is_streamed():
        span.end()
    else:
        span.finish()


def headers_of(span: Any) -> dict[str, str]:
    """Return the headers that carry a trace on: that of a span, or without one that of the scope."""
    carried = dict(sentry_sdk.get_current_scope().iter_trace_propagation_headers(span=span))
    return {own: carried[theirs] for own, theirs in HEADERS.items() if carried.get(theirs)}


def trace_of_its_own() -> dict[str, str]:
    """Return the headers of a new trace."""
    with sentry_sdk.isolation_scope() as scope:
        scope.set_new_propagation_context()
        return headers_of(None)


# Where it runs


@contextmanager
def processing(task: Mapping[str, Any], queue: str) -> Iterator[None]:
    """Record a run as one transaction, in the trace of the task's headers, with a span ``queue.process`` in it."""
    data = {"messaging.system": "djq", **_messaging(task, queue), **_receiving(task)}
    if is_streamed():
        whole, run = _streaming(task, data, tags_of(task, queue))
    else:
        whole, run = _recording(task, data)
    with whole, run():
        yield
        whole.status = "ok"  # not before: the SDK would keep it as a tag


def follow(task: Mapping[str, Any]) -> None:
    """Join the scope to the trace of a task, where its headers have one."""
    if headers := _carried(task):
        sentry_sdk.get_isolation_scope().generate_propagation_context(headers)
        sentry_sdk.get_current_scope().generate_propagation_context(headers)


def _carried(task: Mapping[str, Any]) -> dict[str, str]:
    headers = task.get("headers") or {}
    return {theirs: headers[own] for own, theirs in HEADERS.items() if own in headers}


def _recording(task: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
    name = task["func"]
    transaction = sentry_sdk.continue_trace(_carried(task), op=TASK, name=name, source="task", origin=ORIGIN)
    whole = sentry_sdk.start_transaction(transaction, custom_sampling_context={"djq_task": _sampled_by(task)})

    def run() -> AbstractContextManager[Any]:
        span = sentry_sdk.start_span(op=PROCESS, name=name, origin=ORIGIN)
        for key, value in data.items():
            span.set_data(key, value)
        return span

    return whole, run


def _streaming(task: Mapping[str, Any], data: Mapping[str, Any], tags: Mapping[str, str]) -> Any:
    from sentry_sdk import traces

    name = task["func"]
    traces.continue_trace(_carried(task))
    sentry_sdk.Scope.set_custom_sampling_context({"djq_task": _sampled_by(task)})
    attributes = {**_streamed(TASK), "sentry.segment.name.source": "task", **tags}
    whole = traces.start_span(name, attributes, parent_span=None)
    return whole, lambda: traces.start_span(name, {**_streamed(PROCESS), **data})


def _streamed(operation: str) -> dict[str, Any]:
    return {"sentry.op": operation, "sentry.origin": ORIGIN}


def _sampled_by(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a ``traces_sampler`` may decide by."""
    return {name: task.get(name) for name in ("id", "name", "func", "group", "attempt")}


# What the spans say


def _messaging(task: Mapping[str, Any], queue: str) -> dict[str, Any]:
    return {
        "messaging.message.id": task["id"],
        "messaging.destination.name": task["cluster"] or queue,
        "messaging.message.body.size": task["size"],
    }


def _receiving(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return how long the task has waited, in milliseconds, and how often it was tried before.

    Nobody knows since when a task has waited that is tried again: it went back for a while.
    """
    tried = int(task.get("attempt", 1)) - 1
    if tried:
        return {"messaging.message.retry.count": tried}
    waited = (datetime.now(UTC) - task["started"]).total_seconds()
    return {"messaging.message.retry.count": 0, "messaging.message.receive.latency": max(0.0, waited * 1000)}
