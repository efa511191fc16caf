"""What an event tells of its task, and what it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import sentry_sdk
from sentry_sdk.utils import event_from_exception

from djq_core.exceptions import TimeLimitExceeded
from djq_core.reporters.base import ExcInfo
from djq_sentry.sdk import OURS

FILTERED: Final = "[Filtered]"
#: What is told of a task in the context ``djq``, where it has it.
_TOLD: Final = ("id", "name", "func", "group", "hook", "attempt", "max_attempts", "timeout", "size")
#: What is a tag too: tags can be searched for.
_TAGS: Final = ("name", "func", "group", "attempt")
#: Sentry cuts off what is longer.
_LONGEST_TAG: Final = 200
#: Whose local variables may hold a task, …
_HOLDERS: Final = (*OURS, "multiprocessing")
#: … as may those of all frames up to this one.
_CALLS_THE_FUNCTION: Final = "djq_core.plugins.builtin"


def tags_of(task: Mapping[str, Any], queue: str) -> dict[str, str]:
    """Return the tags of everything that is sent of a task."""
    tags = {f"djq.{name}": str(task[name])[:_LONGEST_TAG] for name in _TAGS if task.get(name)}
    own = {"djq.id": str(task["id"])} if task.get("id") else {}
    return {**own, **tags, "djq.queue": str(task.get("cluster") or queue)}


def context_of(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an event tells of its task, without what is secret in its arguments."""
    told = {name: task[name] for name in _TOLD if task.get(name) is not None}
    if "args" not in task:
        return told
    if _wants_no_arguments():
        return {**told, "args": FILTERED, "kwargs": FILTERED}
    from djq_sentry.scrubbing import shown_arguments

    try:
        return {**told, **shown_arguments(task)}
    except Exception as error:  # whatever the site's own classes raise when they are looked at
        return {**told, "args": f"<{type(error).__name__}>", "kwargs": f"<{type(error).__name__}>"}


def _wants_no_arguments() -> bool:
    """Has the site said that it sends no personal data, or no arguments of tasks?"""
    options = sentry_sdk.get_client().options
    collection = options.get("data_collection") or {}
    if collection.get("provided_by_user"):
        return not collection.get("queues", True)
    return options.get("send_default_pii") is False


def describer(task: Mapping[str, Any], queue: str) -> Callable[[Any, Any], Any]:
    """Return a processor that adds the task to each event of its run, those of the site's own code too."""

    def describe(event: Any, _: Any) -> Any:
        event["tags"] = {**tags_of(task, queue), **(event.get("tags") or {})}
        if event.get("type") != "transaction":
            contexts = event.setdefault("contexts", {})
            contexts.get("djq") or contexts.update(djq=context_of(task))
            without_variables(event)
        return event

    return describe


def event_of(exc_info: ExcInfo, task: Mapping[str, Any], where: str, queue: str) -> tuple[Any, Any]:
    """Return the event of an error, and its hint for those who process it."""
    mechanism = {"type": "djq", "handled": not task}
    event: Any
    event, hint = event_from_exception(exc_info, client_options=sentry_sdk.get_client().options, mechanism=mechanism)
    event["transaction"] = _transaction(task, where)
    event["transaction_info"] = {"source": "task"}
    event["tags"] = {**tags_of(task, queue), "djq.where": where}
    if task:
        event["contexts"] = {"djq": context_of(task)}
    if group := _fingerprint(exc_info, event["transaction"]):
        event["fingerprint"] = group
    if where != "worker":
        _mask(event)
    for value in _exceptions(event):
        _cut_wrapping(value)
    without_variables(event)
    return event, hint


def _transaction(task: Mapping[str, Any], where: str) -> str:
    """Return what has failed: the function of the task, its hook, or the process itself."""
    ran = task.get("hook") if where == "monitor" else None
    return str(ran or task.get("func") or f"djq.{where}")


def _fingerprint(exc_info: ExcInfo, transaction: str) -> list[str] | None:
    """Return how an error is grouped whose place or text differs each time; None leaves it to Sentry.

    A time-out strikes wherever the task is; what was seen from outside has no place, and its text has ids in it.
    """
    kind, _, trace = exc_info
    is_ours = trace is None and kind.__module__.partition(".")[0] == "djq_core"
    return ["djq", kind.__name__, transaction] if is_ours or issubclass(kind, TimeLimitExceeded) else None


def _mask(event: Any) -> None:
    """Hide the passwords that the clients of brokers and databases quote."""
    from djq_core.monitor.secrets import without_secrets  # with all of a cluster, which a caller need not import

    for value in _exceptions(event):
        if isinstance(value.get("value"), str):
            value["value"] = without_secrets(value["value"])


def _cut_wrapping(value: Any) -> None:
    """Let the stack begin with the function of the task, not with those who call it."""
    frames = (value.get("stacktrace") or {}).get("frames") or []
    del frames[: _wrapping(frames)]


def _wrapping(frames: Sequence[Any]) -> int:
    """Return the number of frames up to the one that calls the function of the task; plugins wrap it."""
    modules = [frame.get("module") for frame in frames]
    return modules.index(_CALLS_THE_FUNCTION) + 1 if _CALLS_THE_FUNCTION in modules[:-1] else 0


def without_variables(event: Any) -> None:
    """Take the local variables out of frames that are not the site's: they hold the arguments as they are."""
    threads = (event.get("threads") or {}).get("values") or []
    for value in (*_exceptions(event), *threads):
        frames = (value.get("stacktrace") or {}).get("frames") or []
        wrapping = _wrapping(frames)
        for number, frame in enumerate(frames):
            if number < wrapping or str(frame.get("module")).partition(".")[0] in _HOLDERS:
                frame.pop("vars", None)


def _exceptions(event: Any) -> Iterator[Any]:
    yield from (event.get("exception") or {}).get("values") or []
