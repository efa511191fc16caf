"""A task on its way to a worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from djq_core.conf import Backoff
from djq_core.envelope.result import TaskResult

ARGS = "args"
KWARGS = "kwargs"
FUNC = "func"
HOOK = "hook"
#: What the names of djq's own headers begin with.
OWN_HEADERS = "djq-"
#: The header of a run of a schedule: what the schedule is, as JSON (``id``, ``name``, ``type``, ``minutes``, ``cron``).
ORIGIN = "djq-origin"
#: The function of what is recorded of a package that cannot be read; no path of a function is without a dot.
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a package stands in an iter: the iter's id and name, its own number from 0 on, and how many there are."""

    whole: str
    name: str
    number: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPackage:
    """A task as it travels: what it is, what was asked for, and its serialized parts.

    ``parts`` maps ``args`` and ``kwargs`` to bytes that the serializer named by ``serializer`` has written; ``func``
    and ``hook`` are there too when the callable has no dotted path. ``func`` and ``hook`` as texts name the callable.
    ``chain`` holds the packages that follow, unsigned, the next one first; every link carries the ``chain_id``, and
    ``goes_on`` where the next one follows a failure too (manual 1.7). ``place`` makes it a part of an iter: ``cached``,
    ``save`` and ``group`` are then those of the collated result (manual 1.6).
    Times are aware, timeouts are seconds; ``None`` leaves an option to the cluster's setting (manual 1.4.1).
    """

    id: str
    name: str
    func: str
    started: datetime
    hook: str | None = None
    group: str | None = None
    save: bool | None = None
    timeout: float | None = None
    ack_failure: bool | None = None
    max_attempts: int | None = None
    backoff: Backoff | None = None
    cached: bool | int = False
    cluster: str | None = None
    place: Place | None = None
    chain_id: str | None = None
    goes_on: bool = False
    chain: tuple[TaskPackage, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    serializer: str = "pickle"
    parts: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def with_headers(self, headers: Mapping[str, str]) -> TaskPackage:
        """Return this package with more signed headers."""
        return replace(self, headers={**self.headers, **headers}) if headers else self

    def next_link(self) -> TaskPackage | None:
        """Return the package that follows in the chain, with the rest of the chain in it; None at its end.

        It has the headers of this one (a trace goes on, a tenant stays), but for djq's own and what it has itself.
        """
        if not self.chain:
            return None
        following, *rest = self.chain
        handed_on = {name: text for name, text in self.headers.items() if not name.startswith(OWN_HEADERS)}
        return replace(following, chain=tuple(rest), headers={**handed_on, **following.headers})

    def finished(
        self,
        result: bytes,
        stopped: datetime,
        *,
        success: bool,
        serializer: str,
        attempt: int = 1,
        crashed: bool = False,
    ) -> TaskResult:
        """Return what became of this package; ``result`` is serialized."""
        return TaskResult(
            package=self,
            success=success,
            stopped=stopped,
            result=result,
            serializer=serializer,
            attempt=attempt,
            crashed=crashed,
        )

    def as_dict(self, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the task as the dictionary that signal receivers and hooks get (manual 1.13).

        ``size`` is that of the serialized arguments, in bytes.
        """
        return {
            "id": self.id,
            "name": self.name,
            "func": self.func,
            "args": args,
            "kwargs": dict(kwargs or {}),
            "started": self.started,
            "hook": self.hook,
            "group": self.group,
            "save": self.save,
            "timeout": self.timeout,
            "ack_failure": self.ack_failure,
            "max_attempts": self.max_attempts,
            "backoff": self.backoff.plain() if self.backoff else None,
            "cached": self.cached,
            "cluster": self.cluster,
            "headers": dict(self.headers),
            "size": sum(map(len, self.parts.values())),
        }
