"""From a package or a dotted path to the callable behind it."""

from __future__ import annotations

import builtins
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from djq_core.conf import AllowList
from djq_core.envelope import TaskPackage, check_allowed, check_home
from djq_core.exceptions import FunctionNotFound
from djq_core.phrases import Phrase

if TYPE_CHECKING:
    from djq_core.plugins import Hooks


@dataclass(frozen=True, slots=True)
class Functions:
    """The callables of packages: those that ``allowed`` has, from a plugin, or from the module of their path."""

    allowed: AllowList | None
    hooks: Hooks
    load: Callable[[str, bytes], Any]

    def find(self, package: TaskPackage, name: str) -> Callable[..., Any]:
        """Return the ``func`` or ``hook`` of a package; raise FunctionNotAllowed, FunctionNotFound or a plugin's no."""
        check_allowed(self.allowed, package, name)
        if name in package.parts:
            return self.load(package.serializer, package.parts[name])  # type: ignore[no-any-return]
        path: str = getattr(package, name) or ""
        if given := self.hooks.resolve_function(path):
            return given
        found = find_function(path)
        check_home(self.allowed, path, found)
        return found


def find_function(path: str) -> Callable[..., Any]:
    """Return the callable of ``package.module.function`` or ``package.module.Class.method``; raise FunctionNotFound."""
    names = path.split(".")
    if len(names) == 1 and callable(builtin := getattr(builtins, path, None)):
        return builtin  # type: ignore[no-any-return]
    for end in range(len(names) - 1, 0, -1):
        module = _import(".".join(names[:end]), path)
        if module is not None:
            return _attribute(module, names[end:], path)
    raise FunctionNotFound(
        Phrase("{path!r} cannot be found: there is no module {module!r}.", path=path, module=names[0])
    )


def _import(name: str, path: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            return None
        raise FunctionNotFound(
            Phrase(
                "{path!r} cannot be found: importing {module!r} failed, {error}.", path=path, module=name, error=error
            )
        ) from error
    except (ValueError, TypeError) as error:
        raise FunctionNotFound(Phrase("{path!r} is not a dotted path.", path=path)) from error


def _attribute(module: Any, names: list[str], path: str) -> Callable[..., Any]:
    found = module
    for name in names:
        try:
            found = getattr(found, name)
        except AttributeError as error:
            owner = getattr(found, "__name__", repr(found))
            raise FunctionNotFound(
                Phrase(
                    "{path!r} cannot be found: {owner!r} has no attribute {name!r}.", path=path, owner=owner, name=name
                )
            ) from error
    if not callable(found):
        raise FunctionNotFound(
            Phrase("{path!r} is of type {kind} and cannot be called.", path=path, kind=type(found).__name__)
        )
    return found  # type: ignore[no-any-return]
