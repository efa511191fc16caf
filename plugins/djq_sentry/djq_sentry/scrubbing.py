"""The arguments of a task as they may be shown: few, short, and without secrets."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from itertools import islice, zip_longest
from typing import Any, Final

from djq_core import current
from djq_core.monitor.secrets import is_secret, plain
from djq_core.plugins.masking import HIDDEN

#: So many items of a container are shown, as many as the SDK lets pass, …
MOST: Final = 10
#: … so many characters of a text, …
LONGEST: Final = 500
#: … and so many containers within each other.
DEEPEST: Final = 3
#: A number beyond may be too long to be written at all.
_LARGEST: Final = 1 << 64


def shown_arguments(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``args`` and ``kwargs`` of a task as JSON has them, masked by the names of the function's parameters."""
    args, kwargs = task.get("args") or (), task.get("kwargs") or {}
    names = _parameters(str(task.get("func")), len(args))
    return {
        "args": _cut(len(args), [_named(name, each) for name, each in islice(zip(names, args, strict=False), MOST)]),
        "kwargs": _mapping(kwargs, 0),
    }


def _named(name: str, value: object, depth: int = 0) -> Any:
    if value is not None and is_secret(name):
        return HIDDEN
    replaced = _redacted(name, value) if name else None
    return _shown(value, depth) if replaced is None else replaced


def _redacted(name: str, value: object) -> str | None:
    """Ask the plugins, where there are any."""
    try:
        return current.runtime().hooks.redact(name, value)
    except Exception:  # no Django, no app, a configuration that cannot be used
        return None


def _shown(value: object, depth: int) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < _LARGEST else "<int>"
    if isinstance(value, str):
        return plain(value if len(value) <= LONGEST else f"{value[:LONGEST]}…")
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    return _container(value, depth + 1)


def _container(value: object, depth: int) -> Any:
    if isinstance(value, Mapping | list | tuple | set | frozenset) and depth <= DEEPEST:
        if isinstance(value, Mapping):
            return _mapping(value, depth)
        return _cut(len(value), [_shown(each, depth) for each in islice(value, MOST)])
    return f"<{type(value).__qualname__}>"


def _mapping(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    told = {str(key)[:LONGEST]: _named(str(key), each, depth) for key, each in islice(value.items(), MOST)}
    return told if len(value) <= MOST else {**told, "…": f"{len(value) - MOST} more"}


def _cut(count: int, shown: list[Any]) -> list[Any]:
    return shown if count <= len(shown) else [*shown, f"… {count - len(shown)} more"]


def _parameters(path: str, count: int) -> Iterable[str]:
    """Return the names of a function's first parameters, as far as this process knows the function."""
    names: list[str] = []
    function = _loaded(path)
    try:
        parameters = list(inspect.signature(function).parameters.values()) if function else []
    except (TypeError, ValueError):
        parameters = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [parameter.name] * (count - len(names))
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            names.append(parameter.name)
    return (name for name, _ in zip_longest(names[:count], range(count), fillvalue=""))


def _loaded(path: str) -> Callable[..., Any] | None:
    """Return what a dotted path leads to, without importing anything for it."""
    module, _, name = path.rpartition(".")
    found = getattr(sys.modules.get(module), name, None)
    return found if callable(found) else None
