"""Refusing what ``allowed_functions`` does not have: where a task is sent, and again where it is run."""

from __future__ import annotations

from djq_core.conf import AllowList
from djq_core.envelope.package import FUNC, HOOK, TaskPackage
from djq_core.exceptions import FunctionNotAllowed
from djq_core.phrases import Phrase

_WORDS = {FUNC: "function", HOOK: "hook"}


def check_allowed(allowed: AllowList | None, package: TaskPackage, *names: str) -> None:
    """Refuse a package whose ``func`` or ``hook``, as ``names`` say, is not on the list; raise FunctionNotAllowed.

    A callable that travels as itself has no path that could be on a list.
    """
    for name in names if allowed else ():
        path = getattr(package, name)
        if name in package.parts:
            raise FunctionNotAllowed(
                Phrase(
                    "The {what} {path!r} has no dotted path, so it cannot be on the list `allowed_functions`: "
                    "give a function of a module.",
                    what=Phrase(_WORDS[name]),
                    path=path,
                )
            )
        check_path(allowed, path, _WORDS[name])


def check_path(allowed: AllowList | None, path: str | None, what: str) -> None:
    """Refuse a dotted path that is not on the list; raise FunctionNotAllowed. No path at all passes."""
    if allowed and path and not allowed.allows(path):
        raise FunctionNotAllowed(
            Phrase(
                "The {what} {path!r} is not allowed here: `allowed_functions` in Q_CLUSTER does not have it. "
                "Add it there, or name a function that is on that list.",
                what=Phrase(what),
                path=path,
            )
        )


def check_home(allowed: AllowList | None, path: str, function: object) -> None:
    """Refuse what an allowed module has only imported; raise FunctionNotAllowed."""
    if allowed and not allowed.has_home(path, function):
        raise FunctionNotAllowed(
            Phrase(
                "{path!r} is not allowed here: it was imported there from {module!r}, and an asterisk in "
                "`allowed_functions` has only what a module defines. Name its own path on that list.",
                path=path,
                module=getattr(function, "__module__", None),
            )
        )
