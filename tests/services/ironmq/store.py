"""The queues of the stand-in: every call of the interface, under one lock, written down before it is answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.services.ironmq.journal import Entry, Journal
from tests.services.ironmq.messages import Message, Queue, Refused, new_ids

Shown = dict[str, Any]


class Store:
    """All queues of the one project."""

    def __init__(self, project: str, folder: Path) -> None:
        self._project = project
        self._changed = threading.Condition()
        self._queues: dict[str, Queue] = {}
        self._last = 0
        self._journal = Journal(folder / "journal")
        for entry in self._journal.read():
            self._apply(entry)

    # Queues

    def set_queue(self, name: str, fields: Mapping[str, Any], *, creates: bool) -> Shown:
        """Create a queue, or set fields of one that is there."""
        with self._changed:
            if not creates:
                self._queue(name)
            self._do(["queue", name, dict(fields)])
            return self._queues[name].shown(self._project, sizes=not creates)

    def show_queue(self, name: str) -> Shown:
        """Return a queue."""
        with self._changed:
            return self._current(name).shown(self._project, sizes=True)

    def names(self, prefix: str, after: str, most: int) -> list[str]:
        """Return the names of queues in order."""
        with self._changed:
            found = sorted(name for name in self._queues if name.startswith(prefix) and name > after)
            return found[:most]

    def drop(self, name: str) -> None:
        """Remove a queue and all it holds."""
        with self._changed:
            self._queue(name)
            self._do(["drop", name])

    def clear(self, name: str) -> None:
        """Remove every message."""
        with self._changed:
            self._do(["gone", name, list(self._queue(name).messages)])

    # Messages

    def post(self, name: str, messages: Sequence[tuple[str, int]]) -> list[str]:
        """Add bodies, each with its delay; return their ids in order."""
        with self._changed:
            now = time.time()
            ids = new_ids(len(messages), self._last)
            entries = [
                ["put", name, id, body, now, now + delay] for id, (body, delay) in zip(ids, messages, strict=True)
            ]
            made: list[Entry] = [] if name in self._queues else [["queue", name, {}]]
            self._do(*made, *entries)
            self._changed.notify_all()
            return list(map(str, ids))

    def reserve(self, name: str, count: int, timeout: int | None, wait: float, *, deletes: bool) -> list[Shown]:
        """Hand out at most so many, waiting for the first."""
        until = time.time() + wait
        with self._changed:
            while True:
                queue, now = self._current(name), time.time()
                self._bury(queue, now)
                found = list(queue.ready(now))[:count]
                if found or now >= until:
                    return self._handed_out(queue, found, now + (timeout or queue.setting("message_timeout")), deletes)
                change = queue.next_change(now)
                self._changed.wait(min(until, change or until) - now)

    def _handed_out(self, queue: Queue, found: Sequence[Message], until: float, deletes: bool) -> list[Shown]:
        for message in found:
            message.reserve(until)
        told = [{**message.shown(), "reservation_id": message.reservation} for message in found]
        ids = [message.id for message in found]
        if deletes:
            self._do(["gone", queue.name, ids])
        else:
            self._journal.write(*(self._state(queue, message) for message in found))
        return told

    def _bury(self, queue: Queue, now: float) -> None:
        """Move what was handed out too often to the dead letters."""
        letter = queue.setting("dead_letter")
        if not letter:
            return
        most = letter.get("max_reservations", 10)
        dead = [message for message in queue.ready(now) if message.count >= most]
        if dead:
            self.post(letter["queue_name"], [(message.body, 0) for message in dead])
            self._do(["gone", queue.name, [message.id for message in dead]])

    def touch(self, name: str, id: str, reservation: str | None, timeout: int | None) -> str:
        """Begin a reservation anew and return its new id."""
        with self._changed:
            queue, message = self._held(name, id, reservation)
            message.count -= 1
            message.reserve(time.time() + (timeout or queue.setting("message_timeout")))
            self._journal.write(self._state(queue, message))
            return str(message.reservation)

    def release(self, name: str, id: str, reservation: str | None, delay: int) -> None:
        """End a reservation; the message is ready after the delay."""
        with self._changed:
            queue, message = self._held(name, id, reservation)
            message.reservation, message.due = None, time.time() + delay
            self._journal.write(self._state(queue, message))
            self._changed.notify_all()

    def delete(self, name: str, wanted: Sequence[tuple[str, str | None]]) -> None:
        """Remove messages, all or none."""
        with self._changed:
            queue, now = self._current(name), time.time()
            for id, reservation in wanted:
                queue.get(id).check(reservation, now)
            self._do(["gone", name, [id for id, _ in wanted]])

    def peek(self, name: str, count: int) -> list[Shown]:
        """Return what would be handed out first."""
        with self._changed:
            return [message.shown() for message in list(self._current(name).ready(time.time()))[:count]]

    def show(self, name: str, id: str) -> Shown:
        """Return a message in whatever state."""
        with self._changed:
            return self._current(name).get(id).shown()

    # Inside

    def _queue(self, name: str) -> Queue:
        try:
            return self._queues[name]
        except KeyError:
            raise Refused(404, "Queue not found") from None

    def _current(self, name: str) -> Queue:
        """Return a queue without what has been there for too long."""
        queue = self._queue(name)
        if old := queue.expired(time.time()):
            self._do(["gone", name, old])
        return queue

    def _held(self, name: str, id: str, reservation: str | None) -> tuple[Queue, Message]:
        queue = self._current(name)
        message = queue.get(id)
        message.check_holder(reservation, time.time())
        return queue, message

    @staticmethod
    def _state(queue: Queue, message: Message) -> Entry:
        return ["state", queue.name, message.id, *message.state()]

    def _do(self, *entries: Entry) -> None:
        self._journal.write(*entries)
        for entry in entries:
            self._apply(entry)

    def _apply(self, entry: Entry) -> None:
        kind, name, *rest = entry
        if kind == "queue":
            self._queues.setdefault(name, Queue(name)).fields.update(rest[0])
        elif kind == "drop":
            del self._queues[name]
        elif kind == "put":
            self._last, body, posted, due = rest
            self._queues[name].add(Message(str(self._last), body, posted, due))
        elif kind == "state":
            self._queues[name].messages[rest[0]].set_state(*rest[1:])
        elif kind == "gone":
            for id in rest[0]:
                self._queues[name].messages.pop(id, None)
