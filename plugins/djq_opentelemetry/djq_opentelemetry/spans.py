"""The spans of a task, by the semantic conventions for messaging."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import propagate, trace
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

#: Milliseconds that sending the last spans of a process may take.
PATIENCE: Final = 2000
_CREATE: Final = "create"
_PROCESS: Final = "process"


def created(task: Mapping[str, Any], own_queue: str) -> dict[str, str]:
    """Record that a task was made, and return the headers by which its run finds this trace.

    Where the caller is in no span, the trace of the task's own headers goes on: that of the link before, in a chain.
    """
    queue = task["cluster"] or own_queue
    is_in_span = trace.get_current_span().get_span_context().is_valid
    context = None if is_in_span else propagate.extract(task["headers"])
    headers: dict[str, str] = {}
    with _tracer().start_as_current_span(
        f"{_CREATE} {queue}", context, SpanKind.PRODUCER, attributes=_attributes(task, queue, _CREATE)
    ):
        propagate.inject(headers)
    return headers


@contextmanager
def processing(task: Mapping[str, Any], queue: str) -> Iterator[None]:
    """Record the run of a task: a child of the span that made it, and linked to it; an error is recorded and raised."""
    context = propagate.extract(task["headers"])
    made = trace.get_current_span(context).get_span_context()
    with _tracer().start_as_current_span(
        f"{_PROCESS} {queue}",
        context,
        SpanKind.CONSUMER,
        attributes=_attributes(task, queue, _PROCESS),
        links=[Link(made)] if made.is_valid else [],
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except BaseException as error:  # a task that runs too long is ended by one that is no Exception
            span.record_exception(error)
            span.set_attribute(
                "error.type", f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
            )
            span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
            raise


def flush() -> None:
    """Send what is kept, where there is an SDK that keeps anything."""
    send = getattr(trace.get_tracer_provider(), "force_flush", None)
    if send is not None:
        send(PATIENCE)


def _tracer() -> trace.Tracer:
    return trace.get_tracer("djq_opentelemetry")


def _attributes(task: Mapping[str, Any], queue: str, operation: str) -> dict[str, str]:
    attributes = {
        "messaging.system": "djq",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": queue,
        "messaging.message.id": task["id"],
        "djq.task.name": task["name"],
        "djq.task.func": task["func"],
    }
    return {**attributes, "djq.task.group": task["group"]} if task["group"] else attributes
