"""What Rollbar is told of a task: the manual's words, its arguments without what is secret and without end."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from typing import Any, Final

from djq_core.plugins.masking import plain

#: What is told of a task besides its arguments.
_FIELDS: Final = ("id", "name", "func", "group", "attempt", "queue", "hook", "started")
#: The longest text, and the most items of a collection, that are sent of an argument.
MOST_TEXT: Final = 1000
MOST_ITEMS: Final = 50
#: So much of a note, which may be the last stack of a worker.
MOST_NOTE: Final = 5000
_DEEPEST: Final = 4


def custom_data(
    task: Mapping[str, Any] | None, where: str | None, error: BaseException | None = None
) -> dict[str, Any]:
    """Return the custom data of an item, under the key ``djq``: the task, the role of the process, notes."""
    told: dict[str, Any] = {"where": where} if where else {}
    if notes := getattr(error, "__notes__", None):
        told["notes"] = [str(note)[:MOST_NOTE] for note in notes]
    if task:
        fields = {field: _text(task[field]) for field in _FIELDS if task.get(field) is not None}
        told["task"] = fields | arguments(task)
    return {"djq": told} if told else {}


def scrubbed(payload: dict[str, Any]) -> dict[str, Any]:
    """Hide in an item of ours, for they hold its arguments too, what local variables are called a secret."""
    data = payload["data"]
    if "djq" in (data.get("custom") or {}):
        body = data["body"]
        for trace in body.get("trace_chain") or [body["trace"]]:
            for frame in (frame for frame in trace["frames"] if "locals" in frame):
                frame["locals"] = plain(frame["locals"])
    return payload


def payload_data(task: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what Rollbar calls the context of an item, which it can be searched by: the function of the task."""
    return {"context": str(task["func"])} if task and task.get("func") else {}


def arguments(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a task by the names of its function's parameters, so that a name tells what is secret.

    Where the function is not to be had, they are ``args`` and ``kwargs``.
    """
    args, kwargs = tuple(task.get("args") or ()), dict(task.get("kwargs") or {})
    if not args and not kwargs:
        return {}
    named = _named(str(task.get("func")), args, kwargs)
    if named is not None:
        return {"arguments": plain(_cut(named))}
    return {"args": plain(_cut(args)), "kwargs": plain(_cut(kwargs))}


def _named(path: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
    module, _, name = path.rpartition(".")
    function = getattr(sys.modules.get(module), name, None)
    try:
        return dict(inspect.signature(function).bind(*args, **kwargs).arguments) if callable(function) else None
    except (TypeError, ValueError):  # not with these arguments, which may be the very error
        return None


def _cut(value: Any, depth: int = _DEEPEST) -> Any:
    """Return a value that is not too large to be sent; an object of some class stays as it is."""
    if isinstance(value, str | bytes | bytearray):
        return _text(value)
    if not isinstance(value, Mapping | list | tuple | set | frozenset):
        return value
    if depth == 0:
        return f"<{type(value).__name__}>"
    more = {"…": f"{len(value) - MOST_ITEMS} more"} if len(value) > MOST_ITEMS else {}
    if isinstance(value, Mapping):
        return {str(key): _cut(each, depth - 1) for key, each in list(value.items())[:MOST_ITEMS]} | more
    return [*(_cut(each, depth - 1) for each in list(value)[:MOST_ITEMS]), *more.values()]


def _text(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    if isinstance(value, str) and len(value) > MOST_TEXT:
        return f"{value[:MOST_TEXT]}… ({len(value)} characters)"
    return value if isinstance(value, str | int | float) else str(value)
