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
    raise FunctionNotFound(f"{path!r} cannot be found: there is no module {names[0]!r}.")


def _import(name: str, path: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            return None
        raise FunctionNotFound(f"{path!r} cannot be found: importing {name!r} failed, {error}.") from error
    except (ValueError, TypeError) as error:
        raise FunctionNotFound(f"{path!r} is not a dotted path.") from error


def _attribute(module: Any, names: list[str], path: str) -> Callable[..., Any]:
    found = module
    for name in names:
        try:
            found = getattr(found, name)
        except AttributeError as error:
            owner = getattr(found, "__name__", repr(found))
            raise FunctionNotFound(f"{path!r} cannot be found: {owner!r} has no attribute {name!r}.") from error
    if not callable(found):
        raise FunctionNotFound(f"{path!r} is a {type(found).__name__} and cannot be called.")
    return found  # type: ignore[no-any-return]
