"""The run of a task as Sentry is told of it; nothing that goes wrong in here is the task's trouble."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import sentry_sdk
from sentry_sdk.scope import Scope, use_isolation_scope

from djq_core.reporters.base import ExcInfo
from djq_sentry import checkins, spans
from djq_sentry.checkins import Settings
from djq_sentry.events import describer, event_of
from djq_sentry.sdk import SDK

logger = logging.getLogger("djq")


@dataclass(slots=True)
class Failure:
    """The last task that failed here: its error, and where the SDK was when it did."""

    error: BaseException
    scope: Scope
    trace: dict[str, Any]


@dataclass(slots=True)
class State:
    """What this process knows: the queue of its cluster, and which schedules check in."""

    queue: str = "default"
    check_ins: Settings = field(default_factory=lambda: Settings(schedules=True, time_zone="UTC"))


@dataclass(slots=True)
class Last:
    """What a thread knows of the tasks it runs: when those began that have not ended, and how the last one failed."""

    began: dict[str, float] = field(default_factory=dict)
    failure: Failure | None = None


STATE = State()
#: A reporter is called in a thread of its own, with the context of the one that ran the task.
_LAST: ContextVar[Last] = ContextVar("djq_sentry_last")


def last() -> Last:
    """Return what the thread that runs tasks knows, in every thread that works for it."""
    try:
        return _LAST.get()
    except LookupError:
        known = Last()
        _LAST.set(known)
        return known


class Run:
    """One run, from before the function is called until it has returned or raised."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        self._task = task
        self._stack = ExitStack()

    def begin(self) -> None:
        """Begin a scope of its own and the transaction; whatever interrupts this undoes it."""
        _safely(SDK.settle)
        last().failure = None
        last().began[self._task["id"]] = time.monotonic()
        try:
            _safely(self._begin)
        except BaseException:
            self._stack.close()
            raise

    def _begin(self) -> None:
        scope = self._stack.enter_context(sentry_sdk.isolation_scope())
        scope.clear_breadcrumbs()
        scope.add_event_processor(describer(self._task, STATE.queue))
        self._stack.enter_context(spans.processing(self._task, STATE.queue))
        checkins.check_in(self._task, checkins.IN_PROGRESS, STATE.check_ins)

    def end(self, error: BaseException | None = None) -> None:
        """End both; an error is kept for its report, which comes when it has left the hooks."""
        if error is not None:
            _safely(lambda: self._keep(error))
        _safely(lambda: self._end(error))

    @staticmethod
    def _keep(error: BaseException) -> None:
        scopes = sentry_sdk.get_current_scope(), sentry_sdk.get_isolation_scope()
        trace = dict(next((trace for scope in scopes if (trace := scope.get_trace_context())), {}))
        if span := spans.current_span():  # older SDKs leave it out
            trace |= {"trace_id": span.trace_id, "span_id": span.span_id}
        last().failure = Failure(error, scopes[1], trace)

    def _end(self, error: BaseException | None) -> None:
        self._stack.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)


def succeeded(task: Mapping[str, Any]) -> None:
    """Check in for a run whose result can be handed on."""
    _safely(lambda: checkins.check_in(task, checkins.OK, STATE.check_ins, _seconds(task)))


def report(exc_info: ExcInfo, task: Mapping[str, Any], where: str) -> None:
    """Send an error, in the scope and the trace of the run that it ended."""
    known = last()
    failure, known.failure = known.failure, None
    SDK.has_news = True
    event, hint = event_of(exc_info, task, where, STATE.queue)
    if failure is not None and failure.error is exc_info[1]:
        event.setdefault("contexts", {}).update({"trace": failure.trace} if failure.trace else {})
        with use_isolation_scope(failure.scope):
            sentry_sdk.capture_event(event, hint=hint)
    else:
        with sentry_sdk.isolation_scope() as scope:
            if exc_info[2] is None:  # it happened elsewhere
                scope.clear_breadcrumbs()
            spans.follow(task)
            sentry_sdk.capture_event(event, hint=hint)
    if where == "worker" and task.get("id"):
        checkins.check_in(task, checkins.ERROR, STATE.check_ins, _seconds(task))


def _seconds(task: Mapping[str, Any]) -> float | None:
    """Return how long a run took, None for one that did not begin here."""
    began = last().began.pop(task["id"], None)
    return None if began is None else time.monotonic() - began


# Where a task is sent


@dataclass(slots=True)
class Sending:
    """The spans of what is being sent within one span of the caller's."""

    parent: Any = None
    spans: dict[str, Any] = field(default_factory=dict)


def publish(task: Mapping[str, Any], sending: Sending, *, is_ours: bool) -> dict[str, str]:
    """Return the headers by which the task's run joins the trace, none where something goes wrong.

    Where the caller is in no span, the trace of the task's own headers goes on, that of the link before in a chain; a
    process of ours (``is_ours``) begins a new one for each task then, any other has one that its errors are in too.
    """
    headers: dict[str, str] = {}
    _safely(lambda: headers.update(_publish(task, sending, is_ours=is_ours)))
    return headers


def _publish(task: Mapping[str, Any], sending: Sending, *, is_ours: bool) -> dict[str, str]:
    parent = spans.current_span()
    if parent is None:
        if any(name in task["headers"] for name in spans.HEADERS):
            return {}
        return spans.trace_of_its_own() if is_ours else spans.headers_of(None)
    if sending.parent is not parent:
        sending.parent, sending.spans = parent, {}
    span = sending.spans[task["id"]] = spans.begin_publishing(task, STATE.queue)
    return spans.headers_of(span)


def published(task: Mapping[str, Any], sending: Sending) -> None:
    """End the span of a task that the broker has taken."""
    if (span := sending.spans.pop(task["id"], None)) is not None:
        spans.end_publishing(span)


def _safely(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:
        logger.exception("Sentry is not told of all that there is to tell")
