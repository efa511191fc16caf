"""From a function and its arguments to a task package."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from djq_core.envelope import TaskPackage, new_id, task_name
from djq_core.envelope.package import ARGS, FUNC, HOOK, KWARGS
from djq_core.exceptions import SerializationError
from djq_core.runtime import Runtime


def build_package(
    runtime: Runtime,
    func: str | Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    options: Mapping[str, Any],
) -> TaskPackage:
    """Return the package of a call; ``options`` are fields of TaskPackage, ``name`` and ``id`` among them.

    Raises SerializationError that names the argument which cannot be serialized.
    """
    task_id = options.get("id") or new_id()
    path = dotted_path(func)
    parts = {ARGS: _dump_args(runtime, args, path), KWARGS: _dump_kwargs(runtime, kwargs, path)}
    hook = options.get("hook")
    return TaskPackage(
        **{
            **options,
            "id": task_id,
            "name": options.get("name") or task_name(task_id),
            "func": path,
            "hook": dotted_path(hook) if hook else None,
            "started": options.get("started") or datetime.now(UTC),
            "serializer": runtime.conf.serializer,
            "parts": {**parts, **_dump_callable(runtime, FUNC, func), **_dump_callable(runtime, HOOK, hook)},
        }
    )


def repeating(runtime: Runtime, package: TaskPackage) -> Callable[[tuple[Any, ...], Mapping[str, Any]], TaskPackage]:
    """Return what makes the same call with other arguments and an id of its own.

    It takes the arguments and what else is another field of TaskPackage. What stays the same is read once for all.
    """
    same = {field.name: getattr(package, field.name) for field in fields(package)}

    def with_args(args: tuple[Any, ...], other: Mapping[str, Any]) -> TaskPackage:
        task_id = new_id()
        parts = {**package.parts, ARGS: _dump_args(runtime, args, package.func)}
        return TaskPackage(**{**same, "id": task_id, "name": task_name(task_id), "parts": parts, **other})

    return with_args


def dotted_path(function: str | Callable[..., Any]) -> str:
    """Return the dotted path of a callable, or its representation when no path leads to it."""
    if isinstance(function, str):
        return function
    path = f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', '')}"
    return path if _leads_to(path, function) else repr(function)


def _leads_to(path: str, function: Callable[..., Any]) -> bool:
    found: Any = sys.modules.get(getattr(function, "__module__", None) or "")
    for name in getattr(function, "__qualname__", "").split("."):
        found = getattr(found, name, None)
    return found == function and not path.startswith("__main__.")


def _dump_callable(runtime: Runtime, part: str, function: str | Callable[..., Any] | None) -> dict[str, bytes]:
    if function is None or isinstance(function, str) or _leads_to(dotted_path(function), function):
        return {}
    try:
        return {part: runtime.dump(function)}
    except SerializationError as error:
        raise SerializationError(
            f"The {part} {function!r} cannot be sent to a worker: {error} Give a function of a module, or its path."
        ) from error


def _dump_args(runtime: Runtime, args: tuple[Any, ...], func: str) -> bytes:
    try:
        return runtime.dump(args)
    except SerializationError as error:
        raise _named(runtime, func, {f"{n}": value for n, value in enumerate(args, start=1)}, error) from error


def _dump_kwargs(runtime: Runtime, kwargs: Mapping[str, Any], func: str) -> bytes:
    try:
        return runtime.dump(dict(kwargs))
    except SerializationError as error:
        raise _named(runtime, func, {f"{name!r}": value for name, value in kwargs.items()}, error) from error


def _named(runtime: Runtime, func: str, arguments: Mapping[str, Any], error: SerializationError) -> SerializationError:
    for name, value in arguments.items():
        try:
            runtime.dump(value)
        except SerializationError as reason:
            return SerializationError(f"Argument {name} of {func!r} cannot be sent to a worker: {reason}")
    return SerializationError(f"The arguments of {func!r} cannot be sent to a worker: {error}")
