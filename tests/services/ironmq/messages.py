"""Messages and queues of the stand-in, without locks, files or HTTP."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

#: What a queue has where nothing is said.
DEFAULTS = {"type": "pull", "message_timeout": 60, "message_expiration": 604_800}


class Refused(Exception):
    """What is asked cannot be done: the status and the reason of the answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(slots=True)
class Message:
    """One message; all times are seconds since 1970."""

    id: str
    body: str
    posted: float
    due: float
    count: int = 0
    reservation: str | None = None
    until: float = 0.0

    def is_reserved(self, now: float) -> bool:
        """Is it handed out, under a reservation in force?"""
        return self.reservation is not None and self.until > now

    def is_ready(self, now: float) -> bool:
        """May it be handed out?"""
        return self.due <= now and not self.is_reserved(now)

    def reserve(self, until: float) -> None:
        """Hand it out under a new reservation."""
        self.count += 1
        self.reservation, self.until = secrets.token_hex(16), until

    def check(self, reservation: str | None, now: float) -> None:
        """Refuse an answer that is not its holder's."""
        if reservation is not None and not (self.is_reserved(now) and reservation == self.reservation):
            raise Refused(403, "Reservation timed out")
        if reservation is None and self.is_reserved(now):
            raise Refused(400, "A reservation_id is required")

    def check_holder(self, reservation: str | None, now: float) -> None:
        """Refuse whoever does not hold it, also while nobody does."""
        if reservation is None:
            raise Refused(400, "A reservation_id is required")
        self.check(reservation, now)

    def state(self) -> list[Any]:
        """Return all that changes after it was posted."""
        return [self.due, self.count, self.reservation, self.until]

    def set_state(self, due: float, count: int, reservation: str | None, until: float) -> None:
        """Take back what ``state`` returned."""
        self.due, self.count, self.reservation, self.until = due, count, reservation, until

    def shown(self) -> dict[str, Any]:
        """Return what those see who look and do not take."""
        return {"id": self.id, "body": self.body, "reserved_count": self.count}


@dataclass(slots=True)
class Queue:
    """A queue with its messages, the oldest first."""

    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    total: int = 0

    def setting(self, name: str) -> Any:
        """Return a field, or its default."""
        return self.fields.get(name, DEFAULTS.get(name))

    def add(self, message: Message) -> None:
        """Take in a message."""
        self.messages[message.id] = message
        self.total += 1

    def get(self, id: str) -> Message:
        """Return a message by its id."""
        try:
            return self.messages[id]
        except KeyError:
            raise Refused(404, "Message not found") from None

    def ready(self, now: float) -> Iterator[Message]:
        """Yield what may be handed out, the oldest first."""
        return (message for message in self.messages.values() if message.is_ready(now))

    def next_change(self, now: float) -> float | None:
        """Return when the next message becomes ready, None where none will by itself."""
        times = (max(message.due, message.until if message.reservation else 0.0) for message in self.messages.values())
        return min((at for at in times if at > now), default=None)

    def expired(self, now: float) -> list[str]:
        """Return the ids of those that have been here for too long."""
        oldest = now - self.setting("message_expiration")
        return [message.id for message in self.messages.values() if message.posted < oldest]

    def shown(self, project: str, *, sizes: bool) -> dict[str, Any]:
        """Return it as the service shows it."""
        told = {"project_id": project, "name": self.name, **DEFAULTS, **self.fields}
        return {**told, "size": len(self.messages), "total_messages": self.total} if sizes else told


def new_ids(count: int, last: int) -> list[int]:
    """Return so many ids, all larger than the last one."""
    first = max(last + 1, time.time_ns())
    return list(range(first, first + count))
