"""A plugin with every hook, and a receiver of every signal: each notes its call in a file of the site."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.dispatch import Signal

from djq_core import hookimpl, signals
from djq_core.plugins.specs import HookSpecs

#: The entry point of the plugin, as its distribution has it.
ENTRY_POINT = "recording = tests.plugins.recorded:PLUGIN"


def names_of_hooks() -> list[str]:
    """Return the hooks of the catalogue, in its order."""
    return [name for name in vars(HookSpecs) if name.startswith("djq_")]


def names_of_arguments(hook: str) -> list[str]:
    """Return the arguments of a hook, in order."""
    return list(inspect.signature(getattr(HookSpecs, hook)).parameters)[1:]


def names_of_signals() -> list[str]:
    """Return the signals, in the order of their module."""
    return [name for name, value in vars(signals).items() if isinstance(value, Signal)]


def recording_of(folder: Path) -> Path:
    """Return the file of a site."""
    return folder / "oracle.calls"


def note(what: str, arguments: list[str], **more: Any) -> None:
    """Append a call: which process, which arguments."""
    line = json.dumps({"what": what, "pid": os.getpid(), "arguments": arguments, **more})
    descriptor = os.open(f"{settings.ORACLE}.calls", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{line}\n".encode())
    finally:
        os.close(descriptor)


def _with_arguments(names: list[str], call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that has these arguments by name, as a hook must."""
    signature = ", ".join(names)
    made: dict[str, Any] = {"call": call}
    exec(f"def hook(self{', ' if names else ''}{signature}):\n    return call({signature})", made)
    return made["hook"]  # type: ignore[no-any-return]


def _noting(hook: str, names: list[str]) -> Callable[..., Any]:
    answers = hook.startswith("djq_register_") or hook in ("djq_settings", "djq_check", "djq_health")

    def call(*given: Any) -> Any:
        roles = {"role": given[names.index("role")]} if "role" in names else {}
        note(hook, names, **roles)
        return [] if answers else None

    return hookimpl(_with_arguments(names, call))


class Recording:
    """The hooks; ``djq_execute`` wraps the others', as is its use."""

    @hookimpl(wrapper=True)
    def djq_execute(self, func: Any, task: Any) -> Generator[None, Any, Any]:
        """Note the call around the task."""
        note("djq_execute", ["func", "task"])
        return (yield)


for _hook in names_of_hooks():
    if _hook != "djq_execute":
        setattr(Recording, _hook, _noting(_hook, names_of_arguments(_hook)))


def _receivers() -> Iterator[Callable[..., None]]:
    for name in names_of_signals():

        def receive(signal: Signal, sender: str, _name: str = name, **given: Any) -> None:
            note(_name, list(given), sender=sender)

        getattr(signals, name).connect(receive, weak=False, dispatch_uid=f"recording {name}")
        yield receive


class Connecting(Recording):
    """Connects the receivers where it is made: once in each process that loads it, or its parent has."""

    def __init__(self) -> None:
        self._receivers = list(_receivers())
